// Runs a program as `node main.js` would, as far as standard streams, files, promises and timers go, and gives its exit
// status, what it printed, and files that it wrote. A program that changes this changes its own result only. `settle` runs
// what promises wait for, and throws what the first of them was rejected with that nobody handles.
(settle) => function (code, stdin, files, fetch) {
    "use strict";
    const folder = "/sandbox";
    let stdout = "", stderr = "";
    // The end by `process.exit`: whatever goes on after it, because it catches all that is thrown, has no effect any more.
    let exit;
    class Exit { constructor(status) { this.status = status; } }
    const write = (text) => { if (exit === undefined) stdout += text; return true; };
    const writeError = (text) => { if (exit === undefined) stderr += text; return true; };
    const absolute = (name) => {
        const parts = [];
        for (const part of (name.startsWith("/") ? name : `${folder}/${name}`).split("/")) {
            if (part === "..") parts.pop();
            else if (part !== "" && part !== ".") parts.push(part);
        }
        return "/" + parts.join("/");
    };
    const tree = new Map(Object.entries(files).map(([name, content]) => [absolute(name), content]));
    // As console.log shows values of the kinds that programs print.
    const quoted = (text) => {
        const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes("`") ? "`" : "'";
        const escaped = text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t");
        return mark + (mark === "'" ? escaped.replace(/'/g, "\\'") : escaped) + mark;
    };
    const key = (name) => /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
    const shown = (value, depth, seen) => {
        if (typeof value === "string") return depth === 0 ? value : quoted(value);
        if (typeof value === "bigint") return `${value}n`;
        if (typeof value === "symbol") return value.toString();
        if (typeof value === "function") return value.name ? `[Function: ${value.name}]` : "[Function (anonymous)]";
        if (value === null || typeof value !== "object") return Object.is(value, -0) ? "-0" : String(value);
        if (value instanceof Error) return depth === 0 ? `${value.name}: ${value.message}` : `[${value.name}: ${value.message}]`;
        if (seen.includes(value)) return "[Circular *1]";
        if (depth > 2) return Array.isArray(value) ? "[Array]" : "[Object]";
        const inner = (item) => shown(item, depth + 1, [...seen, value]);
        const name = value.constructor?.name;
        let parts, open = "{", close = "}", head = "";
        if (Array.isArray(value)) {
            [open, close] = "[]";
            parts = Array.from(value.slice(0, 100), inner);
            if (value.length > 100) parts.push(`... ${value.length - 100} more item${value.length > 101 ? "s" : ""}`);
        } else if (value instanceof Map) {
            head = `Map(${value.size}) `;
            parts = [...value].map(([name, item]) => `${inner(name)} => ${inner(item)}`);
        } else if (value instanceof Set) {
            head = `Set(${value.size}) `;
            parts = [...value].map(inner);
        } else {
            head = name === "Object" ? "" : name === undefined ? "[Object: null prototype] " : `${name} `;
            parts = Object.keys(value).map((name) => `${key(name)}: ${inner(value[name])}`);
        }
        if (parts.length === 0) return head + open + close;
        const line = `${head}${open} ${parts.join(", ")} ${close}`;
        const width = parts.join("").length + 2 * parts.length + head.length + 2 * depth;
        if (width <= 69 && !line.includes("\n") && (open === "{" || parts.length <= 6)) return line;
        return laidOut(value, parts, head, open, close, depth);
    };
    // Longer ones take several lines. Node puts numbers into columns, which is not imitated.
    const laidOut = (value, parts, head, open, close, depth) => {
        const space = "  ".repeat(depth + 1);
        return `${head}${open}\n${parts.map((part) => space + part).join(",\n")}\n${"  ".repeat(depth)}${close}`;
    };
    const format = (values) => {
        if (typeof values[0] === "string" && values.length > 1 && values[0].includes("%")) {
            let next = 1;
            const text = values[0].replace(/%([sdifjoO%])/g, (match, kind) => {
                if (kind === "%") return "%";
                if (next >= values.length) return match;
                const value = values[next++];
                if (kind === "s") return shown(value, 0, []);
                if (kind === "d") return String(Number(value));
                if (kind === "i") return String(parseInt(value));
                if (kind === "f") return String(parseFloat(value));
                return kind === "j" ? JSON.stringify(value) : shown(value, 1, []);
            });
            return [text, ...values.slice(next).map((value) => shown(value, 0, []))].join(" ");
        }
        return values.map((value) => shown(value, 0, [])).join(" ");
    };
    const out = (...values) => { write(format(values) + "\n"); };
    const err = (...values) => { writeError(format(values) + "\n"); };
    globalThis.console = { log: out, info: out, debug: out, warn: err, error: err, trace: err };
    const missing = (name) => Object.assign(new Error(`ENOENT: no such file or directory, open '${name}'`), { code: "ENOENT" });
    const fs = {
        readFileSync(name) {
            if (name === 0 || name === "/dev/stdin") return stdin;
            const content = tree.get(absolute(String(name)));
            if (content === undefined) throw missing(name);
            return content;
        },
        writeFileSync(name, content) { tree.set(absolute(String(name)), String(content)); },
        appendFileSync(name, content) { const path = absolute(String(name)); tree.set(path, (tree.get(path) ?? "") + content); },
        existsSync: (name) => tree.has(absolute(String(name))),
        writeSync(descriptor, text) { (descriptor === 2 ? writeError : write)(text); return String(text).length; },
    };
    // Callbacks by the time at which they are due, which passes when nothing else is left to do; those of `nextTick` first.
    const timers = [], ticks = [];
    let now = 0;
    class Timeout {
        constructor(call, delay, every) { this.call = call; this.every = every; this.start(delay); }
        start(delay) {
            this.due = now + delay;
            const place = timers.findIndex((other) => other.due > this.due);
            timers.splice(place < 0 ? timers.length : place, 0, this);
        }
        ref() { return this; }
        unref() { return this; }
        hasRef() { return true; }
    }
    const delayed = (delay) => delay >= 1 && delay < 2 ** 31 ? Math.trunc(delay) : 1;
    const later = (call, delay = 0, every) => new Timeout(call, delay, every);
    const stop = (timer) => { const place = timers.indexOf(timer); if (place >= 0) timers.splice(place, 1); if (timer) timer.every = undefined; };
    globalThis.setTimeout = (call, delay, ...values) => later(() => call(...values), delayed(delay));
    globalThis.setInterval = (call, delay, ...values) => later(() => call(...values), delayed(delay), delayed(delay));
    globalThis.setImmediate = (call, ...values) => later(() => call(...values));
    globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = stop;
    globalThis.queueMicrotask = (call) => { Promise.resolve().then(call); };
    const settled = () => {
        do {
            while (ticks.length > 0) ticks.shift()();
            settle();
        } while (ticks.length > 0);
    };
    const untilNothingIsLeft = () => {
        settled();
        while (timers.length > 0) {
            const timer = timers.shift();
            now = timer.due;
            timer.call();
            if (timer.every !== undefined) timer.start(timer.every);
            settled();
        }
    };
    const lines = () => { const all = stdin.split("\n"); if (all.at(-1) === "") all.pop(); return all; };
    const once = (event, call) => {
        if (event === "line") lines().forEach((line) => later(() => call(line)));
        else if (event === "data") later(() => call(stdin));
        else if (event === "close" || event === "end") later(() => call());
    };
    const input = {
        setEncoding() {}, resume() {}, fd: 0, read: () => stdin, pipe() {},
        on(event, call) { once(event, call); return input; },
        *[Symbol.iterator]() { yield stdin; },
        async *[Symbol.asyncIterator]() { yield stdin; },
    };
    const readline = {
        createInterface: () => {
            const asked = lines();
            const self = {
                on(event, call) { once(event, call); return self; }, close() {},
                question(text, call) { write(text); if (asked.length > 0) { const line = asked.shift(); later(() => call(line)); } },
                async *[Symbol.asyncIterator]() { yield* lines(); },
            };
            return self;
        },
    };
    const assert = (value, message) => { if (!value) throw new Error(message ?? "The expression evaluated to a falsy value"); };
    const same = (a, b) => shown(a, 1, []) === shown(b, 1, []);
    const equal = (holds) => (a, b, message) => assert(holds(a, b), message ?? `${shown(a, 1, [])} and ${shown(b, 1, [])}`);
    Object.assign(assert, {
        ok: assert, equal: equal((a, b) => a == b), strictEqual: equal(Object.is), notStrictEqual: equal((a, b) => !Object.is(a, b)),
        deepEqual: equal(same), deepStrictEqual: equal(same),
    });
    const modules = { fs, readline, assert, path: { join: (...parts) => parts.join("/"), resolve: absolute } };
    globalThis.require = (name) => {
        const module = modules[name.replace(/^node:/, "")];
        if (module === undefined) throw new Error(`Cannot find module '${name}'; there are: ${Object.keys(modules).join(", ")}`);
        return module;
    };
    globalThis.module = { exports: {} };
    globalThis.exports = module.exports;
    globalThis.process = {
        argv: ["node", `${folder}/main.js`], env: {}, exitCode: undefined, platform: "linux", stdin: input,
        stdout: { write }, stderr: { write: writeError }, cwd: () => folder,
        exit(status) { exit ??= new Exit(status ?? process.exitCode ?? 0); throw exit; },
        on: () => process,
        nextTick: (call, ...values) => { ticks.push(() => call(...values)); },
    };
    let status = 0;
    try {
        (0, eval)(code);
        untilNothingIsLeft();
        status = process.exitCode ?? 0;
    } catch (thrown) {
        if (exit === undefined) {
            status = 1;
            stderr += `Uncaught ${shown(thrown, 0, [])}\n`;
        }
    }
    status = exit?.status ?? status;
    const written = {};
    for (const name of fetch) {
        const content = tree.get(absolute(name));
        if (content !== undefined) written[name] = content;
    }
    return [Number(status) & 255, stdout, stderr, written];
}
