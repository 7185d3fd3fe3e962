"""The Python executor: loads an untrusted program and calls its `f`.

Everything above `execute` happens before the snapshot that each run starts from. A run has the interpreter for itself,
so nothing here defends itself against the program: what the program can reach are its own inputs, and whatever it
does to this module, it can only change what its own call comes to.
"""

import builtins
import gc
import sys
import types
import warnings


class _Nowhere:
    """Standard output of a program: swallowed, for there is nobody to read it."""

    encoding = "utf-8"
    errors = "backslashreplace"
    closed = False

    def write(self, text):
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False


# Before anything can print: there is no file descriptor behind the real ones, so a write would trap.
sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = _Nowhere()
sys.stdin = sys.__stdin__ = None

import offered
import values
import width
from wit_world.imports.types import (
    Outcome_Refused,
    Outcome_Thrown,
    Outcome_Unsupported,
    Outcome_Value,
    Thrown,
)

# An exception's text is for a person; longer ones say no more.
_MESSAGE_MAX_CHARS = 500
_MODULE_NAME = "program"

# `from __future__ import …` is a statement to the compiler that is executed as an import as well.
_OFFERED = frozenset(offered.MODULES + ("__future__",))
_real_import = builtins.__import__
_encode, _decode, _Unsupported = values.encode, values.decode, values.Unsupported
_class_name = type.__dict__["__name__"].__get__


class _NotOffered(ModuleNotFoundError):
    """An import of a module that is not on the list. A traceback calls it what programs expect."""


_NotOffered.__name__ = _NotOffered.__qualname__ = "ModuleNotFoundError"
_NotOffered.__module__ = "builtins"


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    if level == 0 and name.partition(".")[0] in _OFFERED:
        return _real_import(name, globals, locals, fromlist, level)
    raise _NotOffered(offered.refusal(name), name=name)


class Execution:
    """The exported interface `execution`."""

    def execute(self, program, inputs):
        global _module
        outcomes, exceeded = _outcomes(program, inputs)
        if exceeded:
            # Anew, from the beginning.
            _module = _fresh_module()
            width.widen(_module.__builtins__)
            outcomes, exceeded = _outcomes(program, inputs)
            if exceeded:
                outcomes[-1] = Outcome_Refused(f"a number does not fit the 32-bit words of this interpreter: {exceeded}")
        return outcomes


def _outcomes(program, inputs):
    """What each call came to, and what was said if a number did not fit a word of the interpreter."""
    outcomes = []
    exceeded = None
    # The last places that were freed before the snapshot, which are the same whatever the hash seed.
    _absorbed = [(object(), []) for _ in range(12)]
    try:
        f, refused = _load(program)
        if refused is not None:
            return [Outcome_Refused(refused)], None
        for encoded in inputs:
            args, kwargs = _decode(encoded)
            outcomes.append(Outcome_Value(_encode(f(*args, **kwargs))))
    except _Unsupported as reason:
        outcomes.append(Outcome_Unsupported(reason.args[0]))
    except _NotOffered as reason:
        outcomes.append(Outcome_Refused(_text(reason)))
    except BaseException as exception:
        exceeded = _text(exception) if width.is_exceeded(exception) else None
        outcomes.append(Outcome_Thrown(Thrown(_printable(_class_name(type(exception))), _text(exception))))
    return outcomes, exceeded


def _load(program):
    """The program's `f`, or why there is none."""
    try:
        code = _CODES.get(program) or compile(program, _MODULE_NAME, "exec", 0, True)
    except SyntaxError as error:
        return None, f"{_class_name(type(error))}: {error.msg} (line {error.lineno})"
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        return None, f"{_class_name(type(error))}: {_text(error)}"
    namespace = _module.__dict__
    exec(code, namespace)
    f = namespace.get("f")
    if not callable(f):
        return None, "no function named f at the top level" if f is None else "f is not callable"
    return f, None


def _text(exception):
    try:
        return _printable(str(exception))
    except BaseException:
        return "(an exception whose text cannot be had)"


def _printable(text):
    # The boundary carries no lone surrogates.
    return str.encode(text, "utf-8", "backslashreplace").decode()[:_MESSAGE_MAX_CHARS]


def _no_files(event, _arguments):
    """Refuses to open files, which would trap. The compiler tries as well, to quote the line of a syntax error."""
    if event == "open":
        raise PermissionError("there are no files here")


def _fresh_module():
    """The module that the program becomes: dataclasses, enums and typing look it up by its name."""
    module = types.ModuleType(_MODULE_NAME)
    module.__builtins__ = dict(builtins.__dict__, __import__=_import, hash=width.hash)
    sys.modules[_MODULE_NAME] = module
    return module


_WARM_UP = '''
import math
from collections import defaultdict, Counter
class Node:
    def __init__(self, value, following=None):
        self.value = value
        self.following = following
def helper(n):
    return 1 if n < 2 else n * helper(n - 1)
def f(a, b=None, *rest, key=1.5, **others):
    """Common statements, so that the interpreter's own paths are warm."""
    head, seen = None, defaultdict(list)
    for index, item in enumerate([helper(4), a, 'x y', {1: (2, 3.5)}]):
        head = Node(item, head)
        seen[str(index)].append(f'{item!r:>5}')
    while head is not None and head.value != 3:
        head = head.following
    total = sum(x * x for x in range(10) if x % 2) + math.floor(2.5) + len({x for x in 'abc'})
    try:
        total += {}['missing']
    except KeyError as error:
        total -= len(str(error))
    return [total, sorted(seen.items(), key=lambda pair: pair[0]), Counter('hello').most_common(1), b, 1.5, True, None,
            {'k': (1, 'v')}, {1}, 'text'.upper()[::-1].split('T')]
'''


def _warm_up():
    """Runs what every program runs, so that the snapshot holds the memory and the specialised code of a second run."""
    global _module
    execution = Execution()
    call = values.encode(((3, [1, 2]), {"key": 2.5}))
    for program in (_WARM_UP, _WARM_UP, "def f(:", "import os\ndef f(): pass", "def f(a, b, key): return f", "x = 1"):
        _module = _fresh_module()
        execution.execute(program, [call, call])
    _module = _fresh_module()


def _displace():
    """Moves later allocations by distances that depend on the hash seed.

    The executors that are packed together differ in that seed only; with this, addresses differ between them as well,
    so that results which depend on `id` or on the default `repr` and `hash` are caught as sets in hash order are. The
    lowest bit of a text's hash is never the same in both, so the remainders of an even number differ by an odd one, and
    with them the lowest bit of where an object comes to lie.
    """
    kept = []
    makers = [object, list, dict, set, lambda: 10**6 + len(kept), lambda: len(kept) + 0.5, lambda: slice(len(kept)), _Nowhere]
    makers += [lambda length=length: (None,) * length for length in range(1, 21)]
    makers += [lambda size=size: bytes(size) for size in range(2, 490, 8)]
    for number, make in enumerate(makers):
        _fill_holes(make, kept)
        kept += [make() for _ in range(hash(str(number)) % 62)]
    return kept, makers


def _fill_holes(make, kept):
    """Allocates until memory comes from an unused pool, where one object follows the other at an even distance."""
    last, distance, even = 0, 0, 0
    while even < 20:
        kept.append(make())
        address = id(kept[-1])
        even = even + 1 if address - last == distance else 0
        last, distance = address, address - last


offered.load()
width.pretend()
# Programs that hosts send for every run of something else need no compiling.
_CODES = {program: compile(program, _MODULE_NAME, "exec", 0, True) for program in offered.PREPARED}
sys.addaudithook(_no_files)
warnings.simplefilter("ignore")
_warm_up()
gc.collect()
_displaced = _displace()
gc.freeze()
