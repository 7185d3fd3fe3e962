//! What programs do is data, whatever they do.

use azr_sandbox::{Outcome, Report, Run, Thrown};

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
    proves(Guard::Fuel, |guards| {
        let env = Bench::of(guards).hostile();
        let report = execute(&env, "loop", &["7"]);
        assert_eq!(report, Report { outcomes: vec![Outcome::OutOfFuel], fuel: env.limits().run_fuel });
        assert_eq!(execute(&env, "echo", &["7"]).outcomes, [value("7")]);
    });
}

#[test]
fn a_loop_while_arguments_are_lowered_uses_up_the_fuel() {
    proves(Guard::Fuel, |guards| out_of_fuel(guards, Parts { realloc: "(loop (br 0))", ..PARTS }));
}

#[test]
fn a_loop_after_the_result_was_lifted_uses_up_the_fuel() {
    proves(Guard::Fuel, |guards| out_of_fuel(guards, Parts { post_return: "(loop (br 0))", ..PARTS }));
}

/// One bulk operation is bounded by the memory, and costs as much fuel as bytes.
#[test]
fn bulk_operations_use_up_the_fuel() {
    let body = "(loop (memory.copy (i32.const 65536) (i32.const 0) (i32.const 12000000)) (br 0))";
    proves(Guard::Fuel, |guards| out_of_fuel(guards, Parts { body, ..PARTS }));
    let body = "(loop (memory.fill (i32.const 65536) (i32.const 0) (i32.const 12000000)) (br 0))";
    out_of_fuel(Guards::ALL, Parts { body, ..PARTS });
}

const PARTS: Parts<'_> = Parts { module: r#"(memory (export "memory") 200)"#, realloc: "", body: "", post_return: "" };

fn out_of_fuel(guards: Guards, parts: Parts<'_>) {
    let bench = Bench::of(guards);
    let env = bench.with_executor(&executor_of(parts)).unwrap();
    let report = execute(&env, "program", &[]);
    assert_eq!(report, Report { outcomes: vec![Outcome::OutOfFuel], fuel: env.limits().run_fuel });
    serves(&bench.hostile());
}

#[test]
fn traps_are_named() {
    assert_eq!(outcomes("unreachable"), [Outcome::Crashed("unreachable".into())]);
    let module = r#"(memory (export "memory") 1) (table 2 funcref) (elem (i32.const 1) $other)
        (type $function (func)) (func $other (param i32))"#;
    for (name, body) in [
        ("unreachable", "unreachable"),
        ("memory-out-of-bounds", "(drop (i32.load (i32.const -1)))"),
        ("memory-out-of-bounds", "(memory.fill (i32.const 65535) (i32.const 0) (i32.const 2))"),
        ("table-out-of-bounds", "(call_indirect (type $function) (i32.const 2))"),
        ("table-out-of-bounds", "(drop (table.get 0 (i32.const -1)))"),
        ("indirect-call-to-null", "(call_indirect (type $function) (i32.const 0))"),
        ("bad-signature", "(call_indirect (type $function) (i32.const 1))"),
        ("integer-overflow", "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))"),
        ("integer-overflow", "(drop (i32.trunc_f64_s (f64.const 1e300)))"),
        ("integer-division-by-zero", "(drop (i64.rem_u (i64.const 1) (i64.const 0)))"),
        ("bad-conversion-to-integer", "(drop (i64.trunc_f32_u (f32.const nan)))"),
    ] {
        let env = Bench::new().with_executor(&executor(module, body)).unwrap();
        assert_eq!(execute(&env, "", &[]).outcomes, [Outcome::Crashed(name.into())], "{body}");
    }
}

#[test]
fn a_host_survives_ten_thousand_traps() {
    let bench = Bench::new();
    let env = bench.with_executor(&executor(r#"(memory (export "memory") 1)"#, "unreachable")).unwrap();
    // Equal runs are executed once, so each has a program of its own.
    let runs: Vec<Run> = (0..10_000).map(|n: u32| run(&n.to_string(), &[])).collect();
    for report in env.exec(&runs) {
        assert_eq!(report.unwrap().outcomes, [Outcome::Crashed("unreachable".into())]);
    }
    serves(&bench.hostile());
}

#[test]
fn stack_exhaustion_is_its_own_outcome() {
    // A compiled guest would run out of its own stack, in its memory, before the real one. Sixteen million calls take more
    // than an executor's 256 MiB in any case, and end.
    let module = executor(
        r#"(memory (export "memory") 1) (func $f (param i64) (result i64)
            (if (result i64) (i64.eqz (local.get 0))
                (then (i64.const 0))
                (else (i64.add (call $f (i64.sub (local.get 0) (i64.const 1))) (local.get 0)))))"#,
        "(drop (call $f (i64.const 16000000)))",
    );
    proves(Guard::Stack, |guards| {
        let env = Bench::of(guards).with_executor(&module).unwrap();
        assert_eq!(execute(&env, "", &[]).outcomes, [Outcome::StackOverflow]);
    });
}

#[test]
fn refused_memory_is_a_minus_one_that_a_program_may_survive() {
    proves(Guard::Memory, |guards| {
        let env = Bench::of(guards).hostile();
        assert_eq!(execute(&env, "ask", &["7", "8"]).outcomes, [value("refused"), value("refused")]);
    });
}

#[test]
fn a_program_that_cannot_go_on_without_memory_is_out_of_memory() {
    assert_eq!(outcomes("hoard"), [Outcome::OutOfMemory]);
}

#[test]
fn tables_grow_within_the_budget_of_their_store() {
    proves(Guard::Tables, |guards| {
        // Both grow to 20,000 elements, of 32,768 that a store may have.
        let module = r#"(memory (export "memory") 1) (table 0 funcref) (table 0 funcref)"#;
        let body = "(if (i32.eq (i32.const -1) (table.grow 0 (ref.null func) (i32.const 20000))) (then unreachable))
            (if (i32.ne (i32.const -1) (table.grow 1 (ref.null func) (i32.const 20000))) (then unreachable))";
        let env = Bench::of(guards).with_executor(&executor(module, body)).unwrap();
        assert_eq!(execute(&env, "", &[]).outcomes, []);
    });
}

#[test]
fn a_result_above_the_limit_is_refused_whole_and_with_the_limit() {
    proves(Guard::Output, |guards| {
        let env = Bench::of(guards).hostile();
        assert_eq!(execute(&env, "large", &["1000"]).outcomes, [value(&"x".repeat(1000))]);
        let refused = Outcome::Unsupported("result larger than 1000 bytes".into());
        assert_eq!(execute(&env, "large", &["1001"]).outcomes, std::slice::from_ref(&refused));
        assert_eq!(execute(&env, "large", &["8000000"]).outcomes, std::slice::from_ref(&refused));
        assert_eq!(execute(&env, "large", &["600", "600"]).outcomes, [value(&"x".repeat(600)), refused]);
    });
}

#[test]
fn every_run_starts_afresh() {
    proves(Guard::FreshInstances, |guards| {
        let env = Bench::of(guards).hostile();
        for _ in 0..8 {
            assert_eq!(execute(&env, "count", &["a", "b"]).outcomes, [value("1"), value("2")]);
        }
    });
}

/// Memory is not mapped anew for each run: what was written is copied back, and which pages that is may be known from an
/// earlier run. So runs write where none has written before, where all have, and beyond what they began with.
#[test]
fn what_a_run_wrote_is_gone_in_the_next() {
    // A word of each page of 4 KiB is what it was at first; then some are written, which the program's first word says.
    let module = format!(
        r#"(memory (export "memory") 200)
        (data (i32.const 1048576) "{image}")
        (func $page (param i64) (result i32)
            (i32.add (i32.const 4160) (i32.shl (i32.wrap_i64 (i64.rem_u (i64.shr_u (local.get 0) (i64.const 33)) (i64.const 3199))) (i32.const 12))))
        (func $is_fresh (param i32) (result i32)
            (i64.eq (i64.load (local.get 0)) (select (i64.const 0x4141414141414141) (i64.const 0)
                (i32.lt_u (i32.sub (local.get 0) (i32.const 1048576)) (i32.const 131072)))))
        (func $use (local $at i32) (local $random i64) (local $left i32)
            (local.set $at (i32.const 64))
            (loop
                (if (i32.eqz (call $is_fresh (local.get $at))) (then unreachable))
                (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.shl (memory.size) (i32.const 16)))))
            (local.set $random (i64.load (i32.const 1024)))
            (local.set $left (i32.const 40))
            (loop
                (local.set $random (i64.add (i64.mul (local.get $random) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
                (i64.store (call $page (local.get $random)) (i64.const -1))
                (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (if (i64.lt_s (local.get $random) (i64.const 0)) (then
                (if (i32.ne (memory.grow (i32.const 3)) (i32.const 200)) (then unreachable))
                (if (i32.eqz (call $is_fresh (i32.const 13172800))) (then unreachable))
                (i64.store (i32.const 13172800) (i64.const -1)))))"#,
        image = "A".repeat(131_072)
    );
    for bench in [Bench::new(), ring::apart(Guards::ALL, small_limits())] {
        let env = bench.with_executor(&executor(&module, "(call $use)")).unwrap();
        let programs = (0..300).map(|n| format!("{:08} {n}", if n % 4 == 0 { n } else { n % 4 }));
        let runs: Vec<Run> = programs.map(|program| run(&program, &[])).collect();
        for _ in 0..2 {
            for (run, report) in runs.iter().zip(env.exec(&runs)) {
                assert_eq!(report.unwrap().outcomes, [], "{}", run.program);
            }
        }
    }
}

/// The watchdog is the host's own guard. A program that it stops has no outcome at all, so it cannot be rewarded.
#[test]
fn the_watchdog_is_a_host_fault() {
    proves(Guard::Watchdog, |guards| {
        // Compiled in time; loading it again takes it from the cache.
        let bench = Bench::of(guards);
        let module = executor(r#"(memory (export "memory") 1)"#, "(loop (br 0))");
        let executor = bench.file("executor.wasm", &component("executor", &module));
        let judge = patched(&std::fs::read(guest("azr_test_judge")).unwrap(), "describe=unlimited");
        let path = bench.file("judge.wasm", &judge);
        let file = bench.file("env.wasm", &pack(&path, &[executor]).unwrap());
        bench.sandbox.load(&file).unwrap();
        let limits = Limits { deadline_ms: 500, run_fuel_max: 12_000_000_000, ..small_limits() };
        let cache_dir = Some(bench.folder.path().join("cache"));
        let config = SandboxConfig { cache_dir, ..limited(limits) };
        let env = Sandbox::guarded(&config, guards).unwrap().load(&file).unwrap();
        match env.exec(&[run("", &[])]).pop().unwrap() {
            Err(Fault::Host(error)) => assert!(error.to_string().contains("deadline-ms"), "{error}"),
            other => panic!("{other:?}"),
        }
        serves(&bench.hostile());
    });
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

/// Of what takes as long as many instructions: a loop that begins asks for fuel and time, and growing asks the host.
#[test]
fn slow_instructions_cost_what_they_take() {
    let fuel = |body: &str| {
        let env = Bench::new().with_executor(&executor(r#"(memory (export "memory") 1)"#, body)).unwrap();
        env.exec(&[run("", &[])]).pop().unwrap().unwrap().fuel
    };
    let nothing = fuel("");
    for (instruction, least) in [
        ("(loop)", 1),
        ("(drop (memory.grow (i32.const 0)))", 200),
        ("(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))", 50),
        ("(drop (f64.div (f64.const 1) (f64.const 3)))", 5),
    ] {
        let used = fuel(&instruction.repeat(1000)) - nothing;
        assert!(used >= 1000 * least, "{instruction}: {used}");
    }
}
