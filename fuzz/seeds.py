"""Writes the seeds of the fuzz targets from what the tests hold: `python3 fuzz/seeds.py`."""

import json
import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).parents[1]


def write(target, seeds):
    folder = ROOT / "fuzz/corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number:04}").write_bytes(seed)


def forgeries(times=200):
    corpus = tomllib.loads((ROOT / "tests/python_env/forgeries.toml").read_text())
    entries = [entry for entries in corpus.values() for entry in entries]
    for entry in entries:
        yield re.sub(r"\{(.*)×(\d+)\}", lambda match: match[1] * min(int(match[2]), times), entry["completion"]).encode()


def puzzles():
    pairs = tomllib.loads((ROOT / "tests/math/pairs.toml").read_text())
    for entry in (entry for entries in pairs.values() for entry in entries):
        yield "\0".join(entry).encode()
    yield b"45\0(7 + 8) * 3"


# What a reader may take again and again: brackets, marks, signs, and words that begin something. ␣ and ␤ stand for themselves.
PIECES = r"""
( [ { < " ' ` ``` # \ \\ , : ; . - -- + * ** / // % ^ _ = == ! ~ | & @ $ ␣ ␤ é 😀 a␤ ( [] {} [[ ({ x( x[ x{ x^ x+ x* 1+ 1/
0 1 1e9 0x1 0b1 1_ 1j -( f(1) f(f( nan, 'a', 'a'␣ b'a'␣ {1:␣{1, [1], (1,), set([ frozenset({ float('nan'), ... not␣ lambda:␣
\frac{ \frac12 \sqrt{ \boxed{ \left( \text{ \cup␣ \infty \sin( \log_ \begin{pmatrix} x^{ x_{ (x+y)^ (x+y)^9* [1,2)\cup 50\% 1:
<think> </think> <answer> </answer> <input> <output> <message> ```python␤ ```input␤ ```output␤ [ANSWER] assert␣ f(␣ select␣
def␣f(a):␤ if␣a:␤ import␣os␤ class␣A: => `${ /* <!-- function(){ new␣Map([[ 1n, () values( union␣ (select␣ '' case␣when␣
"""


def long():
    for piece in (piece.replace("␣", " ").replace("␤", "\n").encode() for piece in PIECES.split()):
        yield b"<answer>" + piece * (60_000 // len(piece)) + b"</answer>"
        yield b"\\boxed{" + piece * (3_000 // len(piece)) + b"}"
    yield from forgeries(60_000)


literals = [json.loads(line) for line in (ROOT / "envs/python/judge/vectors/literals.jsonl").read_text().splitlines()]
texts = [row[0].encode() for row in literals]
values = [
    re.sub(rb"\\x(..)", lambda match: bytes.fromhex(match[1].decode()), row.split(b"\t")[1])
    for row in (ROOT / "guest-sdk/vectors/values.txt").read_bytes().splitlines()
    if row[:1] not in b"#!"
]
programs = [json.loads(line) for line in (ROOT / "tests/python_env/programs.jsonl").read_text().splitlines()]
write("value", texts + values)
write("puzzle", puzzles())
write("completion", [*forgeries(), *(completion + b"\xff" + value for completion, value in zip(forgeries(), values))])
write("fuel", (seed[: 60 << 10] for seed in [*forgeries(), *puzzles(), *long()]))
write("prompt", [f"{row['program']}\0{row['input']}".encode() for row in programs])
write("config", [path.read_bytes() for path in (ROOT / "host/config/presets").glob("*.toml")])
COMPONENT = b"\0asm\x0d\0\x01\0"


def section(name, data):
    body = bytes([len(name)]) + name + data
    return b"\0" + bytes([len(body)]) + body


packed = COMPONENT + section(b"producers", b"someone") + section(b"azr:executor", COMPONENT)
nested = COMPONENT + b"\x04" + bytes([len(packed)]) + packed
write("component", [COMPONENT, packed, nested, b"\0asm\x01\0\0\0"])
