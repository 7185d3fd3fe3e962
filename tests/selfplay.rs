//! The whole program: training, repeating, resuming, stopping.

pub mod algorithms;
mod faults;
mod losses;
mod measures;
pub mod sources;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    experiment::{SMALL, assert_same, essence, pipe, scratch, shim, train},
    program::{azr_host, run, succeed},
};

/// A finished run of four steps and a copy of it; the run is made once for all tests.
pub fn finished() -> (TempDir, PathBuf, PathBuf) {
    static FINISHED: OnceLock<TempDir> = OnceLock::new();
    let run = FINISHED.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        train(&dir.path().join("whole"), &["--steps=4"]);
        dir
    });
    let (dir, copy, _) = scratch();
    let whole = run.path().join("whole");
    assert!(Command::new("cp").arg("-r").args([&whole, &copy]).status().unwrap().success());
    (dir, whole, copy)
}

#[test]
fn a_run_repeats_byte_for_byte_whatever_the_number_of_workers() {
    let (_dir, one, three) = scratch();
    train(&one, &["--steps=3", "--workers=1"]);
    train(&three, &["--steps=3", "--workers=3"]);
    assert_same(&one, &three);
    let rows = fs::read_to_string(one.join("metrics.jsonl")).unwrap();
    assert_eq!(rows.lines().count(), 3);
}

#[test]
fn a_run_that_died_after_a_checkpoint_resumes_to_the_same_end() {
    let (_dir, whole, died) = finished();
    // What a kill in step 4 leaves: a checkpoint that was being written, and a torn row.
    fs::rename(died.join("checkpoints/step-000004"), died.join("checkpoints/.step-000004")).unwrap();
    let mut metrics = fs::read(died.join("metrics.jsonl")).unwrap();
    metrics.truncate(metrics.len() - 40);
    fs::write(died.join("metrics.jsonl"), metrics).unwrap();
    succeed(&["--resume", died.to_str().unwrap()]);
    assert_same(&whole, &died);
}

/// A run of four steps that lost its last checkpoint and was resumed; it must come to the same.
fn lose_a_checkpoint_and_resume(more: &[&str]) -> (TempDir, PathBuf) {
    let (dir, whole, died) = scratch();
    train(&whole, &[&["--steps=4"], more].concat());
    assert!(Command::new("cp").arg("-r").args([&whole, &died]).status().unwrap().success());
    fs::rename(died.join("checkpoints/step-000004"), died.join("checkpoints/.step-000004")).unwrap();
    succeed(&["--resume", died.to_str().unwrap()]);
    assert_same(&whole, &died);
    (dir, whole.join("checkpoints/step-000004"))
}

#[test]
fn eight_bit_moments_resume_to_the_same_end() {
    let (_dir, checkpoint) = lose_a_checkpoint_and_resume(&["--set=update.moments=8-bit"]);
    let size = |name: &str| fs::metadata(checkpoint.join(name)).unwrap().len();
    assert!(
        size("optimizer.safetensors") < size("policy/model.safetensors") * 6 / 10,
        "f32 moments take twice the weights"
    );
}

/// Once the adapter is part of the weights, an evaluation comes to the same.
#[test]
fn a_run_that_trains_an_adapter_resumes_to_the_same_end_and_merges() {
    let lora = ["--set=policy.lora.rank=4", "--set=update.learning-rate=1e-3"];
    let (dir, checkpoint) = lose_a_checkpoint_and_resume(&lora);
    let adapter = checkpoint.join("policy").display().to_string();
    let merged = dir.path().join("merged").display().to_string();
    succeed(&["policy", "merge", &adapter, &merged]);
    let right = |policy: &str| {
        let eval =
            ["eval", "--env=envs/python.wasm", "--temperature=0", "--json", "--set=evaluation.tasks=20", "--policy"];
        succeed(&[&eval[..], &[policy]].concat()).stdout
    };
    assert_eq!(right(&adapter), right(&merged));
    let again = String::from_utf8_lossy(&run(&["policy", "merge", &merged, &adapter]).stderr).into_owned();
    assert!(again.contains("it has no adapter"), "{again}");
}

#[test]
fn an_interrupt_ends_with_a_checkpoint_that_can_be_resumed() {
    let (dir, whole, _) = finished();
    let stopped = dir.path().join("stopped");
    let out = format!("--out={}", stopped.display());
    let base = ["--env", "envs/python.wasm", "--steps=4", &out];
    let mut child = azr_host().args(base).args(SMALL).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("step    1")).expect("a first step");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("--resume")), "{rest:?}");
    succeed(&["--resume", stopped.to_str().unwrap()]);
    let steps = |dir: &Path| essence(dir).remove("metrics.jsonl").unwrap();
    assert!(steps(&whole) == steps(&stopped));
}

/// Also as the first process of a container, where a signal without a handler does nothing.
#[test]
fn an_interrupt_before_the_first_step_ends_the_process() {
    let (dir, run, _) = scratch();
    let pipe = pipe(dir.path());
    let mut child = azr_host()
        .args(["--env=envs/python.wasm", &format!("--out={}", run.display())])
        .arg("--held-out")
        .arg(&pipe)
        .spawn()
        .unwrap();
    // Opens when the process has come to reading it.
    let _open = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(
        path("torn.wasm"),
        &fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../envs/python.wasm")).unwrap()[..5000],
    )
    .unwrap();
    fs::write(path("text.wasm"), "hello").unwrap();
    fs::write(path("wrong.toml"), "[update]\nlerning-rate = 1.0\n").unwrap();
    fs::create_dir(path("empty")).unwrap();
    let env = "--env=envs/python.wasm";
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&[], 2, &["--env"]),
        (&["--env", &path("none.wasm")], 1, &["none.wasm"]),
        (&["--env", &path("torn.wasm")], 1, &["torn.wasm"]),
        (&["--env", &path("text.wasm")], 1, &["text.wasm"]),
        (&[env, "--config", &path("wrong.toml")], 1, &["wrong.toml", "lerning-rate"]),
        (&[env, "--set", "steps=0"], 1, &["steps is 0", "at least 1"]),
        (&[env, "--set", "advantage.baseline=task"], 1, &["solve.samples is 1", "at least 2"]),
        (&[env, "--set", "environments.python.colour=\"red\""], 1, &["colour"]),
        (&[env, "--policy", &path("empty")], 1, &["empty has no config.json"]),
        (
            &[env, "--set", "sampling.rows-max=1000000"],
            1,
            &["GiB and there are", "try sampling.rows-max below 1000000"],
        ),
        (&[env, "--device", "tpu"], 1, &["tpu"]),
        (&["--resume", &path("empty")], 1, &["experiment.json"]),
        (&[env, "--out", "/proc/azr"], 1, &["/proc/azr"]),
        (&["report", &path("empty")], 1, &[&path("empty")]),
    ];
    for (args, code, words) in cases {
        let output = run(args);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {message}");
        for word in *words {
            assert!(message.contains(word), "{args:?} does not mention {word}: {message}");
        }
    }
    assert!(!dir.path().join("checkpoints").exists());
}
