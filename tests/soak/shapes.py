"""Random weights of true shapes: loaded, sampled from, trained and saved as by transformers and PyTorch.

Usage: make shapes, or PYTHON -W ignore tests/soak/shapes.py [SHAPE ...] from the repository's root, where PYTHON has torch,
transformers and peft. Takes up to 11 GB of memory and 8 GB in --folder.

The checkpoint is bf16, in shards; both sides compute in f32. Of each shape azr-host takes 4 sequences of 24 tokens, adds
12 greedily, and makes one update on them: of all weights where --all says so, else of an adapter, which it then merges.
transformers must choose the same tokens with the same log-probabilities, PyTorch must come to the same loss, gradient norm
and weights, and transformers must load what was saved.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parent.parent / "policy"))

HOST = os.environ.get("AZR_HOST", "target/debug/azr-host")
# As the models' cards and config.json say; the layers that a test of 3B and 7B takes fit a small machine.
PARAMETERS = {
    "0.5b": 494_032_768,
    "1.5b": 1_543_714_304,
    "3b": 3_085_938_688,
    "7b": 7_615_616_512,
    "0.6b": 596_049_920,
    "llama-1b": 1_235_814_400,
}
LAYERS = {"3b": 1, "7b": 1}
RANK = 8
# Adam's first step is nearly the gradient's sign, whatever its size. With an epsilon above all gradients it follows the
# gradient, so that a weight tells how exact that was.
EPSILON, LEARNING_RATE, DECAY = 1e-2, 1e-2, 1e-2
LOGPROBS, LOSS, CHANGE = 2e-5, 1e-5, 1e-3


def in_child(function, *args):
    """Its result; torch gives memory back only so."""
    pool = multiprocessing.get_context("spawn").Pool(1)
    result = pool.apply(function, args)
    pool.close()
    pool.join()
    return result


def host(*args):
    """Runs azr-host; returns the most memory it took, in GiB."""
    process = subprocess.Popen([HOST, *map(str, args)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"azr-host {' '.join(map(str, args))} failed")
    return usage.ru_maxrss / 2**20


def make(shape, folder):
    """The checkpoint, and beside it the configuration of the whole shape."""
    import torch
    from bench_reference import SHAPES, make
    from transformers import AutoConfig, AutoModelForCausalLM

    make(shape, folder / "model", torch.bfloat16, layers=LAYERS.get(shape), shard="500MB")
    whole = AutoConfig.for_model(**SHAPES[shape])
    whole.save_pretrained(folder / "whole")
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(whole).num_parameters()


def load(folder):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(2)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def sequences(update):
    import torch

    rollouts = update["rollouts"]
    tokens = torch.tensor([rollout["prompt"] + rollout["completion"] for rollout in rollouts])
    old = torch.tensor([rollout["old_logprobs"] for rollout in rollouts])
    return tokens, old, torch.tensor([[rollout["advantage"]] for rollout in rollouts])


def compare_sampling(model, update):
    """The largest difference of log-probabilities, and in how many places the likeliest token is another."""
    import torch

    tokens, old, _ = sequences(update)
    count = old.shape[1]
    with torch.no_grad():
        logprobs = model(tokens[:, :-1]).logits[:, -count:].log_softmax(-1)
    chosen = tokens[:, -count:]
    gap = (logprobs.gather(2, chosen[:, :, None])[:, :, 0] - old).abs().max().item()
    return gap, (logprobs.argmax(-1) != chosen).sum().item()


def step(model, update, parameters):
    """One step of the clipped surrogate by autograd and torch.optim.AdamW: loss, gradient norm, and the most memory that
    this process has taken until then, in GiB."""
    import torch

    tokens, old, advantages = sequences(update)
    count = old.shape[1]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, eps=EPSILON, weight_decay=DECAY)
    logits = model(tokens[:, :-1], logits_to_keep=count).logits
    now = logits.log_softmax(-1).gather(2, tokens[:, -count:, None])[:, :, 0]
    ratio = (now - old).exp()
    loss = -torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.28) * advantages).mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    return loss.item(), norm.item(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def compare_step(update, loss, norm, memory):
    loss_gap, norm_gap = abs(update["loss"] - loss), abs(update["gradient_norm"] / norm - 1)
    assert loss_gap < LOSS, f"loss {update['loss']}, not {loss}"
    assert norm_gap < CHANGE, f"gradient norm {update['gradient_norm']}, not {norm}"
    return {"loss differs by": loss_gap, "gradient norm by a share of": norm_gap, "GiB of PyTorch": memory}


def change_gap(before, ours, theirs):
    """How far two changes of a tensor are apart, against the larger's length."""
    return (ours - theirs).norm().item() / max((theirs - before).norm().item(), (ours - before).norm().item(), 1e-12)


def check_all(folder, kept):
    """All weights trained: what PyTorch makes of the same batch."""
    from safetensors import safe_open

    update = json.loads((kept / "update.json").read_text())
    model = load(folder)
    gap, others = compare_sampling(model, update)
    parameters = list(model.parameters())
    figures = compare_step(update, *step(model, update, parameters))
    before, after = load_tensors(folder), safe_open(kept / "policy" / "model.safetensors", "pt")
    assert set(after.keys()) == set(name for name, _ in model.named_parameters())
    load(kept / "policy")
    change = max(
        change_gap(before(name).float(), after.get_tensor(name), parameter.detach())
        for name, parameter in model.named_parameters()
    )
    return {"log-probabilities differ by": gap, "other tokens": others, **figures, "changes of weights by a share of": change}


def check_adapter(folder, kept, merged):
    """An adapter trained: the same with PEFT, and what `azr-host policy merge` made of it."""
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file

    update = json.loads((kept / "update.json").read_text())
    model = load(folder)
    gap, others = compare_sampling(model, update)
    trained = load_file(kept / "policy" / "adapter_model.safetensors")
    model = PeftModel.from_pretrained(model, kept / "policy", is_trainable=True)
    # The adapter before its update: B was 0, and of A no gradient came through it but decay.
    parameters = {name.replace(".default", ""): parameter for name, parameter in model.named_parameters()}
    parameters = {name: parameter for name, parameter in parameters.items() if parameter.requires_grad}
    assert set(parameters) == set(trained)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.zero_() if "lora_B" in name else parameter.div_(1 - LEARNING_RATE * DECAY)
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    figures = compare_step(update, *step(model, update, list(parameters.values())))
    change = max(
        change_gap(before[name], trained[name], parameter.detach())
        for name, parameter in parameters.items()
        if "lora_B" in name
    )
    base, whole = load_tensors(folder), load_tensors(merged)
    wrong = []
    config = json.loads((kept / "policy" / "adapter_config.json").read_text())
    for name in trained:
        if "lora_A" not in name:
            continue
        linear = name.removeprefix("base_model.model.").replace("lora_A.", "")
        product = trained[name.replace("lora_A", "lora_B")] @ trained[name] * (config["lora_alpha"] / config["r"])
        expected = base(linear).float() + product
        # Rounded to bf16, and perhaps at a tie to the other side.
        if (whole(linear).float() - expected).abs().max() > expected.abs().max() * 2**-8:
            wrong.append(linear)
    assert not wrong, f"merged otherwise: {wrong}"
    load(merged)
    return {"log-probabilities differ by": gap, "other tokens": others, **figures, "changes of weights by a share of": change}


def load_tensors(folder):
    """By name, out of any number of shards."""
    from safetensors import safe_open

    shards = [safe_open(path, "pt") for path in sorted(pathlib.Path(folder).glob("*.safetensors"))]
    where = {name: shard for shard in shards for name in shard.keys()}
    return lambda name: where[name].get_tensor(name)


def campaign(shape, train_all, folder):
    model, kept, merged = folder / "model", folder / "kept", folder / "merged"
    parameters = in_child(make, shape, folder)
    planned = json.loads(subprocess.check_output([HOST, "policy", "memory", folder / "whole", "--json"]))["weights"]
    assert (parameters, planned) == (PARAMETERS[shape], 2 * PARAMETERS[shape]), f"{parameters} parameters, {planned} bytes"
    shards = len(list(model.glob("*.safetensors")))
    rank = 0 if train_all else RANK
    ours = host(
        "bench", "policy", "--policy", model, "--batches", 4, "--prompt-tokens", 24, "--completion-tokens", 12,
        "--repeats", 0, "--keep", kept, "--set", "sampling.top-k=1", "--set", "policy.threads=2",
        "--set", f"policy.lora.rank={rank}", "--set", f"update.epsilon={EPSILON}",
        "--set", f"update.learning-rate={LEARNING_RATE}", "--set", f"update.weight-decay={DECAY}",
    )  # fmt: skip
    if train_all:
        figures = in_child(check_all, model, kept)
    else:
        host("policy", "merge", kept / "policy", merged)
        figures = in_child(check_adapter, model, kept, merged)
    figures["GiB of azr-host"] = ours
    layers = LAYERS.get(shape, "all")
    print(f"{shape}: layers {layers}, shards {shards}, {'all weights' if train_all else 'an adapter'} trained")
    print("  " + ", ".join(f"{name} {value:.2g}" for name, value in figures.items()), flush=True)
    assert figures["log-probabilities differ by"] < LOGPROBS and figures["other tokens"] == 0, "sampled otherwise"
    assert figures["changes of weights by a share of"] < CHANGE, "learned otherwise"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", default=list(PARAMETERS), metavar="SHAPE")
    parser.add_argument("--all", nargs="*", default=["0.5b"], metavar="SHAPE", help="of these all weights are trained")
    parser.add_argument("--folder", type=pathlib.Path)
    args = parser.parse_args()
    for shape in args.shapes:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            campaign(shape, shape in args.all, pathlib.Path(folder))
