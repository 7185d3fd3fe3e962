"""How much fuel a second of native CPython is: the constant by which `run_timeout` becomes fuel.

usage: fuel.py URL [HumanEvalPlus.jsonl.gz]

Each program runs here, by this Python and timed by its processor time, and on the server, which says its fuel. The start
of the interpreter counts on neither side.
"""

import gzip
import json
import statistics
import sys
import time
import urllib.request

PROGRAMS = {
    "integers": "n = 0\nwhile n < 3_000_000: n += 1",
    "calls": "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(29)",
    "lists": "for _ in range(8):\n    a = [(i * 7919) % 100003 for i in range(100000)]\n    a.sort()",
    "dictionaries": "d = {}\nfor i in range(800_000):\n    d[i % 5003] = d.get(i % 5003, 0) + i",
    "texts": "parts = []\nfor i in range(300_000):\n    parts.append(str(i).zfill(8)[::-1])\n''.join(parts).count('12')",
    "floats": "x = 0.0\nfor i in range(1, 2_000_000):\n    x += 1.0 / (i * i)",
    "sieve": "n = 8_000_000\ns = bytearray([1]) * n\nfor i in range(2, int(n ** 0.5) + 1):\n    if s[i]: s[i * i :: i] = bytes(len(range(i * i, n, i)))\nsum(s)",
    "sets of tuples": "seen = set()\nfor i in range(600):\n    for j in range(600): seen.add((i * j % 991, i ^ j))",
    "matrix": "n = 120\na = [[i * j % 17 for j in range(n)] for i in range(n)]\nb = [[sum(x * y for x, y in zip(r, c)) for c in zip(*a)] for r in a]",
    "grid": "n = 600\nt = [[0] * (n + 1) for _ in range(n + 1)]\nfor i in range(1, n + 1):\n    for j in range(1, n + 1):\n        t[i][j] = max(t[i - 1][j], t[i][j - 1]) + (i * j % 3 == 0)",
    "large integers": "x = 1\nfor i in range(1, 9000): x *= i\nlen(hex(x))",
    "objects": "class P:\n    def __init__(self, x): self.x = x\n    def step(self): self.x += 1; return self\np = P(0)\nfor _ in range(700_000): p.step()",
    "regular expressions": "import re\ntext = 'ab1cd22ef333' * 60000\nlen(re.findall(r'[a-z]+\\d{2,3}', text))",
    "heap": "import heapq\nh = []\nfor i in range(200_000): heapq.heappush(h, (i * 7919) % 100003)\nwhile h: heapq.heappop(h)",
}  # fmt: skip


def native(code):
    """Processor seconds, the least of three."""
    times = []
    for _ in range(3):
        compiled = compile(code, "program", "exec")
        began = time.process_time()
        exec(compiled, {"__name__": "__main__"})
        times.append(time.process_time() - began)
    return min(times)


def fuel(url, code):
    body = json.dumps({"code": code, "language": "python", "run_timeout": 30}).encode()
    with urllib.request.urlopen(urllib.request.Request(url + "/run_code", body, {"Content-Type": "application/json"})) as answer:
        assert json.load(answer)["status"] == "Success", code
        return int(answer.headers["azr-fuel"])


def main():
    url, *suites = sys.argv[1:]
    programs = dict(PROGRAMS)
    for suite in suites:
        with gzip.open(suite, "rt") as file:
            for line in map(json.loads, file):
                calls = f"for given in {line['base_input']!r}:\n    {line['entry_point']}(*given)\n"
                programs[line["task_id"]] = f"{line['prompt']}{line['canonical_solution']}\nfor _ in range(300):\n    " + calls.replace("\n    ", "\n        ")
    start, rates = fuel(url, ""), {}
    for name, code in programs.items():
        try:
            seconds = native(code)
            if seconds > 0.03:
                rates[name] = (fuel(url, code) - start) / seconds / 1e9
        except Exception as error:
            print(f"{name}: {error!r}", file=sys.stderr)
    for name, rate in rates.items():
        if name in PROGRAMS:
            print(f"{name:20} {rate:6.1f} G")
    ordered = sorted(rates.values())
    tenth = len(ordered) // 10
    print(f"{len(ordered)} programs: median {statistics.median(ordered):.1f} G, a tenth below {ordered[tenth]:.1f}, a tenth above {ordered[-1 - tenth]:.1f} G per second of native CPython {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
