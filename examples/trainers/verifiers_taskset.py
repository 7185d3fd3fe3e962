"""A taskset of `verifiers`: problems as tasks, verdicts of the sandbox as their reward.

    pip install azr-env verifiers
    python verifiers_taskset.py        # loads the tasks and scores a right and a wrong answer, without a model

The judge runs in a server that this process starts, or in the one at AZR_ENV_URL.
"""

import functools
import os
from collections.abc import Iterator

import azr_env
import problems
import verifiers.v1 as vf


@functools.cache
def client() -> azr_env.Client:
    return azr_env.Client(os.environ.get("AZR_ENV_URL"))


class ProgramData(vf.TaskData):
    task: dict
    """As the judge imported it."""


class ProgramTask(vf.Task[ProgramData, vf.State, vf.TaskConfig]):
    @vf.reward
    def passes_tests(self, trace: vf.Trace) -> float:
        return problems.scores(client(), [self.data.task], [trace.last_reply])[0]


class ProgramsConfig(vf.TasksetConfig):
    path: str | None = None
    """A file of EvalPlus or LiveCodeBench; the three problems beside this file by default."""


class ProgramsTaskset(vf.Taskset[ProgramTask, ProgramsConfig]):
    def load(self) -> Iterator[ProgramTask]:
        for row in problems.load(client(), self.config.path):
            yield ProgramTask(ProgramData(prompt=row["question"], task=row["task"]), self.config.task)


class _Reply:
    """Stands for a trace."""

    def __init__(self, last_reply: str) -> None:
        self.last_reply = last_reply


def main() -> None:
    for task, body in zip(ProgramsTaskset(ProgramsConfig()), ("text + text[::-1]", "text"), strict=False):
        answer = f"```python\ndef mirrored(text):\n    return {body}\n```"
        print(f"{task.data.prompt_text.splitlines()[0]!r}: {task.passes_tests(_Reply(answer))}")
    client().close()


if __name__ == "__main__":
    main()
