"""The byte encoding of Python values that crosses the boundary.

The mirror of `guest-sdk/src/value.rs`, where the encoding is described; both are tested with `guest-sdk/vectors/values.txt`.
Only exact builtin types are values: a subclass may lie about its content, so it is refused.

The functions are written for the fresh interpreter that runs them once: few frames, few allocations, no imports.
"""

import struct

# A result is refused beyond these before it is built in full. The judge's own limit on the text of a value is far
# lower; these protect the host's memory from a program that returns a huge or a self-containing object.
VALUE_MAX_BYTES = 64 * 1024
NESTING_MAX = 100
# CPython itself prints no longer integers by default (`sys.int_info.default_max_str_digits`); so many bits always fit.
INTEGER_MAX_DIGITS = 4300
_INTEGER_SAFE_BITS = 14_284


class Unsupported(Exception):
    """A result that is not a plain value, with the reason."""


_pack_double = struct.Struct(">d").pack
_unpack_double = struct.Struct(">d").unpack
_NAN = "7ff8000000000000"
# A class may define its own `__name__`; this reads the real one.
_class_name = type.__dict__["__name__"].__get__
_bit_length = int.bit_length


def encode(value):
    """The bytes of a value. Raises `Unsupported`."""
    out = []
    _encode(value, NESTING_MAX, VALUE_MAX_BYTES, out)
    return b"".join(out)


def _encode(value, nesting, room, out):
    """Appends the encoding of `value` and returns how much of `room` is left."""
    kind = type(value)
    if kind is int:
        if _bit_length(value) > _INTEGER_SAFE_BITS:
            raise Unsupported(f"an integer of more than {INTEGER_MAX_DIGITS} digits")
        part = b"i%d;" % value
    elif kind is str:
        try:
            text = value.encode()
        except UnicodeEncodeError:
            raise Unsupported("a string with a lone surrogate") from None
        part = b"s%d:%b" % (len(text), text)
    elif kind is bool:
        part = b"t" if value else b"f"
    elif value is None:
        part = b"n"
    elif kind is float:
        part = b"d" + _double(value)
    elif kind is list or kind is tuple or kind is dict or kind is set or kind is frozenset:
        return _encode_container(value, kind, nesting, room, out)
    elif kind is bytes:
        part = b"b%d:%b" % (len(value), value)
    elif kind is complex:
        part = b"c" + _double(value.real) + _double(value.imag)
    else:
        raise Unsupported(f"a value of type {_class_name(kind)}")
    room -= len(part)
    if room < 0:
        raise Unsupported(f"a value of more than {VALUE_MAX_BYTES} encoded bytes")
    out.append(part)
    return room


_CONTAINER_TAGS = {list: b"l%d:", tuple: b"u%d:", dict: b"m%d:", set: b"e%d:", frozenset: b"z%d:"}


def _encode_container(value, kind, nesting, room, out):
    if nesting == 0:
        raise Unsupported(f"a value nested more than {NESTING_MAX} deep")
    head = _CONTAINER_TAGS[kind] % len(value)
    out.append(head)
    room -= len(head)
    nesting -= 1
    if kind is dict:
        for key, item in value.items():
            room = _encode(key, nesting, room, out)
            room = _encode(item, nesting, room, out)
    else:
        for item in value:
            room = _encode(item, nesting, room, out)
    if room < 0:
        raise Unsupported(f"a value of more than {VALUE_MAX_BYTES} encoded bytes")
    return room


def _double(value):
    return _pack_double(value).hex().encode() if value == value else _NAN.encode()


def decode(data):
    """A fresh object from its bytes. The judge wrote them, so anything malformed is a bug there: `ValueError`."""
    value, end = _decode(data, 0)
    if end != len(data):
        raise ValueError("bytes after the value")
    return value


_COUNTED_TYPES = {108: list, 117: tuple, 101: set, 122: frozenset}


def _decode(data, at):
    tag = data[at]
    at += 1
    if tag == 105:  # i
        end = data.index(b";", at)
        return int(data[at:end]), end + 1
    if tag == 110:  # n
        return None, at
    if tag == 116:  # t
        return True, at
    if tag == 102:  # f
        return False, at
    if tag == 100:  # d
        return _undouble(data, at), at + 16
    if tag == 99:  # c
        return complex(_undouble(data, at), _undouble(data, at + 16)), at + 32
    colon = data.index(b":", at)
    count = int(data[at:colon])
    at = colon + 1
    if tag == 115:  # s
        return data[at : at + count].decode(), at + count
    if tag == 98:  # b
        return data[at : at + count], at + count
    if tag == 109:  # m
        entries = {}
        for _ in range(count):
            key, at = _decode(data, at)
            entries[key], at = _decode(data, at)
        return entries, at
    items = []
    for _ in range(count):
        item, at = _decode(data, at)
        items.append(item)
    return (items if tag == 108 else _COUNTED_TYPES[tag](items)), at


def _undouble(data, at):
    return _unpack_double(bytes.fromhex(data[at : at + 16].decode()))[0]
