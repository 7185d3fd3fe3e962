"""Sort numbers: an example to change into something harder."""

from azr_env import NotATask, Puzzles, Wrong


class Environment(Puzzles):
    NAME = "@NAME@"
    ASKS = "Sort numbers."

    def generate(self, rng):
        return {"numbers": [rng.within(0, 99) for _ in range(rng.within(4, 8))]}

    def check(self, task):
        match task:
            case {"numbers": [*numbers]} if len(task) == 1 and all(type(number) is int for number in numbers):
                return
        raise NotATask("a task is a list of numbers, as in {\"numbers\": [3, 1, 2]}")

    def question(self, task):
        return f"Sort in ascending order: {listed(task['numbers'])}. Answer with the numbers, separated by commas."

    def compact_question(self, task):
        return listed(task["numbers"])

    def grade(self, task, answer):
        if [part.strip() for part in answer.split(",")] != [str(number) for number in sorted(task["numbers"])]:
            raise Wrong("these are not the numbers in ascending order")

    def oracle(self, task):
        return listed(sorted(task["numbers"]))

    def cheats(self, task):
        return [listed(sorted(task["numbers"])[:-1]), listed(sorted(task["numbers"], reverse=True))]


def listed(numbers):
    return ", ".join(map(str, numbers))
