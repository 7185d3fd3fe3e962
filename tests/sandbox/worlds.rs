//! Which components are loaded.

use wit_component::dummy_module;
use wit_parser::{LiftLowerAbi, ManglingAndAbi};

use super::*;

/// A component that imports and exports empty instances of these names.
fn foreign(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let import = |name: &&str| format!(r#"(import "{name}" (instance (export "f" (func))))"#);
    let export = |name: &&str| format!(r#"(instance (export "{name}") (instantiate $empty))"#);
    let imports: String = imports.iter().map(import).collect();
    let exports: String = exports.iter().map(export).collect();
    wat::parse_str(format!("(component {imports} (component $empty) {exports})")).unwrap()
}

#[test]
fn what_wasi_does_not_have_here_is_named() {
    proves(Guard::Imports, |guards| {
        let foreign = foreign(
            &["wasi:random/random@0.2.6", "wasi:sockets/tcp@0.2.6", "wasi:clocks/wall-clock@0.3.0"],
            &["azr:env/judge@0.1.0"],
        );
        let why = Bench::of(guards).refusal(&foreign);
        let named = "imports wasi:sockets/tcp@0.2.6, wasi:clocks/wall-clock@0.3.0, which this azr-host does not have";
        assert!(why.contains(named), "{why}");
        assert!(why.contains("of WASI there are clocks, random numbers, streams and files of version 0.2"), "{why}");
    });
}

#[test]
fn an_unknown_import_is_named() {
    let why = Bench::new().refusal(&foreign(&["acme:net/sockets"], &["azr:env/judge@0.1.0"]));
    assert!(why.ends_with("it imports acme:net/sockets, which this azr-host does not have"), "{why}");
}

#[test]
fn other_versions_of_our_interfaces_are_named() {
    proves(Guard::Imports, |guards| {
        // The linker would accept 0.1.9 in place of 0.1.0.
        let why = Bench::of(guards).refusal(&foreign(&["azr:env/log@0.1.9"], &["azr:env/judge@0.1.0"]));
        assert!(why.contains("imports azr:env/log@0.1.9, but this azr-host has azr:env/log@0.1.0"), "{why}");
    });
    let bench = Bench::new();
    let why = bench.refusal(&foreign(&[], &["azr:env/judge@0.2.0"]));
    assert!(why.contains("exports azr:env/judge@0.2.0, but this azr-host needs azr:env/judge@0.1.0"), "{why}");
}

#[test]
fn another_world_is_named() {
    let bench = Bench::new();
    let why = bench.refusal(&foreign(&[], &["wasi:cli/run@0.2.0"]));
    assert!(why.contains("exports wasi:cli/run@0.2.0, and azr:env/judge@0.1.0 is missing"), "{why}");
    let module = executor(r#"(memory (export "memory") 1)"#, "");
    assert!(bench.refusal(&component("executor", &module)).contains("it is an executor and has no judge"));
}

/// A component that fits a `wit/` with other words in it. It has no code but traps.
fn variant(world: &str, ours: &str, others: &str) -> Vec<u8> {
    let wit = include_str!("../../wit/env.wit");
    assert!(wit.contains(ours), "{ours} is not in wit/");
    let mut resolve = Resolve::default();
    let package = resolve.push_source("env.wit", &wit.replacen(ours, others, 1)).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

#[test]
fn what_differs_in_a_judge_is_named_with_both_types() {
    let bench = Bench::new();
    let judge = "its judge does not fit: its azr:env/judge@0.1.0";
    for (ours, others, why) in [
        ("azr:env@0.1.0", "azr:env@0.2.0", "it imports azr:env/log@0.2.0, but this azr-host has azr:env/log@0.1.0"),
        (
            "show-value: func(value: list<u8>) -> string;",
            "",
            &format!("{judge} has no function show-value: func(value: list<u8>) -> string"),
        ),
        (
            "subject: func(task: task) -> string",
            "subject: func(task: task, deep: bool) -> string",
            &format!(
                "{judge} differs: subject is func(task: record, deep: bool) -> string, but this azr-host has func(task: \
                 record) -> string"
            ),
        ),
        (
            "subject: func(task: task) -> string",
            "subject: func(task: task)",
            "subject is func(task: record), but this azr-host has func(task: record) -> string",
        ),
        (
            "    score: f64,",
            "    score: f32,",
            &format!("{judge} differs: judge-answer, its result, score is f32, but this azr-host has f64"),
        ),
        (
            "    score: f64,",
            "    score: f64,\n    confidence: f64,",
            "judge-answer, its result is record { score: f64, confidence: f64, well-formed: bool, answer: string, reason: \
             string }, but this azr-host has record { score: f64, well-formed",
        ),
        (
            "    instruct,",
            "    instruct,\n    terse,",
            "ctx, style is enum { instruct, terse, compact }, but this azr-host has enum { instruct, compact }",
        ),
        (
            "    thrown(thrown),",
            "    thrown(string),",
            "reports, element, outcomes, element, thrown is string, but this azr-host has record { name: string, message: \
             string }",
        ),
        (
            "  emit: func(",
            "  shout: func(message: string);\n  emit: func(",
            "it calls the function shout of azr:env/log@0.1.0, which this azr-host does not have",
        ),
        (
            "emit: func(level: level, message: string)",
            "emit: func(message: string)",
            "the azr:env/log@0.1.0 that it calls differs: emit is func(message: string), but this azr-host has func(level: \
             enum, message: string)",
        ),
        (
            "  import files;",
            "  import files;\n  import clock: interface { now: func() -> u64; }",
            "it imports clock, which this azr-host does not have",
        ),
    ] {
        let refusal = bench.refusal(&variant("environment", ours, others));
        assert!(refusal.contains(why), "{others}: {refusal}");
    }
}

#[test]
fn what_differs_in_an_executor_is_named_with_both_types() {
    let bench = Bench::new();
    let ours = "execute: func(program: string, inputs: list<list<u8>>)";
    let others = "execute: func(program: string, inputs: list<string>)";
    let refusal = bench.with_component(&variant("executor", ours, others)).err().expect("it was loaded");
    let why = "its executor 0 does not fit: its azr:env/execution@0.1.0 differs: execute, inputs, element is string, but \
               this azr-host has list<u8>";
    assert!(refusal.contains(why), "{refusal}");
}

/// Else the tests above would say nothing.
#[test]
fn a_variant_that_differs_in_nothing_fits() {
    let refusal = Bench::new().refusal(&variant("environment", "package azr:env", "package azr:env"));
    assert!(refusal.contains("`describe`: the judge trapped"), "{refusal}");
}

#[test]
fn functions_that_we_do_not_know_are_no_harm() {
    let ours = "  show-value: func(";
    let refusal = Bench::new().refusal(&variant("environment", ours, "  show-off: func();\n  show-value: func("));
    assert!(refusal.contains("`describe`: the judge trapped"), "{refusal}");
}

#[test]
fn a_description_that_makes_no_sense_is_refused() {
    let bench = Bench::new();
    let judge = std::fs::read(guest("azr_test_judge")).unwrap();
    for (behaviour, why) in [
        ("describe=no-kinds", "the judge returned no kinds of tasks"),
        ("describe=twice", "the judge returned kind \"echo\" twice"),
        ("describe=bad-name", "the judge returned \"a\\u{1b}[2J\" as the name of a kind"),
        ("describe=spin", "the judge used more than 50000000 fuel"),
        ("describe=trap", "the judge trapped"),
    ] {
        let judge = bench.file("judge.wasm", &patched(&judge, behaviour));
        let refusal = bench.refusal(&pack(&judge, &[] as &[PathBuf]).unwrap());
        assert!(refusal.contains(why), "{behaviour}: {refusal}");
    }
}

#[test]
fn an_executor_that_does_not_start_is_refused_at_once() {
    let bench = Bench::new();
    for (module, why) in [
        (r#"(memory (export "memory") 65536)"#, "exceeds"),
        (r#"(memory (export "memory") 300)"#, "memory minimum size of 300 pages exceeds memory limits"),
        (r#"(memory (export "memory") 1) (table 40000 funcref)"#, "40000"),
        (r#"(memory (export "memory") 1) (start $s) (func $s (loop (br 0)))"#, "all fuel consumed"),
        (r#"(memory (export "memory") 1) (start $s) (func $s unreachable)"#, "unreachable"),
    ] {
        let refusal = bench.with_executor(&executor(module, "")).err().expect("it was loaded");
        assert!(refusal.contains("its executor 0 does not ") && refusal.contains(why), "{module}: {refusal}");
    }
}

#[test]
fn features_that_environments_do_not_need_are_off() {
    proves(Guard::Features, features_are_off);
}

fn features_are_off(guards: Guards) {
    let bench = Bench::of(guards);
    for module in [
        r#"(memory (export "memory") 1) (memory 1)"#,
        r#"(memory (export "memory") 1) (memory i64 1)"#,
        r#"(memory (export "memory") 1 1 shared)"#,
        r#"(memory (export "memory") 1) (func (return_call 0))"#,
        r#"(memory (export "memory") 1) (tag)"#,
        r#"(memory (export "memory") 1) (type (struct))"#,
    ] {
        let refusal = bench.with_executor(&executor(module, "")).err().expect("it was loaded");
        assert!(refusal.contains("its executor 0 does not compile"), "{module}: {refusal}");
    }
}
