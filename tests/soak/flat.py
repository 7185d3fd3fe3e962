"""A long run with full buffers: memory, open files and step time must not grow.

Usage: python3 tests/soak/flat.py [--steps 3000], from the repository's root after `make host envs/python.wasm`.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

from experiment import HOST, TINY

# Steps after which caches, allocators, buffers and the sandbox's memories have found their size.
WARM_UP = 1000


def slope(pairs):
    """Least-squares slope and its standard error."""
    n = len(pairs)
    mean_x, mean_y = (sum(column) / n for column in zip(*pairs))
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    beta = sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread
    residual = sum((y - mean_y - beta * (x - mean_x)) ** 2 for x, y in pairs)
    return beta, math.sqrt(residual / (n - 2) / spread), mean_y


def rows(directory):
    path = directory / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def status(pid):
    """Anonymous memory in KiB and the number of open files."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]), len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--keep", help="directory for the experiment, kept")
    arguments = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    directory = pathlib.Path(arguments.keep or folder.name) / "run"
    # The seeds alone fill buffers of 16 tasks.
    setting = [*TINY, "--set", "buffer.capacity=16", "--set", "seeding.tasks=16", "--set", "checkpoint.every-steps=50"]
    command = [HOST, *setting, "--steps", str(arguments.steps), "--out", str(directory)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory, files, done, begun = [], [], 0, time.monotonic()
    metrics = directory / "metrics.jsonl"
    while process.poll() is None:
        time.sleep(1)
        try:
            used, opened = status(process.pid)
            done = sum(1 for _ in metrics.open("rb")) if metrics.exists() else 0
        except (FileNotFoundError, KeyError, ProcessLookupError):
            continue
        if done >= WARM_UP:
            memory.append((done, used))
            files.append((done, opened))
    if process.returncode != 0:
        sys.exit(f"the run ended with {process.returncode}")
    steps = [row for row in rows(directory) if row["step"] > WARM_UP]
    times = [(row["step"], 1000 * row["timing"]["step_s"]) for row in steps]
    tokens = [(row["step"], row["sampling"]["tokens"]) for row in steps]
    print(f"{arguments.steps} steps in {time.monotonic() - begun:.0f} s; slopes over the steps after {WARM_UP}")
    for name, unit, pairs in [
        ("anonymous memory", "KiB", memory), ("open files", "", files), ("step time", "ms", times),
        ("sampled tokens", "", tokens),
    ]:  # fmt: skip
        beta, error, mean = slope(pairs)
        print(f"{name:18} mean {mean:10.1f} {unit:4} slope {1000 * beta:+9.2f} ± {1000 * error:.2f} per 1,000 steps")
    buffers = steps[-1]["buffer"]
    print("tasks in the buffers at the end:", {label: buffer["tasks"] for label, buffer in buffers.items()})


if __name__ == "__main__":
    main()
