"""The same verdicts with one worker and many, on an idle and on an overloaded machine.

Replays the ledger of an experiment of at least --rows rows, made first where no directory is given, and compares every
plan, outcome, fuel, verdict and reward with what was recorded.

Usage: python3 tests/soak/determinism.py [DIR], from the repository's root after `make host envs/python.wasm`.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from experiment import HOST

BUSY = "while True: pass"


def replay(directory, workers):
    begun = time.monotonic()
    command = [HOST, "replay", str(directory), "--json", "--workers", str(workers)]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if output.returncode != 0:
        sys.exit(f"{workers} workers: {output.stdout.decode()}\n{output.stderr.decode(errors='replace')}")
    return json.loads(output.stdout), time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?")
    parser.add_argument("--rows", type=int, default=10_000)
    arguments = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    directory = pathlib.Path(arguments.directory or folder.name) / ("" if arguments.directory else "run")
    cores = os.cpu_count()
    if not arguments.directory:
        # Mostly proposals for the buffers, which need no updates of the policy.
        setting = ["seeding.tasks=100000", "seeding.batches-max=30", "propose.batch=100", "evaluation.tasks=1"]
        command = [HOST, "--env", "envs/python.wasm", "--steps", "2", "--out", str(directory)]
        command += [f"--set={key}" for key in setting]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for label, workers, loops in [
        ("1 worker", 1, 0),
        (f"{cores} workers", cores, 0),
        (f"{10 * cores} workers beside {9 * cores} busy loops", 10 * cores, 9 * cores),
    ]:
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(loops)]
        try:
            found, seconds = replay(directory, workers)
        finally:
            for process in busy:
                process.kill()
        if found["rows"] < arguments.rows:
            sys.exit(f"the ledger has {found['rows']} rows, fewer than {arguments.rows}")
        print(f"{label}: {found['rows']} rows, {found['runs']} runs in {seconds:.0f} s, "
              f"{found['mismatched_rows']} mismatches", flush=True)


if __name__ == "__main__":
    main()
