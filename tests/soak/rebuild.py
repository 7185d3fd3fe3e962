"""How long a changed line takes: from the change to the crate's finished tests, and to finished programs.

Usage: python3 tests/soak/rebuild.py [--programs] [PACKAGE:FILE:FUNCTION…], from the repository's root after `make host`.

A statement is added to FUNCTION, `cargo test --package PACKAGE --lib` runs (not with --programs: the first time it compiles
wasmtime and others with the features that this package alone asks for), then `cargo build`; the file is put back at the end.
Each three times, after one that is not counted and leaves an incremental build. Prints medians: seconds on the clock, and
of processor time, which other work on the machine changes less.
"""

import argparse
import pathlib
import resource
import statistics
import subprocess
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
    parser = argparse.ArgumentParser(description="How long a changed line takes.")
    parser.add_argument("--programs", action="store_true", help="only until the programs are built")
    parser.add_argument("places", nargs="*", default=PLACES, metavar="PACKAGE:FILE:FUNCTION")
    args = parser.parse_args()
    for place in args.places:
        package, path, function = place.split(":")
        commands = {"tests of the crate": ["cargo", "test", "--package", package, "--lib"], "programs": ["cargo", "build"]}
        if args.programs:
            del commands["tests of the crate"]
        file = pathlib.Path(path)
        source = file.read_text()
        runs = {name: [] for name in commands}
        try:
            for number in range(4):
                file.write_text(changed(source, function, number + int(time.time())))
                for name, command in commands.items():
                    runs[name].append(timed(command))
        finally:
            file.write_text(source)
        print(place)
        for name, seconds in runs.items():
            clock, processor = (statistics.median(column) for column in zip(*seconds[1:]))
            print(f"  {name:20} {clock:6.1f} s, {processor:6.1f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
