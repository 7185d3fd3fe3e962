"""Writes measures.jsonl: `python3 make_measures.py > measures.jsonl`, made with CPython 3.11, complexipy 8.3.0, radon
6.0.1 and black 26.10.1.

Each line is a program, the programs that it is compared with, and what those tools make of it, put together as the
reference implementation of the paper does: the programs are formatted first, the distance is that of their trees as
JSON texts. None has a docstring: that is all of a tree that formatting changes.
"""

import ast
import difflib
import json
import pathlib

import black
from complexipy import code_complexity
from radon.complexity import cc_visit
from radon.metrics import h_visit

# Constructs that the programs of programs.jsonl have too few of. After `>>>` a call that returns.
FURTHER = r'''
def f(a, b, c):
    return a and b or c and not a
>>> 1, 0, 2

def f(a, b):
    if not (a or b) and (a and not b or a):
        return 1
    elif a or b or not a:
        return 2
    else:
        if a:
            return 3
    return not (not a or not b)
>>> 1, 0

def f(n):
    try:
        while n > 0 and n != 5:
            n -= 2
        else:
            n += 1
        assert n or not n, 'n' if n else 'm'
    except ValueError as error:
        if n:
            raise KeyError(n if n else 0) from error
    except (TypeError, IndexError):
        pass
    else:
        n = 3
    finally:
        n += 1
    return n
>>> 4

def f(n):
    match n:
        case 0:
            return 1
        case [a, b] if a > b:
            return a if a else b
        case _:
            for x in range(3):
                if x:
                    break
            else:
                return 2
    return 3
>>> 0

def f(xs):
    def decorate(g):
        def inner(*args):
            return g(*args) if args else None
        return inner
    def deep(x):
        if x > 0:
            return deep(x - 1)
        return lambda y: x if y else -x
    @decorate
    def double(x):
        return x * 2
    return {double(x): [y for y in xs if y and not x if y > 1] for x in xs}, {x or 1 for x in xs}
>>> [1, 2]

class Stack:
    limit = 10 if True else 20
    class Error(Exception):
        def __str__(self):
            return 'empty' if self.args else 'full'
    def __init__(self):
        self.items = []
    def pop(self):
        if not self.items:
            raise self.Error()
        return self.items.pop()
class Empty:
    size: int = 3 and 4
x = 3 if 2 > 1 else 4
for y in range(3):
    x += y if y else -y
def f(n):
    s = Stack()
    s.items += [n, n + 1, n << 2, ~n, n ** n // 3 % 5, 1, 1.0, True]
    total = 1
    if s is None:
        with open(n if n else s) as m:
            total = m or n
    return s.items[3] + total
>>> 0

def f(n):
    async def g(x):
        async for y in x:
            if y:
                pass
        async with x as y:
            return await g(y)
    return f(n - 1) if n else 0
>>> 0

def f(a):
    return sum(x for x in a
               if x > 0) + len(f"{a[0] if a else 1}{not a or 2!r:>{10 or 5}}")
>>> [1]
'''


def plain(value):
    """A tree as the reference writes it down: fields that are there, contexts aside; of lists, the nodes."""
    if isinstance(value, list):
        return [plain(item) for item in value if isinstance(item, ast.AST)]
    if not isinstance(value, ast.AST):
        return value
    fields = {name: plain(field) for name, field in ast.iter_fields(value) if name != "ctx" and field is not None}
    return {"node_type": type(value).__name__, **fields}


def as_json(code):
    return json.dumps(plain(ast.parse(code)), sort_keys=True, indent=2)


def distance(one, other):
    return 1.0 - difflib.SequenceMatcher(None, as_json(one), as_json(other)).ratio()


def halstead(code):
    total = h_visit(code).total
    cyclomatic = max((block.complexity for block in cc_visit(code)), default=1)
    return 0.5 * min(total.effort / 10000, 1) + 0.3 * min(cyclomatic / 10, 1) + 0.2 * min(total.volume / 500, 1)


def formatted(code):
    return black.format_str(code, mode=black.Mode())


def has_json(code):
    try:
        return bool(as_json(code))
    except TypeError:
        # Bytes and `...` have none: the reference takes 0 for the distance, the judge the constant's repr.
        return False


rows = (pathlib.Path(__file__).parent / "programs.jsonl").read_text().splitlines()
calls = {row["program"]: row["input"] for row in map(json.loads, rows) if "output" in row}
calls.update(block.split("\n>>> ") for block in FURTHER.strip().split("\n\n"))
programs = [program for program in calls if has_json(program)]
for number, program in enumerate(programs):
    references = [programs[(number * 7 + step * 13) % len(programs)] for step in range(number % 4)]
    row = {
        "program": program,
        "input": calls[program],
        "references": references,
        "complexity": code_complexity(formatted(program)).complexity / 15,
        "halstead": halstead(formatted(program)),
    }
    if references:
        row["edit-distance"] = sum(distance(formatted(program), formatted(r)) for r in references) / len(references)
    print(json.dumps(row))
