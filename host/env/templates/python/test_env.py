"""python3 -m unittest"""

import unittest

from azr_env import Rng, Wrong
from env import Environment


class Grading(unittest.TestCase):
    def test_answers_are_graded(self):
        env, task = Environment(), {"numbers": [30, 4, 4, 1]}
        for answer in ("1, 4, 4, 30", "1,4,4,30"):
            env.grade(task, answer)
        for answer in ("1, 4, 30", "30, 4, 4, 1", "1, 4, 4, 3 0", ""):
            with self.assertRaises(Wrong, msg=answer):
                env.grade(task, answer)

    def test_generated_tasks_depend_on_seed_and_number(self):
        def generate(seed, number):
            return Environment().generate(Rng(seed, number))

        self.assertEqual(generate(1, 2), generate(1, 2))
        self.assertNotEqual(generate(1, 2), generate(2, 2))
        self.assertNotEqual(generate(1, 2), generate(1, 3))


if __name__ == "__main__":
    unittest.main()
