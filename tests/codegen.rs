//! `envs/codegen.wasm`: published formats, the benchmarks' own rules, and programs that try to pass without being right.
//! All problems are made up for these tests.

mod cases;
mod eval;
mod forgeries;
mod formats;
mod rules;

use std::path::Path;
use std::sync::LazyLock;

use azr_core::{limits::Limits, task::Task};
use azr_env::check::check;
use azr_sandbox::{Attempt, Context, Environment, Judged, Sandbox, SandboxConfig, Style, Verdict};
use serde_json::{Value, json};

static CODEGEN: LazyLock<Environment> =
    LazyLock::new(|| sandbox().load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/codegen.wasm")).unwrap());

fn sandbox() -> Sandbox {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    // Endless loops shall end soon.
    let limits = Limits { run_fuel_max: 1_000_000_000, ..Limits::default() };
    Sandbox::new(&SandboxConfig { cache_dir, limits, ..SandboxConfig::default() }).unwrap()
}

fn context(settings: &[(&str, &str)]) -> Context {
    let settings: Vec<(String, String)> =
        settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    CODEGEN.context(Style::Instruct, &settings).unwrap()
}

/// The task of a line of a data set, or why it is none.
fn imported(line: &Value, settings: &[(&str, &str)]) -> Result<Task, String> {
    let imported = CODEGEN.import_tasks(&context(settings), &[line.to_string()]).remove(0).unwrap();
    imported.map_err(|rejection| format!("{}: {}", rejection.code, rejection.message))
}

/// What is concluded about solutions of a line of a data set, assertions accepted.
fn judged(line: &Value, solutions: &[&str]) -> Vec<Judged<Verdict>> {
    let task = imported(line, &[("asserts", "accept")]).unwrap();
    let attempt = |solution: &&str| Attempt {
        task: task.clone(),
        completion: format!("Easy.</think>\n<answer>\n```python\n{solution}\n```\n"),
    };
    let attempts: Vec<Attempt> = solutions.iter().map(attempt).collect();
    CODEGEN.verify(&context(&[]), &attempts).into_iter().map(Result::unwrap).collect()
}

/// The reason for each verdict, which is "right" for a score of 1 only.
fn reasons(line: &Value, solutions: &[&str]) -> Vec<String> {
    let reason = |Judged { conclusion: Verdict { score, reason, .. }, .. }| {
        assert_eq!(score == 1.0, reason == "right", "{score}: {reason}");
        reason
    };
    judged(line, solutions).into_iter().map(reason).collect()
}

/// A line of EvalPlus's own releases.
fn eval_plus(task_id: &str, prompt: &str, solution: &str, inputs: Value) -> Value {
    json!({
        "task_id": task_id, "prompt": prompt, "entry_point": "g", "canonical_solution": solution, "contract": "",
        "base_input": inputs, "plus_input": {}, "atol": 0,
    })
}

/// A line of code_generation_lite with these inputs and outputs.
fn live_code_bench(func_name: Option<&str>, tests: &[(&str, &str)]) -> Value {
    let kind = if func_name.is_some() { "functional" } else { "stdin" };
    let tests: Vec<Value> =
        tests.iter().map(|(input, output)| json!({ "input": input, "output": output, "testtype": kind })).collect();
    let metadata = func_name.map_or(json!({}), |name| json!({ "func_name": name })).to_string();
    json!({
        "question_title": "?", "question_content": "?", "platform": "?", "question_id": "1", "difficulty": "easy",
        "starter_code": "class Solution:\n    def g(self):\n        ", "metadata": metadata,
        "public_test_cases": Value::Array(tests[..1].to_vec()).to_string(),
        "private_test_cases": Value::Array(tests[1..].to_vec()).to_string(),
    })
}

#[test]
fn the_adversary_finds_nothing() {
    for check in check(&CODEGEN, 24_000).checks {
        assert!(check.problems.is_empty(), "{check:#?}");
    }
}
