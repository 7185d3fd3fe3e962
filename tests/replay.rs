//! `azr-host replay`: what was recorded comes out again, and anything else is noticed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    program::{run, succeed},
    selfplay::finished,
};

/// A copy of a finished run, in `run`.
fn recorded() -> TempDir {
    let (dir, _, copy) = finished();
    fs::rename(copy, dir.path().join("run")).unwrap();
    dir
}

fn replay(dir: &TempDir, more: &[&str]) -> (Option<i32>, Value, String) {
    let run_dir = dir.path().join("run").display().to_string();
    let output = run(&[&["replay", &run_dir, "--json"], more].concat());
    let found = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), found, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn ledger(dir: &TempDir) -> Vec<String> {
    let text = fs::read_to_string(dir.path().join("run/ledger.jsonl")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Changes the first row that is wanted and returns its line.
#[track_caller]
fn alter(rows: &mut [String], wanted: impl Fn(&Value) -> bool, change: impl FnOnce(&mut Value)) -> usize {
    let parsed = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap()).enumerate();
    let (place, mut row) = parsed.into_iter().find(|(_, row)| wanted(row)).expect("a row to alter");
    change(&mut row);
    rows[place] = row.to_string();
    place + 1
}

/// Writes the ledger with a checkpoint that knows its new length.
fn rewrite(dir: &TempDir, rows: &[String]) {
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let checkpoint = dir.path().join("run/checkpoints/step-000004/checkpoint.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&checkpoint).unwrap()).unwrap();
    value["log_bytes"]["ledger"] = text.len().into();
    fs::write(checkpoint, value.to_string()).unwrap();
    fs::write(dir.path().join("run/ledger.jsonl"), text).unwrap();
}

#[test]
fn a_run_comes_to_what_was_recorded() {
    let dir = recorded();
    let (code, found, message) = replay(&dir, &[]);
    assert_eq!(code, Some(0), "{message}\n{found}");
    assert_eq!(found["mismatched_rows"], 0);
    assert_eq!(found["rows"], ledger(&dir).len());
    assert!(found["runs"].as_u64().unwrap() > 50, "{found}");
    let summary = succeed(&["replay", dir.path().join("run").to_str().unwrap(), "--workers=1"]).stdout;
    assert!(String::from_utf8_lossy(&summary).contains("no mismatch"));
}

#[test]
fn every_altered_row_is_found() {
    let dir = recorded();
    let mut rows = ledger(&dir);
    let purpose = |purpose: &'static str| move |row: &Value| row["purpose"] == purpose;
    let ran = |name: &'static str| move |row: &Value| row["purpose"] == name && !row["runs"][0].is_null();
    let altered = [
        ("outcome", alter(&mut rows, ran("seed"), |row| row["runs"][0]["outcomes"][0] = "out-of-fuel".into())),
        ("fuel", alter(&mut rows, ran("propose"), |row| row["runs"][0]["fuel"] = 7.into())),
        ("plan", alter(&mut rows[1..], ran("propose"), |row| row["plan"] = row["completion_digest"].clone()) + 1),
        (
            "verdict",
            alter(&mut rows, purpose("learnability"), |row| row["conclusion"]["verdict"]["score"] = 0.5.into()),
        ),
        ("reward", alter(&mut rows, purpose("solve"), |row| row["reward"] = 0.99.into())),
    ];
    let spaced = |row: &mut Value| row["completion"] = format!("{} ", row["completion"].as_str().unwrap()).into();
    let last = rows.len() - 1;
    let completion = last + alter(&mut rows[last..], |_| true, spaced);
    rewrite(&dir, &rows);
    let (code, found, message) = replay(&dir, &[]);
    assert_eq!(code, Some(1), "{message}\n{found}");
    let examples: Vec<&str> = found["examples"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
    for (what, line) in altered.into_iter().chain([("completion", completion)]) {
        let about = examples.iter().find(|example| example.starts_with(&format!("line {line} ")));
        assert!(about.is_some_and(|example| example.contains(&format!("{what}: recorded"))), "{what}: {examples:?}");
    }
    let lines: std::collections::BTreeSet<usize> = altered.iter().map(|(_, line)| *line).chain([completion]).collect();
    assert_eq!(found["mismatched_rows"], lines.len(), "{found}");
    assert!(message.contains("differ from what was recorded"), "{message}");
}

#[test]
fn an_altered_task_or_configuration_is_refused() {
    let dir = recorded();
    let path = |name: &str| dir.path().join("run").join(name);
    let tasks = fs::read_to_string(path("tasks.jsonl")).unwrap();
    let config = fs::read_to_string(path("config.toml")).unwrap();
    fs::write(path("tasks.jsonl"), tasks.replace("return a\\\"", "return 1\\\"")).unwrap();
    let (code, _, message) = replay(&dir, &[]);
    assert!(code == Some(1) && message.contains("was altered"), "{message}");
    fs::write(path("tasks.jsonl"), tasks).unwrap();
    fs::write(path("config.toml"), config.replace("wrong = -0.5", "wrong = -0.4")).unwrap();
    let (code, _, message) = replay(&dir, &[]);
    assert!(code == Some(1) && message.contains("config.toml"), "{message}");
}

#[test]
fn other_settings_list_what_they_change() {
    let dir = recorded();
    let (code, found, message) =
        replay(&dir, &["--set=environments.python.value-max-chars=\"2\"", "--set=reward.wrong=0.0"]);
    assert_eq!(code, Some(0), "{message}");
    let proposer = &found["groups"]["python/deduction/proposer"];
    let rejected = |group: &Value| group["conclusions"].as_object().unwrap().keys().any(|k| k.contains("→ rejected"));
    assert!(rejected(proposer), "{found}");
    let solver = &found["groups"]["python/deduction/solver"];
    assert!(solver["rewards"].as_u64().unwrap() > 0 && solver["rewarded"].as_u64() > solver["rewards"].as_u64());
    assert!(!found["examples"].as_array().unwrap().is_empty());
}

/// Another judge version: the same but for a sentence.
fn reworded(dir: &Path) -> PathBuf {
    let mut bytes = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../envs/python.wasm")).unwrap();
    let sentence = b"the output is another value";
    let place = bytes.windows(sentence.len()).position(|window| window == sentence).expect("the judge says it");
    bytes[place..place + sentence.len()].copy_from_slice(b"the output is something else"[..sentence.len()].as_ref());
    let path = dir.join("reworded.wasm");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn another_judge_lists_what_it_changes() {
    let dir = recorded();
    let other = reworded(dir.path()).display().to_string();
    let (code, found, message) = replay(&dir, &["--env", &other]);
    assert_eq!(code, Some(0), "{message}");
    let solver = &found["groups"]["python/deduction/solver"];
    assert_eq!((&solver["conclusions"], &solver["rewards"]), (&serde_json::json!({}), &0.into()));
    assert!(solver["details"].as_u64().unwrap() > 0, "{found}");
    let text = succeed(&["replay", dir.path().join("run").to_str().unwrap(), "--env", &other]).stdout;
    assert!(String::from_utf8_lossy(&text).contains("0 conclusions and 0 rewards change"));
}
