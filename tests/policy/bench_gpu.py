"""What one GPU makes of true shapes: azr-host beside transformers and PyTorch, and a step at the paper's batch sizes.

    make bench-gpu

Models have random weights and are deleted after their turn. The figures go to standard output as tables and to --out as
JSON; "roofline" is the share of the speed at which sampling would be bound by reading weights and cache. A measurement that
fails, mostly for lack of memory, has its last line of output instead. `--device cpu --tiny` shows that this program works,
with the smallest shape and sizes.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
HOST = os.environ.get("AZR_HOST", "target/debug/azr-host")
SHAPES = ["0.5b", "1.5b", "3b", "7b", "0.6b"]
# Prompt and completion tokens of the usual figures, and of one long sequence.
USUAL, LONG = (256, 256), (8192, 8192)


def output(command):
    print("+", *command, flush=True)
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


def figures(command):
    """The JSON objects that a program prints."""
    try:
        return [json.loads(line) for line in output(command).splitlines() if line.startswith("{")]
    except subprocess.CalledProcessError as error:
        return [failure(error)]


def failure(error):
    return {"failed": (error.stderr.strip().splitlines() or ["it said nothing"])[-1]}


def sizes(args, tokens, batches):
    prompt, completion = (8, 4) if args.tiny else tokens
    return prompt, completion, ",".join(map(str, [1, 2] if args.tiny else batches))


def ours(args, model, tokens, batches):
    prompt, completion, batches = sizes(args, tokens, batches)
    return figures([
        HOST, "bench", "policy", "--json", "--device", args.device, "--policy", model, "--batches", batches,
        "--prompt-tokens", prompt, "--completion-tokens", completion, "--repeats", args.repeats,
        "--set", "policy.dtype=bf16", "--set", f"policy.lora.rank={args.lora}", "--set", "sampling.shares=1",
        "--set", "sampling.rows-max=256", "--set", "update.activations=recompute",
        "--set", "update.micro-batch-max-tokens=16384",
    ])  # fmt: skip


def theirs(args, model, tokens, batches):
    prompt, completion, batches = sizes(args, tokens, batches)
    return figures([
        sys.executable, HERE / "bench_reference.py", "run", model, "--device", args.device, "--batches", batches,
        "--prompt", prompt, "--completion", completion, "--repeats", args.repeats, "--dtype", "bf16", "--lora", args.lora,
        "--masters", "--recompute", "--micro-batch-tokens", 16384,
    ])  # fmt: skip


def print_table(title, both):
    print(f"\n{title}\n{'':8}{'batch':>6}{'azr-host':>12}{'roofline':>10}{'transformers':>14}   tokens/s", flush=True)
    rows = {(row["what"], row["batch"]): row for row in both["transformers"] if "what" in row}
    for row in both["azr-host"]:
        if "what" in row:
            other = rows.get((row["what"], row["batch"]))
            share = f"{100 * row['roofline']:.0f} %" if row["roofline"] else ""
            other = f"{other['tokens_per_s']:.0f}" if other else "-"
            print(f"{row['what']:8}{row['batch']:6}{row['tokens_per_s']:12.0f}{share:>10}{other:>14}")
    for side, rows in both.items():
        for row in rows:
            if "what" not in row:
                print(f"{side}: {row}", flush=True)


def paper_step(args, model, folder):
    """Random weights propose no task, so the solver gets those of a data set, in CRUXEval's format."""
    tasks = folder / "tasks.jsonl"
    task = lambda i: {"id": f"t{i}", "code": f"def f(x):\n    return x * {i} + 1", "input": "3", "output": str(3 * i + 1)}
    tasks.write_text("".join(json.dumps(task(i)) + "\n" for i in range(512)))
    settings = ["style=compact", "seeding.batches-max=1", "evaluation.tasks=1", "sampling.completion-max-tokens=512"]
    settings += ["sampling.rows-max=256"]
    if args.tiny:
        settings += ["propose.batch=2", "solve.batch=2", "sampling.completion-max-tokens=4", "sampling.rows-max=4"]
        settings += ["sampling.prompt-max-tokens=512", "update.micro-batch-max-tokens=1024", "policy.lora.rank=8"]
    out = folder / "experiment"
    command = [HOST, "--env", "envs/python.wasm", "--tasks", tasks, "--policy", model, "--preset", "paper", "--steps", 1]
    command += ["--device", args.device, "--out", out, *(word for setting in settings for word in ("--set", setting))]
    try:
        output(command)
    except subprocess.CalledProcessError as error:
        return failure(error)
    row = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    return {part: row[part] for part in ("timing", "sampling") if part in row}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="the smallest shape, few tokens")
    parser.add_argument("--shapes", nargs="+", default=SHAPES, choices=SHAPES)
    parser.add_argument("--lora", type=int, default=32, help="rank of the adapter that is trained; 0: all weights are")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/bench-gpu.json"))
    args = parser.parse_args()
    report = {"device": args.device}
    if args.device != "cpu":
        report["gpu"] = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout.strip()
    trained = f"adapters of rank {args.lora}" if args.lora else "all weights"
    for shape in ["0.5b"] if args.tiny else args.shapes:
        tokens, batches = (LONG, [1]) if shape == "0.6b" else (USUAL, [1, 16, 64, 256])
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "model"
            output([sys.executable, HERE / "bench_reference.py", "make", shape, model, "--device", args.device])
            measure = {"azr-host": ours, "transformers": theirs}
            report[shape] = {side: bench(args, model, tokens, batches) for side, bench in measure.items()}
            print_table(f"{shape}, {trained}, bf16", report[shape])
            if shape == "0.5b":
                report["paper step"] = paper_step(args, model, pathlib.Path(folder))
                print(f"\na step at the paper's batch sizes, {shape}: {json.dumps(report['paper step'])}", flush=True)
        args.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
