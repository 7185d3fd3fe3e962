// The judge around `Environment` of `env.js`. `azr-env build` adds it; the trait `Puzzles` of the crate azr-guest-sdk
// does the same for Rust.

import { NotATask, Rng, Wrong } from "./azr_env.js";
import { Environment } from "./env.js";

const env = new Environment();
const kind = env.kind ?? env.name;
const MARKERS = [
  "<solve>",
  "<propose>",
  "<deduction>",
  "<abduction>",
  "<induction>",
  "<program>",
  "<input>",
  "<output>",
  "<think>",
  "</think>",
];
const FORMAT =
  "First reason about the question inside <think> </think> tags, then give the answer inside <answer> </answer> tags: " +
  "<think> reasoning </think> <answer> answer </answer>";
// Tasks that examples are made of, of each source.
const EXAMPLES_MAX = 8;
// Brackets that may be open in a line of a data set. Protects the stack from the JSON parser's recursion.
const NESTING_MAX = 64;

/** What a call answers with instead of a task. */
class Rejection extends Error {
  constructor(code, message) {
    super(message);
    this.payload = { code, message };
  }
}

const functions = {
  describe() {
    const one = {
      name: kind,
      asks: env.asks,
      proposable: env.proposerQuestion() !== null,
      generated: env.generate(new Rng(0, 0)) !== null,
      referencesFrom: [],
      referencesMax: 0,
    };
    const limits = { runFuel: 0n, runMemoryMaxBytes: 0n, runOutputMaxBytes: 0 };
    return { name: env.name, version: env.version, kinds: [one], settings: [], limits, directories: [] };
  },

  seeds(ctx) {
    return env.seeds().map(written);
  },

  generate(ctx, kind, seed, first, count) {
    return Array.from({ length: count }, (_, index) => written(env.generate(new Rng(seed, first + BigInt(index)))));
  },

  importTask(ctx, line) {
    if (nesting(line) > NESTING_MAX) {
      throw new Rejection("not-a-task", `more than ${NESTING_MAX} brackets inside each other`);
    }
    let task;
    try {
      task = JSON.parse(line);
    } catch (error) {
      throw new Rejection("not-a-task", error.message);
    }
    return checked(task);
  },

  examples(ctx) {
    const attempt = (task, note, answer, expected) => {
      const val = { task: written(task), completion: completion(ctx.style, answer) };
      return { note: `${note}: ${answer}`, completed: { tag: "attempt", val }, expected };
    };
    const proposal = (note, text, expected) => {
      const val = { kind, references: [], completion: completion(ctx.style, text) };
      return { note: `${note}: ${text}`, completed: { tag: "proposal", val }, expected };
    };
    const tasks = env.seeds().slice(0, EXAMPLES_MAX);
    for (let number = 0; number < EXAMPLES_MAX; number++) {
      const task = env.generate(new Rng(0, number));
      if (task !== null) tasks.push(task);
    }
    const examples = [];
    for (const task of tasks) {
      const [answer, text] = [env.oracle(task), env.proposal(task)];
      if (answer !== null) examples.push(attempt(task, "an answer", answer, "right"));
      for (const cheat of env.cheats(task)) examples.push(attempt(task, "a cheat", cheat, "wrong"));
      if (text !== null) examples.push(proposal("a task", text, "right"));
    }
    for (const text of env.forgedProposals()) examples.push(proposal("a forgery", text, "wrong"));
    return examples;
  },

  demonstrate(ctx, { body }) {
    const task = JSON.parse(body);
    const [answer, text] = [env.oracle(task), env.proposal(task)];
    return {
      attempt: answer === null ? undefined : thoughtful(ctx.style, env.thought(task), answer),
      proposal: text === null ? undefined : completion(ctx.style, text),
    };
  },

  proposePrompt(ctx, kind, references) {
    const compact = ctx.style === "compact";
    return asked(ctx.style, "<propose>", compact ? env.compactProposerQuestion() : env.proposerQuestion());
  },

  solvePrompt(ctx, { body }) {
    const task = JSON.parse(body);
    return asked(ctx.style, "<solve>", ctx.style === "compact" ? env.compactQuestion(task) : env.question(task));
  },

  subject({ body }) {
    return env.subject(JSON.parse(body)) ?? body;
  },

  planProposal(ctx, proposal) {
    return [];
  },

  judgeProposal(ctx, proposal, reports) {
    const [text, wellFormed] = found(ctx.style, proposal.completion);
    const task = asTask("not-a-task", () => env.readProposal(text));
    return { task: checked(task), wellFormed, measures: [] };
  },

  planAnswer(ctx, attempt) {
    return [];
  },

  judgeAnswer(ctx, attempt, reports) {
    const [answer, wellFormed] = found(ctx.style, attempt.completion);
    try {
      env.grade(JSON.parse(attempt.task.body), answer);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      return { score: error.score, wellFormed, answer, reason: error.message };
    }
    return { score: 1, wellFormed, answer, reason: "right" };
  },

  planExec(program, input) {
    throw new Rejection("no-executor", "this environment runs no programs");
  },

  showValue(value) {
    return value.join(" ");
  },
};

/** Any exception but a rejection ends the call as a fault of the environment; the log says where it came from. */
export const judge = Object.fromEntries(
  Object.entries(functions).map(([name, call]) => [
    name,
    (...values) => {
      try {
        return call(...values);
      } catch (error) {
        if (error instanceof Rejection) throw error;
        console.error(`${error}\n${error?.stack ?? ""}`);
        // Of its result's type it is not, so the call ends here.
        throw error;
      }
    },
  ]),
);

function asTask(code, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof NotATask ? new Rejection(code, error.message) : error;
  }
}

function checked(task) {
  asTask("unfit", () => env.check(task));
  return written(task);
}

function written(task) {
  return { kind, body: JSON.stringify(canonical(task)) };
}

/** The same value with its keys in order. */
function canonical(value) {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, canonical(value[key])]));
}

function nesting(text) {
  let [deepest, depth] = [0, 0];
  for (const character of text) {
    depth += "[{".includes(character) - "]}".includes(character);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function asked(style, role, question) {
  if (style === "compact") {
    return { messages: [{ speaker: "user", content: `${role}${question}<output>` }], prefill: "", stop: [] };
  }
  const messages = [{ speaker: "user", content: `${question}\n\n${FORMAT}` }];
  return { messages, prefill: "<think>", stop: ["</answer>"] };
}

function completion(style, answer) {
  return style === "compact" ? answer : `</think>\n<answer>${answer}`;
}

function thoughtful(style, thought, answer) {
  const rest = completion(style, answer);
  if (thought === null) return rest;
  return style === "compact" ? `<think>${thought}</think>${rest}` : thought + rest;
}

/** The answer, and whether the completion kept the format: as azr_guest_sdk::format::Tagged. */
function found(style, completion) {
  if (style === "compact") {
    const [thought, ...rest] = completion.split("</think>");
    const thought_first = rest.length > 0 && thought.startsWith("<think>");
    const answer = thought_first ? rest.join("</think>") : completion;
    const ends = MARKERS.map((marker) => answer.indexOf(marker)).filter((end) => end >= 0);
    return [answer.slice(0, Math.min(answer.length, ...ends)).trim(), ends.length === 0];
  }
  const open = completion.lastIndexOf("<answer>");
  const thought = completion.indexOf("</think>");
  const wellFormed = thought >= 0 && completion.slice(thought + 8).trimStart().startsWith("<answer>");
  const answer = open < 0 ? completion : completion.slice(open + 8).split("</answer>")[0];
  return [answer.trim(), wellFormed];
}
