"""What a run wrote is gone in the next one also where the kernel swaps pages out in between.

usage: swap.py [MEGABYTES]        (root, and the test of the sandbox that `make test` builds)

Runs the test in a control group that has too little memory, with a file to swap to. Without the change that `make setup`
makes to wasmtime, written pages that are swapped out stay as they were for the next run, and the test fails. Where the
kernel does not swap fast enough it ends the test instead, which is then run again.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 9
GROUPS = pathlib.Path("/sys/fs/cgroup")
TESTS = [test.absolute() for test in pathlib.Path("target/debug/deps").glob("sandbox-*") if not test.suffix]
TEST = max(TESTS, key=lambda test: test.stat().st_mtime, default=None)
if TEST is None:
    sys.exit("target/debug/deps has no test of the sandbox; `make test` builds it")


def swapped_out():
    with open("/proc/vmstat") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("pswpout "))


with tempfile.NamedTemporaryFile(dir="/var/tmp") as swap:
    os.posix_fallocate(swap.fileno(), 0, 512 << 20)
    subprocess.run(["mkswap", "--quiet", swap.name], check=True)
    subprocess.run(["swapon", swap.name], check=True)
    old = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if old else GROUPS) / "azr-swap"
    group.mkdir()
    (group / ("memory.limit_in_bytes" if old else "memory.max")).write_text(f"{MEGABYTES}M")
    inside = f"echo 0 > {group}/cgroup.procs && exec {TEST} what_a_run_wrote --test-threads=1"
    try:
        for _ in range(20):
            before = swapped_out()
            ended = subprocess.run(["sh", "-c", inside], cwd="host/sandbox").returncode
            pages = swapped_out() - before
            if ended >= 0 and pages:
                break
        else:
            sys.exit("the test was ended, or nothing swapped out, twenty times")
    finally:
        while True:
            try:
                group.rmdir()
                break
            except OSError:
                # What was ended is still on its way out.
                time.sleep(0.05)
        subprocess.run(["swapoff", swap.name], check=True)
print(f"{pages} pages swapped out")
sys.exit(ended)
