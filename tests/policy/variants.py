"""Policies that are written otherwise than `reference.py` has them: what transformers and PEFT compute for them.

    python3 -m venv .venv && .venv/bin/pip install torch==2.11.0 transformers==5.23.0 peft==0.21.2
    .venv/bin/python tests/policy/variants.py > tests/policy/variants.json
"""

import json
import pathlib
import tempfile

import torch
from peft import LoraConfig, get_peft_model
from reference import COMMON, CONFIGS, SEQUENCES, load, numbers, value
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

LLAMA = COMMON | {"model_type": "llama", "num_key_value_heads": 2, "tie_word_embeddings": True, "dtype": "float32"}
QWEN2 = COMMON | {"model_type": "qwen2", "num_key_value_heads": 2, "tie_word_embeddings": True, "dtype": "float32"}
VARIANTS = {
    "linear": LLAMA | {"rope_theta": 10000.0, "rope_scaling": {"type": "linear", "factor": 4.0}},
    "yarn": QWEN2 | {"rope_theta": 500.0, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}},
    "yarn-attention": QWEN2 | {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 8.0, "attention_factor": 1.25, "beta_fast": 8,
                                                   "beta_slow": 0.5, "original_max_position_embeddings": 32, "truncate": False}},
    "yarn-mscale": LLAMA | {"rope_theta": 100.0, "rope_scaling": {"rope_type": "yarn", "factor": 16.0, "mscale": 0.8, "mscale_all_dim": 0.5,
                                                                  "original_max_position_embeddings": 8}},
    "windows-off": QWEN2 | {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2},
    "no-kv-heads": {key: value for key, value in LLAMA.items() if key != "num_key_value_heads"},
}  # fmt: skip
ADAPTERS = {
    "paths": {"target_modules": ["self_attn.q_proj", "self_attn.v_proj"]},
    "regex": {"target_modules": r".*\.(q|down)_proj"},
    "one layer by regex": {"target_modules": r"model\.layers\.(?!0)\d+\..*(gate|up)_proj"},
    "all-linear": {"target_modules": "all-linear"},
    "whole names": {"target_modules": ["model.layers.1.mlp.up_proj", "layers.0.self_attn.o_proj"]},
    "excluded": {"target_modules": ["q_proj", "v_proj"], "exclude_modules": ["model.layers.0.self_attn.q_proj", "layers.0.self_attn.v_proj"]},
    "excluded by regex": {"target_modules": ["q_proj", "v_proj"], "exclude_modules": r".*layers\.1\..*q_proj"},
    "layers": {"target_modules": ["k_proj"], "layers_to_transform": [1]},
    "layer": {"target_modules": ["k_proj", "up_proj"], "layers_to_transform": 0, "layers_pattern": "layers"},
    "gaussian": {"target_modules": ["v_proj"], "init_lora_weights": "gaussian"},
}  # fmt: skip


def logits(model):
    with torch.no_grad():
        return [numbers(model(torch.tensor([tokens])).logits) for tokens in SEQUENCES]


def adapter(settings):
    model = get_peft_model(load(CONFIGS["qwen2-tied-grouped"]), LoraConfig(r=4, lora_alpha=6, task_type="CAUSAL_LM", **settings))
    trained = {key.replace(".default", ""): p for key, p in model.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for key, parameter in trained.items():
            parameter.copy_(value(key, parameter.shape))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        config = json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())
    return {"config": config, "tensors": {key: list(p.shape) for key, p in trained.items()}, "logits": logits(model)}


def stored(change):
    """Of a tied model whose file has what `change` makes of the tensors."""
    config = CONFIGS["qwen2-tied-grouped"]
    tensors = {name: p.detach().clone() for name, p in load(config).named_parameters()}
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config))
        save_file(change(tensors), f"{folder}/model.safetensors", metadata={"format": "pt"})
        return logits(AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval())


EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"

if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({
        "models": {name: {"config": config, "logits": logits(load(config))} for name, config in VARIANTS.items()},
        "adapters": {name: adapter(settings) for name, settings in ADAPTERS.items()},
        "head-only": stored(lambda t: {HEAD if name == EMBEDDING else name: x for name, x in t.items()}),
        "two-heads": stored(lambda t: t | {HEAD: -t[EMBEDDING]}),
        "equal-heads": stored(lambda t: t | {HEAD: t[EMBEDDING].clone()}),
    }))
