//! What a judge may use.

use azr_sandbox::{Outcome, Proposal, Run, SequencePart};

use super::*;

fn cause(completion: &str) -> String {
    cause_of(Guards::ALL, completion)
}

fn cause_of(guards: Guards, completion: &str) -> String {
    let env = Bench::of(guards).hostile();
    let cause = environment_fault(verify(&env, completion));
    serves(&env);
    cause
}

#[test]
fn an_endless_loop_of_the_judge_is_its_fault() {
    proves(Guard::Fuel, |guards| {
        assert!(cause_of(guards, "spin").starts_with("plan-answer: the judge used more than 50000000 fuel"));
    });
}

#[test]
fn every_export_of_the_judge_has_a_budget() {
    let env = Bench::new().hostile();
    let spinning = behaving(&env, "spin");
    let part = SequencePart { kind: "echo".into(), seed: 1, first: 0, count: 1 };
    let proposal =
        |completion: &str| Proposal { kind: "echo".into(), references: vec![], completion: completion.into() };
    for (call, cause) in [
        ("seeds", environment_fault(env.seeds(&spinning))),
        ("generate", environment_fault(env.generate(&spinning, &part))),
        ("import-task", environment_fault(env.import_tasks(&spinning, &["{}".into()]).remove(0))),
        ("examples", environment_fault(env.examples(&spinning))),
        ("demonstrate", environment_fault(env.demonstrate(&spinning, &[task()]).remove(0))),
        ("propose-prompt", environment_fault(env.propose_prompts(&spinning, &[("echo".into(), vec![])]).remove(0))),
        ("solve-prompt", environment_fault(env.solve_prompts(&spinning, &[task()]).remove(0))),
        ("plan-proposal", environment_fault(env.validate(&context(&env), &[proposal("spin")]).remove(0))),
        ("judge-proposal", environment_fault(env.validate(&context(&env), &[proposal("judge-loops")]).remove(0))),
        ("judge-answer", environment_fault(verify(&env, "judge-loops"))),
        ("subject", environment_fault(env.subjects(&[Task { kind: "echo".into(), body: "spin".into() }]).remove(0))),
        ("show-value", environment_fault(env.show_values(&[b"spin".to_vec()]).remove(0))),
        ("plan-exec", environment_fault(env.plan_exec(&[("spin".into(), String::new())]).remove(0))),
    ] {
        assert!(cause.starts_with(&format!("{call}: the judge used more than 50000000 fuel")), "{call}: {cause}");
    }
    serves(&env);
}

#[test]
fn a_judge_that_loops_while_it_starts_is_not_loaded() {
    proves(Guard::Fuel, |guards| {
        let judge = judge(Parts { module: "(start $s) (func $s (loop (br 0)))", ..Parts::default() });
        let refusal = Bench::of(guards).judge(&judge).err().expect("it was loaded");
        assert!(refusal.contains("`describe`: the judge used more than 50000000 fuel"), "{refusal}");
    });
}

#[test]
fn a_judge_that_loops_while_its_arguments_are_lowered_is_at_fault() {
    proves(Guard::Fuel, |guards| at_fault(guards, Parts { realloc: "(loop (br 0))", ..Parts::default() }));
}

#[test]
fn a_judge_that_loops_after_its_result_was_lifted_is_at_fault() {
    proves(Guard::Fuel, |guards| at_fault(guards, Parts { post_return: "(loop (br 0))", ..Parts::default() }));
}

#[test]
fn a_judge_that_loops_in_bulk_operations_is_at_fault() {
    let body = "(loop (memory.fill (i32.const 2048) (i32.const 0) (i32.const 60000)) (br 0))";
    proves(Guard::Fuel, |guards| at_fault(guards, Parts { body, ..Parts::default() }));
}

/// A judge in the text format runs out of fuel when it plans.
fn at_fault(guards: Guards, parts: Parts<'_>) {
    let bench = Bench::of(guards);
    let env = bench.judge(&judge(parts)).unwrap();
    let cause = environment_fault(verify(&env, "7"));
    assert!(cause.starts_with("plan-answer: the judge used more than 50000000 fuel"), "{cause}");
    serves(&bench.hostile());
}

#[test]
fn a_judge_that_traps_is_at_fault() {
    assert_eq!(cause("trap"), "plan-answer: the judge trapped: wasm trap: wasm `unreachable` instruction executed");
}

#[test]
fn a_judge_that_exhausts_the_stack_is_at_fault() {
    assert_eq!(cause("recurse"), "plan-answer: the judge trapped: wasm trap: call stack exhausted");
}

#[test]
fn a_judge_that_hoards_memory_is_at_fault() {
    proves(Guard::Memory, |guards| {
        let cause = cause_of(guards, "hoard");
        assert_eq!(cause, "plan-answer: the judge wanted more than 16777216 bytes of memory, the limit");
    });
}

#[test]
fn memories_of_one_store_share_a_budget() {
    proves(Guard::Memory, |guards| {
        let bench = Bench::of(guards);
        // Each memory has 6.25 MiB, and a run 16 MiB.
        bench.with_component(&linked(2, 100)).unwrap();
        let refusal = bench.with_component(&linked(3, 100)).err().expect("each memory had a budget of its own");
        assert!(refusal.contains("memory minimum size of 100 pages exceeds memory limits"), "{refusal}");
    });
}

#[test]
fn many_small_memories_are_refused() {
    proves(Guard::Counts, |guards| {
        let refusal = Bench::of(guards).with_component(&linked(9, 1)).err().expect("ten memories were granted");
        assert!(refusal.contains("its executor 0 does not"), "{refusal}");
    });
}

#[test]
fn a_flood_of_handles_ends_the_run() {
    proves(Guard::Handles, |guards| {
        let items = r#"
            (type $resource (resource (rep i32)))
            (core func $new (canon resource.new $resource))
            (core instance $host (export "new" (func $new)))"#;
        let component = raw_executor(
            items,
            r#"(import "host" "new" (func $new (param i32) (result i32)))"#,
            r#"(with "host" (instance $host))"#,
            "(local $n i32) (loop (drop (call $new (local.get $n)))
                (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))",
        );
        let bench = Bench::of(guards);
        let env = bench.with_component(&component).unwrap();
        let run = Run { executor: 0, program: String::new(), inputs: vec![] };
        let report = env.exec(&[run]).remove(0).unwrap();
        assert_eq!(report.outcomes, [Outcome::Crashed("the executor broke its contract".into())]);
        serves(&bench.hostile());
    });
}

/// An executor that links in `count` core modules of `pages` pages of memory each, beside its own of one page.
fn linked(count: usize, pages: u32) -> Vec<u8> {
    let instances = "(core instance (instantiate $memory))".repeat(count);
    raw_executor(&format!("(core module $memory (memory {pages})) {instances}"), "", "", "")
}

/// An executor whose component is written out: `items` precede the core module, which takes `imports` from `with`.
fn raw_executor(items: &str, imports: &str, with: &str, body: &str) -> Vec<u8> {
    let thrown = r#"(record (field "name" string) (field "message" string))"#;
    let outcome = |thrown: &str| {
        format!(
            r#"(variant (case "value" (list u8)) (case "thrown" {thrown}) (case "refused" string)
                (case "unsupported" string) (case "out-of-fuel") (case "out-of-memory") (case "stack-overflow")
                (case "crashed" string))"#
        )
    };
    let execute = r#"(param "program" string) (param "inputs" (list (list u8)))"#;
    let (o1, o2, o3) = (outcome("$thrown"), outcome("$thrown"), outcome("$thrown-out"));
    let component = format!(
        r#"(component
            {items}
            (core module $main
                {imports}
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
                (func (export "execute") (param i32 i32 i32 i32) (result i32) {body} (i32.const 16)))
            (core instance $main (instantiate $main {with}))
            (type $thrown {thrown})
            (type $outcome {o1})
            (func $execute {execute} (result (list $outcome)) (canon lift (core func $main "execute")
                (memory (core memory $main "memory")) (realloc (core func $main "realloc"))))
            (component $shim
                (type $thrown' {thrown})
                (import "thrown" (type $thrown (eq $thrown')))
                (type $outcome' {o2})
                (import "outcome" (type $outcome (eq $outcome')))
                (import "execute" (func $execute {execute} (result (list $outcome))))
                (export $thrown-out "thrown-out" (type $thrown'))
                (type $outcome-out' {o3})
                (export $outcome-out "outcome-out" (type $outcome-out'))
                (export "execute" (func $execute) (func {execute} (result (list $outcome-out)))))
            (instance (export "azr:env/execution@0.1.0") (instantiate $shim
                (with "thrown" (type $thrown)) (with "outcome" (type $outcome)) (with "execute" (func $execute)))))"#
    );
    wat::parse_str(component).unwrap()
}

#[test]
fn a_flood_of_log_lines_is_cut_and_counted() {
    proves(Guard::LogSize, |guards| {
        let env = Bench::of(guards).hostile();
        verify(&env, "flood").unwrap();
        let (lines, dropped) = env.take_log();
        assert_eq!((lines.len(), dropped), (64, 100_000 - 64));
        assert_eq!(lines[0].to_string(), "warn: plan-answer: flood");
        assert_eq!(env.take_log(), (vec![], 0));
    });
}

#[test]
fn log_lines_cannot_forge_others_or_drive_a_terminal() {
    proves(Guard::LogEscapes, |guards| {
        let env = Bench::of(guards).hostile();
        verify(&env, "escape").unwrap();
        assert_eq!(env.take_log().0[0].to_string(), "info: plan-answer: \\u{1b}[2Jforged\\nwarn: line");
    });
}

#[test]
fn a_log_line_beyond_what_may_cross_ends_the_call() {
    proves(Guard::Crossing, |guards| {
        let bench = Bench::guarded(limited(Limits { judge_memory_max_bytes: 128 << 20, ..small_limits() }), guards);
        let cause = environment_fault(verify(&bench.hostile(), "log-huge"));
        let expected = "plan-answer: the judge broke its contract (at most 4194304 bytes may cross)";
        assert!(cause.starts_with(expected), "{cause}");
    });
}

#[test]
fn a_prompt_beyond_what_may_cross_is_a_fault() {
    proves(Guard::Crossing, |guards| {
        let bench = Bench::guarded(limited(Limits { judge_memory_max_bytes: 128 << 20, ..small_limits() }), guards);
        let env = bench.hostile();
        let cause = environment_fault(env.solve_prompts(&behaving(&env, "huge-prompt"), &[task()]).remove(0));
        let expected = "solve-prompt: the judge broke its contract (at most 4194304 bytes may cross)";
        assert!(cause.starts_with(expected), "{cause}");
    });
}

#[test]
fn more_runs_than_the_operator_allows_are_a_fault() {
    proves(Guard::Returned, |guards| {
        assert_eq!(cause_of(guards, "many-runs"), "plan-answer: the judge returned 1000 runs; the limit is 64");
    });
}

#[test]
fn the_smaller_of_what_is_asked_and_what_is_granted_counts() {
    let bench = Bench::with(limited(Limits { run_fuel_max: 1000, run_output_max_bytes: 2000, ..small_limits() }));
    let limits = *bench.hostile().limits();
    assert_eq!((limits.run_fuel, limits.run_output_max_bytes, limits.run_memory_max_bytes), (1000, 1000, 16 << 20));
}
