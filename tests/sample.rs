//! `azr-host sample` and `azr-host plan`, with the embedded policy.

use serde_json::Value;

use crate::program::{run, succeed};

#[test]
fn samples_are_shown_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let results = dir.path().join("samples.jsonl").display().to_string();
    let sample = |more: &[&str]| {
        let all = [
            "sample",
            "--env=envs/python.wasm",
            "--count=6",
            "--attempts=2",
            "--set=sampling.completion-max-tokens=80",
        ];
        String::from_utf8(succeed(&[&all[..], more].concat()).stdout).unwrap()
    };
    let shown = sample(&["--kind=deduction", "--kind=abduction", "--show=1", "--prompts", "--results", &results]);
    for words in [
        "python/deduction, proposer: ",
        "python/abduction, solver: ",
        "<propose><deduction>",
        "  answer:",
        "well-formed",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("induction"), "{shown}");
    let rows: Vec<Value> =
        std::fs::read_to_string(&results).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let proposed: Vec<&Value> = rows.iter().filter(|row| row["role"] == "proposer").collect();
    assert_eq!(proposed.len(), 12);
    assert!(proposed.iter().any(|row| row["right"] == true), "the embedded policy proposes tasks: {proposed:?}");
    assert!(rows.iter().all(|row| row["prompt"].as_str().unwrap().starts_with('<')));

    let json = sample(&["--kind=deduction", "--json"]);
    let counted: Value = serde_json::from_str(&json).unwrap();
    let right = |row: &&Value| row["right"] == true && row["kind"] == "python/deduction" && row["role"] == "proposer";
    assert_eq!(counted["python/deduction"]["proposer"]["samples"], 6);
    assert_eq!(counted["python/deduction"]["proposer"]["right"], rows.iter().filter(right).count());

    let refused = run(&["sample", "--env=envs/python.wasm", "--kind=reduction"]);
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(message.contains("--kind reduction is none of the environment's kinds: deduction, abduction"), "{message}");
}

#[test]
fn a_plan_says_what_a_step_takes() {
    let planned = String::from_utf8(succeed(&["plan", "--prompt-tokens=40", "--completion-tokens=20"]).stdout).unwrap();
    for words in
        ["memory       at most", "sampling     ", "learning     ", "a step       ", "azr-host --env envs/python.wasm"]
    {
        assert!(planned.contains(words), "{words}: {planned}");
    }
}
