"""Checks whether a program builds on functions that it was given.

A program of the judge's own, which runs like any other. What it checks is a text to it: it parses that and executes
nothing of it.
"""

import ast


def f(program, names):
    """The names that `f` does not call with anything of its own, and those that the program binds itself, as two texts."""
    tree = ast.parse(program)
    bound = {name for node in ast.walk(tree) for name in names_bound(node)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "f"]
    called = names_called(functions[-1]) if functions else set()
    uncalled, redefined = [name for name in names if name not in called], [name for name in names if name in bound]
    return ", ".join(uncalled), ", ".join(redefined)


def names_called(function):
    """The names of functions that are called with a parameter or variable of `function` somewhere in an argument."""
    own = {name for node in ast.walk(function) if node is not function for name in names_bound(node)}
    called = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            arguments = node.args + [keyword.value for keyword in node.keywords]
            if any(isinstance(part, ast.Name) and part.id in own for argument in arguments for part in ast.walk(argument)):
                called.add(node.func.id)
    return called


def names_bound(node):
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.MatchMapping(rest=name):
            return [name]
        case ast.alias(name=name, asname=other):
            return [other or name.partition(".")[0]]
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
    return []
