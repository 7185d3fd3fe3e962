"""Writes expressions.jsonl: `python3 make_expressions.py > expressions.jsonl`, checked with CPython 3.13.

Each line is [text, printed] with what `repr` makes of the arguments that the text passes to a call. Texts are those that
proposers and published files have, and random ones. An iterator that is an argument itself becomes a list.
"""

import json
import random

WRITTEN = """range(6) | 'a' * 13 | dict(a=1) | [int(4.5), 3] | -2**31 | float('inf') | 1, 2 | (1, 2), b=3 | [0] * 5, 'x'
''.join(['A'] * 20) | dict(did=0), 'u' | ['b', 'c'], dict() | range(100, 120) | dict(e=1, d=2, c=3) | '$78'.upper(), '$'
'bfre-atrr-bdb'.split('-'), 'n' | dict(f = 1, h = 2) | list(range(5)) | [x * x for x in range(5)] | {x: x + 1 for x in range(3)}
{x % 2 for x in [4, 6]} | [i for i in range(10) if i % 2] | [(i, j) for i in range(2) for j in range(i)] | 10**9 | 10**9 + 7
2**64 - 1 | 1 << 40 | ~5 | 7 // 2, -7 // 2, 7 % -3, -7 % 3 | 7 / 2 | 0.1 + 0.2 | 1e9 + 7 | 3 * 0.5 | 5 if 1 > 2 else 6
'a' in 'abc' | 3 not in [1, 2] | not 0 | 1 and 'x' | 0 or [] | 1 < 2 < 3 | 'abc'[1] | 'abcdef'[::-1] | [1, 2, 3][-1]
[1, 2, 3, 4][1:3], (1, 2, 3)[:-1] | {'a': 1}['a'] | [*range(3), 9] | {**{'a': 1}, 'b': 2} | (*[1, 2],) | sorted([3, 1, 2])
sorted('cab', reverse=True) | sum([1, 2, 3]) | max(1, 5, 3), min([4, 2]) | len('abc') | abs(-3), abs(-2.5) | str(12) + 'x'
str([1, 'a']) | int('42'), int('ff', 16) | float('2.5') | bool([]) | tuple([1]) | set([1]) | frozenset((1,)) | bytes([65, 66])
b'ab' * 2 | chr(97), ord('b') | hex(255), oct(8), bin(5) | list('abc') | list(zip([1, 2], 'ab')) | list(enumerate('ab', 1))
list(reversed([1, 2])) | divmod(7, 2), pow(2, 10) | round(2.5), round(3.5), round(-0.5) | any([0, 1]), all([]) | complex(1, 2)
'a b  c'.split() | 'x'.join('abc') | ' a '.strip() | 'abc'.replace('b', 'x') | 'Hello World'.lower(), 'abc'.title()
'it\\'s a TEST'.title(), 'hELLO'.capitalize(), 'aB'.swapcase() | 'abc'.find('c'), 'abc'.find('z') | 'banana'.count('a')
'7'.zfill(3), '-7'.zfill(4) | 'a'.encode() | b'a'.decode(), b'a'.hex() | {'a': 1}.items() | {'a': 1}.keys(), {'a': 1}.values()
{'a': 1}.get('b', 5) | [1, 2, 1].count(1), [1, 2].index(2) | {1, 2} | {1} | {3} - {4} | {1} & {1} | [[0] * 2 for _ in range(2)]
[(lambda_, 1) for lambda_ in 'ab'] | {k: v for k, v in [('a', 1)]} | {k: v for k, v in {'a': 1}.items()} | None, True, False
1_000 * 2 | 0x10 + 0b1 | 'a' 'b' + 'c' | (1) | (1,) | [1, 2] + [3] | (1,) + (2,) | 'abc' < 'abd' | [1, 2] < [1, 3]
1 == 1.0 == True | 2 ** -1, 10 ** -2 | 2 ** 3 ** 2 | -2 ** 2 | 5 - -3 | - - 5 | True + 1 | True & False, 6 & 3, 6 | 1 | 6 ^ 3
100 >> 3 | -1 >> 1 | dict([('a', 1), ('b', 2)]) | dict(zip('ab', [1, 2])) | dict({'a': 1}, b=2) | list({'a': 1, 'b': 2})
sum([[1], [2]], []) | ['x' for _ in range(3)] | 'ab'.startswith('a'), 'ab'.endswith('a') | int(-4.7) | int(1e20) | float(3)
-7.5 // 2, -7.5 % 2, 7.5 // -2 | 1.5 < 2 | min('b', 'a') | max([1, 2], [1, 3]) | [None] * 2 | [not x for x in (0, 1)]
sorted({3, 1, 2}) | len({1, 2}) | 2 in {1, 2} | sum({1, 2}) | max({4, 9}) | ((1, 2), 3) | {'a': [1, {'b': (2,)}]}
key='v', n=2 ** 4 | a=[i for i in range(3)], b='x' * 2 | float('-inf'), float('nan') | [float('inf'), -float('inf')]"""
written = [text.strip() for text in WRITTEN.replace("\\'", "'").replace("'it's", "\"it's").replace("TEST'.t", 'TEST".t').replace("\n", " | ").split(" | ")]
# `|` is an operator as well.
written = [text for text in written if text not in ("6", "1")] + ["6 | 1", "{1} | {1}", "{'a': 1} | {'a': 2, 'b': 3}"]
rng = random.Random(5)


def number(depth=0):
    if depth > 3 or rng.random() < 0.3:
        return rng.choice(["0", "1", "7", "-3", "12", "255", "10**12", "True", "2**70"])
    a, b = number(depth + 1), number(depth + 1)
    return rng.choice([
        f"{a} + {b}", f"({a} - {b})", f"({a}) * {b}", f"({a}) // ({b})", f"({a}) % ({b})", f"-({a})", f"abs({a})", f"~({a})",
        f"max({a}, {b})", f"({a}) & ({b})", f"({a}) ^ ({b})", f"({a} if {a} < {b} else {b})", f"len({text(depth + 1)})",
        f"sum({numbers(depth + 1)})", f"int(({a}) == ({b}))", f"divmod({a}, {b})[0]", f"{a} and {b}", f"({a}) >> 3",
    ])  # fmt: skip


def numbers(depth=0):
    return rng.choice([
        f"[{number(depth + 1)}, {number(depth + 1)}]", f"list(range({rng.randint(-3, 9)}, {rng.randint(-3, 9)}, {rng.choice([1, 2, -1])}))",
        f"[x * {rng.randint(1, 5)} for x in range({rng.randint(0, 6)}) if x % 2 == {rng.randint(0, 1)}]",
        f"sorted([{number(depth + 1)}, 5, {number(depth + 1)}])", f"[{number(depth + 1)}] * {rng.randint(0, 3)}",
        f"[1, 2, 3, 4, 5, 6][{rng.choice(['', '-3', '1'])}:{rng.choice(['', '4', '-1'])}:{rng.choice(['', '2', '-1'])}]",
    ])  # fmt: skip


def text(depth=0):
    plain = repr("".join(rng.choice("abcXYZ -_,.19é") for _ in range(rng.randint(0, 8))))
    ascii_only = repr("".join(rng.choice("abcXYZ -_,.19") for _ in range(rng.randint(0, 8))))
    return rng.choice([
        plain, f"{plain} + {ascii_only}", f"{plain} * {rng.randint(0, 4)}", f"{plain}[::{rng.choice([1, 2, -1, -2])}]",
        f"{ascii_only}.{rng.choice(['upper', 'lower', 'title', 'capitalize', 'swapcase', 'strip'])}()", f"str({number(3)})",
        f"'-'.join({plain})", f"{plain}.replace('a', 'bb')", f"str({numbers(3)})", f"repr({plain})",
    ])  # fmt: skip


def value():
    return rng.choice([number, numbers, text, lambda: f"{text()}.split({rng.choice(['', repr(',')])})", lambda: f"[{number()}, {text()}]",
        lambda: f"{{k: {number()} for k in {text()}}}", lambda: f"dict(a={number()}, b={text()})", lambda: f"({number()}, {numbers()})",
        lambda: f"list(zip({numbers()}, {text()}))"])()  # fmt: skip


def passed(*positional, **keyword):
    plain = lambda value: value if type(value).__module__ == "builtins" and not hasattr(value, "__next__") and type(value) not in (
        range, type({}.keys()), type({}.values()), type({}.items())) else list(value)  # fmt: skip
    return ", ".join([repr(plain(value)) for value in positional] + [f"{name}={plain(value)!r}" for name, value in keyword.items()])


texts, seen = written + [f"{value()}, {value()}" for _ in range(600)], set()
for one in texts:
    try:
        printed = eval(f"passed({one})", {"passed": passed})
    except (ArithmeticError, LookupError, SyntaxError, TypeError, ValueError):
        continue
    if one not in seen and len(printed) < 400 and "\\x" not in printed:
        seen.add(one)
        print(json.dumps([one, printed]))
