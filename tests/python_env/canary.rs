//! Golds never enter the memory of an executor.
//!
//! The Python judge is packed with executors that search their whole memory, and whatever an earlier run left there, for
//! the beginning of a canary. What they find is what a run returns.

use std::{
    hash::{BuildHasher as _, RandomState},
    path::Path,
};

use azr_core::task::Task;
use azr_sandbox::{Attempt, Environment, ExecutedRun, Outcome, Sandbox, SandboxConfig, Style, pack};
use serde_json::json;

/// What the executors search for.
const CANARY: &str = "CANARY-";

/// One worker, so that runs follow each other in one place of memory.
fn spies() -> Environment {
    let guest = |name| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../wasm32-unknown-unknown/guest").join(name);
    let spy = guest("azr_test_executor.wasm");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("spies.wasm");
    std::fs::write(&file, pack(&guest("python_judge.wasm"), &[&spy, &spy]).unwrap()).unwrap();
    let cache_dir = Some(folder.path().join("cache"));
    Sandbox::new(&SandboxConfig { workers: 1, cache_dir, ..SandboxConfig::default() }).unwrap().load(&file).unwrap()
}

fn task(kind: &str, body: serde_json::Value) -> Task {
    Task { kind: kind.into(), body: body.to_string().into() }
}

fn verify(env: &Environment, task: Task, completion: &str) -> (f64, Vec<ExecutedRun>) {
    let ctx = env.context(Style::Compact, &[]).unwrap();
    let attempt = Attempt { task, completion: completion.into() };
    let judged = env.verify(&ctx, &[attempt]).remove(0).unwrap();
    assert!(!judged.conclusion.reason.contains(CANARY), "{}", judged.conclusion.reason);
    (judged.conclusion.score, judged.runs)
}

/// What the spies of these runs found, per call.
fn found(runs: &[ExecutedRun]) -> Vec<String> {
    let count = |outcome: &Outcome| match outcome {
        Outcome::Value(value) => String::from_utf8(value.clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    runs.iter().flat_map(|run| run.report.outcomes.iter().map(count)).collect()
}

/// Nothing of a canary in what is handed to an executor.
fn clean(runs: &[ExecutedRun]) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    !runs.iter().any(|ExecutedRun { run, .. }| holds(run.program.as_bytes()) || run.inputs.iter().any(|i| holds(i)))
}

#[test]
fn no_gold_enters_the_memory_of_an_executor() {
    let env = spies();
    let canary = format!("'{CANARY}{:016x}'", RandomState::new().hash_one(0));

    // The control: a canary in the input is found, in both calls of the run.
    let planted = task("abduction", json!({ "input": "1", "output": "0", "program": "spy" }));
    let (_, runs) = verify(&env, planted, &canary);
    let seen = found(&runs);
    assert!(seen.len() == 2 && seen.iter().all(|count| count != "i0;"), "{seen:?}");

    // The same place of memory, a moment later. The program is the task's, the output is the gold.
    let abduction = task("abduction", json!({ "input": "1", "output": canary, "program": "spy" }));
    let (score, runs) = verify(&env, abduction, "2");
    assert_eq!((score, found(&runs), clean(&runs)), (0.0, vec!["i0;".to_owned(); 2], true), "{canary}");

    // The program is the attempt's; gold are the outputs, the hidden ones among them, and the program.
    let outputs: Vec<String> = (0..4).map(|number| canary.replace(CANARY, &format!("{CANARY}{number}-"))).collect();
    let program = format!("def f(a):\n return {canary}");
    let body = json!({ "inputs": ["1", "2", "3", "4"], "message": canary, "outputs": outputs, "program": program });
    let (score, runs) = verify(&env, task("induction", body), "spy");
    assert_eq!((score, found(&runs), clean(&runs)), (0.0, vec!["i0;".to_owned(); 4], true), "{canary}");

    // Nothing runs at all.
    let deduction = task("deduction", json!({ "input": "1", "output": canary, "program": "spy" }));
    let (score, runs) = verify(&env, deduction, "2");
    assert_eq!((score, runs.len()), (0.0, 0));
}
