"""The same measurements as `azr-host bench policy`, by transformers and PyTorch.

    python3 -m venv .venv && .venv/bin/pip install torch==2.11.0 transformers==5.23.0 peft==0.21.2
    .venv/bin/python tests/policy/bench_reference.py make tiny DIR     # or another of SHAPES
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
from transformers import AutoConfig, AutoModelForCausalLM

QWEN = dict(model_type="qwen2", vocab_size=151936, num_key_value_heads=2, max_position_embeddings=32768, rms_norm_eps=1e-6,
            rope_theta=1e6, tie_word_embeddings=True)
LLAMA_ROPE = dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                  original_max_position_embeddings=8192)
SHAPES = {
    "tiny": dict(model_type="qwen2", vocab_size=400, hidden_size=128, intermediate_size=344, num_hidden_layers=4,
                 num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=512, tie_word_embeddings=True),
    # Qwen2.5-0.5B, -1.5B, -3B and -7B
    "0.5b": QWEN | dict(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14),
    "1.5b": QWEN | dict(hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12),
    "3b": QWEN | dict(hidden_size=2048, intermediate_size=11008, num_hidden_layers=36, num_attention_heads=16),
    "7b": QWEN | dict(hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, num_attention_heads=28,
                      num_key_value_heads=4, vocab_size=152064, tie_word_embeddings=False),
    # Qwen3-0.6B
    "0.6b": QWEN | dict(model_type="qwen3", hidden_size=1024, intermediate_size=3072, num_hidden_layers=28,
                        num_attention_heads=16, num_key_value_heads=8, head_dim=128, max_position_embeddings=40960),
    # Llama-3.2-1B
    "llama-1b": dict(model_type="llama", vocab_size=128256, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16,
                     num_attention_heads=32, num_key_value_heads=8, head_dim=64, max_position_embeddings=131072,
                     rms_norm_eps=1e-5, rope_theta=500000.0, rope_scaling=LLAMA_ROPE, tie_word_embeddings=True),
}  # fmt: skip


def make(shape, folder, dtype, device="cpu", layers=None, shard="50GB"):
    """A policy directory with random weights. Its tokenizer knows bytes; the vocabulary's last token ends."""
    torch.manual_seed(0)
    config = SHAPES[shape] | ({"num_hidden_layers": layers} if layers else {})
    end = config["vocab_size"] - 1
    config = AutoConfig.for_model(**config, eos_token_id=end, bos_token_id=None, pad_token_id=None)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    with torch.no_grad():
        # As they come they are 0 and 1, which would hide what is wrong with them.
        for name, parameter in model.named_parameters():
            if name.endswith(("bias", "norm.weight")):
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
    model.save_pretrained(folder, max_shard_size=shard)
    # GPT-2's printable stand-ins for bytes.
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    vocab = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    bytes_only = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    tokenizer = {"version": "1.0", "added_tokens": [], "pre_tokenizer": bytes_only, "decoder": bytes_only,
                 "model": {"type": "BPE", "vocab": {text: i for i, text in enumerate(vocab)}, "merges": []}}  # fmt: skip
    (pathlib.Path(folder) / "tokenizer.json").write_text(json.dumps(tokenizer))
    return model


def best(what, batch, tokens, repeats, run):
    wall, cpu = [], []
    for _ in range(repeats + 1):
        start, cpu_start = time.perf_counter(), time.process_time()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    figures = {"tokens_per_s": tokens / min(wall), "tokens_per_cpu_s": tokens / min(cpu)}
    print(json.dumps({"what": what, "batch": batch} | figures), flush=True)


def learn(model, masters, optimizer, sequences, old, advantages, prompt_tokens):
    """One update on the clipped surrogate, the vocabulary head on completion positions only."""
    model.zero_grad(set_to_none=True)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    hidden = model.model(sequences[:, :-1]).last_hidden_state[:, prompt_tokens - 1 :]
    logits = model.lm_head(hidden.reshape(-1, hidden.shape[-1])).float()
    targets = sequences[:, prompt_tokens:].reshape(-1, 1)
    now = logits.log_softmax(-1).gather(1, targets)[:, 0]
    ratio = (now - old).exp()
    loss = -torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.28) * advantages).mean()
    loss.backward()
    for parameter, master in zip(parameters, masters):
        if parameter is not master:
            master.grad = parameter.grad.float()
            parameter.grad = None
    torch.nn.utils.clip_grad_norm_(masters, 1.0, foreach=True)
    optimizer.step()
    with torch.no_grad():
        for parameter, master in zip(parameters, masters):
            if parameter is not master:
                parameter.copy_(master)


def run(args) -> None:
    torch.set_num_threads(args.threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=dtype, attn_implementation="sdpa").to(args.device).eval()
    if args.lora:
        from peft import LoraConfig, inject_adapter_in_model

        inject_adapter_in_model(LoraConfig(r=args.lora, target_modules="all-linear"), model)
    if args.recompute:
        # Happens in training mode only; there is no dropout that this would turn on.
        model.train().gradient_checkpointing_enable({"use_reentrant": False})
    copy = (lambda p: p.detach().float()) if args.masters else (lambda p: p)
    masters = [copy(parameter) for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(masters, lr=1e-6, fused=True)
    for batch in map(int, args.batches.split(",")):
        generator = torch.Generator().manual_seed(0)
        prompts = torch.randint(1, model.config.vocab_size, (batch, args.prompt), generator=generator).to(args.device)
        mask = torch.ones_like(prompts)

        def sample():
            model.eval()
            return model.generate(prompts, attention_mask=mask, do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                                  min_new_tokens=args.completion, max_new_tokens=args.completion, pad_token_id=0)

        if args.sample:
            best("sample", batch, batch * args.completion, args.repeats, sample)
        generated = torch.randint(1, model.config.vocab_size, (batch, args.completion), generator=generator)
        sequences = torch.cat([prompts, generated.to(args.device)], 1)
        old = torch.full((batch * args.completion,), -5.0, device=args.device)
        advantages = torch.ones(batch * args.completion, device=args.device)
        micro = max(1, args.micro_batch_tokens // sequences.shape[1])
        if micro < batch:
            continue
        model.train(args.recompute)
        best("learn", batch, sequences.numel(), args.repeats,
             lambda: learn(model, masters, optimizer, sequences, old, advantages, args.prompt))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("make")
    maker.add_argument("shape", choices=SHAPES)
    maker.add_argument("folder", type=pathlib.Path)
    maker.add_argument("--device", default="cpu")
    runner = commands.add_parser("run")
    runner.add_argument("folder", type=pathlib.Path)
    runner.add_argument("--device", default="cpu")
    runner.add_argument("--threads", type=int, default=1)
    runner.add_argument("--batches", default="1,16,64")
    runner.add_argument("--prompt", type=int, default=48)
    runner.add_argument("--completion", type=int, default=48)
    runner.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    runner.add_argument("--lora", type=int, default=0, metavar="RANK")
    runner.add_argument("--masters", action="store_true")
    runner.add_argument("--recompute", action="store_true", help="activations")
    runner.add_argument("--no-sample", dest="sample", action="store_false", help="learn only")
    runner.add_argument("--repeats", type=int, default=3)
    runner.add_argument("--micro-batch-tokens", type=int, default=16384)
    args = parser.parse_args()
    if args.command == "make":
        make(args.shape, args.folder, torch.float32 if args.shape == "tiny" else torch.bfloat16, args.device)
    else:
        run(args)
