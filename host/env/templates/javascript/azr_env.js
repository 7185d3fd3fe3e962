// What an environment in JavaScript is made of: tasks, which are plain data, and functions that pose and grade them.
//
// Derive from `Puzzles`, override what `env.js` of `azr-env new` overrides, and name the class `Environment`. The crate
// azr-guest-sdk documents the same trait for Rust; the names and meanings are the same.
//
// A judge keeps nothing between calls. Its clock stands still and its random numbers are the same in every call:
// whatever should vary comes from `rng`.

/** Why an answer does not get the full score. `reason` never contains a right answer. */
export class Wrong extends Error {
  constructor(reason, score = 0) {
    super(reason);
    this.score = score;
  }
}

/** Why something is not a task. */
export class NotATask extends Error {}

/** An environment of one kind of task. Tasks are objects, arrays, strings, numbers, booleans and null, as in JSON. */
export class Puzzles {
  name = null;
  version = "0.1.0";
  /** The same as `name`, where it is not given. */
  kind = null;
  /** What a task asks, in a sentence. */
  asks = null;

  /** A new task, which depends on `rng` only; null says that tasks are not generated. */
  generate(rng) {
    return null;
  }

  /** Tasks that training starts from. */
  seeds() {
    return [];
  }

  /** Throws NotATask where a line of a data set or a proposal is no task: any JSON at all comes here. */
  check(task) {
    throw new NotATask("this environment takes no tasks from data sets or proposers");
  }

  /** Asks for the answer. Says how it is written, and not what it is. */
  question(task) {
    throw new Error("question is not there");
  }

  /** The question for the small embedded policy, as short as can be. */
  compactQuestion(task) {
    return this.question(task);
  }

  /** Throws Wrong where the answer, which is any text at all, is not right. */
  grade(task, answer) {
    throw new Error("grade is not there");
  }

  /** What a task is about; null says that every task is a subject of its own. */
  subject(task) {
    return null;
  }

  /** A right answer, for checks and for policies that are shown how it is done; null where there is none at hand. */
  oracle(task) {
    return null;
  }

  /** What could be thought before the oracle's answer. */
  thought(task) {
    return null;
  }

  /** Answers that want to pass for right and must score nothing. */
  cheats(task) {
    return [];
  }

  /** Asks for a new task; null says that the policy does not propose tasks. */
  proposerQuestion() {
    return null;
  }

  compactProposerQuestion() {
    return this.proposerQuestion();
  }

  /** The task that a proposer wrote. Throws NotATask. */
  readProposal(text) {
    throw new NotATask("tasks of this environment are not proposed");
  }

  /** How a proposer would write a task, for the same purposes. */
  proposal(task) {
    return null;
  }

  /** Proposals that want to pass for tasks and must not. */
  forgedProposals() {
    return [];
  }
}

/** The random numbers of one generated task: Philox4x32-10, the same numbers as `Rng` of azr-guest-sdk. */
export class Rng {
  #key;
  #number;
  #draws = 0n;

  constructor(seed, number) {
    this.#key = halves(seed);
    this.#number = halves(number);
  }

  /** 64 random bits, a BigInt. */
  bits() {
    const block = philox([...halves(this.#draws), ...this.#number], this.#key);
    this.#draws += 1n;
    return block[0] | (block[1] << 32n);
  }

  /** A number from 0 to `bound` - 1. */
  below(bound) {
    return Number((this.bits() * BigInt(bound)) >> 64n);
  }

  /** A number from `first` to `last`. */
  within(first, last) {
    return first + this.below(last - first + 1);
  }

  pick(items) {
    return items[this.below(items.length)];
  }

  shuffle(items) {
    for (let end = items.length - 1; end > 0; end--) {
      const other = this.below(end + 1);
      [items[end], items[other]] = [items[other], items[end]];
    }
  }
}

const MASK = 0xffffffffn;

function halves(number) {
  number = BigInt(number);
  return [number & MASK, (number >> 32n) & MASK];
}

function philox([a, b, c, d], [k, l]) {
  for (let round = 0; round < 10; round++) {
    const x = 0xd2511f53n * a;
    const y = 0xcd9e8d57n * c;
    [a, b, c, d] = [(y >> 32n) ^ b ^ k, y & MASK, (x >> 32n) ^ d ^ l, x & MASK];
    [k, l] = [(k + 0x9e3779b9n) & MASK, (l + 0xbb67ae85n) & MASK];
  }
  return [a, b, c, d];
}
