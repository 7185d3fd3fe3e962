"""Measures a program.

A program of the judge's own, which runs like any other. What it measures is a text to it: it parses that and executes
nothing of it.
"""

import ast
import json
import math


def f(program):
    tree = ast.parse(program)
    return cognitive_complexity(tree) / 15, halstead_mix(tree), as_json(tree)


# The text by which the judge compares trees. It puts in the white space itself, which is most of the text.


def as_json(tree):
    return json.dumps(plain(tree), sort_keys=True, separators=(",", ":"), default=repr)


def plain(value):
    """Type and fields of a node, without load and store and without what newer versions of Python add; of lists, the
    nodes."""
    if isinstance(value, list):
        return [plain(item) for item in value if isinstance(item, ast.AST)]
    if not isinstance(value, ast.AST):
        return value
    fields = {name: plain(field) for name, field in ast.iter_fields(value) if field is not None and name != "ctx"}
    if not fields.get("type_params"):
        fields.pop("type_params", None)
    return {"node_type": type(value).__name__, **fields}


# Cognitive complexity, as complexipy 8.3.0 counts it.

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def cognitive_complexity(tree):
    others = [node for node in tree.body if not isinstance(node, _FUNCTIONS + (ast.ClassDef,))]
    return definitions_complexity(tree) + suite_complexity(others, 0)


def definitions_complexity(scope):
    """Of the functions of a module or class, and of those in its classes."""
    functions = sum(function_complexity(node) for node in scope.body if isinstance(node, _FUNCTIONS))
    return functions + sum(definitions_complexity(node) for node in scope.body if isinstance(node, ast.ClassDef))


def function_complexity(function):
    return statement_complexity(function, 0) + any(calls(node, function.name) for node in function.body)


def calls(node, name):
    """Whether a function calls itself; what is defined inside it does not count."""
    if isinstance(node, _FUNCTIONS + (ast.ClassDef, ast.Lambda)):
        return False
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
        return True
    return any(calls(child, name) for child in ast.iter_child_nodes(node))


def suite_complexity(suite, nesting):
    return sum(statement_complexity(node, nesting) for node in suite)


def statement_complexity(node, nesting):
    match node:
        case ast.FunctionDef(body=[inner, ast.Return()]) | ast.AsyncFunctionDef(body=[inner, ast.Return()]) if isinstance(
            inner, _FUNCTIONS
        ):
            # A decorator is as complex as what it returns.
            return statement_complexity(inner, nesting)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return sum(statement_complexity(child, nesting + isinstance(child, _FUNCTIONS)) for child in node.body)
        case ast.ClassDef():
            return suite_complexity([child for child in node.body if isinstance(child, _FUNCTIONS)], nesting)
        case ast.For() | ast.AsyncFor():
            return 1 + nesting + expression_complexity(node.iter, nesting) + loop_body_complexity(node, nesting)
        case ast.While():
            return 1 + nesting + expression_complexity(node.test, nesting) + loop_body_complexity(node, nesting)
        case ast.If():
            return nesting + if_complexity(node, nesting)
        case ast.Try() | ast.TryStar():
            handlers = sum(1 + nesting + suite_complexity(handler.body, nesting + 1) for handler in node.handlers)
            return handlers + suite_complexity(node.body + node.orelse + node.finalbody, nesting)
        case ast.Match():
            return 1 + nesting + sum(suite_complexity(case.body, nesting + 1) for case in node.cases)
        case ast.With() | ast.AsyncWith():
            items = sum(expression_complexity(item.context_expr, nesting) for item in node.items)
            return items + suite_complexity(node.body, nesting)
        case ast.Raise():
            return expression_complexity(node.exc, nesting) + expression_complexity(node.cause, nesting)
        case ast.Assert():
            return expression_complexity(node.test, nesting) + expression_complexity(node.msg, nesting)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Return() | ast.Expr():
            return expression_complexity(node.value, nesting)
    return 0


def loop_body_complexity(loop, nesting):
    return suite_complexity(loop.body, nesting + 1) + suite_complexity(loop.orelse, nesting)


def if_complexity(node, nesting):
    """Of an `if` or an `elif`: nesting weighs on the first of a chain only."""
    own = 1 + expression_complexity(node.test, nesting) + suite_complexity(node.body, nesting + 1)
    match node.orelse:
        case []:
            return own
        case [ast.If() as following] if following.col_offset == node.col_offset:
            return own + if_complexity(following, nesting)
    return own + 1 + suite_complexity(node.orelse, nesting + 1)


def expression_complexity(node, nesting):
    match node:
        case ast.BoolOp() | ast.UnaryOp():
            return operator_runs(node, None)
        case ast.IfExp():
            branches = [node.body, node.orelse]
            return 1 + nesting + expression_complexity(node.test, nesting) + all_complexity(branches, nesting + 1)
        case ast.Lambda():
            return expression_complexity(node.body, nesting + 1)
        case ast.Compare():
            return all_complexity([node.left] + node.comparators, nesting)
        case ast.Call():
            return all_complexity(node.args, nesting)
        case ast.Tuple() | ast.List() | ast.Set():
            return all_complexity(node.elts, nesting)
        case ast.Dict():
            return all_complexity(node.values, nesting)
        case ast.DictComp():
            return comprehension_complexity(node, [node.key, node.value], nesting)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return comprehension_complexity(node, [node.elt], nesting)
    return 0


def all_complexity(nodes, nesting):
    return sum(expression_complexity(node, nesting) for node in nodes)


def comprehension_complexity(node, elements, nesting):
    total = all_complexity(elements, nesting + 1)
    for generator in node.generators:
        total += 1 + nesting + expression_complexity(generator.iter, nesting)
        total += len(generator.ifs) + all_complexity(generator.ifs, nesting + 1)
    return total


def operator_runs(node, above):
    """How many runs of `and` and of `or` there are. `above` is the operator of the run that the node is part of."""
    match node:
        case ast.BoolOp():
            operator = type(node.op)
            return (operator is not above) + sum(operator_runs(value, operator) for value in node.values)
        case ast.UnaryOp():
            return operator_runs(node.operand, None)
    return 0


# Halstead's metrics and cyclomatic complexity, as radon 6.0.1 counts them.


def halstead_mix(tree):
    effort, volume = Halstead(tree).effort_and_volume()
    return 0.5 * min(effort / 10_000, 1) + 0.3 * min(highest_cyclomatic(tree) / 10, 1) + 0.2 * min(volume / 500, 1)


class Halstead:
    """Operators and operands of a program. An operand is another one in another function."""

    def __init__(self, tree):
        self.operators, self.operands = 0, 0
        self.operators_seen, self.operands_seen = set(), set()
        self.visit(tree, None)

    def visit(self, node, function):
        if isinstance(node, _FUNCTIONS):
            for child in node.body:
                self.visit(child, node.name)
            return
        match node:
            case ast.BinOp():
                self.note([node.op], [node.left, node.right], function)
            case ast.UnaryOp():
                self.note([node.op], [node.operand], function)
            case ast.BoolOp():
                self.note([node.op], node.values, function)
            case ast.AugAssign():
                self.note([node.op], [node.target, node.value], function)
            case ast.Compare():
                self.note(node.ops, [node.left] + node.comparators, function)
        for child in ast.iter_child_nodes(node):
            self.visit(child, function)

    def note(self, operators, operands, function):
        self.operators += len(operators)
        self.operands += len(operands)
        self.operators_seen.update(type(operator).__name__ for operator in operators)
        for operand in operands:
            match operand:
                case ast.Name(id=what) | ast.Attribute(attr=what) | ast.Constant(value=what):
                    self.operands_seen.add((function, what))
                case _:
                    self.operands_seen.add((function, operand))

    def effort_and_volume(self):
        operators, operands = len(self.operators_seen), len(self.operands_seen)
        if operators + operands == 0:
            return 0, 0
        volume = (self.operators + self.operands) * math.log(operators + operands, 2)
        difficulty = operators * self.operands / (2 * operands) if operands else 0
        return difficulty * volume, volume


def highest_cyclomatic(tree):
    """The highest cyclomatic complexity of a function, class or method; 1 where there is none."""
    found = Decisions(tree)
    return max(found.functions + found.classes + found.methods, default=1)


class Decisions:
    """The decisions in a node outside of functions and classes, and the complexity of those."""

    def __init__(self, node):
        self.count, self.functions, self.classes, self.methods = 0, [], [], []
        self.visit(node)

    def visit(self, node):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                # Functions inside a function do not count.
                self.functions.append(1 + sum(Decisions(child).count for child in node.body))
                return
            case ast.ClassDef():
                parts = [Decisions(child) for child in node.body]
                methods = [complexity for part in parts for complexity in part.functions]
                whole = 1 + sum(part.count for part in parts) + sum(methods)
                self.classes.append(whole // len(methods) + (len(methods) > 1) if methods else whole)
                self.methods += methods
                return
            case ast.Assert():
                self.count += 1
                return
            case ast.Try():
                self.count += len(node.handlers) + bool(node.orelse)
            case ast.BoolOp():
                self.count += len(node.values) - 1
            case ast.If() | ast.IfExp():
                self.count += 1
            case ast.Match():
                otherwise = any(getattr(case.pattern, "pattern", False) is None for case in node.cases)
                self.count += len(node.cases) - otherwise
            case ast.For() | ast.AsyncFor() | ast.While():
                self.count += 1 + bool(node.orelse)
            case ast.comprehension():
                self.count += 1 + len(node.ifs)
        for child in ast.iter_child_nodes(node):
            self.visit(child)
