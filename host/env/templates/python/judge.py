"""The judge around `Environment` of `env.py`. `azr-env build` adds it; the trait `Puzzles` of the crate
azr-guest-sdk does the same for Rust."""

import json

from azr_env import NotATask, Rng, Wrong
from componentize_py_types import Err
from env import Environment
from wit_world.exports.judge import (
    Completed_Attempt,
    Completed_Proposal,
    Demonstration,
    Description,
    Example,
    Expectation,
    Kind,
    Limits,
    OfferedSetting,
)
from wit_world.imports import log
from wit_world.imports.types import (
    Accepted,
    Attempt,
    Message,
    Prompt,
    Proposal,
    Rejection,
    Speaker,
    Style,
    Task,
    Verdict,
)

_env = Environment()
_kind = _env.KIND or _env.NAME
_MARKERS = (
    "<solve>",
    "<propose>",
    "<deduction>",
    "<abduction>",
    "<induction>",
    "<program>",
    "<input>",
    "<output>",
    "<think>",
    "</think>",
)
_FORMAT = (
    "First reason about the question inside <think> </think> tags, then give the answer inside <answer> </answer> tags: "
    "<think> reasoning </think> <answer> answer </answer>"
)
# Tasks that examples are made of, of each source.
_EXAMPLES_MAX = 8
# Brackets that may be open in a line of a data set. Protects the stack from the JSON parser's recursion.
_NESTING_MAX = 64


class Judge:
    def describe(self):
        kind = Kind(
            name=_kind,
            asks=_env.ASKS,
            proposable=_env.proposer_question() is not None,
            generated=_generated(None, 0, 0) is not None,
            references_from=[],
            references_max=0,
        )
        settings = [OfferedSetting(name, meaning, default) for name, (default, meaning) in _env.SETTINGS.items()]
        return Description(_env.NAME, _env.VERSION, [kind], settings, Limits(0, 0, 0), [])

    def seeds(self, ctx):
        return [_written(task) for task in _env.seeds()]

    def generate(self, ctx, kind, seed, first, count):
        return [_written(_generated(ctx, seed, number)) for number in range(first, first + count)]

    def import_task(self, ctx, line):
        if line.count("[") + line.count("{") > _NESTING_MAX and _nesting(line) > _NESTING_MAX:
            raise _rejection("not-a-task", f"more than {_NESTING_MAX} brackets inside each other")
        try:
            task = json.loads(line, parse_constant=_no_constant)
        except ValueError as error:
            raise _rejection("not-a-task", str(error)) from None
        return _checked(task)

    def examples(self, ctx):
        def attempt(task, note, answer, expected):
            attempt = Attempt(_written(task), _completion(ctx.style, answer))
            return Example(f"{note}: {answer}", Completed_Attempt(attempt), expected)

        def proposal(note, text, expected):
            proposal = Proposal(_kind, [], _completion(ctx.style, text))
            return Example(f"{note}: {text}", Completed_Proposal(proposal), expected)

        tasks = _env.samples()[:_EXAMPLES_MAX] + _env.seeds()[:_EXAMPLES_MAX]
        if _generated(ctx, 0, 0) is not None:
            tasks += [_generated(ctx, 0, number) for number in range(_EXAMPLES_MAX)]
        examples = []
        for task in tasks:
            if (answer := _env.oracle(task)) is not None:
                examples.append(attempt(task, "an answer", answer, Expectation.RIGHT))
            examples += [attempt(task, "a cheat", answer, Expectation.WRONG) for answer in _env.cheats(task)]
            if (text := _env.proposal(task)) is not None:
                examples.append(proposal("a task", text, Expectation.RIGHT))
        return examples + [proposal("a forgery", text, Expectation.WRONG) for text in _env.forged_proposals()]

    def demonstrate(self, ctx, task):
        task = json.loads(task.body)
        answer, text = _env.oracle(task), _env.proposal(task)
        return Demonstration(
            None if answer is None else _thoughtful(ctx.style, _env.thought(task), answer),
            None if text is None else _completion(ctx.style, text),
        )

    def propose_prompt(self, ctx, kind, references):
        compact = ctx.style == Style.COMPACT
        question = _env.compact_proposer_question() if compact else _env.proposer_question()
        return _asked(ctx.style, "<propose>", question)

    def solve_prompt(self, ctx, task):
        task = json.loads(task.body)
        question = _env.compact_question(task) if ctx.style == Style.COMPACT else _env.question(task)
        return _asked(ctx.style, "<solve>", question)

    def subject(self, task):
        subject = _env.subject(json.loads(task.body))
        return task.body if subject is None else subject

    def plan_proposal(self, ctx, proposal):
        return []

    def judge_proposal(self, ctx, proposal, reports):
        text, well_formed = _found(ctx.style, proposal.completion)
        try:
            task = _env.read_proposal(text)
        except NotATask as error:
            raise _rejection("not-a-task", str(error)) from None
        return Accepted(_checked(task), well_formed, [])

    def plan_answer(self, ctx, attempt):
        return []

    def judge_answer(self, ctx, attempt, reports):
        answer, well_formed = _found(ctx.style, attempt.completion)
        try:
            _env.grade(json.loads(attempt.task.body), answer)
        except Wrong as wrong:
            return Verdict(float(wrong.score), well_formed, answer, wrong.reason)
        return Verdict(1.0, well_formed, answer, "right")

    def plan_exec(self, program, input):
        raise _rejection("no-executor", "this environment runs no programs")

    def show_value(self, value):
        return repr(bytes(value))


def _logged(method):
    """Any exception but a rejection ends the call as a fault of the environment; this says where it came from."""

    def call(*arguments):
        try:
            return method(*arguments)
        except Err:
            raise
        except Exception as error:
            # Not by `traceback`, which looks for the sources in files.
            places, place = [], error.__traceback__.tb_next
            while place is not None:
                places.append(f"{place.tb_frame.f_code.co_name} line {place.tb_lineno}")
                place = place.tb_next
            log.emit(log.Level.WARN, f"{type(error).__name__}: {error} ({', '.join(places)})")
            raise

    return call


for _name, _method in list(vars(Judge).items()):
    if not _name.startswith("_"):
        setattr(Judge, _name, _logged(_method))


def _generated(ctx, seed, number):
    settings = {name: default for name, (default, _) in _env.SETTINGS.items()}
    settings.update((setting.name, setting.value) for setting in (ctx.settings if ctx else []))
    return _env.generate_with(settings, Rng(seed, number))


def _rejection(code, message):
    return Err(Rejection(code, message))


def _checked(task):
    try:
        _env.check(task)
    except NotATask as error:
        raise _rejection("unfit", str(error)) from None
    return _written(task)


def _written(task):
    return Task(_kind, json.dumps(task, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _nesting(text):
    deepest = depth = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _asked(style, role, question):
    if style == Style.COMPACT:
        return Prompt([Message(Speaker.USER, f"{role}{question}<output>")], "", [])
    return Prompt([Message(Speaker.USER, f"{question}\n\n{_FORMAT}")], "<think>", ["</answer>"])


def _completion(style, answer):
    return answer if style == Style.COMPACT else f"</think>\n<answer>{answer}"


def _thoughtful(style, thought, answer):
    completion = _completion(style, answer)
    if thought is None:
        return completion
    return f"<think>{thought}</think>{completion}" if style == Style.COMPACT else thought + completion


def _found(style, completion):
    """The answer, and whether the completion kept the format: as azr_guest_sdk::format::Tagged."""
    if style == Style.COMPACT:
        thought, end, rest = completion.partition("</think>")
        answer = rest if end and thought.startswith("<think>") else completion
        ends = [answer.find(marker) for marker in _MARKERS if marker in answer]
        return answer[: min(ends, default=len(answer))].strip(), not ends
    _, tag, answer = completion.rpartition("<answer>")
    _, end, after = completion.partition("</think>")
    well_formed = bool(end) and after.lstrip().startswith("<answer>")
    return (answer.partition("</answer>")[0] if tag else completion).strip(), well_formed
