# A solution in its own module, with the names that LiveCodeBench's own harness puts before it.
import sys
import types

sys.setrecursionlimit(50000)
_CODE = compile(SOURCE, "solution.py", "exec")
_MODULES = "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json"
_IMPORTS = "\n".join(f"from {name} import *" for name in (_MODULES + " builtins typing").split())
_PREPARATION = compile(f"{_IMPORTS}\nimport {_MODULES.replace(' ', ', ')}", "imports.py", "exec") if PREPARED else None


def load(name):
    """Runs the solution as a module of this name."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    if PREPARED:
        exec(_PREPARATION, module.__dict__)
        module.open = _open
    exec(_CODE, module.__dict__)
    return module


def _open(file, *arguments, **options):
    """There is one file: the standard input."""
    if file in (0, "/dev/stdin"):
        return sys.stdin
    raise FileNotFoundError(f"there is no file {file!r}")


def plain(value):
    """A value with subclasses of builtin types, such as Counter, as those types, to which they compare equal."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return kind(map(plain, value))
    for kind in (int, float, str):
        if isinstance(value, kind) and type(value) is not bool:
            return kind(value)
    return value
