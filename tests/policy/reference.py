"""Numbers that tests/policy.rs compares with, from PyTorch and transformers.

    python3 -m venv .venv && .venv/bin/pip install torch==2.11.0 transformers==5.23.0 peft==0.21.2 bitsandbytes==0.50.2
    .venv/bin/python tests/policy/reference.py > tests/policy/reference.json

Weights come from a formula (`value`), so that no binary needs to be stored; the Rust test has the same formula.
"""

import json
import math
import pathlib
import tempfile

import torch
from safetensors import safe_open
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForCausalLM

SEQUENCES = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [27, 18, 28, 18], [1, 4, 1, 4, 2, 1, 3, 5, 6, 2, 3, 7, 30]]

COMMON = {
    "vocab_size": 32,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 64,
    "hidden_act": "silu",
    "eos_token_id": 31,
}
CONFIGS = {
    "qwen2-tied-grouped": COMMON
    | {
        "model_type": "qwen2",
        "num_key_value_heads": 2,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    },
    "qwen2-untied": COMMON
    | {
        "model_type": "qwen2",
        "num_key_value_heads": 4,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
        "tie_word_embeddings": False,
        "dtype": "float32",
    },
    "llama-untied-scaled": COMMON
    | {
        "model_type": "llama",
        "num_key_value_heads": 1,
        "head_dim": 16,
        "rope_theta": 10000.0,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
        "tie_word_embeddings": False,
        "dtype": "float32",
    },
    "qwen3-tied-grouped": COMMON
    | {
        "model_type": "qwen3",
        "num_key_value_heads": 2,
        "head_dim": 16,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "dtype": "float32",
    },
    "llama-tied-biased": COMMON
    | {
        "model_type": "llama",
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 20000.0},
        "attention_bias": True,
        "mlp_bias": True,
        "tie_word_embeddings": True,
        "dtype": "float32",
    },
}


def value(name: str, shape) -> torch.Tensor:
    """Numbers in [-0.25, 0.25), exact in f32, from a hash of the tensor's name and the element's index. Norms: around 1."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    out = []
    for i in range(math.prod(shape)):
        h = (i * 0x9E3779B1 + seed) & 0xFFFFFFFF
        h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
        h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
        h ^= h >> 16
        out.append((h >> 8) / 2**25 - 0.25)
    tensor = torch.tensor(out, dtype=torch.float32).view(*shape)
    return 1.0 + tensor if "norm" in name else tensor


def load(config: dict):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config))
        parsed = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(parsed, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(value(name, parameter.shape))
    return model


def numbers(tensor, digits=7):
    return [float(f"{x:.{digits}g}") for x in tensor.detach().flatten().tolist()]


def forward(config: dict) -> dict:
    model = load(config)
    with torch.no_grad():
        logits = [numbers(model(torch.tensor([tokens])).logits) for tokens in SEQUENCES]
        greedy = [
            model.generate(torch.tensor([tokens]), attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
                           do_sample=False, max_new_tokens=12, pad_token_id=0)[0, len(tokens):].tolist()
            for tokens in SEQUENCES
        ]
    return {"config": config, "logits": logits, "greedy": greedy}


ROLLOUTS = [
    # prompt, completion, old log-probabilities, advantage
    ([3, 1, 4], [1, 5, 9, 2, 31], [-3.1, -3.6, -2.9, -4.0, -3.3], 1.25),
    ([27, 18, 28, 18, 4], [7, 31], [-3.4, -3.9], -0.5),
    ([1, 4], [2, 1, 3, 5], [-3.0, -3.2, -3.7, -3.45], -1.0),
]
IMITATED = [([3, 1, 4], [1, 5, 9], [1.0, 0.5, 2.0]), ([2, 7], [8, 31], [1.0, 1.0])]
PROBES = ["model.embed_tokens.weight", "model.layers.0.self_attn.v_proj.bias", "model.layers.1.mlp.up_proj.weight"]


def logprobs(model, prompt, completion):
    logits = model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1].float()
    return logits.log_softmax(-1)


def averages() -> dict:
    """The gradient of the clipped objective with its entropy, averaged in each of the ways; a completion may have 10 tokens."""
    ways = {
        "sequence": lambda losses: torch.stack([loss.mean() for loss in losses]).mean(),
        "sum": lambda losses: torch.stack([loss.sum() for loss in losses]).mean(),
        "budget": lambda losses: torch.stack([loss.sum() / 10 for loss in losses]).mean(),
    }
    return {way: by_token(mean) for way, mean in ways.items()}


def truncated() -> dict:
    """Truncated importance sampling, at most 1.15: what the tokens count is no part of the graph."""
    kl, cut, count = 0.0, 0, 0

    def importance(now, old):
        nonlocal kl, cut, count
        ratio = (now.detach() - old).exp()
        kl, cut, count = kl + (ratio - 1 - ratio.log()).sum().item(), cut + int((ratio > 1.15).sum()), count + len(old)
        return ratio.clamp(max=1.15)

    row = by_token(lambda losses: torch.cat(losses).mean(), importance)
    return {**row, "kl": kl / count, "truncated": cut / count}


def by_token(mean, importance=None) -> dict:
    model = load(CONFIGS["qwen2-tied-grouped"])
    losses = []
    for prompt, completion, old, advantage in ROLLOUTS:
        full = logprobs(model, prompt, completion)
        now, old = full.gather(1, torch.tensor(completion)[:, None])[:, 0], torch.tensor(old)
        weight = importance(now, old) if importance else 1.0
        ratio = (now - (now.detach() if importance else old)).exp()
        gain = weight * torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.28) * advantage)
        losses.append(-(gain - 0.01 * (full.exp() * full).sum(-1)))
    loss = mean(losses)
    loss.backward()
    gradient = {name: numbers(dict(model.named_parameters())[name].grad.flatten()[:40]) for name in PROBES}
    return {"loss": loss.item(), "gradient": gradient}


def surrogate(model) -> tuple:
    """Token mean of the clipped objective minus 0.01 times the entropy."""
    gain, entropy, kl, clipped, count = 0.0, 0.0, 0.0, 0, 0
    for prompt, completion, old, advantage in ROLLOUTS:
        full = logprobs(model, prompt, completion)
        now = full.gather(1, torch.tensor(completion)[:, None])[:, 0]
        old = torch.tensor(old)
        ratio = (now - old).exp()
        free, bound = ratio * advantage, ratio.clamp(0.8, 1.28) * advantage
        gain = gain + torch.minimum(free, bound).sum()
        clipped += int((bound < free).sum())
        entropy = entropy - (full.exp() * full).sum()
        kl = kl + (ratio - 1 - (now - old)).sum()
        count += len(completion)
    return -(gain + 0.01 * entropy) / count, entropy / count, kl / count, clipped / count


def probe(model):
    named = dict(model.named_parameters())
    return {name: numbers(named[name].flatten()[:40]) for name in PROBES}


def learning() -> dict:
    model = load(CONFIGS["qwen2-tied-grouped"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    steps = []
    for _ in range(3):
        optimizer.zero_grad()
        loss, entropy, kl, clipped = surrogate(model)
        loss.backward()
        gradient = {name: numbers(dict(model.named_parameters())[name].grad.flatten()[:40]) for name in PROBES}
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        steps.append({"loss": loss.item(), "entropy": entropy.item(), "kl": kl.item(), "clipped": clipped,
                      "norm": norm.item(), "gradient": gradient, "weights": probe(model)})
    return {"rollouts": ROLLOUTS, "steps": steps}


def anchored() -> dict:
    """Three steps of the surrogate with a KL divergence to the start policy (Shao et al. 2024, equation 4)."""
    model, start = load(CONFIGS["qwen2-tied-grouped"]), load(CONFIGS["qwen2-tied-grouped"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    coefficients = [0.5, 0.0, 2.0]
    count = sum(len(completion) for _, completion, _, _ in ROLLOUTS)
    divergences = []
    for _ in range(3):
        optimizer.zero_grad()
        loss, divergence, anchored_tokens = surrogate(model)[0], 0.0, 0
        for (prompt, completion, _, _), coefficient in zip(ROLLOUTS, coefficients):
            picked = torch.tensor(completion)[:, None]
            with torch.no_grad():
                anchor = logprobs(start, prompt, completion).gather(1, picked)[:, 0]
            change = anchor - logprobs(model, prompt, completion).gather(1, picked)[:, 0]
            kl = (change.exp() - change - 1).sum()
            loss = loss + coefficient * kl / count
            if coefficient > 0:
                divergence, anchored_tokens = divergence + kl.item(), anchored_tokens + len(completion)
        divergences.append(divergence / anchored_tokens)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    return {"coefficients": coefficients, "divergences": divergences, "weights": probe(model)}


def imitation() -> dict:
    model = load(CONFIGS["qwen2-tied-grouped"])
    total = sum(sum(weights) for _, _, weights in IMITATED)
    loss = 0.0
    for prompt, completion, weights in IMITATED:
        now = logprobs(model, prompt, completion).gather(1, torch.tensor(completion)[:, None])[:, 0]
        loss = loss - (now * torch.tensor(weights)).sum() / total
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9)
    return {"examples": IMITATED, "loss": loss.item(), "norm": norm.item()}


def muon() -> dict:
    """torch.optim.Muon, with its iteration in f32 instead of bf16, on one wide and one tall matrix."""
    from torch.optim import _muon

    def in_f32(gradient, coefficients, steps, eps):
        a, b, c = coefficients
        x = gradient.T if gradient.size(0) > gradient.size(1) else gradient
        x = x / x.norm().clamp(min=eps)
        for _ in range(steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if gradient.size(0) > gradient.size(1) else x

    _muon._zeropower_via_newtonschulz = in_f32
    model = load(CONFIGS["qwen2-tied-grouped"])
    inside = [p for name, p in model.named_parameters() if ".layers." in name and p.dim() == 2]
    outside = [p for name, p in model.named_parameters() if not (".layers." in name and p.dim() == 2)]
    muon = torch.optim.Muon(inside, lr=0.02, weight_decay=0.1, momentum=0.95, nesterov=True)
    adamw = torch.optim.AdamW(outside, lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    for _ in range(2):
        muon.zero_grad(), adamw.zero_grad()
        surrogate(model)[0].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        muon.step(), adamw.step()
    named = dict(model.named_parameters())
    names = ["model.layers.1.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight", "model.norm.weight"]
    return {name: numbers(named[name].flatten()[:40]) for name in names}


ADAPTERS = {
    "qwen2-tied-grouped": {"target_modules": [f"{part}_proj" for part in ("q", "k", "v", "o", "gate", "up", "down")]},
    "qwen3-tied-grouped": {"target_modules": ["v_proj", "up_proj"], "use_rslora": True},
    "llama-tied-biased": {"target_modules": ["q_proj", "o_proj", "down_proj"]},
}


def adapters() -> dict:
    """LoRA by PEFT: logits, greedy completions, what it saves, and one step of AdamW on A and B."""
    from peft import LoraConfig, get_peft_model

    rows = {}
    for name, settings in ADAPTERS.items():
        model = get_peft_model(load(CONFIGS[name]), LoraConfig(r=4, lora_alpha=6, task_type="CAUSAL_LM", **settings))
        trained = {key.replace(".default", ""): p for key, p in model.named_parameters() if p.requires_grad}
        with torch.no_grad():
            for key, parameter in trained.items():
                parameter.copy_(value(key, parameter.shape))
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            config = json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())
            with safe_open(pathlib.Path(folder) / "adapter_model.safetensors", "pt") as stored:
                tensors = {key: list(stored.get_slice(key).get_shape()) for key in sorted(stored.keys())}
        with torch.no_grad():
            logits = [numbers(model(torch.tensor([tokens])).logits) for tokens in SEQUENCES]
            greedy = [
                model.generate(input_ids=torch.tensor([tokens]), attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
                               do_sample=False, max_new_tokens=12, pad_token_id=0)[0, len(tokens):].tolist()
                for tokens in SEQUENCES
            ]
        optimizer = torch.optim.AdamW(trained.values(), lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
        loss = surrogate(model)[0]
        loss.backward()
        gradient = {key: numbers(parameter.grad.flatten()[:16]) for key, parameter in trained.items()}
        norm = torch.nn.utils.clip_grad_norm_(trained.values(), 0.5)
        optimizer.step()
        weights = {key: numbers(parameter.flatten()[:16]) for key, parameter in trained.items()}
        rows[name] = {"config": config, "tensors": tensors, "logits": logits, "greedy": greedy, "loss": loss.item(),
                      "norm": norm.item(), "gradient": gradient, "weights": weights}
    return rows


def moments() -> dict:
    """Three steps of AdamW whose moments are put into 8 bits in between, in blocks of 256, by the maps of bitsandbytes.

    Each number becomes the nearest in its map, found by trying all: bitsandbytes' own function for CPUs is not exact.
    """
    from bitsandbytes.functional import create_dynamic_map

    maps = {"exp_avg": create_dynamic_map(True), "exp_avg_sq": create_dynamic_map(False)}
    parameter = torch.nn.Parameter(value("moments", (320,)))
    start = numbers(parameter, 9)
    optimizer = torch.optim.AdamW([parameter], lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    steps = []
    for step in range(3):
        # Magnitudes over four decades, as gradients have them.
        parameter.grad = value(f"gradient {step}", (320,)) * 10 ** (8 * value(f"decade {step}", (320,)))
        row = {"gradient": numbers(parameter.grad, 9)}
        optimizer.step()
        for name, map in maps.items():
            codes, scales = [], []
            for block in optimizer.state[parameter][name].split(256):
                scales.append(block.abs().max())
                codes.append((block[:, None] / scales[-1] - map).abs().argmin(1))
                block.copy_(map[codes[-1]] * scales[-1])
            row[name] = {"codes": torch.cat(codes).tolist(), "scales": numbers(torch.stack(scales), 9)}
        steps.append(row | {"weights": numbers(parameter)})
    return {"start": start, "steps": steps, "signed": numbers(maps["exp_avg"]), "unsigned": numbers(maps["exp_avg_sq"])}


def truncation() -> dict:
    """What transformers' own top-k and top-p filters leave of a distribution, sampled at temperature 0.7."""
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    scores = value("truncation", (1, 24)) * 12
    left = lambda *warpers: numbers(F.softmax(_apply(warpers, scores), -1))
    heat = TemperatureLogitsWarper(0.7)
    return {
        "logits": numbers(scores),
        "all": left(heat),
        "top-k 5": left(heat, TopKLogitsWarper(5)),
        "top-p 0.8": left(heat, TopPLogitsWarper(0.8)),
        "top-k 6, top-p 0.9": left(heat, TopKLogitsWarper(6), TopPLogitsWarper(0.9)),
    }


# Shaped like the templates of Qwen2.5 and Llama 3: white space control, string methods, namespaces, refusals.
TEMPLATES = [
    """{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    """{{ bos_token }}
{% set state = namespace(users=0) %}
{% for message in messages %}
    {% if message['role'] not in ['system', 'user', 'assistant'] %}
        {{ raise_exception('unknown role ' ~ message['role']) }}
    {% endif %}
    {% if message.role == 'user' %}{% set state.users = state.users + 1 %}{% endif %}
{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + eos_token }}
{% endfor %}
{{ state.users }}{{ messages[-1].content.strip().split(' ')[0].upper() if messages[-1].content.startswith('What') }}
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}
""",
]
CONVERSATIONS = [
    [{"role": "user", "content": "What is 1 + 1? "}],
    [{"role": "system", "content": " Be brief."}, {"role": "user", "content": "Hello"},
     {"role": "assistant", "content": "Hi\n"}, {"role": "user", "content": "<b>'quoted' & \"so\"</b>"}],
]


def templates() -> list:
    from transformers.utils.chat_template_utils import render_jinja_template

    def render(template):
        rendered, _ = render_jinja_template(CONVERSATIONS, chat_template=template, add_generation_prompt=True,
                                            bos_token="<s>", eos_token="</s>")
        return {"template": template, "conversations": CONVERSATIONS, "rendered": rendered}

    return [render(template) for template in TEMPLATES]


def _apply(warpers, scores):
    for warper in warpers:
        scores = warper(torch.zeros(1, 1, dtype=torch.long), scores)
    return scores


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({
        "sequences": SEQUENCES,
        "models": {name: forward(config) for name, config in CONFIGS.items()},
        "learning": learning(),
        "anchored": anchored(),
        "averages": averages(),
        "truncated": truncated(),
        "imitation": imitation(),
        "muon": muon(),
        "adapters": adapters(),
        "moments": moments(),
        "truncation": truncation(),
        "templates": templates(),
    }))
