"""What the campaigns share: a tiny run, and what of an experiment must repeat byte for byte."""

import hashlib
import json
import os
import pathlib

HOST = os.environ.get("AZR_HOST", "target/debug/azr-host")

# Every stage happens, a step takes a fraction of a second.
TINY = [
    "--env", "envs/python.wasm", "--workers", "1", "--set", "propose.batch=2", "--set", "solve.batch=2",
    "--set", "learnability.samples=2", "--set", "seeding.tasks=4", "--set", "evaluation.tasks=1",
]  # fmt: skip

# So that every rank has micro-batches, and goes on from any step.
SEVERAL_RANKS = [*TINY, "--set", "update.micro-batch-max-tokens=700", "--set", "checkpoint.every-steps=1"]


def essence(directory):
    """Digests of everything that must repeat, by file: logs without wall-clock times, weights and optimiser states."""
    directory = pathlib.Path(directory)
    files = {name: (directory / name).read_bytes() for name in ["ledger.jsonl", "tasks.jsonl", "evaluations.jsonl"]}
    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    files["metrics.jsonl"] = json.dumps([{**row, "timing": None} for row in rows]).encode()
    for path in sorted(directory.glob("checkpoints/*/**/*.safetensors")):
        files[str(path.relative_to(directory))] = path.read_bytes()
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
