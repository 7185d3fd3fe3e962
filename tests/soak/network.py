"""Three ranks on three network hosts: what happens when one dies, loses its network, or is slow.

Usage: python3 tests/soak/network.py, from the repository's root after `make host envs/python.wasm`. The hosts are network
namespaces of this machine, which takes root and iproute2.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from experiment import HOST, SEVERAL_RANKS, essence

HOSTS = 3
STEPS = 8
TIMEOUT = 20


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


def name(host):
    return f"azr-{host}"


def connect():
    """Namespaces on one bridge, 10.77.0.1 and following."""
    ip("link", "add", "azr-bridge", "type", "bridge")
    ip("link", "set", "azr-bridge", "up")
    for host in range(HOSTS):
        ip("netns", "add", name(host))
        ip("link", "add", name(host), "type", "veth", "peer", "name", "eth0", "netns", name(host))
        ip("link", "set", name(host), "master", "azr-bridge", "up")
        ip("-n", name(host), "addr", "add", f"10.77.0.{host + 1}/24", "dev", "eth0")
        ip("-n", name(host), "link", "set", "eth0", "up")
        ip("-n", name(host), "link", "set", "lo", "up")


def disconnect():
    for host in range(HOSTS):
        subprocess.run(["ip", "netns", "del", name(host)], stderr=subprocess.DEVNULL)
    subprocess.run(["ip", "link", "del", "azr-bridge"], stderr=subprocess.DEVNULL)


class Job:
    """One start of all ranks on `directory`."""

    def __init__(self, directory, restarts=0):
        self.directory, self.restarts = directory, restarts
        self.ranks = [self.start(rank) for rank in range(HOSTS)]

    def start(self, rank):
        environment = {
            **os.environ, "RANK": str(rank), "WORLD_SIZE": str(HOSTS), "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1",
            "MASTER_ADDR": "10.77.0.1", "MASTER_PORT": "29511", "GLOO_SOCKET_IFNAME": "eth0",
            "TORCHELASTIC_RESTART_COUNT": str(self.restarts),
        }  # fmt: skip
        command = [HOST, *SEVERAL_RANKS, "--steps", str(STEPS), "--out", str(self.directory)]
        command += ["--distributed-timeout", str(TIMEOUT)]
        # Not `ip netns exec`: a signal would reach that program instead of the rank.
        command = ["nsenter", f"--net=/run/netns/{name(rank)}", *command]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def until(self, step):
        """Waits until a step is done."""
        metrics = self.directory / "metrics.jsonl"
        while not (metrics.exists() and metrics.read_bytes().count(b"\n") >= step):
            if all(rank.poll() is not None for rank in self.ranks):
                sys.exit("\n".join(rank.stderr.read() for rank in self.ranks))
            time.sleep(0.05)

    def end(self, since=None):
        """Codes, seconds until each end, and last words."""
        ends = {}
        while len(ends) < HOSTS:
            for number, rank in enumerate(self.ranks):
                if number not in ends and rank.poll() is not None:
                    ends[number] = time.monotonic()
            time.sleep(0.02)
        for number, rank in enumerate(self.ranks):
            log = self.directory / "logs" / f"rank-{number}.txt"
            lines = (rank.stderr.read() + (log.read_text() if log.exists() else "")).strip().splitlines()
            words = next((line for line in reversed(lines) if "azr-host:" in line), "")
            seconds = f"{ends[number] - since:5.1f} s" if since else ""
            print(f"    rank {number}: code {rank.returncode}  {seconds}  {words[:160]}")
        return [rank.returncode for rank in self.ranks]


def trouble(folder, expected, what, begin, mend=lambda: None):
    """Lets something happen after two steps, and starts again once all have ended."""
    print(what)
    directory = folder / what.split()[0]
    job = Job(directory)
    job.until(2)
    begin(job)
    codes = job.end(time.monotonic())
    mend()
    if any(codes):
        print("  started again:")
        assert Job(directory, restarts=1).end() == [0] * HOSTS
    assert essence(directory) == expected, "the run came to another end"
    print("  the same end, byte for byte")


def kubelet(folder, expected, victim):
    """Whoever fails is started again by itself, as Kubernetes does: at once, then after 10 s, 20 s and so on."""
    print(f"kubelet: SIGKILL to rank {victim}, and every rank comes back by itself")
    job = Job(folder / f"kubelet-{victim}", restarts=1)
    job.until(2)
    job.ranks[victim].kill()
    since, starts, due = time.monotonic(), [1] * HOSTS, {}
    while any(rank.poll() != 0 for rank in job.ranks):
        now = time.monotonic()
        assert now - since < 300, f"the ranks do not come together: starts {starts}"
        for number, rank in enumerate(job.ranks):
            if rank.poll() and now >= due.setdefault(number, now + 10 * (starts[number] - 1)):
                job.ranks[number] = job.start(number)
                starts[number] += 1
                del due[number]
        time.sleep(0.05)
    print(f"    all at the end after {time.monotonic() - since:.1f} s; starts of each: {starts}")
    assert essence(job.directory) == expected, "the run came to another end"
    print("  the same end, byte for byte")


def main():
    if os.geteuid() != 0:
        sys.exit("network namespaces take root")
    disconnect()
    connect()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        try:
            alone = folder / "alone"
            subprocess.run(
                [HOST, *SEVERAL_RANKS, "--steps", str(STEPS), "--out", str(alone)], check=True, capture_output=True
            )
            expected = essence(alone)
            trouble(folder, expected, "undisturbed", lambda job: None)
            for rank in (1, 0):
                trouble(folder, expected, f"killed-{rank}: SIGKILL", lambda job: job.ranks[rank].kill())
            link = lambda state: ip("link", "set", name(2), state)
            trouble(folder, expected, "cut: the network of host 2 is gone", lambda job: link("down"), lambda: link("up"))
            slow = ["tc", "qdisc", "add", "dev", name(1), "root", "tbf", "rate", "4mbit", "burst", "16kb", "latency", "9s"]
            fast = ["tc", "qdisc", "del", "dev", name(1), "root"]
            run = lambda command: subprocess.run(command, check=True)
            trouble(folder, expected, "slow: 4 Mbit/s to host 1", lambda job: run(slow), lambda: run(fast))

            def pauses(job):
                for _ in range(3):
                    job.ranks[1].send_signal(signal.SIGSTOP)
                    time.sleep(4)
                    job.ranks[1].send_signal(signal.SIGCONT)
                    time.sleep(1)

            for victim in (1, 0):
                kubelet(folder, expected, victim)
            trouble(folder, expected, "pauses: rank 1 stands still for 4 s, three times", pauses)
        finally:
            disconnect()


if __name__ == "__main__":
    main()
