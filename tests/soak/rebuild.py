"""How long a changed line takes: from the change to the crate's finished tests, and to finished programs.

Usage: python3 tests/soak/rebuild.py [PACKAGE:FILE:FUNCTION…], from the repository's root after `make host`.

A statement is added to FUNCTION, `cargo test --package PACKAGE --lib` runs, then `cargo build`; the file is put back at
the end. Each three times, after one that is not counted and leaves an incremental build. Prints medians: seconds on the
clock, and of processor time, which other work on the machine changes less.
"""

import pathlib
import resource
import statistics
import subprocess
import sys
import time

PLACES = [
    "azr-sandbox:host/sandbox/src/limiter.rs:memory_growing",
    "azr-selfplay:host/selfplay/src/reward.rs:proposer_reward",
    "azr-experiment:host/experiment/src/report/lines.rs:for_each",
    "azr-env:host/env/src/registry/blobs.rs:keep",
    "azr-policy:host/policy/src/model.rs:hidden",
]


def timed(command):
    """Seconds on the clock and of processor time."""
    before, since = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds, after = time.monotonic() - since, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def changed(text, function, number):
    """The source with one more statement at the beginning of the function."""
    start = text.index("{\n", text.index(f"fn {function}")) + 2
    return f"{text[:start]}        std::hint::black_box({number}_u32);\n{text[start:]}"


def main():
    print(f"{'changed function':60} {'crate and its tests':>24} {'programs':>24}")
    for place in sys.argv[1:] or PLACES:
        package, path, function = place.split(":")
        file = pathlib.Path(path)
        source = file.read_text()
        tests, programs = [], []
        try:
            for number in range(4):
                file.write_text(changed(source, function, number + int(time.time())))
                tests.append(timed(["cargo", "test", "--package", package, "--lib"]))
                programs.append(timed(["cargo", "build"]))
        finally:
            file.write_text(source)
        columns = []
        for runs in tests, programs:
            clock, processor = (statistics.median(column) for column in zip(*runs[1:]))
            columns.append(f"{clock:6.1f} s, {processor:6.1f} s CPU")
        print(f"{place:60} {columns[0]:>24} {columns[1]:>24}", flush=True)


if __name__ == "__main__":
    main()
