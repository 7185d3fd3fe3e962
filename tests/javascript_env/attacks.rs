//! Programs that attack the engine, the host's time and memory, or the next program. Each comes to a precise outcome, and
//! the host goes on.

use super::{all_come_to, exec};
use crate::javascript::JAVASCRIPT;

fn thrown(name: &str, message: &str) -> String {
    format!("Thrown(Thrown {{ name: {name:?}, message: {message:?} }})")
}

#[test]
fn endless_programs_run_out_of_fuel() {
    all_come_to(&[
        ("function f(x) { for (;;) {} }", "1", "OutOfFuel"),
        ("for (;;) {}\nfunction f(x) {}", "1", "OutOfFuel"),
        ("function f(x) { for (;;) try { for (;;) {} } catch {} finally { continue; } }", "1", "OutOfFuel"),
        ("function f(x) { return [...(function* () { for (;;) yield 1; })()].length; }", "1", "OutOfFuel"),
        ("const f = x => /(a+)+$/.test('a'.repeat(40) + 'b')", "1", "OutOfFuel"),
        ("const f = x => /(?:x+x+)+y/.test('x'.repeat(60))", "1", "OutOfFuel"),
        ("const f = x => 7n ** 10000000n % 10n", "1", "OutOfFuel"),
        ("const f = x => new Array(1e9).fill(0).length", "1", "OutOfFuel"),
        ("const f = x => eval('for (;;) {}')", "1", "OutOfFuel"),
        ("const f = x => new Proxy({}, {get() { for (;;) {} }}).a", "1", "OutOfFuel"),
    ]);
}

#[test]
fn equal_attacks_use_equal_fuel() {
    let program =
        "function f(x) { let n = 0; for (let i = 0; i < 10000; i++) n += i * i; return [n, {}, new Map([[{}, 1]])]; }";
    let run = JAVASCRIPT.plan_exec(&[(program.into(), "1".into())]).remove(0).unwrap().unwrap();
    let reports: Vec<_> = JAVASCRIPT.exec(&[run.clone(), run]).into_iter().map(|report| report.unwrap()).collect();
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn memory_runs_out() {
    all_come_to(&[
        ("function f(x) { let s = 'a'; for (;;) s += s; }", "1", "OutOfMemory"),
        ("const f = x => 2n ** (2n ** 40n)", "1", &thrown("RangeError", "Maximum BigInt size exceeded")),
        // The allocator is asked for more than a 32-bit machine has, and the engine gives up.
        ("const f = x => 'a'.repeat(1e9).length", "1", "Crashed(\"unreachable\")"),
    ]);
    let buffer = exec([("const f = x => { try { return new Uint8Array(1e9); } catch (e) { return e.name; } }", "1")]);
    assert_eq!(buffer, [r#""RangeError""#], "a refused allocation can be survived");
}

#[test]
fn recursion_ends_in_a_range_error() {
    let error = thrown("RangeError", "Maximum call stack size exceeded");
    all_come_to(&[
        ("function f(x) { return f(x) + 1; }", "1", &error),
        ("function f(x) { try { return f(x); } catch { return f(x); } finally { f(x); } }", "1", &error),
        ("const f = x => [x].map(f)", "1", &error),
        ("const f = x => JSON.stringify({toJSON() { return f(x); }})", "1", &error),
        ("const f = x => `${{toString() { return f(x); }}}`", "1", &error),
        ("const f = x => new Proxy({}, {get(t, k, r) { return r[k]; }}).a", "1", &error),
        // Nine thousand calls are fine.
        ("const f = n => n ? 1 + f(n - 1) : 0", "9000", "9000"),
    ]);
}

/// What the engine does itself recurses in Rust.
#[test]
fn recursion_that_the_engine_does_not_count_ends_with_the_stack() {
    let deep = |open: &str, close: &str| format!("const f = x => {}1{}", open.repeat(50_000), close.repeat(50_000));
    let sources =
        [deep("(", ")"), deep("[", "]"), deep("!", ""), deep("x => ", ""), deep("({a:", "})"), deep("`${", "}`")];
    for source in sources {
        assert_eq!(exec([(source.as_str(), "1")]), ["Crashed(\"memory-out-of-bounds\")"], "{}", &source[..30]);
    }
    let nested = "function f(x) { let a = []; for (let i = 0; i < 100000; i++) a = [a]; return JSON.stringify(a); }";
    all_come_to(&[(nested, "1", "Crashed(\"memory-out-of-bounds\")")]);
}

#[test]
fn what_is_not_offered_is_not_there() {
    let absent = "Date Intl Temporal WeakRef FinalizationRegistry Atomics SharedArrayBuffer ShadowRealm setTimeout setInterval \
                  queueMicrotask fetch process require module exports performance crypto window document \
                  WebAssembly Deno Bun load print read";
    let program = "const f = names => names.split(/ +/).filter(name => name in globalThis || Function(`return typeof ${name}`)() !== \
                   'undefined')";
    all_come_to(&[
        (program, &format!("{absent:?}"), "[]"),
        ("const f = x => 'random' in Math", "1", "false"),
        ("const f = x => new Date()", "1", &thrown("ReferenceError", "Date is not defined")),
        ("const f = x => import('fs')", "1", "Unsupported(\"a promise; f must return its result itself\")"),
        // The way out that works where a sandbox only hides its globals.
        ("const f = x => [].constructor.constructor('return this')() === globalThis", "1", "true"),
        ("const f = x => (async () => {}).constructor('return this')().constructor.name", "1", r#""Promise""#),
    ]);
}

/// Nothing is left to run after `f` returned, and nothing runs before it was called.
#[test]
fn jobs_are_never_run() {
    let program = "const log = []; function f(x) { Promise.resolve().then(() => log.push('job')); (async () => { await 1; \
                   log.push('async'); })(); return log; }";
    all_come_to(&[(program, "1", "[]")]);
}

#[test]
fn programs_that_cannot_be_run_are_refused() {
    all_come_to(&[
        ("const g = 1", "1", r#"Refused("no function named f at the top level")"#),
        ("let f = 5", "1", r#"Refused("f is not a function")"#),
        ("{ const f = x => x }", "1", r#"Refused("no function named f at the top level")"#),
    ]);
    for source in [
        "function f(x {",
        "import fs from 'fs'; const f = x => x",
        "export const f = x => x",
        "const f = 1; const f = 2",
        "def f(x):\n    return x",
        "const f = x => `${",
        "const f = x => 08n",
    ] {
        let found = exec([(source, "1")]).remove(0);
        assert!(found.starts_with("Refused(\"SyntaxError: "), "{source}: {found}");
    }
}

/// The text of an exception is read, not asked for.
#[test]
fn exceptions_are_named_without_running_them() {
    all_come_to(&[
        ("const f = x => { throw new TypeError('no'); }", "1", &thrown("TypeError", "no")),
        (
            "class E extends Error {} E.prototype.name = 'E'; const f = x => { throw new E('no'); }",
            "1",
            &thrown("E", "no"),
        ),
        ("const f = x => { throw 'text'; }", "1", &thrown("string", "\"text\"")),
        (
            "const f = x => { throw {get name() { for (;;) {} }, get message() { for (;;) {} }}; }",
            "1",
            &thrown("Object", ""),
        ),
        ("const f = x => { throw new Proxy({}, {get() { for (;;) {} }}); }", "1", &thrown("Object", "")),
        ("const f = x => { throw new Error('x'.repeat(1e5)); }", "1", &thrown("Error", &"x".repeat(500))),
        ("throw new Error('early'); function f(x) {}", "1", &thrown("Error", "early")),
    ]);
}

/// A run finds nothing of the runs before it.
#[test]
fn programs_do_not_meet() {
    let mark = "Array.prototype.mark = globalThis.mark = 1; Math.max = () => 0; const f = x => x";
    let look = "const f = x => [[].mark, globalThis.mark, Math.max(1, 2)]";
    let calls = [mark, look].into_iter().cycle().take(20).map(|program| (program, "1"));
    assert!(exec(calls).iter().skip(1).step_by(2).all(|found| found == "[undefined, undefined, 2]"));
}
