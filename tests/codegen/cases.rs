//! `cases.jsonl`: reports from the field and variations of them, each with what it must come to.
//!
//! A line has a task, a completion and what is expected: the score, or `"fault"` where the line of the data set is to
//! blame. What is right comes from CPython, and from the benchmarks' own graders where they differ from it.

use std::{path::Path, sync::LazyLock};

use azr_core::{
    limits::{Limits, Profile},
    task::Task,
};
use azr_sandbox::{Attempt, Environment, Sandbox, SandboxConfig, Style};
use serde_json::{Value, json};

/// As `eval --suite` sets it up, with less fuel: none of the cases is a search for the last second.
static ROOMY: LazyLock<Environment> = LazyLock::new(|| {
    let limits =
        Limits { run_fuel_max: 10_000_000_000, run_output_max_bytes: 64 << 20, ..Limits::of(Profile::Benchmark) };
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let sandbox = Sandbox::new(&SandboxConfig { cache_dir, limits, ..SandboxConfig::default() });
    sandbox.unwrap().load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envs/codegen.wasm")).unwrap()
});

#[test]
fn cases_from_the_field_come_to_what_they_should() {
    let cases: Vec<Value> =
        include_str!("cases.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= 200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let attempt = |case: &Value| Attempt {
        task: Task { kind: text(&case["task"]["kind"]).into(), body: text(&case["task"]["body"]).into() },
        completion: text(&case["completion"]),
    };
    let attempts: Vec<Attempt> = cases.iter().map(attempt).collect();
    let verified = ROOMY.verify(&ROOMY.context(Style::Instruct, &[]).unwrap(), &attempts);
    let mut different = String::new();
    for (case, judged) in cases.iter().zip(verified) {
        let (found, why) = match judged {
            Ok(judged) => (json!(judged.conclusion.score), judged.conclusion.reason),
            Err(fault) => (json!("fault"), fault.to_string()),
        };
        if found != case["expect"] {
            different +=
                &format!("{}, {}: wanted {}, came {found}: {why}\n", case["case"], case["why"], case["expect"]);
        }
    }
    assert!(different.is_empty(), "\n{different}");
}

/// Whether a solution is fast enough does not depend on how many tests there are.
#[test]
fn each_test_has_fuel_of_its_own() {
    let program = "n = int(input())\ns = 0\nfor i in range(n):\n    s = (s * 31 + i) % 1000007\nprint(s)";
    for count in [8, 16, 40, 64] {
        let tests = vec![("80000", "831195"); count];
        let line = super::live_code_bench(None, &tests);
        assert_eq!(super::reasons(&line, &[program]), ["right"], "{count} tests");
    }
}
