"""Writes programs.jsonl: `python3 make_programs.py > programs.jsonl`, checked with CPython 3.11.

Each line is a program, the text of its arguments, and what native CPython makes of the call: the `repr` of the result,
or the name of the exception. The programs are our own, varied in the manner of code-reasoning benchmarks; all mean the
same in every Python of 64 bits from 3.11 on.
"""

import contextlib
import io
import json

# Blocks separated by blank lines: a program, then a line `>>>` for each call.
PROGRAMS = r'''
def f(text):
    return ''.join(c for c in text if c.isalpha())[::-1].title()
>>> 'a1b2 c3'
>>> ''

def f(nums, k):
    out = []
    for i in range(0, len(nums), k):
        out.append(sum(nums[i:i + k]))
    return out
>>> [1, 2, 3, 4, 5], 2
>>> [1, 2], 0

def f(d):
    return {v: sorted(k for k in d if d[k] == v) for v in d.values()}
>>> {'a': 1, 'b': 2, 'c': 1}
>>> {1: True, 2: 1.0}

def f(s, *parts, sep='-', **extra):
    return sep.join([s, *parts]) + str(sorted(extra.items()))
>>> 'a', 'b', 'c'
>>> 'a', sep='+', z=1, y=[2]
>>> s='a', sep='/'

from collections import Counter, OrderedDict, defaultdict, deque
def f(words):
    groups = defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    queue = deque(words, maxlen=2)
    queue.rotate(1)
    return dict(groups), list(queue), Counter(''.join(words)).most_common(2)
>>> ['to', 'be', 'or', 'not']

class Node:
    def __init__(self, value):
        self.value, self.left, self.right = value, None, None
    def insert(self, value):
        side = 'left' if value < self.value else 'right'
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Node(value))
        else:
            child.insert(value)
    def walk(self):
        if self.left:
            yield from self.left.walk()
        yield self.value
        if self.right:
            yield from self.right.walk()
def f(values):
    root = Node(values[0])
    for value in values[1:]:
        root.insert(value)
    return list(root.walk())
>>> [5, 2, 8, 1, 9, 3]
>>> []

def f(n):
    def fib(k, memo={}):
        if k < 2:
            return k
        if k not in memo:
            memo[k] = fib(k - 1) + fib(k - 2)
        return memo[k]
    return [fib(i) for i in range(n)]
>>> 12
>>> 100

import re
def f(text):
    return re.findall(r'(\w+)@(\w+)\.com', text), re.sub(r'\d+', lambda m: str(int(m[0]) * 2), text)
>>> 'a1@b.com, cc@dd.com 12'
>>> ''

import math, statistics, fractions
def f(xs):
    return math.gcd(*xs), math.prod(xs), statistics.median(xs), str(fractions.Fraction(xs[0], xs[-1])), math.isqrt(xs[0])
>>> [12, 18, 30]
>>> [7, 7]

import itertools, functools, operator
def f(a, b):
    pairs = list(itertools.product(a, b))
    return functools.reduce(operator.add, (x * y for x, y in pairs), 0), [list(g) for _, g in itertools.groupby(sorted(a))]
>>> [1, 2, 1], [3, 4]

import heapq, bisect
def f(items, x):
    heap = list(items)
    heapq.heapify(heap)
    smallest = [heapq.heappop(heap) for _ in range(2)]
    ordered = sorted(items)
    bisect.insort(ordered, x)
    return smallest, ordered, bisect.bisect_left(ordered, x)
>>> [5, 1, 4], 3
>>> [1], 3

import json
def f(text):
    data = json.loads(text)
    data['n'] = len(data)
    return json.dumps(data, sort_keys=True), data
>>> '{"b": [1, 2.5, null, true], "a": "\\u00e9"}'
>>> 'not json'

from dataclasses import dataclass, field, asdict, replace
@dataclass(order=True)
class P:
    x: int
    tags: list = field(default_factory=list)
def f(x):
    p = P(x, ['t'])
    q = replace(p, x=x + 1)
    return asdict(q), p < q, repr(p)
>>> 3

from enum import Enum, IntEnum, auto
class Color(Enum):
    RED = auto()
    BLUE = auto()
class Level(IntEnum):
    LOW = 1
    HIGH = 2
def f(name):
    return Color[name].value, [c.name for c in Color], int(Level.HIGH), str(Color.RED)
>>> 'BLUE'
>>> 'GREEN'

import string, textwrap
def f(s):
    return textwrap.fill(s, 10), string.capwords(s), s.translate(str.maketrans(string.ascii_lowercase, string.ascii_uppercase))
>>> 'the quick brown fox jumps'

from decimal import Decimal, getcontext
def f(a, b):
    getcontext().prec = 10
    return str(Decimal(a) / Decimal(b)), float(Decimal('0.1') + Decimal('0.2'))
>>> '1', '7'
>>> '1', '0'

import copy
def f(x):
    a, b = copy.copy(x), copy.deepcopy(x)
    x[0].append(9)
    return a, b, x is a, a[0] is x[0]
>>> [[1], 2]

def f(matrix):
    return [list(row) for row in zip(*matrix)], [sum(row) for row in matrix], max(map(max, matrix))
>>> [[1, 2, 3], [4, 5, 6]]
>>> [[]]

def f(x):
    match x:
        case int() if x > 10:
            return 'big'
        case [first, *rest]:
            return first, rest
        case {'k': v}:
            return v
        case str():
            return x.upper()
        case _:
            return None
>>> 11
>>> [1, 2, 3]
>>> {'k': 1, 'j': 2}
>>> 'abc'
>>> 3.5

def f(n):
    try:
        return 10 // n
    except ZeroDivisionError as e:
        return len(e.args), type(e).__name__
    finally:
        n += 1
>>> 0
>>> 3
>>> 'x'

def f(a):
    a.sort(key=lambda p: (-p[1], p[0]))
    return a
>>> [('b', 1), ('a', 1), ('c', 2)]

def f(s):
    seen = set()
    return [c for c in s if not (c in seen or seen.add(c))], len(seen), frozenset(seen)
>>> 'mississippi'

def f(a, b):
    return a & b, a | b, a ^ b, a - b, a <= b, a.isdisjoint(b)
>>> {1, 2, 3}, {2, 3, 4}
>>> set(), {1}
>>> frozenset({1}), {1}

def f(x, y):
    return x + y, x - y, x * y, x / y, x // y, x % y, divmod(x, y), x ** 2, -x, abs(x)
>>> 7, -2
>>> 7.5, 2
>>> -7, 2.5
>>> True, 3
>>> 1, 0

def f(x):
    return round(x), round(x, 1), int(x), float(x), str(x), x.is_integer()
>>> 2.5
>>> -3.75
>>> 1e20

def f(x):
    return x.real, x.imag, abs(x), x * x, x.conjugate()
>>> 3+4j
>>> -1.5j

def f(s):
    return s.split(), s.partition(' '), s.strip('ab '), s.find('b'), s.count('a'), s.replace('a', 'A', 1), s.center(11, '*')
>>> ' ab ba a'
>>> ''

def f(b):
    return b.hex(), b + b'!', list(b), b.decode('latin-1'), bytes(reversed(b)), b'%b-%d' % (b, 3)
>>> b'a\xff'

def f(n):
    return bin(n), hex(n), oct(n), n.bit_length(), n << 70, n >> 1, n ^ 5, ~n, f'{n:08b}|{n:,}|{n:>6}|{n:e}'
>>> 1000000
>>> -5

def f(x):
    return f'{x!r:>10}|{x:<8}|{x:^8}|{"y" if x else "n"}'
>>> 'ab'
>>> 12
>>> 1.5

def f(*args):
    return sum(args), args, max(args, default=None)
>>> 1, 2, 3
>>> 1.5,

def f(n):
    a = [True] * (n + 1)
    a[0:2] = [False, False]
    for i in range(2, int(n ** 0.5) + 1):
        if a[i]:
            a[i * i::i] = [False] * len(a[i * i::i])
    return [i for i, p in enumerate(a) if p]
>>> 30
>>> 1

def f(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps
>>> 27
>>> 1

def f(a, b):
    m = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a)):
        for j in range(len(b)):
            m[i + 1][j + 1] = m[i][j] + 1 if a[i] == b[j] else max(m[i][j + 1], m[i + 1][j])
    return m[-1][-1]
>>> 'abcbdab', 'bdcaba'

def f(graph, start):
    order, stack = [], [start]
    while stack:
        node = stack.pop()
        if node in order:
            continue
        order.append(node)
        stack.extend(reversed(graph.get(node, [])))
    return order
>>> {'a': ['b', 'c'], 'b': ['d'], 'c': ['d'], 'd': ['a']}, 'a'

def f(n):
    if n <= 0:
        raise ValueError(f'bad {n}')
    return n
>>> 0
>>> 1

class Refused(Exception):
    pass
def f(x):
    raise Refused(x, 'y')
>>> 1

def f(x):
    raise StopIteration(x)
>>> 1

def f(x):
    assert x, 'no x'
    return x
>>> 0
>>> [0]

def f(n):
    return f(n + 1)
>>> 0

def f(x):
    return [x, [x, (x, {x: x})]]
>>> 'é€😀\n\t\'"'
>>> (1,)
>>> None

def f(a, b=[]):
    b = b + [a]
    return b
>>> 1
>>> 1, [2]

counter = {'n': 0}
def g(x):
    return x + counter['n']
def f(x):
    return g(x) * 2
>>> 4

def f(xs):
    it = iter(xs)
    return list(zip(it, it)), next(it, 'end')
>>> [1, 2, 3, 4, 5]

def f(xs):
    total = 0
    for i, x in enumerate(xs, 1):
        if x is None:
            continue
        if x < 0:
            break
        total += i * x
    else:
        total = -total
    return total
>>> [1, None, 3]
>>> [1, -1, 5]

def f(s):
    return s.encode('utf-8'), s.encode('utf-16-le'), s.upper(), s.casefold(), len(s), s.isidentifier(), ascii(s)
>>> 'straße'
>>> 'ab c'

import unicodedata
def f(s):
    return unicodedata.normalize('NFD', s), [unicodedata.category(c) for c in s]
>>> 'Åé1'

from typing import List, Optional, NamedTuple
class Point(NamedTuple):
    x: int
    y: int = 2
def f(xs: List[int]) -> Optional[int]:
    p = Point(xs[0])
    return p.x * p.y + len(p._fields) if xs else None
>>> [3]

from __future__ import annotations
from abc import ABC, abstractmethod
class Shape(ABC):
    @abstractmethod
    def area(self) -> float: ...
    @property
    def twice(self):
        return 2 * self.area()
class Square(Shape):
    def __init__(self, side): self.side = side
    def area(self): return self.side ** 2
    def __eq__(self, other): return True
def f(side):
    try:
        Shape()
    except TypeError as e:
        kind = type(e).__name__
    return Square(side).twice, kind, Square(1) == 5
>>> 3

def f(text):
    table = {}
    for line in text.splitlines():
        key, _, value = line.partition('=')
        table.setdefault(key.strip(), []).append(value.strip() or None)
    return table
>>> 'a = 1\nb=\na=2'

def f(a, i, j):
    return a[i:j], a[::-2], a[j:i:-1], a[-1], a[i]
>>> [1, 2, 3, 4], 1, 3
>>> 'hello', -2, None
>>> (1, 2), 5, 6

def f(x):
    return isinstance(x, int), type(x).__name__, bool(x), x == 1, hash(x) == hash(1), [1, True, 1.0].count(x)
>>> 1
>>> True
>>> 1.0

def f(n):
    return [(i, j) for i in range(n) for j in range(i) if (i + j) % 2], {i: i ** 2 for i in range(n)}, {i % 3 for i in range(n)}
>>> 5

def f(n):
    def outer():
        count = 0
        def inner(step):
            nonlocal count
            count += step
            return count
        return inner
    step = outer()
    return [step(n) for _ in range(3)]
>>> 2

def gen(n):
    while n:
        received = yield n
        n = n - 1 if received is None else received
def f(n):
    g = gen(n)
    return next(g), g.send(2), next(g), list(g)
>>> 5

def f(s):
    stack = []
    pairs = {')': '(', ']': '[', '}': '{'}
    for c in s:
        if c in pairs.values():
            stack.append(c)
        elif c in pairs and (not stack or stack.pop() != pairs[c]):
            return False
    return not stack
>>> '{[()]}'
>>> '([)]'

def f(x):
    print('this goes nowhere', x)
    return x
>>> 'kept'

import contextlib
@contextlib.contextmanager
def tag(log, name):
    log.append('<' + name)
    yield
    log.append(name + '>')
def f(name):
    log = []
    with tag(log, name), contextlib.suppress(KeyError):
        {}[name]
    return log
>>> 'b'

import operator, functools
@functools.lru_cache(maxsize=None)
def ways(n, coins):
    if n == 0: return 1
    if n < 0 or not coins: return 0
    return ways(n - coins[0], coins) + ways(n, coins[1:])
def f(n, coins):
    return ways(n, tuple(coins)), ways.cache_info().misses > 3, operator.itemgetter(1, 0)(coins)
>>> 10, [1, 2, 5]

import difflib, struct, base64, zlib, array, binascii
def f(a, b):
    return (difflib.SequenceMatcher(None, a, b).ratio(), struct.pack('<hI', 1, 2), base64.b64encode(a.encode()),
            zlib.crc32(b.encode()), array.array('i', [1, 2]).tolist(), binascii.hexlify(b.encode()))
>>> 'abcd', 'bcde'

import graphlib, cmath, numbers, html, io, types
def f(g):
    order = list(graphlib.TopologicalSorter(g).static_order())
    out = io.StringIO()
    print('x', file=out)
    return order, cmath.sqrt(-4), isinstance(1, numbers.Number), html.escape('<a>'), out.getvalue(), types.SimpleNamespace(a=1).a
>>> {'d': ['b'], 'b': ['a']}

f = lambda x, y=2: [x] * y
>>> 'z'
>>> 'z', 0

class Adder:
    def __init__(self, n): self.n = n
    def __call__(self, x): return x + self.n
f = Adder(5)
>>> 2
>>> 'a'

def f(x):
    x = [y for y in x]
    x += x[:1]
    x.insert(1, x.pop())
    x.extend((i for i in range(2)))
    x.remove(x[0])
    return x, x.index(0), len(x)
>>> [3, 0, 5]

def f(d, k):
    d = dict(sorted(d.items(), key=lambda kv: kv[1], reverse=True))
    d.update({k: d.pop(k, 0) + 1})
    return d, list(d), d.get('zz', -1), k in d, [*d.items()][0]
>>> {'a': 1, 'b': 3}, 'a'
>>> {}, 'q'

def f(a):
    a, *b, c = a
    (d, e), g = (a, c), b
    return a, b, c, d, e, g
>>> [1, 2, 3, 4]
>>> 'xy'
>>> [1]

def f(n):
    result = []
    while (n := n - 1) > 0:
        if n % 2: continue
        result.append(n)
    return result, n
>>> 7

def f(v):
    return [0.1 + 0.2, 1e16, 1e-7, v / 3, float('inf') * v, 1.0, -0.0 * v, 2 ** 0.5, 1 / 3, 100 ** 20, 1e300 * 1e10]
>>> 2

def f(s, n):
    return ''.join(chr((ord(c) - 97 + n) % 26 + 97) if c.islower() else c for c in s)
>>> 'hello, World', 3

def f(board):
    wins = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
    return next((board[a] for a, b, c in wins if board[a] == board[b] == board[c] != '.'), None)
>>> 'xo.xo.x..'
>>> '.........'

def f(n):
    def place(row, columns):
        if row == n:
            return 1
        return sum(place(row + 1, columns + [c]) for c in range(n)
                   if all(c != k and abs(c - k) != row - r for r, k in enumerate(columns)))
    return place(0, [])
>>> 5

def f(x, y):
    return x < y, x == y, x is None, x and y, x or y, not x
>>> 1, 2.0
>>> 'a', 'b'
>>> [], [1]
>>> None, 1

def f(s):
    return eval(s), (exec('z = 3', g := {}), g['z'])[1]
>>> '1 + 2'
>>> '1 +'

def f(x):
    try:
        try:
            raise KeyError(x)
        except KeyError as e:
            raise RuntimeError('again') from e
    except RuntimeError as e:
        return repr(e), repr(e.__cause__)
>>> 'k'

def f(values):
    groups = ExceptionGroup('g', [ValueError(v) for v in values])
    try:
        raise groups
    except* ValueError as e:
        texts = [str(x) for x in e.exceptions]
    return texts
>>> [1, 2]

def f(x):
    global y
    y = x
    del x
    return y, 'x' in locals(), 'y' in globals(), __name__ == '__main__'
>>> 1

def f(x):
    return undefined_name + x
>>> 1

def f(x, /, y, *, z):
    return x, y, z
>>> 1, 2, z=3
>>> 1, y=2, z=3
>>> x=1, y=2, z=3
>>> 1, 2, 3

def f(s):
    try:
        return int(s)
    except ValueError:
        raise LookupError(s) from None
    finally:
        s = s.strip()
>>> '12'
>>> 'x'
>>> None

def f(kind):
    raise {'a': OverflowError, 'b': NotImplementedError, 'c': RuntimeError('x'), 'd': 3, 'e': ArithmeticError}[kind]
>>> 'a'
>>> 'b'
>>> 'c'
>>> 'd'
>>> 'e'
>>> 'g'

def f(n):
    if n:
        m = n
    return m.bit_length() + m.length
>>> 0
>>> 1

def f(data):
    from math import e
    text = data.decode()
    assert text.isascii(), text
    return text.encode('ascii'), e ** len(text) ** 3
>>> b'a'
>>> b'\xff'
>>> b'\xc3\xa4'
>>> b'abcdefghij'

def f(n):
    errors = [ValueError(i) for i in range(n)]
    def inner():
        try:
            raise ExceptionGroup('several', errors)
        except* ValueError as group:
            if len(group.exceptions) > 1:
                raise
    inner()
    return next(iter(errors)).args[0]
>>> 0
>>> 1
>>> 2

def f(items):
    iterator = iter(items)
    def pairs():
        while True:
            yield next(iterator), next(iterator)
    return list(pairs())
>>> [1, 2]
>>> 5

import sys
def f(xs):
    best = sys.maxsize
    for x in xs:
        best = min(best, x)
    return best
>>> [5000000000, 7000000000]
>>> [2**63]

def f(n):
    return len(range(n))
>>> 3000000000
>>> 2147483648

from bisect import bisect_left
def f(n):
    return bisect_left(range(10**10), n, key=lambda x: x * x)
>>> 49
>>> 10**19

def f(n):
    return hash(n)
>>> 123456789012
>>> -1
>>> 2**61
>>> 2.5
>>> (1, 2)
>>> (3, (4, 5.5))

from array import array
def f(n):
    return array('l', [n])[0]
>>> 3000000000

def f(n):
    numbers = range(n)
    return numbers[-1], numbers[n // 2], n - 1 in numbers, numbers.index(n // 3), len(numbers[5:])
>>> 10**12
>>> 2**33

from itertools import count, islice, repeat
def f(n):
    return list(islice(count(n), 2)) + list(islice(repeat(n, n), 2)), list(enumerate('a', n))
>>> 2**40

from bisect import bisect_right, insort
def f(n):
    best = bisect_right(range(n, 4 * n), 2 * n, key=lambda x: x)
    kept = [1, n]
    insort(kept, 5)
    return best, kept
>>> 3 * 10**9

import sys
def f(xs):
    low, high = sys.maxsize, -sys.maxsize - 1
    for x in xs:
        low, high = min(low, x), max(high, x)
    return low, high, sys.maxsize > 2**32, len(str(sys.maxsize))
>>> [10**15, -10**15]
>>> []

def f(n):
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if middle * middle < n:
            low = middle + 1
        else:
            high = middle
    return low, n.bit_length(), hash(str(n)) == hash(str(n))
>>> 10**18
'''


def case(program, arguments):
    namespace = {"__name__": "program"}
    try:
        exec(program, namespace)
        args, kwargs = eval(f"(lambda *a, **k: (a, k))({arguments})")
        result = namespace["f"](*args, **kwargs)
        return {"program": program, "input": arguments, "output": repr(result)}
    except BaseException as error:
        return {"program": program, "input": arguments, "exception": type(error).__name__}


def main():
    for block in PROGRAMS.strip("\n").split("\n\n"):
        lines = block.split("\n")
        program = "\n".join(line for line in lines if not line.startswith(">>> "))
        for arguments in (line[4:] for line in lines if line.startswith(">>> ")):
            with contextlib.redirect_stdout(io.StringIO()):
                row = case(program, arguments)
            print(json.dumps(row))


main()
