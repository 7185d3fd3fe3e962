"""Calls solutions as the benchmarks do.

The program that the judge sends is a line that names one of these functions and holds the solution's text. What is here
is in the snapshot, so that no run compiles it.

EvalPlus and LiveCodeBench call a solution with all inputs in one process, where it finds what its earlier calls left.
Here inputs are shared among runs, as long as a solution cannot leave anything: where `keeping.keeps_state` finds a place
for it, the first run makes all calls and the others none.

What is returned of a result is in `results.py`; where another run has it, an empty tuple.
"""

import bisect
import builtins
import json
import sys
import types

import evalplus
import keeping
import results
import surroundings
import width

# EvalPlus leaves CPython's limit, of which its own frames take some thirty; ours take four.
_FUNCTION_RECURSION_LIMIT = 974
# LiveCodeBench's harness puts this before each solution.
_PREPARED_RECURSION_LIMIT = 50_000
_PREPARED = "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json"
_FAILURE_MAX_CHARS = 500
ELSEWHERE = ()
definitions = evalplus.definitions


def _prepared_names():
    """The names that LiveCodeBench's harness puts before a solution."""
    names = {}
    stars = "\n".join(f"from {name} import *" for name in (_PREPARED + " builtins typing").split())
    exec(f"{stars}\nimport {_PREPARED.replace(' ', ', ')}", names)
    # What is builtin anyway stays where a program may find another.
    return {name: value for name, value in names.items() if vars(builtins).get(name) is not value and name != "__builtins__"}


def _names():
    if bisect.bisect_left is not _NAMES["bisect_left"]:
        # Numbers are beyond 32 bits (`width.py`).
        _NAMES.update(_prepared_names())
    return _NAMES


def _load(name, code, builtin_names, names=()):
    """Runs a solution as a module of this name."""
    sys.argv = ["solution.py"]
    module = types.ModuleType(name)
    # As in a benchmark's process, something is the main module also where the solution is not: doctest looks at it.
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.modules[name] = module
    module.__dict__.update(names, __builtins__=builtin_names)
    exec(code, module.__dict__)
    return module


def _compiled(source):
    """Of a text, or of what `definitions` leaves of it."""
    return compile(source, "solution.py", "exec")


def function(source, builtin_names, task_id):
    """Calls a function as EvalPlus does, for the task of this name."""
    sys.setrecursionlimit(_FUNCTION_RECURSION_LIMIT)
    code = _compiled(source)
    if task_id in evalplus.NAIVE_SUMS:
        builtin_names["sum"] = evalplus.naive_sum

    def begin():
        return _load("solution", code, builtin_names)

    def call(solution, arguments, entry_point):
        result = getattr(solution, entry_point)(*evalplus.arguments(arguments, task_id))
        return evalplus.compared(result, entry_point, task_id)

    return _sequence(begin, call, (), results.Room(results.FUNCTION_UNITS))


def method(source, builtin_names):
    """Calls a method of the one instance of `Solution`, or a function, with one argument per line."""
    sys.setrecursionlimit(_PREPARED_RECURSION_LIMIT)
    code, names = _compiled(source), _names()

    def begin():
        solution = _load("solution", code, builtin_names, names)
        return solution.Solution() if hasattr(solution, "Solution") else solution

    def call(solution, lines, entry_point):
        return getattr(solution, entry_point)(*map(json.loads, lines.split("\n")))

    return _sequence(begin, call, names, results.Room(results.METHOD_UNITS))


def _sequence(begin, call, names, room):
    """Makes calls, of those that come in one process the first ones or all."""
    solution = begin()
    keeps_state = keeping.keeps_state(sys.modules["solution"], solution, names)

    def f(place, arguments, *more):
        nonlocal solution
        if place == "later":
            # The calls of the other runs.
            return _all_calls(arguments, more) if keeps_state else ELSEWHERE
        if place == "other" and keeps_state:
            return ELSEWHERE
        if place == "anew" and keeps_state:
            solution = begin()
        return room.sent(call(solution, arguments, *more))

    def _all_calls(inputs, more):
        nonlocal solution
        returned = []
        for arguments in inputs:
            try:
                if arguments is None:
                    solution = begin()
                else:
                    returned.append(room.sent(call(solution, arguments, *more)))
            except BaseException as exception:
                if width.is_exceeded(exception):
                    raise
                returned.append(_failure(exception))
                break
        return returned

    return f


def _failure(exception):
    text = f"the program raised {type(exception).__name__}: {exception}"
    return text.encode("utf-8", "backslashreplace").decode()[:_FAILURE_MAX_CHARS]


def stdin(source, builtin_names):
    """Runs a program from its beginning and returns what it wrote."""
    sys.setrecursionlimit(_PREPARED_RECURSION_LIMIT)
    code, names = _compiled(source), _names()

    def f(given):
        output = surroundings.standard_streams(given.encode())
        # `from sys import *` finds the streams of this run.
        streams = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
        try:
            _load("__main__", code, builtin_names, names | streams)
        except surroundings.Exit:
            return surroundings.written()
        except SystemExit:
            pass
        surroundings.finish(output)
        return surroundings.written()

    return f


def asserts(source, builtin_names):
    """Runs assertions in the module of the solution, as the benchmarks do. The solution can reach everything here."""
    solution = _load("solution", _compiled(source), builtin_names)
    real_import = builtin_names["__import__"]

    def import_(name, *others):
        return _Numpy if name == "numpy" else real_import(name, *others)

    def f(tests):
        names = solution.__dict__
        names["__builtins__"] = dict(builtin_names, __import__=import_)
        exec(compile(tests, "tests.py", "exec"), names)
        return True

    return f


class _Numpy:
    """What the assertions of EvalPlus take from numpy."""

    float32 = float64 = float
    ndarray = type("ndarray", (), {})

    @staticmethod
    def allclose(one, other, rtol=1e-05, atol=1e-08):
        if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
            return len(one) == len(other) and all(_Numpy.allclose(a, b, rtol, atol) for a, b in zip(one, other))
        return one == other or abs(one - other) <= atol + rtol * abs(other)


_NAMES = {}


def warm_up():
    """Fills what is needed once, and runs everything twice."""
    _NAMES.update(_prepared_names())
    keeping.prepare(_NAMES)
    names = dict(builtins.__dict__)
    for _ in range(2):
        f = function("def g(a, b=[1]):\n    return [a, 'x', {1: 2.5}, {3}, (4, None)]\n", names, "HumanEval/0")
        for place in ("first", "other"):
            f(place, "[1]", "g")
        f("later", ["[1]"], "g")
        f = method("class Solution:\n    def g(self, a):\n        return sorted(a)\n", names)
        f("first", "[2, 1]", "g")
        f = stdin("import sys\nn = int(input())\nprint(*[x * n for x in map(int, sys.stdin.readline().split())])\n", names)
        f("2\n3 4\n")
        asserts("def g(a): return a", names)("assert g(1) == 1")
    sys.modules.pop("solution"), sys.modules.pop("__main__")
