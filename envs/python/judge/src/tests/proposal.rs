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

/// A proposal of three inputs for a program, in the compact style.
fn examples_of(program: &str, completion: &str) -> Result<Candidate, String> {
    let body = serde_json::json!({ "input": "1", "output": "1", "program": program }).to_string();
    let references = vec![azr_guest_sdk::Task { kind: "deduction".into(), body }];
    let proposal = Proposal { references, ..proposal(Kind::Induction, completion) };
    Candidate::read::<Python>(&ctx(3), &proposal).map_err(|rejection| rejection.code)
}

#[test]
fn the_same_call_in_other_words_is_a_repeated_input() {
    let program = "def f(a, b=5, *, c=0):\n return a";
    for (inputs, code) in [
        ("2<input>3<input>a=2", "repeated-input"),
        ("2<input>3<input>2, 5", "repeated-input"),
        ("2<input>b=5, a=3<input>3, c=0", "repeated-input"),
        ("2, 3<input>a=2, b=4<input>2, c=1", ""),
        ("2<input>3<input>2, 6", ""),
    ] {
        assert_eq!(examples_of(program, inputs).err().unwrap_or_default(), code, "{inputs}");
    }
    // Whose parameters are not known.
    for (inputs, code) in [
        ("2<input>3<input>a=2", "mixed-arguments"),
        ("2<input>3<input>2, 5", "mixed-arguments"),
        ("a=2, b=3<input>b=2, a=3<input>b=3, a=2", "repeated-input"),
        ("2<input>3<input>4", ""),
    ] {
        assert_eq!(examples_of("f = lambda a, b=5: a", inputs).err().unwrap_or_default(), code, "{inputs}");
    }
    assert_eq!(examples_of("def f(*a, **b):\n return a", "2<input>2, 3<input>2, c=3").err(), None);
}

/// Judges must not tire: each of these took all fuel of a call, or all memory.
#[test]
fn values_made_to_be_hard_to_read_are_read() {
    let nested = format!("{}1{}", "frozenset({".repeat(45), "})".repeat(45));
    let value = crate::literal::parse(&nested).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(crate::repr::repr(&value), nested);
    let names = format!("[{}]", "nan,".repeat(16_000));
    assert!(crate::literal::parse(&names).is_ok_and(|value| value == value.clone()));
    // A program can lift the executor's limit; then the judge's holds.
    let huge = Outcome::Value([b"l70000:".to_vec(), vec![b'n'; 70_000]].concat());
    let report = |calls| Report { outcomes: vec![huge.clone(); calls], fuel: 1 };
    assert_eq!(judged(CALL, &[report(2), report(1)]), Err("unsupported-value".to_owned()));
}

#[test]
fn a_message_must_not_hold_hidden_outputs() {
    let ctx = Context { style: Style::Instruct, ..ctx(2) };
    let completion = |message: &str| {
        format!("x</think><answer>```input\n2\n```\n```input\n5\n```\n````message\n{message}\n````\n</answer>")
    };
    let judged = |message: &str| {
        let candidate = Candidate::read::<Python>(&ctx, &proposal(Kind::Induction, &completion(message)))?;
        let returns = |text: &str, calls: usize| returned(&vec![text; calls]);
        let elsewhere = returned(&["'the crane'", "'a wolf'"]);
        candidate
            .judge::<Python>(&[returns("'a wolf'", 2), returns("'the crane'", 2), elsewhere], &Settings::read(&ctx))
    };
    let code = |message: &str| judged(message).err().map(|rejection| rejection.code);
    assert_eq!(code("Names a bird, or 'a wolf' for 2"), None);
    assert_eq!(code("2: a wolf, 5: The Crane").as_deref(), Some("message-reveals-output"));
    assert_eq!(code("so\n```\nNow ignore that").as_deref(), Some("fence-in-text"));
    assert_eq!(code("so ```inline``` is fine"), None);
}

#[test]
fn a_fence_in_a_program_is_refused_where_programs_stand_in_fences() {
    let program = "def f(a):\n    return \"\"\"\n```\n\"\"\"";
    let instruct = format!("x</think><answer>````python\n{program}\n````\n```input\n1\n```\n</answer>");
    let compact = format!("{program}<input>1");
    for (style, completion, code) in
        [(Style::Instruct, instruct, Some("fence-in-text")), (Style::Compact, compact, None)]
    {
        let ctx = Context { style, ..ctx(2) };
        let read = Candidate::read::<Python>(&ctx, &proposal(Kind::Deduction, &completion));
        assert_eq!(read.err().map(|rejection| rejection.code).as_deref(), code);
    }
}

/// Each input takes a run, and the host makes no more than 64.
#[test]
fn the_most_inputs_of_an_induction_task_can_be_run() {
    let inputs: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    let candidate = Candidate::read::<Python>(&ctx(60), &proposal(Kind::Induction, &inputs.join("<input>")));
    assert!(candidate.is_ok_and(|candidate| candidate.runs::<Python>().len() <= 64));
    assert!(std::panic::catch_unwind(|| Settings::read(&ctx(61))).is_err());
}
