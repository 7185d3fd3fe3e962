"""What is sent of a result: the value, in a tuple; or a word and a digest, of what is too large to be sent or no plain value.

Equal results, as Python's `==` has it, have equal digests, so a digest is enough to compare a result with the reference's.
"""

import datetime
import hashlib
import marshal
import math
import types
from array import array
from collections import deque
from decimal import Decimal
from fractions import Fraction
from itertools import chain

# A result of so many bytes is sent whatever was sent before. Of larger ones a run sends so many units in all, of some
# eight bytes; these count alike in equal results. The judge has the expected values of tests, so it needs all of a result.
_SMALL_BYTES = 50_000
FUNCTION_UNITS = 60_000
METHOD_UNITS = 2_000_000
# A unit has no more: seven characters of four bytes and a head.
_UNIT_MAX_BYTES = 34
# More digits than are written by default.
_INTEGER_MAX_BITS = 14_000
_PLAIN = {int, str, float, bool, types.NoneType, bytes, complex}


class Room:
    """How much a run may still send."""

    def __init__(self, units):
        self.units = units

    def sent(self, result):
        try:
            size = _size_if_exact(result)
            if size is not None and size > max(_SMALL_BYTES, _UNIT_MAX_BYTES * self.units):
                return "large", digest(result)
            if size is not None:
                _check_integers(result, size)
            value = result if size is not None else _plain(result)
            if size is None or size > _SMALL_BYTES:
                self.units -= _units(value)
        except _NotPlain:
            return "typed", digest(result)
        return (value,) if self.units >= 0 or size is not None and size <= _SMALL_BYTES else ("large", digest(value))


class _NotPlain(Exception):
    """A value that is compared by its digest."""


def _size_if_exact(value):
    """The size of a value of exact builtin types only, which the encoder takes as it is."""
    if type(value) is bytearray:
        return None
    try:
        size = len(marshal.dumps(value, 2))
    except ValueError:
        return None
    return size


def _check_integers(value, size):
    if size < _INTEGER_MAX_BITS // 8:
        return
    kind = type(value)
    if kind is int:
        if value.bit_length() > _INTEGER_MAX_BITS:
            raise _NotPlain
    elif kind is dict:
        _check_integers(list(value), size)
        _check_integers(list(value.values()), size)
    elif kind in (list, tuple, set, frozenset) and value:
        kinds = set(map(type, value))
        if kinds == {int} and _words(value):
            return
        if kinds == {list} or kinds == {tuple}:
            _check_integers(list(chain.from_iterable(value)), size)
        elif not kinds <= _PLAIN - {int}:
            for item in value:
                _check_integers(item, size)


def _words(integers):
    """Integers as words; none where one is too long."""
    try:
        return array("q", integers)
    except OverflowError:
        return None


def _plain(value):
    """A value with subclasses of builtin types, such as Counter, as those types, to which they compare equal."""
    kind = type(value)
    if kind in _PLAIN and kind is not int:
        return value
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    for container in (list, tuple, set, frozenset):
        if isinstance(value, container):
            return container(map(_plain, value))
    if isinstance(value, int):
        if value.bit_length() > _INTEGER_MAX_BITS:
            raise _NotPlain
        return int(value)
    for scalar in (float, str, complex, bytes):
        if isinstance(value, scalar):
            return scalar(value)
    if isinstance(value, (Fraction, Decimal)):
        return _plain(_number(value))
    if isinstance(value, bytearray):
        return bytes(value)
    raise _NotPlain


def _number(value):
    """The int or float that is equal to an exact number."""
    if value == value and abs(value) != math.inf:
        if value.as_integer_ratio()[1] == 1:
            return int(value)
        if float(value) == value:
            return float(value)
    elif isinstance(value, Decimal):
        return float(value)
    raise _NotPlain


def _units(value):
    kind = type(value)
    if kind in (str, bytes):
        return 1 + len(value) // 8
    if kind is int:
        return 1 + value.bit_length() // 64
    if kind is dict:
        return 1 + _units(list(value)) + _units(list(value.values()))
    if kind not in (list, tuple, set, frozenset) or not value:
        return 1
    kinds = set(map(type, value))
    if kinds <= {list} or kinds <= {tuple}:
        return 1 + len(value) + _units(list(chain.from_iterable(value)))
    if kinds <= {str} or kinds <= {bytes}:
        return 1 + len(value) + sum(map(len, value)) // 8
    if kinds <= {float, bool, types.NoneType} or kinds == {int} and _words(value):
        return 1 + len(value)
    return 1 + sum(map(_units, value))


def digest(value):
    hashed = hashlib.blake2b(digest_size=32)
    _canonical(value, hashed.update)
    return hashed.hexdigest()


def _canonical(value, add):
    """Bytes that equal values share, and no others."""
    if value is None:
        add(b"n")
    elif isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        add(b"s%d:%b" % (len(text), text))
    elif isinstance(value, (bytes, bytearray)):
        add(b"b%d:%b" % (len(value), value))
    elif isinstance(value, (int, float, Fraction, Decimal)):
        add(_canonical_number(value))
    elif isinstance(value, complex):
        add(_canonical_number(value.real) if value.imag == 0 else f"c{value.real.hex()}{value.imag.hex()};".encode())
    elif isinstance(value, (list, tuple)):
        add(b"l%d:" % len(value) if isinstance(value, list) else b"u%d:" % len(value))
        _canonical_items(value, add)
    elif isinstance(value, (dict, set, frozenset)):
        add(b"m%d:" % len(value) if isinstance(value, dict) else b"e%d:" % len(value))
        _canonical_unordered(value, isinstance(value, dict), add)
    else:
        _canonical_other(value, add)


def _canonical_unordered(value, is_dict, add):
    """In the order of keys that have one, else in that of what is written of each entry."""
    keys = list(map(_exact, value))
    kinds = set(map(type, keys))
    if not (kinds <= {int, bool, float} or kinds == {str}):
        for part in sorted(map(_canonical_bytes, value.items() if is_dict else value)):
            add(part)
        return
    keys.sort()
    _canonical_items(keys, add)
    if is_dict:
        _canonical_items([value[key] for key in keys], add)


def _canonical_items(items, add):
    """Many alike at once: one by one is slow."""
    kinds = set(map(type, items))
    if not kinds <= _EXACT:
        items = list(map(_exact, items))
        kinds = set(map(type, items))
    if kinds == {str}:
        add(b"S" + array("q", map(len, items)).tobytes())
        add("".join(items).encode("utf-8", "surrogatepass"))
    elif kinds and kinds <= {int, bool, float} and (numbers := _packed(items, kinds)):
        add(numbers)
    elif kinds == {list} or kinds == {tuple}:
        add((b"L" if kinds == {list} else b"U") + array("q", map(len, items)).tobytes())
        _canonical_items(list(chain.from_iterable(items)), add)
    else:
        add(b"I")
        for item in items:
            _canonical(item, add)


_EXACT = _PLAIN | {list, tuple, dict, set, frozenset}


def _exact(item):
    """An equal item of a builtin type, where there is one; what it contains stays as it is."""
    if isinstance(item, (Fraction, Decimal)):
        try:
            return _number(item)
        except _NotPlain:
            return item
    for kind in (bool, int, float, str, list, tuple, bytes):
        if isinstance(item, kind):
            return item if type(item) is kind else kind(item)
    return item


def _packed(numbers, kinds):
    """Numbers as words, where all are integers of one word, or all exact as floats; equal numbers in the same way."""
    floats = [number for number in numbers if type(number) is float] if float in kinds else ()
    if all(map(float.is_integer, floats)):
        words = _words(map(int, numbers) if kinds != {int} else numbers)
        return words and b"Q" + words.tobytes()
    if all(map(math.isfinite, floats)) and -(1 << 53) <= min(numbers) and max(numbers) <= 1 << 53:
        return b"D" + array("d", [number + 0.0 for number in numbers]).tobytes()
    return None


def _canonical_bytes(value):
    parts = []
    _canonical(value, parts.append)
    return b"".join(parts)


def _canonical_number(value):
    if value != value:
        return b"nan;"
    if abs(value) == math.inf:
        return b"inf;" if value > 0 else b"-inf;"
    numerator, denominator = value.as_integer_ratio()
    return (f"i{numerator:x};" if denominator == 1 else f"q{numerator:x}/{denominator:x};").encode()


def _canonical_other(value, add):
    """Some types that have no literal. Not by what just any object prints: that may be a lie."""
    kind = type(value)
    if kind is range:
        add(b"r" + _canonical_bytes((len(value), *value[:1], *value[1:2])))
    elif kind is deque or kind is array:
        add(b"o%b" % kind.__name__.encode() + _canonical_bytes(list(value)))
    elif kind in _DATES and type(getattr(value, "tzinfo", None)) in (types.NoneType, datetime.timezone):
        add(b"t" + _canonical_bytes(repr(value)))
    else:
        raise TypeError(f"the result is of type {kind.__name__}, which cannot be compared")


_DATES = (datetime.date, datetime.time, datetime.datetime, datetime.timedelta)
