"""GRPO with TRL, rewarded by verdicts of the sandbox: a few steps with a model that is far too small to learn it.

    pip install azr-env trl
    python trl_grpo.py [MODEL]         # a name on the hub or a directory, with a chat template
"""

import json
import sys

import azr_env
import problems

MODEL = "trl-internal-testing/tiny-Qwen2ForCausalLM-2.5"


def rewards(client):
    """A reward function of TRL: columns of the data set arrive by their names."""

    def passes_tests(completions, task, **_):
        texts = [part[0]["content"] if isinstance(part, list) else part for part in completions]
        return problems.scores(client, [json.loads(text) for text in task], texts)

    return passes_tests


def main(model=MODEL):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    with azr_env.Client() as client:
        rows = [
            {"prompt": [{"role": "user", "content": row["question"]}], "task": json.dumps(row["task"])}
            for row in problems.load(client)
        ]
        setting = GRPOConfig(
            output_dir="grpo", max_steps=3, per_device_train_batch_size=4, num_generations=4, max_completion_length=64,
            logging_steps=1, report_to=[], use_cpu=True,
        )  # fmt: skip
        GRPOTrainer(model, reward_funcs=rewards(client), args=setting, train_dataset=Dataset.from_list(rows)).train()


if __name__ == "__main__":
    main(*sys.argv[1:])
