"""What EvalPlus does with completions, inputs and results.

The published inputs are JSON, in which tuples, sets and complex numbers became lists and texts; EvalPlus undoes that by the
numbers of the tasks of MBPP, of which these are the tables.
"""

import ast
import json


def definitions(source, entry_point=None):
    """What EvalPlus leaves of a chat's program before it runs it (evalplus 0.3, `sanitize.py`): imports and the first
    definition of each name, as far as the entry point needs it. Of a program that breaks off, what can be parsed."""
    imports, named = [], {}
    for statement in _beginning(source).body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            imports.append(statement)
        for name in _defined(statement):
            named.setdefault(name, statement)
    needed, more = set(), [entry_point] if entry_point in named else list(named)
    while more:
        name = more.pop()
        if name in named and name not in needed:
            needed.add(name)
            more += [node.id for node in ast.walk(named[name]) if isinstance(node, ast.Name)]
    kept = {id(named[name]): named[name] for name in named if name in needed}
    return ast.Module(imports + list(kept.values()), [])


def _beginning(source):
    lines = source.split("\n")
    for count in range(len(lines), 0, -1):
        try:
            return ast.parse("\n".join(lines[:count]))
        except SyntaxError:
            pass
    return ast.parse(source)


def _defined(statement):
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [name for target in statement.targets for name in _stored(target)]
    if isinstance(statement, ast.AnnAssign):
        return _stored(statement.target)
    return []


def _stored(target):
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _rows(rows):
    return [tuple(row) for row in rows]


def _tuples(items):
    return tuple(tuple(item) if type(item) is list else item for item in items)


def _nested(value):
    return tuple(map(_nested, value)) if type(value) is list else value


def _sets(lists):
    return [set(items) if type(items) is list and items else {} for items in lists]


def _tuple_values(entries):
    return {key: tuple(value) for key, value in entries.items()}


_EVERY = {
    tuple: (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
    _rows: (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780),
    _tuples: (259, 401, 445),
    _nested: (580, 615, 791),
}
_FIRST = {
    tuple: (250, 307, 405, 446, 617, 720, 763, 808),
    _rows: (75, 413, 444, 753),
    _tuples: (278,),
    _sets: (115,),
    _tuple_values: (722,),
    float: (124,),
    complex: (252,),
}
_SECOND = {tuple: (106, 750), complex: (124,)}
_CHANGES = {}
for _table, _which in ((_EVERY, slice(None)), (_FIRST, slice(0, 1)), (_SECOND, slice(1, 2))):
    for _change, _numbers in _table.items():
        for _number in _numbers:
            _CHANGES.setdefault(str(_number), []).append((_which, _change))
# Of these results EvalPlus looks only at what they contain, or whether there is one.
_UNORDERED = (
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum", "intersection_array",
    "find_dissimilar", "Diff",
)  # fmt: skip
_FOUND = ("check_str", "text_match_three", "text_starta_endb")


def arguments(text, task_id):
    """The arguments of a call from its published input."""
    arguments = json.loads(text)
    data_set, _, number = task_id.partition("/")
    for which, change in _CHANGES.get(number, ()) if data_set == "Mbpp" else ():
        arguments[which] = map(change, arguments[which])
    return arguments


def compared(result, entry_point, task_id):
    """What of a result is compared."""
    if task_id.startswith("Mbpp/"):
        if entry_point in _UNORDERED:
            return set(result)
        if entry_point in _FOUND and type(result) is not bool:
            return result is not None
    return result


# Its reference solution, Newton's method, finds no zero with the sums of CPython since 3.12. The published verdicts are from
# earlier ones, which add floats without a correction.
NAIVE_SUMS = ("HumanEval/32",)


def naive_sum(iterable, /, start=0):
    for item in iterable:
        start = start + item
    return start
