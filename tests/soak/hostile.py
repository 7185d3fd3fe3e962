"""Hostile programs and components by the thousand: the host stays alive and as it was.

usage: hostile.py [PROGRAMS [COMPONENTS [SEED]]]

Programs are drawn from what attacks have tried, put together at random, and run by one process, which must answer each
with an outcome, keep its processes and descriptors, and grow no more. Components are the hostile guests of tests/guests
and an environment of ours with instructions exchanged, or with bytes flipped, cut out, doubled and exchanged; whatever comes of them, azr-env ends by itself
with status 0 or 1, in words, and leaves no process behind.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time

PROGRAMS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
COMPONENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 500
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1

AZR_ENV = os.path.abspath(os.environ.get("AZR_ENV", "target/debug/azr-env"))
GUESTS = "target/wasm32-unknown-unknown/guest"
CALL_SECONDS = 300

VALUES = ["[]", "10**400", "float('nan')", "'\\x1b[2J'", "b'\\xff' * 9", "{1: {2: {3: 4}}}", "range(10**9)", "object()"]
ATOMS = [
    "x = {value}",
    "while True: pass",
    "x = [0] * {size}",
    "x = 'a' * {size}",
    "x = bytearray({size})",
    "raise ValueError({value})",
    "raise SystemExit",
    "import {module}",
    "x = __import__('{module}').{name}",
    "def g(n): return g(n + 1)",
    "g(0)",
    "x = eval('(' * {small} + ')' * {small})",
    "x = sys._getframe({small} % 8).f_globals",
    "for k in list(sys._getframe(1).f_globals): sys._getframe(1).f_globals[k] = {value}",
    "sys.setrecursionlimit({size})",
    "class C:\n    def __eq__(self, other): return True\n    def __repr__(self): return {value}\n    __hash__ = None",
    "x = C()",
    "x = type('D', (int,), {{'__eq__': lambda s, o: True}})(1)",
    "import gc\nx = [o for o in gc.get_objects() if isinstance(o, dict)][:{small}]",
    "f.__code__ = f.__code__.replace(co_code=bytes({small}))",
    "x = (lambda: 0).__code__.replace(co_consts=(), co_code=b'd\\x64' * {small})\nexec(x)",
    "x = re.match('(a*)*b', 'a' * {small})",
    "x = sorted(range({size}), key=lambda n: -n)",
    "print('x' * {size})",
    "open('/etc/passwd')",
    "x = {{frozenset({{i}}) for i in range({small})}}",
]
MODULES = ["os", "sys", "socket", "subprocess", "ctypes", "threading", "signal", "mmap", "json", "re", "_ctypes", "posix"]
NAMES = ["system", "fork", "kill", "path", "environ", "modules", "exit", "CDLL", "socket", "Popen", "open", "__dict__"]


def program(draw):
    def atom():
        text = draw.choice(ATOMS)
        return text.format(
            value=draw.choice(VALUES),
            size=draw.choice([1, 1000, 10**6, 10**8, 10**12]),
            small=draw.randrange(1, 200),
            module=draw.choice(MODULES),
            name=draw.choice(NAMES),
        )

    body = "\n".join(atom() for _ in range(draw.randrange(1, 5))).replace("\n", "\n    ")
    guarded = draw.random() < 0.3
    if guarded:
        body = "try:\n        " + body.replace("\n    ", "\n        ") + "\n    except BaseException: x = {}".format("0")
    return f"import sys, re\ndef f(a):\n    x = a\n    {body}\n    return x"


def state(pid):
    """Descriptors, processes and resident MiB of a process with its children."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = [int(child) for child in file.read().split()]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children += [int(child) for child in file.read().split()]
    children = sorted(set(children))
    resident = 0
    for process in [pid, *children]:
        try:
            with open(f"/proc/{process}/status") as file:
                resident += next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        except (FileNotFoundError, StopIteration):
            pass
    return len(os.listdir(f"/proc/{pid}/fd")), len(children), resident // 1024


def programs():
    draw = random.Random(SEED)
    server = subprocess.Popen(
        [AZR_ENV, "exec", "envs/python.wasm", "--workers", "2", "--set", "sandbox.run-fuel-max=300000000"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    kinds, states, batch = {}, [], 100
    start = time.monotonic()
    for first in range(0, PROGRAMS, batch):
        lines = [json.dumps({"program": program(draw), "input": "1"}) for _ in range(min(batch, PROGRAMS - first))]
        server.stdin.write("\n".join(lines) + "\n")
        server.stdin.flush()
        for line in lines:
            answer = json.loads(server.stdout.readline())
            assert "error" not in answer, (answer, json.loads(line)["program"])
            kinds[answer["outcome"]] = kinds.get(answer["outcome"], 0) + 1
        states.append(state(server.pid))
    server.stdin.close()
    assert server.wait() == 0
    later = states[len(states) // 5 :]
    descriptors, processes = {each[0] for each in later}, {each[1] for each in later}
    resident = [each[2] for each in later]
    print(f"{PROGRAMS} programs in {time.monotonic() - start:.0f} s: every one has an outcome")
    print(", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    print(f"descriptors {sorted(descriptors)}, processes {sorted(processes)}, MiB {min(resident)} to {max(resident)}")
    assert len(descriptors) == 1 and len(processes) == 1, states
    assert resident[-1] < 1.2 * resident[0] + 32, resident


def number(file, at):
    """An unsigned LEB128, and where it ends."""
    value = shift = 0
    while True:
        value |= (file[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if file[at - 1] < 0x80:
            return value, at


def codes(file, start=0, end=None):
    """Where the code of core modules is, those of packed executors too."""
    end = len(file) if end is None else end
    component = file[start + 4 : start + 8] != b"\x01\0\0\0"
    at = start + 8
    while at < end:
        section, (length, at) = file[at], number(file, at + 1)
        if not component and section == 10:
            yield at, at + length
        elif component and section in (1, 4):
            yield from codes(file, at, at + length)
        elif component and section == 0:
            name, inside = number(file, at)
            if file[inside + name :][:4] == b"\0asm":
                yield from codes(file, inside + name, at + length)
        at += length


# Instructions of one type: any may stand for another. Then loads and stores of one width.
ALIKE = [range(0x46, 0x50), range(0x51, 0x5B), range(0x6A, 0x79), range(0x7C, 0x8B), (0x2C, 0x2D), (0x3A, 0x3A), (0x67, 0x68, 0x69)]


def altered(draw, file):
    """Other code that is mostly valid: instructions exchanged, constants, branches and locals changed."""
    places = [place for place in codes(file) if place[1] - place[0] > 8]
    for _ in range(draw.choice([1, 2, 4, 16, 64])):
        start, end = draw.choice(places)
        for place in range(draw.randrange(start, end - 2), end - 2):
            alike = next((alike for alike in ALIKE if file[place] in alike), None)
            if alike:
                file[place] = draw.choice(alike)
                break
            # i32.const, i64.const, br, br_if, local.get with a small number.
            if file[place] in (0x41, 0x42, 0x0C, 0x0D, 0x20) and file[place + 1] < 0x80:
                file[place + 1] = draw.randrange(0x80) if file[place] in (0x41, 0x42) else draw.randrange(4)
                break


def mutated(draw, file):
    file = bytearray(file)
    if draw.random() < 0.7:
        altered(draw, file)
        return bytes(file)
    for _ in range(draw.choice([1, 1, 2, 4, 16])):
        place = draw.randrange(8, len(file))
        length = draw.choice([1, 1, 2, 4, 64])
        way = draw.randrange(5)
        if way == 0:
            file[place] ^= 1 << draw.randrange(8)
        elif way == 1:
            file[place] = draw.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif way == 2:
            del file[place : place + length]
        elif way == 3:
            file[place:place] = file[place : place + length]
        else:
            other = draw.randrange(8, len(file))
            file[place : place + length], file[other : other + length] = (
                file[other : other + length],
                file[place : place + length],
            )
    return bytes(file)


def components():
    draw = random.Random(SEED)
    words = ["echo", "spin", "trap", "recurse", "hoard", "flood", "many-runs", "score-nan", "judge-loops", "huge-program"]
    lines = "".join(
        json.dumps({"task": {"kind": "echo", "body": "{}"}, "completion": word}) + "\n" for word in words
    )
    small = ["sandbox.judge-fuel=50000000", "sandbox.run-fuel-max=50000000", "sandbox.deadline-ms=20000"]
    loaded = verdicts = faults = 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        def packed(name, parts):
            path = os.path.join(folder, name)
            subprocess.run([AZR_ENV, "pack", *parts, "--out", path], check=True, capture_output=True)
            with open(path, "rb") as file:
                return file.read()

        hostile = ["--judge", f"{GUESTS}/azr_test_judge.wasm", "--executor", f"{GUESTS}/azr_test_executor.wasm"]
        files = [
            packed("hostile.wasm", hostile),
            packed("reader.wasm", ["--judge", f"{GUESTS}/azr_test_reader.wasm"]),
            packed("countdown.wasm", ["--judge", f"{GUESTS}/countdown.wasm"]),
        ]
        for count in range(COMPONENTS):
            path = os.path.join(folder, "mutated.wasm")
            with open(path, "wb") as file:
                file.write(mutated(draw, draw.choice(files)))
            command = [AZR_ENV, "verify", path, "--cache-dir", os.path.join(folder, "cache"), "--workers", "2"]
            for limit in small:
                command += ["--set", limit]
            done = subprocess.run(command, input=lines.encode(), capture_output=True, timeout=CALL_SECONDS)
            said = done.stderr.decode()
            assert done.returncode in (0, 1), (count, done.returncode, said)
            assert "panicked" not in said and "\x1b" not in said, (count, said)
            answers = [json.loads(line) for line in done.stdout.splitlines()]
            loaded += bool(answers)
            for answer in answers:
                assert ("error" in answer) != ("verdict" in answer), (count, answer)
                assert "error" in answer or 0 <= answer["verdict"]["score"] <= 1, (count, answer)
                faults, verdicts = faults + ("error" in answer), verdicts + ("verdict" in answer)
            # Those whose parent has gone belong to nobody: ours would be found by their name.
            assert not orphans(), count
    print(f"{COMPONENTS} components in {time.monotonic() - start:.0f} s: {loaded} were loaded, the others refused")
    print(f"of {loaded * len(words)} completions {verdicts} got verdicts, {faults} were faults")
    assert loaded > COMPONENTS // 10, "hardly any mutation was a component"


def orphans():
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                name = file.read().split(b"\0")[0]
            with open(f"/proc/{process}/stat") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except FileNotFoundError:
            continue
        if name in (b"azr-sandbox", b"azr-compiler") and parent == 1:
            found.append(process)
    return found


if __name__ == "__main__":
    print(f"seed {SEED}")
    if PROGRAMS:
        programs()
    if COMPONENTS:
        components()
