"""Whether a solution has a place where one call could leave something for the next.

A solution that hides such a place from this gains nothing: it is called in several interpreters, where it would have to
be right each time.
"""

import opcode
import re
import types
from decimal import Decimal
from fractions import Fraction

_VALUES = (
    int, float, complex, str, bytes, bool, types.NoneType, range, type(Ellipsis), type(NotImplemented), re.Pattern,
    types.BuiltinFunctionType, types.GenericAlias, types.UnionType, property, Decimal, Fraction, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
)  # fmt: skip
# With these a sequence goes on from call to call, or something is kept on purpose.
_KEEPING_MODULES = (
    "random", "secrets", "uuid", "decimal", "builtins", "gc", "threading", "contextvars", "atexit", "os",
    "__main__", "solution",
)  # fmt: skip
_KEEPING_NAMES = {
    "setattr", "__dict__", "globals", "vars", "exec", "eval", "setrecursionlimit", "__class__", "getcontext", "modules",
    "_getframe", "__main__", "solution",
}  # fmt: skip
_WRITING = {opcode.opmap[name] for name in ("STORE_GLOBAL", "DELETE_GLOBAL")}
_LOAD_GLOBAL, _STORE_ATTR, _COPY, _CACHE, _IMPORT_NAME = (
    opcode.opmap[name] for name in ("LOAD_GLOBAL", "STORE_ATTR", "COPY", "CACHE", "IMPORT_NAME")
)


def prepare(names):
    """Notes which names that stand before a solution are of modules with a sequence of their own."""
    keeping = [value for value in names.values() if getattr(value, "__name__", None) in _KEEPING_MODULES]
    drawing = {name for name, value in names.items() if any(getattr(value, "__self__", value) is kept for kept in keeping)}
    generator = names["randint"].__self__
    _KEEPING_NAMES.update(drawing, (name for name, value in names.items() if getattr(value, "__self__", None) is generator))


def keeps_state(module, solution, given):
    """Whether something may be kept in a module or in the instance that is called; `given` are names that it began with."""
    own = {name: value for name, value in vars(module).items() if given is () or given.get(name, module) is not value}
    own = {name: value for name, value in own.items() if not (name.startswith("__") and name.endswith("__"))}
    instance = solution if solution is not module else None
    if instance is not None and getattr(instance, "__dict__", None):
        return True
    seen = set()
    return any(_keeps(value, type(instance), seen) for value in own.values())


def _keeps(value, called, seen):
    kind = type(value)
    if kind in _VALUES or id(value) in seen:
        return False
    seen.add(id(value))
    if kind is types.ModuleType:
        return value.__name__ in _KEEPING_MODULES
    if kind is types.FunctionType:
        return _function_keeps(value, called, seen, writes_count=False)
    if kind in (tuple, frozenset):
        return any(_keeps(item, called, seen) for item in value)
    if kind in (staticmethod, classmethod):
        return kind is classmethod or _keeps(value.__func__, called, seen)
    if isinstance(value, type):
        return _class_keeps(value, called, seen)
    return kind.__module__ != "typing"


def _class_keeps(kind, called, seen):
    if kind.__module__ not in ("solution", "__main__"):
        return kind.__module__ in _KEEPING_MODULES
    for name, value in vars(kind).items():
        if type(value) is types.FunctionType:
            if _function_keeps(value, called, seen, writes_count=kind is called):
                return True
        elif name not in _CLASS_NAMES and _keeps(value, called, seen):
            return True
    return type(kind) is not type and type(kind).__module__ not in ("abc", "enum")


_CLASS_NAMES = (
    "__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__static_attributes__",
    "__firstlineno__", "__annotate_func__", "__annotations_cache__", "__slots__", "__match_args__", "__orig_bases__",
    "__parameters__", "__hash__", "__dataclass_fields__", "__dataclass_params__", "__abstractmethods__", "_abc_impl",
)  # fmt: skip


def _function_keeps(function, called, seen, writes_count):
    if function.__dict__:
        return True
    kept = (function.__defaults__ or ()) + tuple((function.__kwdefaults__ or {}).values())
    cells = tuple(cell.cell_contents for cell in function.__closure__ or () if _is_full(cell))
    return _code_keeps(function.__code__, writes_count) or any(_keeps(item, called, seen) for item in kept + cells)


def _is_full(cell):
    try:
        cell.cell_contents
    except ValueError:
        return False
    return True


def _code_keeps(code, writes_count):
    """Whether code writes to a global name, to an attribute of a global value or of a module, or, where that counts, to any."""
    operations = code.co_code[::2]
    if any(operation in operations for operation in _WRITING) or not _KEEPING_NAMES.isdisjoint(code.co_names):
        return True
    if _STORE_ATTR in operations and (writes_count or _IMPORT_NAME in operations or _writes_to_global(code, operations)):
        return True
    return any(_code_keeps(part, writes_count) for part in code.co_consts if type(part) is types.CodeType)


def _writes_to_global(code, operations):
    if "cls" in code.co_varnames or "self" in code.co_freevars:
        return True
    last = None
    for operation in operations:
        if operation == _CACHE:
            continue
        if last == _LOAD_GLOBAL and operation in (_STORE_ATTR, _COPY):
            return True
        last = operation
    return False
