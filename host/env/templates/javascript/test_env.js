// node --test test_env.js

import assert from "node:assert";
import test from "node:test";

import { Rng, Wrong } from "./azr_env.js";
import { Environment } from "./env.js";

test("answers are graded", () => {
  const [env, task] = [new Environment(), { numbers: [30, 4, 4, 1] }];
  for (const answer of ["1, 4, 4, 30", "1,4,4,30"]) env.grade(task, answer);
  for (const answer of ["1, 4, 30", "30, 4, 4, 1", "1, 4, 4, 3 0", ""]) {
    assert.throws(() => env.grade(task, answer), Wrong, answer);
  }
});

test("generated tasks depend on seed and number", () => {
  const generate = (seed, number) => new Environment().generate(new Rng(seed, number));
  assert.deepEqual(generate(1, 2), generate(1, 2));
  assert.notDeepEqual(generate(1, 2), generate(2, 2));
  assert.notDeepEqual(generate(1, 2), generate(1, 3));
});
