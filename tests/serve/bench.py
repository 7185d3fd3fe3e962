"""Requests per core-second and their latencies, beside what else runs programs, in one run.

usage: bench.py [--seconds S] [--humaneval HumanEvalPlus.jsonl.gz] [--sandboxfusion PYTHON FOLDER]

Each contestant gets each program from 1, 64 and 512 threads of work for S seconds, in turns. A core-second is CPU time of
the contestant alone: of the server's process and what it started, of the subprocesses, of monty's workers. The process that
asks has its own. Then azr-env answers once idle and once with 50 requests per core in flight, and the answers are compared.

SandboxFusion is taken along where it is there: a Python with its dependencies, and a folder with its source, whose own
configuration runs programs without containers.
`pydantic-monty` is taken along where it is installed. It is no CPython, and it keeps its process for the next program; the
others begin with a new interpreter.
"""

import argparse
import asyncio
import contextlib
import gzip
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

ENV = os.environ.get("AZR_ENV", "target/debug/azr-env")
IN_FLIGHT = (1, 64, 512)
# Seconds that the endless program may take.
LIMIT_S = 0.1
# What is not answered so long after the last request was sent counts as failed, and ends its server.
PATIENCE_S = 900


def programs(humaneval):
    chosen = {"x = 1": "x = 1"}
    if humaneval:
        with gzip.open(humaneval, "rt") as file:
            line = json.loads(next(file))
        chosen["HumanEval/0"] = f"{line['prompt']}{line['canonical_solution']}\nassert has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3)\nassert not has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05)\nprint('passed')"
    # The last: it may leave a server busy.
    return {**chosen, "endless": "while True: pass"}


def cpu_of(pid):
    """Seconds of a process, of those that it has waited for, and of those that it has now, among them the sandbox's."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        children = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                children += file.read().split()
    except OSError:
        # It has ended meanwhile; whoever waits for it has its seconds then.
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_of, children))


class Http:
    """A server that answers /run_code."""

    def __init__(self, name, url, pid):
        self.name, self.pid, self.answers = name, pid, True
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path or "/run_code"

    def cpu(self):
        return cpu_of(self.pid)

    def measure(self, code, in_flight, seconds):
        return asyncio.run(self._measure(code, in_flight, seconds))

    async def _measure(self, code, in_flight, seconds):
        endless = "while True" in code
        body = json.dumps({"code": code, "language": "python", "run_timeout": LIMIT_S if endless else 10}).encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        loop, until = asyncio.get_running_loop(), time.perf_counter() + seconds
        asking = Asking(head.encode() + body, b"TimeLimitExceeded" if endless else b'"Success"', until, loop)
        connections = [await loop.create_connection(asking.connection, self.host, self.port) for _ in range(in_flight)]
        try:
            await asyncio.wait_for(asyncio.gather(*(connection.ended for _, connection in connections)), seconds + PATIENCE_S)
        except asyncio.TimeoutError:
            self.answers = False
            asking.failed += in_flight
        return asking.latencies or [float("inf")], asking.failed


class Asking:
    """Requests over several connections, each of which sends the next when it has the answer."""

    def __init__(self, request, wanted, until, loop):
        self.request, self.wanted, self.until, self.loop = request, wanted, until, loop
        self.latencies, self.failed = [], 0

    def connection(self):
        return Connection(self)


class Connection(asyncio.Protocol):
    """As little work as can be: what asks shares the cores with what is measured."""

    def __init__(self, asking):
        self.asking, self.received, self.ended = asking, b"", asking.loop.create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        self.began = time.perf_counter()
        self.transport.write(self.asking.request)

    def data_received(self, data):
        self.received += data
        head, _, content = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if not length or len(content) < int(length[1]):
            return
        now = time.perf_counter()
        self.asking.latencies.append(now - self.began)
        self.asking.failed += self.asking.wanted not in content
        self.received = b""
        if now < self.asking.until:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, error):
        self.asking.failed += error is not None
        self.ended.set_result(None)


class Subprocesses:
    """A pool of threads that start Python."""

    name = "subprocess (python3 -I -c)"
    answers = True

    def cpu(self):
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def one(self, code):
        endless = "while True" in code
        try:
            done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, timeout=LIMIT_S if endless else 60)
        except subprocess.TimeoutExpired:
            return endless
        return done.returncode == 0

    def measure(self, code, in_flight, seconds):
        until = time.perf_counter() + seconds

        def work(_):
            latencies, failed = [], 0
            while time.perf_counter() < until:
                began = time.perf_counter()
                failed += not self.one(code)
                latencies.append(time.perf_counter() - began)
            return latencies, failed

        with ThreadPoolExecutor(in_flight) as threads:
            parts = list(threads.map(work, range(in_flight)))
        return [latency for part, _ in parts for latency in part], sum(failed for _, failed in parts)


class Monty(Subprocesses):
    name = "pydantic-monty"

    def __init__(self, monty):
        self.monty = monty
        self.pool = monty.Monty(max_processes=os.cpu_count()).__enter__()

    def cpu(self):
        mine = str(os.getpid())
        total = 0.0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    if file.read().rpartition(")")[2].split()[1] == mine:
                        total += cpu_of(pid)
            except OSError:
                pass
        return total + super().cpu()

    def one(self, code):
        endless = "while True" in code
        try:
            with self.pool.checkout(limits={"max_feed_duration_secs": LIMIT_S if endless else 60}) as session:
                session.feed_run(code, print_callback=lambda stream, text: None)
        except self.monty.MontyRuntimeError:
            return endless
        return not endless


@contextlib.contextmanager
def sandboxfusion(python, source):
    with tempfile.TemporaryDirectory() as conda:
        # It looks for conda above the Python that it runs in, and asks that for the Python of its programs: the one that
        # runs here, as for the subprocesses.
        for folder in ("condabin", "bin"):
            os.mkdir(f"{conda}/{folder}")
        os.symlink(os.path.dirname(os.path.dirname(os.path.abspath(python))), f"{conda}/server")
        with open(f"{conda}/bin/activate", "w") as file:
            file.write(f"PATH={os.path.dirname(sys.executable)}:$PATH\n")
        # Of its manual, which is not built here, it wants the folder.
        os.makedirs(f"{source}/docs/build", exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [f"{conda}/server/bin/python", "-m", "uvicorn", "sandbox.server.server:app", "--port", str(port), "--log-level", "error"]
        # Its shells take the socket that is their input for a login from elsewhere, and would read this user's .bashrc.
        environ = {**os.environ, "SANDBOX_CONFIG": "local", "HOME": conda}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, cwd=source, env=environ, start_new_session=True, **quiet)
        try:
            while not listens(port):
                if process.poll() is not None:
                    sys.exit(f"SandboxFusion ended with status {process.returncode}")
                time.sleep(0.1)
            yield Http("SandboxFusion", f"http://127.0.0.1:{port}/run_code", process.pid)
        finally:
            # With the programs that it has not ended.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(url, in_flight):
    """What programs come to that end, fail, and run out of fuel right before or after their end."""
    parts = urllib.parse.urlsplit(url)
    loop = "n = 0\nwhile n < {0}: n += 1\nprint(n)"
    items = [(loop.format(1000 * n), 0.0002 * (1 + n % 7)) for n in range(200)]
    items += [(f"print({n} // ({n} % 3))", 10) for n in range(100)] + [("import random\nprint(random.random(), id(object()), hash('x'))", 10)]

    def one(item):
        connection = http.client.HTTPConnection(parts.hostname, parts.port)
        body = json.dumps({"code": item[0], "language": "python", "run_timeout": item[1]})
        connection.request("POST", "/run_code", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.status, response.getheader("azr-fuel"), response.read()
        connection.close()
        return answer

    with ThreadPoolExecutor(in_flight) as threads:
        return list(threads.map(one, items))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--humaneval")
    parser.add_argument("--sandboxfusion", nargs=2, metavar=("PYTHON", "FOLDER"))
    options = parser.parse_args()
    server = subprocess.Popen(
        [ENV, "serve", "--env=envs/codegen.wasm", "--listen=127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    url = server.stdout.readline().split()[-1]
    contestants = [Http("azr-env serve", url + "/run_code", server.pid), Subprocesses()]
    try:
        import pydantic_monty

        contestants.append(Monty(pydantic_monty))
    except ImportError:
        print("pydantic-monty is not installed", file=sys.stderr)
    with sandboxfusion(*options.sandboxfusion) if options.sandboxfusion else contextlib.nullcontext() as theirs:
        compare([*contestants, theirs] if theirs else contestants, programs(options.humaneval), options.seconds)
    idle = answers(url, 1)
    busy = answers(url, 50 * os.cpu_count())
    kinds = sum(b"TimeLimitExceeded" in body for _, _, body in idle)
    print(f"{len(idle)} programs, {kinds} of them out of fuel: {sum(a != b for a, b in zip(idle, busy))} answers differ between 1 and {50 * os.cpu_count()} in flight")
    server.terminate()
    server.wait()


def compare(contestants, chosen, seconds):
    print("| program | in flight | | per second | per core-second | p50 ms | p99 ms | failed |\n|---|---|---|---|---|---|---|---|")
    for name, code in chosen.items():
        for in_flight in IN_FLIGHT:
            for contestant in [each for each in contestants if each.answers]:
                before, began = contestant.cpu(), time.perf_counter()
                latencies, failed = contestant.measure(code, in_flight, seconds)
                took, cpu = time.perf_counter() - began, contestant.cpu() - before
                latencies.sort()
                count = len(latencies)
                p50, p99 = (1000 * latencies[min(count - 1, int(part * count))] for part in (0.5, 0.99))
                per_core = f"{count / cpu:.0f}" if cpu > 0 else "?"
                print(f"| `{name}` | {in_flight} | {contestant.name} | {count / took:.0f} | {per_core} | {p50:.1f} | {p99:.1f} | {failed} |", flush=True)


if __name__ == "__main__":
    main()
