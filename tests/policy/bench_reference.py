"""The same measurements as `azr-host bench policy`, by transformers and PyTorch.

    python3 -m venv .venv && .venv/bin/pip install torch==2.11.0 transformers==5.23.0
    .venv/bin/python tests/policy/bench_reference.py make tiny DIR     # or: make 0.5b DIR
    .venv/bin/python tests/policy/bench_reference.py run DIR --threads 1 --batches 1,16,64

`make` writes a policy directory with random weights that both sides load. With `--dtype bf16` the optimiser works on bf16
weights and moments, which loses steps as small as these; `--masters` keeps f32 copies as azr-host does. Figures are the best of `--repeats` after a
warm-up, in tokens per second of wall time and of processor time.
"""

import argparse
import json
import pathlib
import time

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, Qwen2Config

SHAPES = {
    "tiny": dict(vocab_size=400, hidden_size=128, intermediate_size=344, num_hidden_layers=4, num_attention_heads=4,
                 num_key_value_heads=4, max_position_embeddings=512),
    # Qwen2.5-0.5B
    "0.5b": dict(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
                 num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=32768),
}


def make(shape: str, folder: pathlib.Path) -> None:
    torch.manual_seed(0)
    config = Qwen2Config(**SHAPES[shape], tie_word_embeddings=True, eos_token_id=0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16 if shape == "0.5b" else torch.float32)
    model.save_pretrained(folder)
    tokenizer = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def best(what, batch, tokens, repeats, run):
    wall, cpu = [], []
    for _ in range(repeats + 1):
        start, cpu_start = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    print(f"{what} batch {batch:4}: {tokens / min(wall):9.0f} tokens/s  {tokens / min(cpu):9.0f} tokens/cpu-s", flush=True)


def learn(model, masters, optimizer, sequences, old, advantages, prompt_tokens):
    """One update on the clipped surrogate, the vocabulary head on completion positions only."""
    model.zero_grad(set_to_none=True)
    hidden = model.model(sequences[:, :-1]).last_hidden_state[:, prompt_tokens - 1 :]
    logits = model.lm_head(hidden.reshape(-1, hidden.shape[-1])).float()
    targets = sequences[:, prompt_tokens:].reshape(-1, 1)
    now = logits.log_softmax(-1).gather(1, targets)[:, 0]
    ratio = (now - old).exp()
    loss = -torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.28) * advantages).mean()
    loss.backward()
    for parameter, master in zip(model.parameters(), masters):
        if parameter is not master:
            master.grad = parameter.grad.float()
            parameter.grad = None
    torch.nn.utils.clip_grad_norm_(masters, 1.0, foreach=True)
    optimizer.step()
    with torch.no_grad():
        for parameter, master in zip(model.parameters(), masters):
            if parameter is not master:
                parameter.copy_(master)


def run(args) -> None:
    torch.set_num_threads(args.threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=dtype, attn_implementation="sdpa").eval()
    copy = (lambda p: p.detach().float()) if args.masters else (lambda p: p)
    masters = [copy(parameter) for parameter in model.parameters()]
    optimizer = torch.optim.AdamW(masters, lr=1e-6, fused=True)
    for batch in map(int, args.batches.split(",")):
        generator = torch.Generator().manual_seed(0)
        prompts = torch.randint(1, model.config.vocab_size, (batch, args.prompt), generator=generator)
        mask = torch.ones_like(prompts)

        def sample():
            return model.generate(prompts, attention_mask=mask, do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                                  min_new_tokens=args.completion, max_new_tokens=args.completion, pad_token_id=0)

        best("sample", batch, batch * args.completion, args.repeats, sample)
        sequences = sample()
        old = torch.full((batch * args.completion,), -5.0)
        advantages = torch.ones(batch * args.completion)
        micro = max(1, args.micro_batch_tokens // sequences.shape[1])
        if micro < batch:
            continue
        best("learn ", batch, sequences.numel(), args.repeats,
             lambda: learn(model, masters, optimizer, sequences, old, advantages, args.prompt))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("make")
    maker.add_argument("shape", choices=SHAPES)
    maker.add_argument("folder", type=pathlib.Path)
    runner = commands.add_parser("run")
    runner.add_argument("folder", type=pathlib.Path)
    runner.add_argument("--threads", type=int, default=1)
    runner.add_argument("--batches", default="1,16,64")
    runner.add_argument("--prompt", type=int, default=48)
    runner.add_argument("--completion", type=int, default=48)
    runner.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    runner.add_argument("--masters", action="store_true")
    runner.add_argument("--repeats", type=int, default=3)
    runner.add_argument("--micro-batch-tokens", type=int, default=16384)
    args = parser.parse_args()
    make(args.shape, args.folder) if args.command == "make" else run(args)
