"""SIGKILL at random moments: each experiment, killed and resumed until it is done, must equal the undisturbed one.

Usage: python3 tests/soak/kills.py [--kills 200] [--seed 1], from the repository's root after `make host envs/python.wasm`.
"""

import argparse
import collections
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time

from experiment import HOST, TINY, essence

SETTING = [*TINY, "--steps", "12", "--set", "checkpoint.every-steps=1", "--set", "checkpoint.keep=3"]


def start(directory):
    if (directory / "experiment.json").exists():
        return [HOST, "--workers", "1", "--resume", str(directory)]
    return [HOST, *SETTING, "--out", str(directory)]


def moment(directory):
    """What the killed process was doing, as far as its files tell."""
    if not (directory / "experiment.json").exists():
        return "before the experiment was recorded"
    if any(directory.glob("checkpoints/.step-*")):
        return "writing a checkpoint"
    if not any(directory.glob("checkpoints/step-*")):
        return "before the first checkpoint"
    logs = [path.read_bytes() for path in directory.glob("*.jsonl")]
    if any(log and not log.endswith(b"\n") for log in logs):
        return "appending to a log"
    return "sampling, judging or updating"


def live(directory, delay):
    """Runs until the end or until it has used `delay` seconds of CPU time, which do not depend on the load of the
    machine. Returns whether it was killed."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(start(directory), stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            if delay is not None and used(process.pid) >= delay:
                process.kill()
                process.wait()
                return process.returncode == -signal.SIGKILL
            time.sleep(0.005)
        errors.seek(0)
        if process.returncode != 0:
            sys.exit(f"{directory}: {errors.read().decode(errors='replace')}")
    return False


def used(pid):
    """CPU seconds of a child that has not been waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    draws = random.Random(arguments.seed)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        live(folder / "whole", None)
        length = resource.getrusage(resource.RUSAGE_CHILDREN)
        length = length.ru_utime + length.ru_stime
        whole = essence(folder / "whole")
        moments = collections.Counter()
        experiments = 0
        while sum(moments.values()) < arguments.kills:
            experiments += 1
            directory = folder / f"killed-{experiments}"
            while live(directory, draws.uniform(0, 0.6 * length)):
                moments[moment(directory)] += 1
            if essence(directory) != whole:
                differing = [name for name, digest in whole.items() if essence(directory).get(name) != digest]
                sys.exit(f"seed {arguments.seed}, experiment {experiments} differs from the undisturbed one: {differing}")
            subprocess.run(["rm", "-r", directory], check=True)
            print(f"{sum(moments.values())} kills, {experiments} experiments", file=sys.stderr)
    print(f"an undisturbed run takes {length:.1f} s of CPU time")
    print(f"{sum(moments.values())} kills of {experiments} experiments in {time.monotonic() - begun:.0f} s, seed "
          f"{arguments.seed}: every one ended as the undisturbed one, byte for byte")
    for what, count in moments.most_common():
        print(f"{count:5}  {what}")


if __name__ == "__main__":
    main()
