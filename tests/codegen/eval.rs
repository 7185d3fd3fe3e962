//! `azr-host eval --suite`, and training on the same files.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{eval_plus, live_code_bench};
use crate::program::{run, succeed};

/// The embedded policy can write nothing that is right here, and should not take long to find out.
const SMALL: &[&str] = &["--preset=tiny", "--set=sampling.completion-max-tokens=12"];

fn written(dir: &TempDir, name: &str, lines: &[Value]) -> String {
    let path = dir.path().join(name);
    fs::write(&path, lines.iter().map(|line| format!("{line}\n\n")).collect::<String>()).unwrap();
    path.display().to_string()
}

fn eval(env: &str, suites: &[&str], more: &[&str]) -> (String, String) {
    let suites = suites.iter().map(|path| format!("--suite={path}"));
    let args: Vec<String> = ["eval", "--env", env].into_iter().map(str::to_owned).chain(suites).collect();
    let args: Vec<&str> =
        args.iter().map(String::as_str).chain(SMALL.iter().copied()).chain(more.iter().copied()).collect();
    let output = succeed(&args);
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn functions(count: usize) -> Vec<Value> {
    let line = |number: usize| {
        eval_plus(&format!("HumanEval/{number}"), &format!("def g(a): # {number}\n"), "    return a", json!([[1]]))
    };
    (0..count).map(line).collect()
}

#[test]
fn suites_are_measured_and_told_of_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let mixed = [functions(2), vec![json!({ "problem": "?" }), live_code_bench(None, &[("1", "1")])]].concat();
    let mixed = written(&dir, "Mixed.jsonl", &mixed);
    let more = written(&dir, "More.jsonl", &functions(3));
    let results = dir.path().join("results.jsonl");
    let told = format!("--results={}", results.display());
    let (json, said) =
        eval("envs/codegen.wasm", &[&mixed, &more], &["--json", "--samples=2", "--temperature=0.5", &told]);
    assert!(said.contains("1 of 4 lines are no tasks of environment codegen:\n  line 5: unknown-format: "), "{said}");

    let measured: Value = serde_json::from_str(&json).unwrap();
    let none = json!({ "mean": 0.0, "standard_error": 0.0 });
    let kind = |tasks: usize| json!({ "tasks": tasks, "samples": 2, "temperature": 0.5, "pass_at_1": none, "pass_at_k": none });
    assert_eq!(measured["Mixed"]["kinds"], json!({ "codegen/function": kind(2), "codegen/stdin": kind(1) }));
    assert_eq!(
        measured["More"],
        json!({ "protocol": "azr", "lines": 3, "refused": [], "kinds": { "codegen/function": kind(3) } })
    );
    assert_eq!(measured["Mixed"]["lines"], 4);
    assert_eq!(measured["Mixed"]["refused"][0]["line"], 5);

    let text = fs::read_to_string(&results).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let places: Vec<(&str, u64, &str)> = rows
        .iter()
        .map(|row| (row["suite"].as_str().unwrap(), row["line"].as_u64().unwrap(), row["kind"].as_str().unwrap()))
        .collect();
    let expected = [("Mixed", 1, "function"), ("Mixed", 3, "function"), ("Mixed", 7, "stdin")];
    assert_eq!(places[..3], expected);
    assert_eq!((&rows[1]["id"], &rows[2]["id"]), (&json!("HumanEval/1"), &json!("1")));
    assert!(rows.iter().all(|row| row["right"] == 0 && row["samples"] == 2 && row["completion"].is_string()));
    assert!(rows[1]["prompt"].as_str().unwrap().contains("def g(a): # 1"), "{}", rows[1]);
    assert!(rows.iter().all(|row| row["reason"] != "right"));

    // The same again, and as a table.
    let (again, _) =
        eval("envs/codegen.wasm", &[&mixed, &more], &["--json", "--samples=2", "--temperature=0.5", &told]);
    assert_eq!((again, fs::read_to_string(&results).unwrap()), (json, text));
    let (table, _) = eval("envs/codegen.wasm", &[&mixed, &more], &["--limit=1"]);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows[1..],
        [["Mixed", "codegen/function", "1", "0.0±0.0", "%"], ["More", "codegen/function", "1", "0.0±0.0", "%"]]
    );
}

#[test]
fn mathematics_and_cruxeval_are_suites_of_their_environments() {
    let dir = tempfile::tempdir().unwrap();
    let problem = json!({ "problem": "1 + 1", "solution": "\\boxed{2}", "answer": "2", "unique_id": "test/1.json" });
    let (table, _) = eval("envs/math.wasm", &[&written(&dir, "MATH-500.jsonl", &[problem])], &[]);
    assert!(table.contains("MATH-500 math/problem"), "{table}");
    let crux = json!({ "code": "def f(a):\n    return a + 1", "input": "1", "output": "2", "id": "sample_0" });
    let path = written(&dir, "cruxeval.jsonl", &[crux]);
    let (table, _) = eval("envs/python.wasm", &[&path], &[]);
    assert!(table.contains("cruxeval python/deduction"), "{table}");
    let (table, _) = eval("envs/python.wasm", &[&path], &["--set=environments.python.imported-kind=abduction"]);
    assert!(table.contains("cruxeval python/abduction"), "{table}");
}

/// A policy of the instruct style is asked as the benchmarks ask, if nobody says otherwise; one of the compact style is not.
#[test]
fn the_table_names_the_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let suite = written(&dir, "functions.jsonl", &functions(1));
    let instruct = "--set=style=instruct";
    for (more, protocol) in [
        (vec![instruct], "published"),
        (vec![instruct, "--protocol=azr"], "azr"),
        (vec![instruct, "--set=environments.codegen.protocol=azr"], "azr"),
        (vec![], "azr"),
        (vec!["--protocol=published"], "published"),
    ] {
        let (table, _) = eval("envs/codegen.wasm", &[&suite], &more);
        assert!(table.starts_with(&format!("protocol {protocol} ")), "{more:?}: {table}");
    }
    let output = run(&["eval", "--env=envs/countdown.wasm", "--protocol=published", "--suite", &suite]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("environment countdown asks in its own words only"), "{message}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let foreign = written(&dir, "foreign.jsonl", &[json!({ "question": "?", "answer": "#### 1" })]);
    let empty = written(&dir, "empty.jsonl", &[]);
    let functions = written(&dir, "functions.jsonl", &functions(1));
    fs::create_dir(dir.path().join("other")).unwrap();
    let twin = dir.path().join("other/functions.jsonl").display().to_string();
    fs::copy(&functions, &twin).unwrap();
    for (args, words) in [
        (vec![&*foreign], ["no line is a task of environment codegen", "line 1", "EvalPlus (with base_input)"]),
        (vec![&*empty], ["holds no lines", "empty.jsonl", "azr-host"]),
        (vec!["none.jsonl"], ["cannot read none.jsonl", "No such file", "azr-host"]),
        (vec![&*functions, &*twin], ["two suites are called functions", "functions", "azr-host"]),
    ] {
        let suites: Vec<String> = args.iter().map(|path| format!("--suite={path}")).collect();
        let args: Vec<&str> = ["eval", "--env=envs/codegen.wasm"]
            .into_iter()
            .chain(suites.iter().map(String::as_str))
            .chain(SMALL.iter().copied())
            .collect();
        let output = run(&args);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {message}");
        assert!(words.iter().all(|word| message.contains(word)), "{args:?}: {message}");
    }
    let both = run(&["eval", "--env=envs/codegen.wasm", "--suite=a", "--held-out=b"]);
    assert_eq!(both.status.code(), Some(2));
}

/// Programs with tests are trained on like any other data set.
#[test]
fn published_programs_are_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = format!("--tasks={}", written(&dir, "programs.jsonl", &functions(40)));
    let out = dir.path().join("run");
    let small = [
        "--set=solve.batch=8",
        "--set=checkpoint.every-steps=2",
        "--steps=2",
        "--set=sampling.completion-max-tokens=12",
    ];
    let place = format!("--out={}", out.display());
    succeed(&[&["--env", "envs/codegen.wasm", &tasks, &place], &small[..]].concat());
    let rows = crate::selfplay::sources::rows(&out, "ledger.jsonl");
    let solved: Vec<&Value> = rows.iter().filter(|row| row["purpose"] == "solve").collect();
    assert_eq!(solved.len(), 16);
    assert!(solved.iter().all(|row| row["kind"] == "function" && row["conclusion"]["verdict"]["score"] == 0.0));
    succeed(&["replay", out.to_str().unwrap()]);
}
