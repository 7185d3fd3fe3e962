"""What is sent of results: `python3 -m unittest discover envs/codegen/executor`."""

import collections
import copy
import datetime
import random
import unittest
from decimal import Decimal
from fractions import Fraction

import results


def anything(draw, depth=0):
    kinds = [
        lambda: draw.choice([0, 1, True, False, None, 1.0, 0.0, -0.0, 2**53, 2.0**60, 2**60, 2**64, 1e300, 0.5, 1 + 0j, 2j]),
        lambda: draw.randint(-3, 3),
        lambda: draw.choice(["", "a", "ab", "1", b"", b"a", "\ud800"]),
        lambda: draw.choice([Fraction(1, 2), Fraction(2), Decimal("0.5"), Decimal("0.1"), Fraction(1, 10)]),
    ]
    if depth < 3:
        many = lambda: [anything(draw, depth + 1) for _ in range(draw.randrange(4))]
        kinds += [many, many, lambda: tuple(many())]
        hashable = lambda: [draw.choice([1, 1.0, True, "a", (1, "b"), (1.0, "b"), None]) for _ in range(draw.randrange(3))]
        kinds += [lambda: set(hashable()), lambda: frozenset(hashable())]
        kinds += [lambda: dict.fromkeys(hashable(), draw.choice([1, True, 2]))]
    return draw.choice(kinds)()


def retyped(value, draw):
    """An equal value of other types."""
    if type(value) in (int, float, bool) and abs(value) < 2**53 and draw.random() < 0.5:
        return draw.choice([float, Fraction])(value)
    if type(value) in (list, tuple):
        return type(value)(retyped(item, draw) for item in value)
    if type(value) is dict:
        return collections.OrderedDict((key, retyped(item, draw)) for key, item in reversed(value.items()))
    return set(value) if type(value) is frozenset else copy.deepcopy(value)


class Results(unittest.TestCase):
    def test_digests_are_equal_where_values_are(self):
        draw = random.Random(3)
        values = [anything(draw) for _ in range(1500)]
        for value in values:
            other = retyped(value, draw)
            self.assertEqual(value, other)
            self.assertEqual(results.digest(value), results.digest(other), (value, other))
        digests = {}
        for value in values:
            for other in digests.get(results.digest(value), ()):
                self.assertEqual(value, other)
            digests.setdefault(results.digest(value), []).append(value)
        for value in values[:300]:
            for other in values[:300]:
                self.assertEqual(value == other, results.digest(value) == results.digest(other), (value, other))

    def test_plain_values_are_sent_as_they_are(self):
        for value in (1, None, [1, "a", (2.5, {"k": {1}})], "x" * 20_000, list(range(20_000))):
            self.assertEqual(results.Room(results.FUNCTION_UNITS).sent(value), (value,))
        for value, plain in (
            (collections.Counter("aab"), {"a": 2, "b": 1}),
            (collections.Counter(), {}),
            ([collections.OrderedDict(), [[]], Fraction(2)], [{}, [[]], 2]),
            ([Fraction(1, 2), Decimal(3)], [0.5, 3]),
            (bytearray(b"a"), b"a"),
            (collections.namedtuple("Pair", "x y")(1, 2), (1, 2)),
        ):
            self.assertEqual(repr(results.Room(results.FUNCTION_UNITS).sent(value)), repr((plain,)))

    def test_what_is_no_plain_value_or_too_large_is_sent_as_a_digest(self):
        for value in (Fraction(1, 3), 10**6000, [1, {"a": -(10**6000)}], range(3), datetime.date(2020, 1, 1), [(10**6000, 1)]):
            word, digest = results.Room(results.FUNCTION_UNITS).sent(value)
            self.assertEqual((word, digest), ("typed", results.digest(value)))
        for value in (list(range(70_000)), "x" * 600_000, [(i, str(i)) for i in range(40_000)], set(range(70_000))):
            self.assertEqual(results.Room(results.FUNCTION_UNITS).sent(value), ("large", results.digest(value)))
            self.assertEqual(results.Room(results.METHOD_UNITS).sent(value), (value,))

    def test_large_results_of_other_types_are_sent_alike(self):
        for count in (10_000, 30_000, 59_000, 61_000, 100_000):
            alike = ([kind(i % 2) for i in range(count)] for kind in (int, float, bool))
            one, two, three = (results.Room(results.FUNCTION_UNITS).sent(items)[0] for items in alike)
            self.assertTrue(one == two == three, count)

    def test_what_has_an_address_cannot_be_compared(self):
        for value in (iter([]), object(), [lambda: 1]):
            with self.assertRaises(TypeError):
                results.Room(results.FUNCTION_UNITS).sent(value)


if __name__ == "__main__":
    unittest.main()
