// Sort numbers: an example to change into something harder.

import { NotATask, Puzzles, Wrong } from "./azr_env.js";

export class Environment extends Puzzles {
  name = "@NAME@";
  asks = "Sort numbers.";

  generate(rng) {
    const numbers = [];
    for (let left = rng.within(4, 8); left > 0; left--) numbers.push(rng.within(0, 99));
    return { numbers };
  }

  check(task) {
    const keys = task !== null && typeof task === "object" && !Array.isArray(task) ? Object.keys(task) : [];
    if (keys.join() !== "numbers" || !Array.isArray(task.numbers) || !task.numbers.every(Number.isSafeInteger)) {
      throw new NotATask('a task is a list of numbers, as in {"numbers": [3, 1, 2]}');
    }
  }

  question(task) {
    return `Sort in ascending order: ${listed(task.numbers)}. Answer with the numbers, separated by commas.`;
  }

  compactQuestion(task) {
    return listed(task.numbers);
  }

  grade(task, answer) {
    if (answer.split(",").map((part) => part.trim()).join() !== sorted(task).join()) {
      throw new Wrong("these are not the numbers in ascending order");
    }
  }

  oracle(task) {
    return listed(sorted(task));
  }

  cheats(task) {
    return [listed(sorted(task).slice(0, -1)), listed(sorted(task).reverse())];
  }
}

function sorted(task) {
  return task.numbers.toSorted((a, b) => a - b);
}

function listed(numbers) {
  return numbers.join(", ");
}
