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


def forgeries():
    corpus = tomllib.loads((ROOT / "tests/python_env/forgeries.toml").read_text())
    entries = [entry for entries in corpus.values() for entry in entries]
    for entry in entries:
        yield re.sub(r"\{(.*)×(\d+)\}", lambda match: match[1] * min(int(match[2]), 200), entry["completion"]).encode()


def puzzles():
    pairs = tomllib.loads((ROOT / "tests/math/pairs.toml").read_text())
    for entry in (entry for entries in pairs.values() for entry in entries):
        yield "\0".join(entry).encode()
    yield b"45\0(7 + 8) * 3"


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
write("fuel", forgeries())
write("prompt", [f"{row['program']}\0{row['input']}".encode() for row in programs])
write("config", [path.read_bytes() for path in (ROOT / "host/config/presets").glob("*.toml")])
COMPONENT = b"\0asm\x0d\0\x01\0"


def section(name, data):
    body = bytes([len(name)]) + name + data
    return b"\0" + bytes([len(body)]) + body


packed = COMPONENT + section(b"producers", b"someone") + section(b"azr:executor", COMPONENT)
nested = COMPONENT + b"\x04" + bytes([len(packed)]) + packed
write("component", [COMPONENT, packed, nested, b"\0asm\x01\0\0\0"])
