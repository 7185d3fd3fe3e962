//! Measures of proposals, against the tools that define them.

use std::collections::BTreeMap;

use azr_core::task::Task;
use azr_sandbox::{Amount, Context, Measure, Proposal};
use serde::Deserialize;

use super::{compact, proposal, validate};

/// Made by `make_measures.py`.
const MEASURES: &str = include_str!("measures.jsonl");

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Row {
    program: String,
    input: String,
    references: Vec<String>,
    complexity: f64,
    halstead: f64,
    edit_distance: Option<f64>,
}

fn measuring() -> Context {
    compact(&[("measures", "on"), ("value-max-chars", "5000"), ("induction-inputs", "2")])
}

/// A task as a reference, of which only the program counts.
fn reference(program: &str) -> Task {
    let body = serde_json::json!({ "input": "1", "output": "1", "program": program }).to_string();
    Task { kind: "deduction".into(), body: body.into() }
}

fn measured(ctx: &Context, proposals: &[Proposal]) -> Vec<BTreeMap<String, Amount>> {
    let by_name =
        |measures: Vec<Measure>| measures.into_iter().map(|Measure { name, amount }| (name, amount)).collect();
    let accepted = validate(ctx, proposals).into_iter().zip(proposals).map(|(judged, proposal)| {
        by_name(judged.conclusion.unwrap_or_else(|rejection| panic!("{proposal:?}: {rejection:?}")).measures)
    });
    accepted.collect()
}

#[track_caller]
fn number(measures: &BTreeMap<String, Amount>, name: &str) -> f64 {
    match measures.get(name) {
        Some(Amount::Number(number)) => *number,
        other => panic!("{name}: {other:?}"),
    }
}

#[track_caller]
fn rare(measures: &BTreeMap<String, Amount>, name: &str) -> String {
    match measures.get(name) {
        Some(Amount::Rarity(text)) => text.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn agree_with_complexipy_radon_and_difflib() {
    let rows: Vec<Row> = MEASURES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() > 70);
    let proposed = |row: &Row| {
        let references: Vec<Task> = row.references.iter().map(|program| reference(program)).collect();
        proposal("deduction", &references, format!("{}<input>{}", row.program, row.input))
    };
    let found = measured(&measuring(), &rows.iter().map(proposed).collect::<Vec<_>>());
    for (row, found) in rows.iter().zip(&found) {
        let same = |name: &str, expected: f64| {
            let found = number(found, name);
            assert!((found - expected).abs() < 1e-12, "{name}: {found}, expected {expected}\n{}", row.program);
        };
        same("complexity", row.complexity);
        same("halstead", row.halstead);
        match row.edit_distance {
            Some(expected) => same("edit-distance", expected),
            None => assert!(!found.contains_key("edit-distance")),
        }
    }
}

#[test]
fn the_answer_is_what_may_be_rare() {
    let call = "def f(a):\n return a * 2<input>[ 1]";
    let kinds = ["deduction", "abduction", "error-deduction"].map(|kind| proposal(kind, &[], call));
    let answers: Vec<String> =
        measured(&measuring(), &kinds).iter().map(|found| rare(found, "answer-diversity")).collect();
    assert_eq!(answers, ["[1, 1]", "[1]", "NoError"]);
    let induction = proposal("induction", &[reference("def f(a):\n return a * 2")], "1<input>'a'");
    let found = measured(&measuring(), &[induction]).remove(0);
    assert_eq!(
        (rare(&found, "input-diversity"), rare(&found, "output-diversity")),
        ("1\n'a'".into(), "2\n'aa'".into())
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn nothing_is_measured_unless_asked_for() {
    let judged = validate(&compact(&[]), &[proposal("deduction", &[], "def f(a):\n return a<input>1")]).remove(0);
    assert_eq!((judged.conclusion.unwrap().measures.len(), judged.runs.len()), (0, 2));
}

/// A program can make itself hard to measure, but gains nothing by that: it is a text to what measures it.
#[test]
fn what_cannot_be_measured_has_nothing() {
    let long = format!("def f(a):\n x = [{}]\n return a", "a, ".repeat(4000));
    let nested = format!("def f(a):\n return {}a{}", "(".repeat(60), ")".repeat(60));
    let deep = format!("def f(a):\n return {}a", "-".repeat(900));
    for program in [&long, &deep] {
        let found = measured(
            &measuring(),
            &[proposal("deduction", &[reference("def f(a):\n return 1")], format!("{program}<input>1"))],
        );
        let numbers = ["complexity", "halstead"].map(|name| number(&found[0], name));
        assert_eq!(numbers, [0.0, 0.0], "{:.60}", program);
    }
    let found = measured(&measuring(), &[proposal("deduction", &[], format!("{nested}<input>1"))]);
    assert_eq!(number(&found[0], "complexity"), 0.0);
}

/// A program that changes its interpreter, and the tools of the measuring program in it, is measured like any other.
#[test]
fn programs_do_not_meet_what_measures_them() {
    let forgery =
        "import ast, json, math\nast.parse = ast.iter_fields = json.dumps = math.log = None\ndef f(a):\n return a";
    let honest = forgery.replace("None", "0");
    let found = [forgery, &honest].map(|program| {
        let references = [reference("def f(a):\n return a")];
        measured(&measuring(), &[proposal("deduction", &references, format!("{program}<input>1"))]).remove(0)
    });
    for name in ["complexity", "halstead"] {
        assert_eq!(number(&found[0], name), number(&found[1], name));
    }
    assert!(number(&found[0], "edit-distance") > 0.4);
}
