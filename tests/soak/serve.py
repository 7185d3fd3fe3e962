"""A server that is asked for a long time, is killed in the middle of batches, and stays as it was.

usage: serve.py [SECONDS]

Three parts. First one server answers programs, endless ones and broken ones among them, and grows neither in memory nor
in descriptors. Then another answers as many short ones as it can. At last a client asks for verdicts in batches while its server is killed again and again: every item gets one
verdict, the right one.
"""

import os
import signal
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("AZR_ENV", os.path.abspath("target/debug/azr-env"))
os.environ.setdefault("AZR_ENVS", os.path.abspath("envs"))
sys.path[:0] = ["host/env/python", "tests/serve"]

import azr_env  # noqa: E402
from bench import Http  # noqa: E402

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 300
IN_FLIGHT = 64

# A program, its time, and the status and output that it must have.
PROGRAMS = [
    ("x = 1", 10, 0, ""),
    ("print(input())", 10, 0, "given\n"),
    ("raise ValueError", 10, 1, ""),
    ("while True: pass", 0.01, None, ""),
    ("x = bytearray(1 << 24)\nprint(len(x))", 10, 0, "16777216\n"),
    ("def f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(500))", 10, 0, "500\n"),
    ("def f(:", 10, 1, ""),
    ("open('a.txt', 'w').write('x' * 1000)\nprint(len(open('a.txt').read()))", 10, 0, "1000\n"),
]


def resident_and_descriptors(pid):
    """Of a server and the sandbox's processes: mebibytes, of shared ones its part, and open files."""
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children += file.read().split()
    with open(f"/proc/{pid}/smaps_rollup") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024
    parts = [(resident, len(os.listdir(f"/proc/{pid}/fd")))] + [resident_and_descriptors(child) for child in children]
    return tuple(map(sum, zip(*parts)))


def flat(seconds):
    """Asks for so long."""
    with azr_env.Server() as server, azr_env.Client(server=server) as client:
        pid = (server.url, server._process.pid)[1]
        until, asked, wrong = time.monotonic() + seconds, [0], []

        def work(first):
            number = first
            while time.monotonic() < until:
                code, limit, status, stdout = PROGRAMS[number % len(PROGRAMS)]
                result = client.run_code(code, stdin="given\n", run_timeout=limit)
                if (result.return_code, result.stdout) != (status, stdout):
                    wrong.append((code, result))
                asked[0] += 1
                number += 1

        with ThreadPoolExecutor(IN_FLIGHT) as threads:
            running = [threads.submit(work, first) for first in range(IN_FLIGHT)]
            samples = []
            for _ in range(10):
                threading.Event().wait(seconds / 10)
                samples.append(resident_and_descriptors(pid))
            for part in running:
                part.result()
    steady(asked[0], seconds, samples)
    assert not wrong, wrong[:3]


def many(seconds):
    """Asks for the same short program, with little work of its own."""
    with azr_env.Server(["codegen"]) as server:
        http, samples, asked = Http("azr-env serve", server.url + "/run_code", server._process.pid), [], 0
        for _ in range(10):
            latencies, failed = http.measure("x = 1", IN_FLIGHT, seconds / 10)
            assert not failed, failed
            asked += len(latencies)
            samples.append(resident_and_descriptors(server._process.pid))
    steady(asked, seconds, samples)


def steady(asked, seconds, samples):
    memory, descriptors = zip(*samples)
    print(f"{asked} programs in {seconds:.0f} s; memory {memory[0]:.0f} … {memory[-1]:.0f} MiB, descriptors {descriptors[0]} … {descriptors[-1]}")
    # Once it is warm: connections, and what is allotted for them and for stacks, come and go.
    assert max(memory[5:]) < 1.1 * max(memory[:5]) + 16, memory
    assert max(descriptors[5:]) <= max(descriptors[:5]) + IN_FLIGHT, descriptors


def waiting(url):
    """Whether the server has taken in something that it has not answered."""
    with urllib.request.urlopen(url + "/metrics") as answer:
        return b"azr_waiting_items 0\n" not in answer.read()


def killed(kills):
    """Kills the server in the middle of batches; returns how many verdicts there were."""
    line = {
        "task_id": "T/1", "prompt": "def double(x):\n", "entry_point": "double", "canonical_solution": "    return 2 * x\n",
        "base_input": [[1], [4]], "plus_input": [[-3]], "atol": 0,
    }  # fmt: skip
    with azr_env.Server(["codegen"]) as server, azr_env.Client(server=server) as client:
        task = client.import_tasks("codegen", [line])[0]["task"]
        items = [{"task": task, "completion": f"```python\ndef double(x):\n    return x + {('x', '1')[n % 2]} + 0 * {n}\n```"} for n in range(256)]
        done, verdicts = threading.Event(), []

        def ask():
            while not done.is_set():
                verdicts.append(client.verify("codegen", items))

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(kills):
            before = len(verdicts)
            while not waiting(server.url):
                pass
            os.kill(server._process.pid, signal.SIGKILL)
            while len(verdicts) == before and asking.is_alive():
                asking.join(0.05)
        done.set()
        asking.join()
    expected = [1.0, 0.0] * 128
    assert len(verdicts) >= kills, "the client gave up"
    assert all([answer["verdict"]["score"] for answer in batch] == expected for batch in verdicts)
    count = sum(map(len, verdicts))
    print(f"{kills} kills: {len(verdicts)} batches, {count} verdicts, each of them right")
    return count


if __name__ == "__main__":
    flat(SECONDS)
    many(SECONDS)
    killed(max(3, int(SECONDS / 20)))
