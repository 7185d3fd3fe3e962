"""No completion of 64 KiB makes a judge use a billion of fuel, a fifth of what its calls may use.

usage: fuel.py [MUTATIONS [SEED]]

Every judge of envs reads the seeds of the fuzz target `fuel` and mutations of them, as answers and as proposals, in both
styles. A call that wanted more is a fault, which would be told here with its completion. `make fuzz` looks for the same,
led by what used most before.
"""

import glob
import json
import os
import random
import subprocess
import sys

MUTATIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
AZR_ENV = os.path.abspath(os.environ.get("AZR_ENV", "target/debug/azr-env"))
FUEL_MAX = 1_000_000_000
COMPLETION_MAX_BYTES = 64 << 10

PIECES = [b"(", b"[", b"{", b"frozenset({", b"\\frac{", b'"', b"'", b"<answer>", b"```python\n", b"^", b",", b"\\", b"1e", b"0x"]


def coding(program):
    return {
        "deduction": {"input": "1", "output": "'x'", "program": program},
        "abduction": {"input": "'x'", "output": "1", "program": program},
        "induction": {
            "inputs": ["1", "2", "3", "4"],
            "message": "",
            "outputs": ["1", "2", "'x'", "'x'"],
            "program": program,
        },
    }


def problem(answer):
    return {"problem": {"problem": "What is it?", "answer": answer}}


# Of each environment some tasks, by their kinds.
TASKS = {
    "python": [coding("def f(a):\n return a")],
    "javascript": [coding("function f(a) { return a }")],
    "sql": [{kind: body for kind, body in coding("select ?1").items() if kind != "induction"}],
    "math": [problem(r"x^2 + \frac{1}{3}"), problem(r"[1,2) \cup (3, \infty)"), problem(r"3\sqrt{2}+\pi")],
    "countdown": [{"countdown": {"numbers": [3, 7, 8, 2], "target": 45}}],
}


def mutated(draw, seeds):
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.randrange(1, 5)):
        start = draw.randrange(len(data) + 1)
        end = min(len(data), start + draw.randrange(60))
        way = draw.randrange(4)
        if way == 0:
            del data[start:end]
        elif way == 1:
            data[start:start] = data[start:end] * draw.choice([2, 10, 100, 1000])
        elif way == 2:
            other = draw.choice(seeds)
            begin = draw.randrange(len(other) + 1)
            data[start:end] = other[begin : begin + draw.choice([5, 40, 2000])]
        else:
            data[start:start] = draw.choice(PIECES) * draw.choice([1, 5, 50, 3000])
    return bytes(data[:COMPLETION_MAX_BYTES])


def ask(env, call, lines):
    limits = ["--set", f"sandbox.judge-fuel={FUEL_MAX}", "--set", "sandbox.run-fuel-max=10000000"]
    command = [AZR_ENV, call, f"envs/{env}.wasm", *limits]
    said = subprocess.run(command, input="".join(lines), capture_output=True, text=True)
    answers = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(answers) == len(lines), (env, call, len(answers), said.stderr)
    return answers


def main():
    subprocess.run([sys.executable, "fuzz/seeds.py"], check=True)
    draw = random.Random(SEED)
    seeds = []
    for path in sorted(glob.glob("fuzz/corpus/fuel/seed-*")):
        with open(path, "rb") as file:
            seeds.append(file.read())
    data = seeds + [mutated(draw, seeds) for _ in range(MUTATIONS)]
    texts = [each.decode("utf-8", "replace") for each in data]
    read = 0
    for env, tasks in TASKS.items():
        for bodies in tasks:
            for kind, body in bodies.items():
                task = {"kind": kind, "body": json.dumps(body)}
                for style in ("compact", "instruct"):
                    calls = [("verify", {"task": task})]
                    if env not in ("math", "countdown"):
                        calls.append(("validate", {"kind": kind}))
                    for call, about in calls:
                        lines = [json.dumps({**about, "completion": text, "style": style}) + "\n" for text in texts]
                        for text, answer in zip(texts, ask(env, call, lines)):
                            assert "error" not in answer, (env, call, kind, style, text[:200], answer["error"])
                        read += len(lines)
        print(f"{env}: {read} completions were read until here", flush=True)


if __name__ == "__main__":
    print(f"seed {SEED}")
    main()
