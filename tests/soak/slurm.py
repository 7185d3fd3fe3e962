"""examples/cluster/slurm.sh as it is, in a cluster of Slurm: jobs that finish, are stopped, requeued, or lose a rank.

Usage: python3 tests/soak/slurm.py, from the repository's root after `make host envs/python.wasm`. Takes root, iproute2 and
Debian's package slurm-wlm. Two nodes, each a network host, live in namespaces of their own and are gone afterwards.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from experiment import HOST, SEVERAL_RANKS, essence

STEPS = 8
TWO_NODES = ["--nodes=2", "--ntasks-per-node=1"]
ONE_NODE = ["--nodes=1", "--ntasks-per-node=2"]
ENDED = ["COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL"]

ADDRESSES = {"localhost": "127.0.0.1", "controller": "10.78.0.254", "n1": "10.78.0.1", "n2": "10.78.0.2"}
# A requeued job waits until its credential has expired, which would be two minutes.
CONFIG = """
ClusterName=azr
SlurmctldHost=controller
SlurmUser=root
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
NodeName=n[1-2] CPUs=2
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE
"""


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout.strip()


def start_cluster(folder):
    """A controller and two nodes on one bridge, in the namespaces of this process."""
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    (folder / "hosts").write_text("".join(f"{address} {name}\n" for name, address in ADDRESSES.items()))
    run("mount", "--bind", folder / "hosts", "/etc/hosts")
    (folder / "state").mkdir()
    (folder / "slurm.conf").write_text(CONFIG.format(folder=folder))
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    run("hostname", "controller")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "bridge", "type", "bridge")
    run("ip", "addr", "add", f"{ADDRESSES['controller']}/24", "dev", "bridge")
    run("ip", "link", "set", "bridge", "up")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.Popen(["slurmctld", "-D"], **quiet)
    for node in ("n1", "n2"):
        run("ip", "netns", "add", node)
        run("ip", "link", "add", node, "type", "veth", "peer", "name", "eth0", "netns", node)
        run("ip", "link", "set", node, "master", "bridge", "up")
        run("ip", "-n", node, "addr", "add", f"{ADDRESSES[node]}/24", "dev", "eth0")
        run("ip", "-n", node, "link", "set", "eth0", "up")
        run("ip", "-n", node, "link", "set", "lo", "up")
        slurmd = ["unshare", "--uts", "sh", "-c", f"hostname {node} && exec slurmd -D"]
        subprocess.Popen(["nsenter", f"--net=/run/netns/{node}", *slurmd], **quiet)
    for _ in range(300):
        states = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True).stdout.split()
        if states == ["idle"]:
            return
        time.sleep(0.1)
    sys.exit(f"the cluster does not start:\n{(folder / 'slurmctld.log').read_text()}")


class Job:
    """One `sbatch` of the example on `directory`."""

    def __init__(self, directory, options=TWO_NODES, steps=STEPS):
        self.directory = directory
        path = f"{pathlib.Path(HOST).resolve().parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "DEVICE": "cpu", "OUT": str(directory)}
        command = ["sbatch", "--parsable", "--gpus-per-node=0", "--cpus-per-task=1", f"--output={directory.parent}/%j.txt"]
        command += [*options, "examples/cluster/slurm.sh", *SEVERAL_RANKS, f"--steps={steps}"]
        self.id = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.log = directory.parent / f"{self.id}.txt"

    def state(self):
        words = run("scontrol", "show", "job", self.id, "--oneliner").split()
        return next(word.removeprefix("JobState=") for word in words if word.startswith("JobState="))

    def steps(self):
        metrics = self.directory / "metrics.jsonl"
        return metrics.read_bytes().count(b"\n") if metrics.exists() else 0

    def until(self, step):
        """Waits until a step is done."""
        while self.steps() < step:
            if self.state() in ENDED:
                sys.exit(self.log.read_text())
            time.sleep(0.05)

    def rank(self, number):
        """The process of a rank."""
        for process in run("pgrep", "--exact", "--runstates", "R,S,D", "azr-host").split():
            if b"RANK=%d" % number in pathlib.Path("/proc", process, "environ").read_bytes().split(b"\0"):
                return int(process)
        sys.exit(f"rank {number} does not run")

    def end(self, wanted):
        """Waits for the end and prints what the job's log says of it."""
        since = time.monotonic()
        while (state := self.state()) not in ENDED:
            time.sleep(0.1)
        lines = self.log.read_text().splitlines()
        print(f"    {state} after {time.monotonic() - since:.1f} s and {self.steps()} steps")
        for line in lines:
            if line.startswith(("azr-host:", "srun: error:", "stopped", "slurmstepd")):
                print(f"      {line[:140]}")
        assert state == wanted, "\n".join(lines[-20:])


def goes_on(directory, expected):
    """The job, or the next one on the same directory, comes to the end of an undisturbed run."""
    if essence(directory) != expected:
        print("  another job goes on:")
        Job(directory).end("COMPLETED")
    assert essence(directory) == expected, "the run came to another end"
    print("  the same end, byte for byte")


def campaign(folder):
    alone = folder / "alone"
    run(HOST, *SEVERAL_RANKS, f"--steps={STEPS}", "--out", alone)
    expected = essence(alone)

    for what, options in {"two nodes, a rank on each": TWO_NODES, "one node, two ranks": ONE_NODE}.items():
        print(what)
        job = Job(folder / options[0], options)
        job.end("COMPLETED")
        shown = [line for line in job.log.read_text().splitlines() if line.startswith("step    1 ")]
        assert len(shown) == 1 and (job.directory / "logs/rank-1.txt").exists(), "a rank but the first shows progress"
        goes_on(job.directory, expected)

    print("scancel --signal=TERM")
    job = Job(folder / "stopped")
    job.until(2)
    run("scancel", "--signal=TERM", job.id)
    job.end("COMPLETED")
    assert job.steps() < STEPS
    goes_on(job.directory, expected)

    # Slurm looks for limits every 30 seconds.
    print("the signal before the limit of a minute")
    job = Job(folder / "limit", [*TWO_NODES, "--time=1", "--signal=TERM@10"], steps=10_000)
    job.end("COMPLETED")
    assert (job.directory / f"checkpoints/step-{job.steps():06}").exists()

    print("scontrol requeue")
    job = Job(folder / "requeued")
    job.until(2)
    run("scontrol", "requeue", job.id)
    job.end("COMPLETED")
    goes_on(job.directory, expected)

    for rank in (1, 0):
        print(f"SIGKILL to rank {rank}")
        job = Job(folder / f"killed-{rank}")
        job.until(2)
        os.kill(job.rank(rank), signal.SIGKILL)
        job.end("FAILED")
        assert f"task {rank}: Killed" in job.log.read_text()
        goes_on(job.directory, expected)


def main():
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
        start_cluster(folder)
        return campaign(folder)
    if os.geteuid() != 0:
        sys.exit("namespaces take root")
    missing = [program for program in ("slurmctld", "slurmd", "sbatch") if shutil.which(program) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} not found; apt install slurm-wlm")
    apart = ["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(subprocess.run([*apart, sys.executable, "-u", __file__, folder]).returncode)


if __name__ == "__main__":
    main()
