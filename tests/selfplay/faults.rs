//! Faults: what is injected into a run is counted, never rewarded, and ends in a stop or a drop at the stated rate.

use azr_config::{Preset, RunConfig};
use azr_core::{
    gather::Alone,
    limits::Limits,
    sampling::{Completion, Finish},
    task::Task,
};
use azr_sandbox::{Sandbox, SandboxConfig, pack};
use azr_selfplay::{
    env_state::EnvState,
    faults::{Breaker, Faults, Whose},
    propose::Proposed,
    solve::{Aim, Attempted},
    step,
    validate::validate,
    verify::verify,
};

use super::*;

/// A guest of `tests/guests`.
fn guest(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/wasm32-unknown-unknown/guest");
    folder.join(name).with_extension("wasm")
}

/// The environment "hostile", whose judge does what a completion says.
fn hostile(dir: &Path) -> PathBuf {
    let path = dir.join("hostile.wasm");
    fs::write(&path, pack(&guest("azr_test_judge"), &[guest("azr_test_executor")]).unwrap()).unwrap();
    path
}

fn config() -> RunConfig {
    RunConfig::resolve(Preset::Paper, None, &["learnability.train=true".into()]).unwrap()
}

fn env(dir: &Path, sandbox: SandboxConfig, config: &RunConfig) -> EnvState {
    let sandbox = SandboxConfig { workers: 2, cache_dir: Some(dir.join("cache")), ..sandbox };
    EnvState::new(Sandbox::new(&sandbox).unwrap().load(&hostile(dir)).unwrap(), config).unwrap()
}

fn completion(text: &str) -> Completion {
    Completion { tokens: vec![0], logprobs: vec![0.0], text: text.into(), finish: Finish::Stop }
}

fn proposed(text: &str) -> Proposed {
    Proposed { env: 0, kind: 0, references: vec![], prompt: vec![], completion: completion(text) }
}

fn attempted(text: &str) -> Attempted {
    let task = Task { kind: "echo".into(), body: "{}".into() };
    Attempted { env: 0, kind: 0, task, aim: Aim::Training, assignment: 0, prompt: vec![], completion: completion(text) }
}

#[test]
fn a_completion_that_breaks_the_judge_is_wrong_and_the_fault_is_counted_by_cause() {
    let dir = tempfile::tempdir().unwrap();
    let mut envs = [env(dir.path(), SandboxConfig::default(), &config())];
    let mut faults = Faults::new(&Alone);
    let proposals = ["echo", "trap", "judge-invents-a-kind", "reject"].map(proposed);
    let validated = validate(&mut envs, proposals.into(), 1, &mut faults).unwrap();
    let answers = ["echo", "trap", "score-nan", "throw"].map(attempted);
    let verified = verify(&envs, answers.into(), &mut faults).unwrap();
    let rewards = step::rewards(&config(), &validated, &verified);
    // As what is rejected, and as an answer without form.
    assert_eq!(rewards.proposers[1..], [Some(-1.0); 3]);
    assert_eq!(rewards.solvers, [Some(1.0), Some(-1.0), Some(-1.0), Some(-0.5)]);
    let reason = &verified[1].verdict.as_ref().unwrap().reason;
    assert!(reason.starts_with("there is no judging it: environment fault in `plan-answer`"), "{reason}");
    let tally = &faults.tallies()[&0];
    // Four proposals, the subject of the one that passed, four answers; nothing is counted twice.
    assert_eq!((tally.calls, tally.environment, tally.host, tally.retried), (9, 4, 0, 0));
    assert_eq!(tally.causes.len(), 4, "{:?}", tally.causes);
    let mut breaker = Breaker::new(&config().faults);
    let message = breaker.note(faults.tallies(), &[(0, "hostile")]).unwrap_err().to_string();
    assert!(message.contains("4 of 9 calls of environment hostile"), "{message}");
}

#[test]
fn a_fault_that_the_empty_completion_meets_too_is_not_the_completions_and_never_rewarded() {
    let dir = tempfile::tempdir().unwrap();
    let set = ["learnability.train=true", "environments.hostile.behaviour=trap-on-short-answers"].map(String::from);
    let config = RunConfig::resolve(Preset::Paper, None, &set).unwrap();
    let envs = [env(dir.path(), SandboxConfig::default(), &config)];
    let mut faults = Faults::new(&Alone);
    let verified = verify(&envs, ["abc", "echo"].map(attempted).into(), &mut faults).unwrap();
    assert_eq!(step::rewards(&config, &[], &verified).solvers, [None, Some(1.0)]);
}

/// The watchdog stands for the host's faults: the call never ends, and whatever else is called under it does in time.
#[test]
fn a_host_fault_is_tried_again_and_never_rewarded() {
    let dir = tempfile::tempdir().unwrap();
    // Compiled in time; loading it again takes it from the cache.
    env(dir.path(), SandboxConfig::default(), &config());
    let limits = Limits { deadline_ms: 500, judge_fuel: u64::MAX, ..Limits::default() };
    let slow = SandboxConfig { limits, ..SandboxConfig::default() };
    let envs = [env(dir.path(), slow, &config())];
    let mut faults = Faults::new(&Alone);
    let verified = verify(&envs, vec![attempted("spin")], &mut faults).unwrap();
    assert_eq!(verified[0].verdict.as_ref().unwrap_err().whose, Whose::Host);
    assert_eq!(step::rewards(&config(), &[], &verified).solvers, [None]);
    let tally = &faults.tallies()[&0];
    assert_eq!((tally.calls, tally.environment, tally.host, tally.retried), (1, 0, 1, 2));
}

fn both(dir: &Path, more: &[&str]) -> Vec<String> {
    let hostile = hostile(dir).display().to_string();
    let out = format!("--out={}", dir.join("run").display());
    let injected = "--set=environments.hostile.behaviour=trap-on-short-answers";
    // Nothing of it is measured: too many faults in an evaluation always stop the run.
    let unmeasured = "--set=evaluation.generated=0";
    let base = ["--env", "envs/python.wasm", "--env", &hostile, &out, injected, unmeasured, "--steps=2"];
    let args = [&base, SMALL, more].concat();
    args.into_iter().map(str::to_owned).collect()
}

#[test]
fn too_many_faults_stop_the_run_with_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let output = azr_host().args(both(dir.path(), &["--set=evaluation.tasks=1"])).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("calls of environment hostile failed"), "{message}");
    assert!(message.contains("faults.share-max") && message.contains("judge-answer"), "{message}");
}

#[test]
fn an_environment_with_too_many_faults_is_dropped_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let output = azr_host().args(both(dir.path(), &["--set=faults.then=drop"])).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("environment hostile is dropped"), "{message}");
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(summary.contains("environment hostile: ") && summary.contains("were not rewarded"), "{summary}");
    let rows = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(run.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let faulty: Vec<Value> =
        rows("ledger.jsonl").into_iter().filter(|row| row["conclusion"].get("fault").is_some()).collect();
    assert!(!faulty.is_empty() && faulty.iter().all(|row| row.get("reward").is_none()));
    let metrics = rows("metrics.jsonl");
    assert_eq!(metrics[0]["faults"]["hostile"]["environment"], faulty.len());
    assert!(metrics[1]["faults"].get("hostile").is_none(), "it is not called any more");
    assert!(metrics[1]["groups"].get("python/deduction/solver").is_some());
    // Its faults are as deterministic as its verdicts.
    succeed(&["replay", run.to_str().unwrap()]);
}
