# Calls a method of `Solution`, or a function, with one argument per line.
import json

_solution = load("solution")


def f(lines, entry_point):
    owner = _solution.Solution() if hasattr(_solution, "Solution") else _solution
    return plain(getattr(owner, entry_point)(*map(json.loads, lines.split("\n"))))
