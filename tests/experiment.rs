//! Small runs of the program, and what must be equal in those that are the same.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::succeed;

/// A small run: every stage happens, in a few seconds.
pub const SMALL: &[&str] = &[
    "--set=propose.batch=6",
    "--set=solve.batch=8",
    "--set=learnability.samples=2",
    "--set=seeding.tasks=8",
    "--set=evaluation.tasks=12",
    "--set=checkpoint.every-steps=2",
    "--set=checkpoint.keep=9",
];

pub fn train(dir: &Path, more: &[&str]) {
    let out = format!("--out={}", dir.display());
    let base = ["--env", "envs/python.wasm", &out];
    succeed(&[&base, SMALL, more].concat());
}

/// Everything that must repeat: logs without wall-clock times, and the weights and optimiser state of every checkpoint.
pub fn essence(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in ["ledger.jsonl", "tasks.jsonl", "evaluations.jsonl", "held-out.jsonl"] {
        files.insert(name.to_owned(), fs::read(dir.join(name)).unwrap());
    }
    let metrics = fs::read_to_string(dir.join("metrics.jsonl")).unwrap();
    let timeless = metrics.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("timing").expect("a row has its timing");
        row.to_string()
    });
    files.insert("metrics.jsonl".to_owned(), timeless.collect::<Vec<_>>().join("\n").into_bytes());
    for entry in fs::read_dir(dir.join("checkpoints")).unwrap() {
        let path = entry.unwrap().path();
        let adapted = path.join("policy/adapter_config.json").exists();
        let weights = if adapted { "policy/adapter_model.safetensors" } else { "policy/model.safetensors" };
        for name in [weights, "optimizer.safetensors"] {
            let label = format!("{}/{name}", path.file_name().unwrap().display());
            files.insert(label, fs::read(path.join(name)).unwrap());
        }
    }
    files
}

#[track_caller]
pub fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (essence(a), essence(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in &a {
        assert!(*bytes == b[name], "{name} differs");
    }
}

/// Compiles a library for LD_PRELOAD from the C file of that name.
pub fn shim(dir: &Path, name: &str) -> PathBuf {
    let shim = dir.join(name).with_extension("so");
    let source = format!("{}/../../tests/selfplay/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(source).status().unwrap();
    assert!(compiled.success());
    shim
}

/// A named pipe. Opening it waits until the other end is open too.
pub fn pipe(dir: &Path) -> PathBuf {
    let pipe = dir.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

pub fn scratch() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    (dir, a, b)
}
