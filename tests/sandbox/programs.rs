//! What programs do is data, whatever they do.

use azr_host::sandbox::{Outcome, Report, Run, Thrown};

use super::*;

fn run(program: &str, inputs: &[&str]) -> Run {
    Run { executor: 0, program: program.into(), inputs: inputs.iter().map(|input| input.as_bytes().to_vec()).collect() }
}

fn execute(env: &Environment, program: &str, inputs: &[&str]) -> Report {
    env.exec(&[run(program, inputs)]).pop().unwrap().unwrap()
}

fn outcomes(program: &str) -> Vec<Outcome> {
    execute(&Bench::new().hostile(), program, &["7", "8"]).outcomes
}

fn value(text: &str) -> Outcome {
    Outcome::Value(text.as_bytes().to_vec())
}

#[test]
fn values_come_back_in_the_order_of_calls() {
    assert_eq!(outcomes("echo"), [value("7"), value("8")]);
}

#[test]
fn a_run_ends_at_its_first_outcome_that_is_not_a_value() {
    assert_eq!(outcomes("throw"), [Outcome::Thrown(Thrown { name: "ValueError".into(), message: "no".into() })]);
    assert_eq!(outcomes("refuse"), [Outcome::Refused("no entry point".into())]);
}

#[test]
fn an_endless_loop_uses_up_its_fuel_and_nothing_else() {
    let env = Bench::new().hostile();
    let report = execute(&env, "loop", &["7"]);
    assert_eq!(report, Report { outcomes: vec![Outcome::OutOfFuel], fuel: env.limits().run_fuel });
}

#[test]
fn traps_are_named() {
    assert_eq!(outcomes("unreachable"), [Outcome::Crashed("unreachable".into())]);
}

#[test]
fn stack_exhaustion_is_its_own_outcome() {
    // A compiled guest would run out of its own stack, in its memory, before the real one.
    let module = executor(
        r#"(memory (export "memory") 1) (func $f (param i64) (result i64) (i64.add (call $f (local.get 0)) (local.get 0)))"#,
        "(drop (call $f (i64.const 1)))",
    );
    let env = Bench::new().with_executor(&module).unwrap();
    assert_eq!(execute(&env, "", &[]).outcomes, [Outcome::StackOverflow]);
}

#[test]
fn refused_memory_is_a_minus_one_that_a_program_may_survive() {
    assert_eq!(outcomes("ask"), [value("refused"), value("refused")]);
}

#[test]
fn a_program_that_cannot_go_on_without_memory_is_out_of_memory() {
    assert_eq!(outcomes("hoard"), [Outcome::OutOfMemory]);
}

#[test]
fn a_result_above_the_limit_is_refused_whole_and_with_the_limit() {
    let env = Bench::new().hostile();
    assert_eq!(execute(&env, "large", &["1000"]).outcomes, [value(&"x".repeat(1000))]);
    let refused = Outcome::Unsupported("result larger than 1000 bytes".into());
    assert_eq!(execute(&env, "large", &["1001"]).outcomes, std::slice::from_ref(&refused));
    assert_eq!(execute(&env, "large", &["8000000"]).outcomes, std::slice::from_ref(&refused));
    assert_eq!(execute(&env, "large", &["600", "600"]).outcomes, [value(&"x".repeat(600)), refused]);
}

#[test]
fn every_run_starts_afresh() {
    let env = Bench::new().hostile();
    for _ in 0..8 {
        assert_eq!(execute(&env, "count", &["a", "b"]).outcomes, [value("1"), value("2")]);
    }
}

/// The watchdog is the host's own guard. A program that it stops has no outcome at all, so it cannot be rewarded.
#[test]
fn the_watchdog_is_a_host_fault() {
    let bench = Bench::with(SandboxConfig { deadline_ms: 200, run_fuel_max: u64::MAX / 2, ..small() });
    let module = executor(r#"(memory (export "memory") 1)"#, "(loop (br 0))");
    let executor = bench.file("executor.wasm", &component("executor", &module));
    let judge = patched(&std::fs::read(guest("azr_test_judge")).unwrap(), "describe=unlimited");
    let path = bench.file("judge.wasm", &judge);
    let env = bench.sandbox.load(&bench.file("env.wasm", &pack(&path, &[executor]).unwrap())).unwrap();
    match env.exec(&[run("", &[])]).pop().unwrap() {
        Err(Fault::Host(error)) => assert!(error.to_string().contains("deadline-ms"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn equal_batches_give_equal_reports_with_any_number_of_workers() {
    let programs = ["echo", "throw", "loop", "unreachable", "ask", "hoard", "count", "refuse", "large"];
    let runs: Vec<Run> = (0..60).map(|n| run(programs[n % programs.len()], &[&(n / 18).to_string(), "2"])).collect();
    let reports = |workers| {
        let env = Bench::with(SandboxConfig { workers, ..small() }).hostile();
        env.exec(&runs).into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    let one = reports(1);
    assert_eq!(one, reports(4));
    assert_eq!(one.len(), runs.len());
}
