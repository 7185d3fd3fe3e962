// What Node comes to, for `node.jsonl`: node make_node.js < node.jsonl > new.jsonl
// A line has a program, the arguments of a call, and the result, which this puts in.
const vm = require("vm");
const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (Array.isArray(value) || value?.constructor?.name === "Array") return `[${[...value].map(shown).join(", ")}]`;
  if (value === null || typeof value !== "object") return String(value);
  const key = (name) => (/^([A-Za-z_$][\w$]*|0|[1-9]\d*)$/.test(name) ? name : JSON.stringify(name));
  return `{${Object.entries(value).map(([name, item]) => `${key(name)}: ${shown(item)}`).join(", ")}}`;
}

for (const line of lines) {
  const { program, input } = JSON.parse(line);
  const called = `(() => { ${program}\n;return f(${input}); })()`;
  console.log(JSON.stringify({ program, input, output: shown(vm.runInThisContext(called)) }));
}
