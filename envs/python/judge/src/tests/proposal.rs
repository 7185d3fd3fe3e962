//! Judging with reports made by hand; the real executors are in the integration tests.

use azr_guest_sdk::{Context, Outcome, Proposal, Report, Style, Thrown};
use coding_judge::kind::Kind;
use coding_judge::proposal::Candidate;
use coding_judge::settings::Settings;

use crate::Python;

fn ctx(inputs: usize) -> Context {
    let setting = |name: &str, value: String| azr_guest_sdk::Setting { name: name.into(), value };
    let settings = vec![setting("induction-inputs", inputs.to_string()), setting("value-max-chars", "40".into())];
    Context { style: Style::Compact, settings }
}

fn proposal(kind: Kind, completion: &str) -> Proposal {
    Proposal { kind: kind.name().into(), references: Vec::new(), completion: completion.into() }
}

fn returned(values: &[&str]) -> Report {
    let encode =
        |text: &&str| Outcome::Value(crate::literal::parse(text).unwrap_or_else(|error| panic!("{error}")).encode());
    Report { outcomes: values.iter().map(encode).collect(), fuel: 1 }
}

fn judged(completion: &str, reports: &[Report]) -> Result<String, String> {
    let ctx = ctx(2);
    let candidate =
        Candidate::read::<Python>(&ctx, &proposal(Kind::Deduction, completion)).map_err(|rejection| rejection.code)?;
    assert_eq!(candidate.runs::<Python>().len(), 2);
    candidate
        .judge::<Python>(reports, &Settings::read(&ctx))
        .map(|accepted| accepted.task.body)
        .map_err(|rejection| rejection.code)
}

const CALL: &str = "def f(a):\n return a<input>[1,2] # two\n";

#[test]
fn equal_values_everywhere_make_a_task() {
    let body = r#"{"input":"[1, 2]","output":"{1: 'x', 2: 0.5}","program":"def f(a):\n return a"}"#;
    let elsewhere = returned(&["{2: 0.5, 1: 'x'}"]);
    assert_eq!(judged(CALL, &[returned(&["{1:'x',2:.5}"; 2]), elsewhere]), Ok(body.to_owned()));
}

#[test]
fn unequal_values_are_not_deterministic() {
    let value = || returned(&["1", "1"]);
    let thrown = Outcome::Thrown(Thrown { name: "KeyError".into(), message: "'a'".into() });
    let mut throws_later = returned(&["1"]);
    throws_later.outcomes.push(thrown.clone());
    let throws = Report { outcomes: vec![thrown], fuel: 1 };
    for (reports, code) in [
        ([returned(&["1", "2"]), returned(&["1"])], "not-deterministic"),
        ([value(), returned(&["2"])], "not-deterministic"),
        ([value(), returned(&["True"])], "not-deterministic"),
        ([value(), returned(&["1.0"])], "not-deterministic"),
        ([throws_later, returned(&["1"])], "not-deterministic"),
        ([value(), throws.clone()], "not-deterministic"),
        ([throws.clone(), throws], "thrown"),
    ] {
        assert_eq!(judged(CALL, &reports), Err(code.to_owned()), "{reports:?}");
    }
}

#[test]
fn every_obstacle_has_its_code() {
    for (outcome, code) in [
        (Outcome::Refused("SyntaxError: invalid syntax (line 1)".into()), "refused"),
        (Outcome::Unsupported("a value of type generator".into()), "unsupported-value"),
        (Outcome::OutOfFuel, "out-of-fuel"),
        (Outcome::OutOfMemory, "out-of-memory"),
        (Outcome::StackOverflow, "stack-overflow"),
        (Outcome::Crashed("unreachable".into()), "crashed"),
    ] {
        let report = Report { outcomes: vec![outcome], fuel: 1 };
        assert_eq!(judged(CALL, &[report.clone(), report]), Err(code.to_owned()));
    }
}

/// An interpreter that its program has changed can return what no program could.
#[test]
fn outputs_that_do_not_read_back_make_no_task() {
    for bytes in [&b"garbage"[..], b"", b"e1:l0:", b"e2:i1;i1;", b"m2:i1;ni1;t", b"e2:i1;t"] {
        let report = |calls| Report { outcomes: vec![Outcome::Value(bytes.to_vec()); calls], fuel: 1 };
        assert_eq!(judged(CALL, &[report(2), report(1)]), Err("unsupported-value".to_owned()), "{bytes:?}");
    }
}

#[test]
fn what_cannot_be_a_task_is_not_run() {
    let long = format!("def f(a): 1<input>'{}'", "x".repeat(50));
    for (completion, code) in [
        ("def f(a):\n return a", "no-input"),
        ("def f(a): 1<input>", "no-input"),
        ("def f(a): 1<input># nothing", "no-input"),
        (" \n<input>1", "no-program"),
        ("def f(a): 1<input>x", "not-a-value"),
        ("def f(a): 1<input>1) or (1", "not-a-value"),
        (&long, "too-large"),
    ] {
        assert_eq!(judged(completion, &[]), Err(code.to_owned()), "{completion}");
    }
    let large = format!("'{}'", "x".repeat(40));
    assert_eq!(judged(CALL, &[returned(&[&large, &large]), returned(&[&large])]), Err("too-large".to_owned()));
}

#[test]
fn examples_are_run_apart_and_together() {
    let ctx = ctx(3);
    let read = |completion| Candidate::read::<Python>(&ctx, &proposal(Kind::Induction, completion));
    let candidate = read("1<input>'a'<input>[]").unwrap_or_else(|rejection| panic!("{rejection:?}"));
    let runs = candidate.runs::<Python>();
    let calls: Vec<(u32, usize)> = runs.iter().map(|run| (run.executor, run.inputs.len())).collect();
    assert_eq!(calls, [(0, 2), (0, 2), (0, 2), (1, 3)]);
    let first_last: Vec<&Vec<u8>> = runs[3].inputs.iter().rev().collect();
    assert_eq!(first_last, runs[..3].iter().map(|run| &run.inputs[0]).collect::<Vec<_>>());
    let reports =
        [returned(&["1", "1"]), returned(&["'a'", "'a'"]), returned(&["[]", "[]"]), returned(&["[]", "'a'", "1"])];
    let accepted =
        candidate.judge::<Python>(&reports, &Settings::read(&ctx)).unwrap_or_else(|rejection| panic!("{rejection:?}"));
    let body =
        r#"{"inputs":["1","'a'","[]"],"message":"","outputs":["1","'a'","[]"],"program":"def f(a):\n return a"}"#;
    assert_eq!(accepted.task.body, body);
    let code = |completion| read(completion).err().map(|rejection| rejection.code);
    assert_eq!(code("1<input>2<input>1 # again").as_deref(), Some("repeated-input"));
    assert_eq!(code("1<input>2<input>True").as_deref(), None);
    assert_eq!(code("1<input>2").as_deref(), Some("too-few-inputs"));
}
