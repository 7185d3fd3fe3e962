"""Writes literals.jsonl: `python3 make_literals.py > literals.jsonl`, checked with CPython 3.11.

Each line is [text, encoding, repr] with what `ast.literal_eval` and `repr` make of the text, or [text] where it is not a
literal. Texts are random values in random spellings, and the same with a few characters changed. A repr is left out
(null) where it holds a set of several elements, whose order is this process's own.
"""

import ast
import json
import pathlib
import random
import sys
import unicodedata
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "guest-sdk/vectors"))
sys.stdout, stdout = open("/dev/null", "w"), sys.stdout
from make_values import enc, escaped

sys.stdout = stdout
warnings.simplefilter("ignore")
rng = random.Random(20250503)
# Assigned in the Unicode of 3.11 already, so that later versions agree on them.
CHARS = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]


def number():
    sign = rng.choice(["", "", "", "-", "+", "- "])
    digits = str(rng.randrange(10 ** rng.choice([1, 1, 2, 3, 9, 20, 60])))
    spellings = [
        lambda: digits,
        lambda: "_".join(digits),
        lambda: rng.choice([hex, oct, bin])(int(digits)).replace("x", rng.choice("xX")).upper().replace("0O", "0o"),
        lambda: "0x_" + format(int(digits), "_X"),
        lambda: repr(rng.uniform(-1, 1) * 10 ** rng.randint(-12, 25)).strip("-"),
        lambda: repr(rng.random() * 2.0 ** rng.randint(-1070, 1020)),
        lambda: f"{digits}.", lambda: f".{digits}", lambda: f"{digits}.{digits}e{rng.choice(['', '+', '-'])}{rng.randint(0, 30)}",
        lambda: f"{digits}E5", lambda: "0", lambda: "00_0", lambda: "1e400", lambda: f"0{digits}", lambda: f"0{digits}.5",
        lambda: f"{digits}j", lambda: f"{digits}.5J", lambda: "0.0", lambda: f"{digits}{rng.choice(['__1', '_', 'x', '.5.', 'L', ' 1', 'e'])}",
    ]  # fmt: skip
    text = sign + rng.choice(spellings)()
    if rng.random() < 0.1:
        text += rng.choice(["+", "-", " + "]) + rng.choice(["1j", "2.5j", "0j", "1e3J", "1", "2.5"])
    return text


ESCAPES = ["\\n", "\\t", "\\\\", "\\'", '\\"', "\\x41", "\\x0", "\\101", "\\0", "\\7a", "\\377", "\\400", "\\u00e9", "\\u20ac",
           "\\U0001f600", "\\U00110000", "\\q", "\\d", "\\\n", "\\a\\b\\f\\v\\r", "\\u12", "\\8", "\\x7f", "\\xa0", "\\u2028"]  # fmt: skip


def string():
    prefix = rng.choice(["", "", "", "", "r", "b", "B", "u", "Rb", "bR", "U", "R", "ur", "bu", "x", "f"])
    quote = rng.choice(["'", '"', "'''", '"""'])
    alphabet = [*"abc xyz019,:#()[]{}", "'", '"', "\n", "\r\n", "\t", *rng.choices(CHARS, k=5)]
    body = "".join(rng.choice(ESCAPES if rng.random() < 0.25 else alphabet) for _ in range(rng.choice([0, 1, 2, 5, 12])))
    text = prefix + quote + body + quote
    return text + rng.choice(["", " ", "\n"]) + string() if rng.random() < 0.08 else text


def space():
    return rng.choice(["", "", "", " ", "  ", "\n", "\t", " # note, (\n", "\\\n", "\f"]) if rng.random() < 0.3 else ""


def items(depth, make, close_ok=True):
    parts = [space() + make(depth - 1) + space() for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]
    return ",".join(parts) + (rng.choice(["", ","]) if parts else "")


def pair(depth):
    return value(depth if rng.random() < 0.1 else 0) + space() + ":" + space() + value(depth)


def value(depth):
    choice = rng.random()
    if depth <= 0 or choice < 0.3:
        return rng.choice([number, number, string, string, lambda: rng.choice(["None", "True", "False", "set()"])])()
    make = rng.choice(
        [lambda: f"[{items(depth, value)}]", lambda: f"({items(depth, value)})", lambda: f"{{{items(depth, pair)}}}",
         lambda: f"{{{items(0, value)}}}", lambda: f"({space()}{value(depth - 1)}{space()})",
         lambda: f"{{{items(1, lambda _: rng.choice(['1', '1.0', 'True', '0', 'False', '-0.0', '(1,)', '(True,)', '2', '1j', '2+0j']))}}}",
         lambda: "{" + ",".join(f"{rng.choice(['1', '1.0', 'True', '0', chr(39) + 'a' + chr(39)])}: {number()}" for _ in range(4)) + "}"]
    )  # fmt: skip
    return make()


def mutated(text):
    characters = list(text)
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(len(characters) + 1)
        characters[at : at + rng.choice([0, 1, 1])] = rng.choice(["", "", *"()[]{},:'\"\\#+-.0e_j =a*", "1", "f(", " if "])
    return "".join(characters)


def any_part(value, is_wanted):
    if is_wanted(value):
        return True
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, (list, tuple, set)) else []
    return any(any_part(part, is_wanted) for part in parts)


def is_big_set(value):
    return isinstance(value, (set, frozenset)) and len(value) > 1


def has_zero_part(value):
    """The sign of a zero in a sum of a real and an imaginary number changed with CPython 3.14, which we follow."""
    return isinstance(value, complex) and (value.real == 0 or value.imag == 0)


def is_extension(text):
    """Not a literal to CPython, but one to us: line ends anywhere, repeated signs, names of special floats."""
    try:
        ast.literal_eval("(" + text.strip() + "\n)")
        return True
    except Exception:
        pass
    return any(part in text.replace(" ", "") for part in ("--", "++", "+-", "-+", "nan", "inf", "set(", "float(", "\n", "\\"))


def main(count):
    seen = set()
    while len(seen) < count:
        text = value(rng.choice([0, 0, 1, 2, 3]))
        if rng.random() < 0.1:
            text = items(2, value)
        if rng.random() < 0.35:
            text = mutated(text)
        if text in seen or len(text) > 160 or "\0" in text or "\\N" in text:
            continue
        seen.add(text)
        try:
            result = ast.literal_eval(text)
            "".join([repr(result)]).encode()
        except (SyntaxError, ValueError, TypeError, MemoryError, UnicodeEncodeError) as error:
            if not is_extension(text):
                print(json.dumps([text]))
            continue
        if any_part(result, has_zero_part) and ("+" in text or "-" in text):
            continue
        print(json.dumps([text, escaped(enc(result, True)), None if any_part(result, is_big_set) else repr(result)]))


main(4000)
