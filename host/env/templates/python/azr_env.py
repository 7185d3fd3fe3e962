"""What an environment in Python is made of: tasks, which are plain data, and functions that pose and grade them.

Derive from `Puzzles`, override what `env.py` of `azr-env new` overrides, and name the class `Environment`. The
crate `azr-guest-sdk` documents the same trait for Rust; the names and meanings are the same.

A judge keeps nothing between calls and sees no clock, files or network. Import modules at the top: they are part of the
snapshot that every call starts from, and cannot be imported later.
"""


class Wrong(Exception):
    """Why an answer does not get the full score. `reason` never contains a right answer."""

    def __init__(self, reason, score=0.0):
        super().__init__(reason)
        self.reason, self.score = reason, score


class NotATask(Exception):
    """Why something is not a task."""


class Puzzles:
    """An environment of one kind of task. Tasks are dicts, lists, strings, numbers, booleans and None, as in JSON."""

    NAME = None
    VERSION = "0.1.0"
    KIND = None  # The same as NAME, where it is not given.
    ASKS = None  # What a task asks, in a sentence.

    # What the operator may change about generated tasks: {name: (default, meaning)}, all texts.
    SETTINGS = {}

    def generate(self, rng):
        """A new task, which depends on `rng` only; None says that tasks are not generated."""
        return None

    def generate_with(self, settings, rng):
        """The same by the settings, a dict of texts, where there are some."""
        return self.generate(rng)

    def seeds(self):
        """Tasks that training starts from."""
        return []

    def samples(self):
        """Tasks that only examples are made of, for an environment whose tasks all come from data sets."""
        return []

    def check(self, task):
        """Raises NotATask where a line of a data set or a proposal is no task: any JSON at all comes here."""
        raise NotATask("this environment takes no tasks from data sets or proposers")

    def question(self, task):
        """Asks for the answer. Says how it is written, and not what it is."""
        raise NotImplementedError

    def compact_question(self, task):
        """The question for the small embedded policy, as short as can be."""
        return self.question(task)

    def grade(self, task, answer):
        """Raises Wrong where the answer, which is any text at all, is not right."""
        raise NotImplementedError

    def subject(self, task):
        """What a task is about; None says that every task is a subject of its own."""
        return None

    def oracle(self, task):
        """A right answer, for checks and for policies that are shown how it is done; None where there is none at hand."""
        return None

    def thought(self, task):
        """What could be thought before the oracle's answer, for policies that are shown how it is done."""
        return None

    def cheats(self, task):
        """Answers that want to pass for right and must score nothing."""
        return []

    def proposer_question(self):
        """Asks for a new task; None says that the policy does not propose tasks."""
        return None

    def compact_proposer_question(self):
        return self.proposer_question()

    def read_proposal(self, text):
        """The task that a proposer wrote. Raises NotATask."""
        raise NotATask("tasks of this environment are not proposed")

    def proposal(self, task):
        """How a proposer would write a task, for the same purposes."""
        return None

    def forged_proposals(self):
        """Proposals that want to pass for tasks and must not."""
        return []


class Rng:
    """The random numbers of one generated task: Philox4x32-10, the same numbers as `Rng` of azr-guest-sdk."""

    def __init__(self, seed, number):
        self._key, self._number, self._draws = _halves(seed), _halves(number), 0

    def bits(self):
        """64 random bits."""
        block = _philox(_halves(self._draws) + self._number, self._key)
        self._draws += 1
        return block[0] | block[1] << 32

    def below(self, bound):
        """A number from 0 to `bound` - 1."""
        return self.bits() * bound >> 64

    def within(self, first, last):
        """A number from `first` to `last`."""
        return first + self.below(last - first + 1)

    def pick(self, items):
        return items[self.below(len(items))]

    def shuffle(self, items):
        for end in range(len(items) - 1, 0, -1):
            other = self.below(end + 1)
            items[end], items[other] = items[other], items[end]


def _halves(number):
    return [number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF]


def _philox(counter, key):
    a, b, c, d = counter
    k, l = key
    for _ in range(10):
        x, y = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (y >> 32) ^ b ^ k, y & 0xFFFFFFFF, (x >> 32) ^ d ^ l, x & 0xFFFFFFFF
        k, l = k + 0x9E3779B9 & 0xFFFFFFFF, l + 0xBB67AE85 & 0xFFFFFFFF
    return [a, b, c, d]
