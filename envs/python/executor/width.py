"""Words of 64 bits for programs, in an interpreter that has words of 32.

Most people's CPython has a `sys.maxsize` of 2**63 - 1 and hashes of 64 bits. Here they are given to programs as far as
that can be done from outside of the interpreter:

- `sys.maxsize` is theirs, and so is `hash` of numbers, tuples, frozen sets, ranges and None;
- a call that ends because a number does not fit 32 bits is made again, from the beginning of the program, with `len` of
  ranges, `bisect`, `islice`, `repeat` and `array` written in Python. That is slow, and programs that need it are few.

What remains: sets are kept in the order of 32-bit hashes, a `deque` has no `maxlen` above 2**31, and native formats of
`struct` have four bytes for a `long`.
"""

import array
import bisect
import builtins
import itertools
import operator
import sys

_WORD = 1 << 64
_MODULUS = (1 << 61) - 1
_hash, _len, _array = builtins.hash, builtins.len, array.array
_islice, _repeat = itertools.islice, itertools.repeat


def hash(object, /):
    """The hash of a CPython with words of 64 bits, of whatever does not depend on the process."""
    kind = type(object)
    if kind is int or kind is bool:
        return _of_integer(object)
    if kind is float or kind is complex:
        return _of_number(object)
    if kind is tuple:
        return _of_tuple(object)
    if kind is frozenset:
        return _of_frozenset(object)
    if kind is range:
        first, last = (object[0], object[-1]) if object else (None, None)
        step = None if first == last else object.step
        return _of_tuple((_length(object), first, step))
    if object is None:
        return 0xFCA86420
    method = kind.__hash__
    if method is None or not hasattr(method, "__code__"):
        return _hash(object)
    if hasattr(object, "as_integer_ratio"):
        return _of_number(object)
    result = method(object)
    if type(result) is not int and not isinstance(result, int):
        return _hash(object)
    return _without_minus_one(result) if -_WORD >> 1 <= result < _WORD >> 1 else _of_integer(result)


def _of_integer(number):
    remainder = abs(number) % _MODULUS
    return _without_minus_one(-remainder if number < 0 else remainder)


def _of_number(number):
    if type(number) is complex:
        return _without_minus_one(_signed(_of_number(number.real) + 1000003 * _of_number(number.imag)))
    try:
        numerator, denominator = number.as_integer_ratio()
    except (OverflowError, ValueError):
        return _hash(number) if number != number else 314159 if number > 0 else -314159
    if denominator % _MODULUS == 0:
        return 314159 if numerator > 0 else -314159
    value = abs(numerator) * pow(denominator, -1, _MODULUS) % _MODULUS
    return _without_minus_one(-value if numerator < 0 else value)


def _of_tuple(items):
    """xxHash, as `Objects/tupleobject.c` has it."""
    total = 2870177450012600261
    for item in items:
        total = (total + hash(item) * 14029467366897019727) % _WORD
        total = (total << 31 | total >> 33) % _WORD * 11400714785074694791 % _WORD
    total = (total + (len(items) ^ 2870177450012600261 ^ 3527539)) % _WORD
    return 1546275796 if total == _WORD - 1 else _signed(total)


def _of_frozenset(items):
    """As `Objects/setobject.c` has it."""
    total = 0
    for item in items:
        part = hash(item) % _WORD
        total ^= (part ^ 89869747 ^ (part << 16)) * 3644798167 % _WORD
    total ^= (_len(items) + 1) * 1927868237 % _WORD
    total ^= total >> 11 ^ total >> 25
    total = (total * 69069 + 907133923) % _WORD
    return 590923713 if total == _WORD - 1 else _signed(total)


def _signed(word):
    word %= _WORD
    return word - _WORD if word >= _WORD >> 1 else word


def _without_minus_one(number):
    return -2 if number == -1 else number


def is_exceeded(exception):
    """Whether a call ended because a number does not fit a word of 32 bits."""
    kind = type(exception)
    words = {OverflowError: ("ssize_t", "C long", "index-sized"), ValueError: ("for islice() must be",)}.get(kind)
    if words is None:
        return False
    try:
        message = str(exception)
    except BaseException:
        # A program's own text, which may do what it likes.
        return False
    return any(str.__contains__(message, word) for word in words)


def len(object, /):
    return _length(object) if type(object) is range else _len(object)


len.__qualname__, hash.__qualname__ = "len", "hash"


def _length(numbers):
    return max(0, -((numbers.start - numbers.stop) // numbers.step))


class _Array(array.array):
    """Arrays of `l` and `L` have eight bytes for an item."""

    __slots__ = ()

    def __new__(cls, typecode, *values):
        return _array.__new__(cls, {"l": "q", "L": "Q"}.get(typecode, typecode), *values)


_Array.__name__ = _Array.__qualname__ = "array"


def _place(a, x, lo, hi, key, is_right):
    if lo < 0:
        raise ValueError("lo must be non-negative")
    hi = len(a) if hi is None else hi
    while lo < hi:
        middle = (lo + hi) // 2
        value = a[middle] if key is None else key(a[middle])
        if not x < value if is_right else value < x:
            lo = middle + 1
        else:
            hi = middle
    return lo


def bisect_right(a, x, lo=0, hi=None, *, key=None):
    return _place(a, x, operator.index(lo), hi, key, True)


def bisect_left(a, x, lo=0, hi=None, *, key=None):
    return _place(a, x, operator.index(lo), hi, key, False)


def _countable(number):
    """Nobody counts further."""
    return min(number, (1 << 31) - 1) if type(number) is int else number


def islice(iterable, *numbers):
    return _islice(iterable, *map(_countable, numbers))


def repeat(object, *times):
    return _repeat(object, *map(_countable, times))


def widen(names):
    """Puts what can count further into the builtin names of a program, and into modules."""
    names["len"] = len
    bisect.bisect_left, bisect.bisect_right, bisect.bisect = bisect_left, bisect_right, bisect_right
    array.array = array.ArrayType = _Array
    itertools.islice, itertools.repeat = islice, repeat
    for module in ("random", "statistics"):
        if module in sys.modules:
            sys.modules[module].len = len


def pretend():
    """What a program sees of words in any case. Last of all: what is imported afterwards would believe it."""
    sys.maxsize = (1 << 63) - 1
