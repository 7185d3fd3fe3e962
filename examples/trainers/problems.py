"""Problems and their judge, as every example here uses them."""

import pathlib

import azr_env

ENVIRONMENT = "codegen"


def load(client: azr_env.Client, path: str | None = None) -> list[dict]:
    """Each with its task, for the judge, and the question, for a model. The file may be EvalPlus's or LiveCodeBench's."""
    lines = pathlib.Path(path or pathlib.Path(__file__).with_name("problems.jsonl")).read_text().splitlines()
    imported = client.import_tasks(ENVIRONMENT, lines)
    tasks = [answer["task"] for answer in imported if "task" in answer]
    prompts = client.prompt(ENVIRONMENT, [{"role": "solve", "task": task} for task in tasks])
    questions = [next(part["content"] for part in prompt["messages"] if part["speaker"] == "user") for prompt in prompts]
    return [{"task": task, "question": question} for task, question in zip(tasks, questions, strict=True)]


def scores(client: azr_env.Client, tasks: list[dict], completions: list[str]) -> list[float]:
    """From 0 to 1. What nobody knows raises `azr_env.Fault`: it is no reward of 0."""
    items = [{"task": task, "completion": text} for task, text in zip(tasks, completions, strict=True)]
    return [answer["verdict"]["score"] for answer in client.verify(ENVIRONMENT, items)]
