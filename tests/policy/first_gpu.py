"""The first fifteen minutes on a GPU, in the order of what is worth knowing, each step with its time and its output kept.

    make first-gpu MODEL=DIR          DIR: a real model, such as Qwen2.5-Coder-1.5B-Instruct
    python3 tests/policy/first_gpu.py MODEL --suite HumanEvalPlus.jsonl --out DIR [--device cpu --tiny]

1. One update of the embedded policy in f32 on the CPU and twice on the GPU: the same tokens, log-probabilities, loss and
   gradient norm within f32's rounding, and the two GPU updates within that of each other.
2. A published benchmark by the real model, greedy.
3. Steps of self-play with an adapter of the real model.
4. The smallest form of `make bench-gpu`.

A step that fails says so and does not keep the others from being tried. `--device cpu --tiny` shows that this program works.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
HOST = "target/debug/azr-host"


class Log:
    """Runs commands; what they print is in the folder by the step's name, and summary.jsonl has how they ended."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, name, command):
        begun = time.monotonic()
        with open(self.folder / f"{name}.txt", "w") as out:
            out.write(" ".join(map(str, command)) + "\n")
            out.flush()
            code = subprocess.run([*map(str, command)], stdout=out, stderr=subprocess.STDOUT).returncode
        self.tell(name, seconds=round(time.monotonic() - begun, 1), exit=code)
        if code:
            print((self.folder / f"{name}.txt").read_text()[-2000:], flush=True)
        return code == 0

    def tell(self, name, **what):
        line = json.dumps({"step": name, **what})
        print(line, flush=True)
        with open(self.folder / "summary.jsonl", "a") as out:
            out.write(line + "\n")


def update(log, name, device):
    """What one update of the embedded policy gives there."""
    folder = log.folder / name
    command = [HOST, "bench", "policy", "--device", device, "--batches", 16, "--prompt-tokens", 32, "--completion-tokens", 32]
    command += ["--repeats", 0, "--set", "policy.dtype=f32", "--keep", folder]
    return json.loads((folder / "update.json").read_text()) if log.run(name, command) else None


def compare(log, name, one, other):
    if not one or not other:
        return
    pairs = list(zip(one["rollouts"], other["rollouts"]))
    same = [(a, b) for a, b in pairs if a["completion"] == b["completion"]]
    gaps = [abs(x - y) for a, b in same for x, y in zip(a["old_logprobs"], b["old_logprobs"])]
    relative = lambda key: abs(one[key] - other[key]) / max(abs(one[key]), 1e-9)
    log.tell(name, rollouts=len(pairs), same_tokens=len(same), logprobs=max(gaps, default=None), loss=relative("loss"),
             gradient_norm=relative("gradient_norm"))  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--suite", type=pathlib.Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/first-gpu"))
    parser.add_argument("--tiny", action="store_true", help="two tasks, one step, few tokens")
    args = parser.parse_args()
    log = Log(args.out)
    if args.device != "cpu":
        log.run("gpu", ["nvidia-smi"])
    cpu = update(log, "update-cpu", "cpu")
    first, second = (update(log, f"update-{time}", args.device) for time in ("first", "second"))
    compare(log, "against-cpu", cpu, first)
    compare(log, "against-itself", first, second)
    few = ["--limit", 2, "--set", "sampling.completion-max-tokens=16"] if args.tiny else ["--set", "sampling.rows-max=164"]
    policy = ["--policy", args.model, "--device", args.device]
    if args.suite:
        log.run("eval", [HOST, "eval", "--env", "envs/codegen.wasm", "--suite", args.suite, *policy, *few,
                         "--results", args.out / "eval.jsonl", "--set", "sampling.shares=1"])  # fmt: skip
    small = ["propose.batch=2", "solve.batch=2", "learnability.samples=2", "seeding.tasks=2", "seeding.batches-max=1",
             "evaluation.tasks=2", "sampling.completion-max-tokens=32"] if args.tiny else []  # fmt: skip
    steps = 1 if args.tiny else 4
    log.run("self-play", [HOST, "--env", "envs/python.wasm", "--preset", "laptop", *policy, "--steps", steps,
                          "--out", args.out / "experiment", *(word for pair in small for word in ("--set", pair))])  # fmt: skip
    log.run("bench", [sys.executable, "-W", "ignore", HERE / "bench_gpu.py", "--tiny", "--device", args.device,
                      "--out", args.out / "bench.json"])  # fmt: skip


if __name__ == "__main__":
    main()
