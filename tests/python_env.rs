//! The Python environment as the host sees it: `envs/python.wasm` with real executors. `make test` builds it.

mod attacks;
mod canary;
mod composite;
mod cruxeval;
mod defects;
mod errors;
mod expressions;
mod forgeries;
mod measures;
mod programs;
mod tasks;

use std::path::Path;
use std::sync::LazyLock;

use azr_core::task::Task;
use azr_sandbox::{
    Accepted, Attempt, Context, Environment, Judged, Outcome, Proposal, Rejection, Sandbox, SandboxConfig, Style,
    Verdict,
};

/// Compiled once for all tests, and kept for the next `cargo test`.
static PYTHON: LazyLock<Environment> = LazyLock::new(|| {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, ..SandboxConfig::default() }).unwrap();
    sandbox.load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/python.wasm")).unwrap()
});

fn compact(settings: &[(&str, &str)]) -> Context {
    let settings: Vec<(String, String)> =
        settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    PYTHON.context(Style::Compact, &settings).unwrap()
}

fn instruct() -> Context {
    PYTHON.context(Style::Instruct, &[]).unwrap()
}

fn validate(ctx: &Context, proposals: &[Proposal]) -> Vec<Judged<Result<Accepted, Rejection>>> {
    PYTHON.validate(ctx, proposals).into_iter().map(|judged| judged.unwrap()).collect()
}

fn proposal(kind: &str, references: &[Task], completion: impl Into<String>) -> Proposal {
    Proposal { kind: kind.into(), references: references.to_vec(), completion: completion.into() }
}

/// One proposal in the compact style: the task, or the code of the rejection.
fn propose(kind: &str, program: &str, input: &str) -> Result<Task, String> {
    let judged = validate(&compact(&[]), &[proposal(kind, &[], format!("{program}<input>{input}"))]).remove(0);
    judged.conclusion.map(|accepted| accepted.task.into()).map_err(|rejection| rejection.code)
}

fn task(kind: &str, program: &str, input: &str) -> Task {
    propose(kind, program, input).unwrap_or_else(|code| panic!("{code}: {program} with {input}"))
}

/// One task of kind induction about a program, half of its inputs shown.
fn induction(program: &str, inputs: &[&str]) -> Result<Task, Rejection> {
    let reference = task("deduction", program, inputs[0]);
    let ctx = compact(&[("induction-inputs", &inputs.len().to_string())]);
    let judged = validate(&ctx, &[proposal("induction", &[reference], inputs.join("<input>"))]).remove(0);
    judged.conclusion.map(|accepted| accepted.task.into())
}

fn verify(ctx: &Context, task: &Task, completion: &str) -> Judged<Verdict> {
    let attempt = Attempt { task: task.clone(), completion: completion.into() };
    PYTHON.verify(ctx, &[attempt]).remove(0).unwrap()
}

/// The score of an answer in the compact style.
fn score(task: &Task, answer: &str) -> f64 {
    verify(&compact(&[]), task, answer).conclusion.score
}

/// What one call comes to.
fn outcome(program: &str, input: &str) -> Outcome {
    let run = PYTHON.plan_exec(&[(program.into(), input.into())]).remove(0).unwrap().unwrap();
    PYTHON.exec(&[run]).remove(0).unwrap().outcomes.pop().unwrap()
}

/// A call's value as text, or the outcome in its stead.
fn value(program: &str, input: &str) -> String {
    match outcome(program, input) {
        Outcome::Value(encoded) => PYTHON.show_values(&[encoded]).remove(0).unwrap(),
        other => format!("{other:?}"),
    }
}

/// What makes many workers as fast as one each: pages that a run wrote are copied back, not unmapped. Without the
/// change to wasmtime that `make setup` makes, a trivial program takes 190 faults.
#[test]
fn a_fresh_sandbox_reuses_pages() {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut version = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    if (version.next(), version.next()) < (Some(6), Some(7)) {
        return; // This kernel cannot say which pages were written: programs run from fresh mappings.
    }
    let output = crate::program::azr_host()
        .args(["bench", "sandbox", "envs/python.wasm", "--runs", "400", "--subprocesses", "1", "--workers", "2"])
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let row = table.lines().nth(1).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let faults: f64 = row.split_whitespace().rev().nth(1).unwrap().parse().unwrap();
    assert!(faults < 40.0, "{table}");
}
