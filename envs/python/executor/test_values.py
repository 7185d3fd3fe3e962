"""The published vectors against the executor's encoder: `python3 -m unittest discover envs/python/executor`."""

import pathlib
import re
import unittest

import values

VECTORS = pathlib.Path(__file__).parents[3] / "guest-sdk/vectors/values.txt"
nan, inf = float("nan"), float("inf")


def unescaped(text):
    return re.sub(rb"\\x(..)", lambda match: bytes.fromhex(match[1].decode()), text.encode())


def vectors():
    rows = [line.split("\t") for line in VECTORS.read_text().splitlines() if line[0] not in "#!"]
    return [(eval(text), unescaped(encoding)) for text, encoding, _ in rows]


class Values(unittest.TestCase):
    def test_published_vectors(self):
        self.assertGreater(len(vectors()), 60)
        for value, encoding in vectors():
            decoded = values.decode(encoding)
            self.assertEqual(type(decoded), type(value))
            if "{" not in repr(value) and "set" not in repr(value):
                # The order of a set's elements is this process's own.
                self.assertEqual(values.encode(value), encoding)
                self.assertEqual(repr(decoded), repr(value))
            elif value == value:
                self.assertEqual(decoded, value)
                self.assertEqual(values.decode(values.encode(decoded)), value)

    def test_only_exact_builtin_types_are_values(self):
        liars = [type("L", (kind,), {"__eq__": lambda *_: True}) for kind in (int, str, list, tuple, dict, set, float)]
        for value in [*(liar() for liar in liars), object(), iter([]), range(3), (x for x in ""), int, len, bytearray()]:
            for nested in (value, [value], {1: value}):
                with self.assertRaisesRegex(values.Unsupported, "^a value of type "):
                    values.encode(nested)

    def test_sizes_are_limited(self):
        looped = []
        looped.append(looped)
        shared = [1]
        for _ in range(60):
            shared = [shared, shared]
        deep = [[] for _ in range(1)][0]
        for _ in range(100):
            deep = [deep]
        limits = {"nested": looped, "encoded bytes": shared, "deep": deep, "more than 4300 digits": 10**5000}
        limits["of more than 65536 encoded bytes"] = "x" * 70_000
        for reason, value in limits.items():
            with self.assertRaisesRegex(values.Unsupported, reason):
                values.encode(value)
        values.encode(10**4299)
        values.encode("x" * 60_000)

    def test_lone_surrogates_are_refused(self):
        with self.assertRaisesRegex(values.Unsupported, "surrogate"):
            values.encode(["\ud800"])


if __name__ == "__main__":
    unittest.main()
