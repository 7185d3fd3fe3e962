use azr_guest_sdk::{Outcome, Report, Style, Thrown, Verdict};
use coding_judge::attempt::{judge, plan};
use coding_judge::form::Form;
use coding_judge::problem::{Call, Examples, Problem};
use coding_judge::settings::{InductionScore, Settings};

use crate::{Python, literal};

const COMPACT: Form = Form::Own(Style::Compact);

fn call(output: &str) -> Call {
    Call { input: "1".into(), output: output.into(), program: "def f(a): return a".into() }
}

fn report(value: &str) -> Report {
    let value = literal::parse(value).unwrap_or_else(|error| panic!("{error}"));
    Report { outcomes: vec![Outcome::Value(value.encode()); 2], fuel: 1 }
}

fn deduction(output: &str, answer: &str) -> Verdict {
    let problem = Problem::Deduction(call(output));
    assert!(plan::<Python>(COMPACT, &problem, answer).is_empty());
    judge::<Python>(COMPACT, &Settings::default(), &problem, answer, &[])
}

#[test]
fn deduction_compares_values_not_texts() {
    for (output, answer) in [
        ("[1, 2]", "[1,2,]"),
        ("{'a': 1, 'b': 2}", "{\"b\": 2, 'a': 1}"),
        ("{1, 2}", "{2, 1}"),
        ("(1, 2)", "1, 2"),
        ("255", "0xff"),
        ("nan", "float('nan')"),
        ("'a'", " 'a' # a comment"),
        ("0.1", "1e-1"),
    ] {
        assert_eq!(deduction(output, answer).score, 1.0, "{output} {answer}");
    }
    for (output, answer) in [
        ("1", "True"),
        ("True", "1"),
        ("1", "1.0"),
        ("[1, 2]", "(1, 2)"),
        ("{1}", "frozenset({1})"),
        ("'1'", "1"),
        ("[1, 2]", "[2, 1]"),
        ("1", "gold_output"),
        ("1", "output"),
        ("'a'", "'a' or 1"),
        ("1", "type('E', (), {'__eq__': lambda s, o: True})()"),
        ("3", "1 + 2"),
        ("1", ""),
    ] {
        assert_eq!(deduction(output, answer).score, 0.0, "{output} {answer}");
    }
}

#[test]
fn a_bad_format_is_scored_all_the_same() {
    let verdict = deduction("5", "5<output>6");
    assert_eq!((verdict.score, verdict.well_formed, verdict.answer.as_str()), (1.0, false, "5"));
}

#[test]
fn reasons_never_hold_the_right_answer() {
    for verdict in [deduction("'SECRET'", "'other'"), deduction("'SECRET'", "no value")] {
        assert!(!verdict.reason.contains("SECRET"), "{}", verdict.reason);
    }
}

#[test]
fn abduction_runs_the_candidate_and_nothing_else() {
    let problem = Problem::Abduction(call("'SECRET'"));
    let runs = plan::<Python>(COMPACT, &problem, "f([1], k=2)");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].inputs, vec![b"u2:u1:l1:i1;m1:s1:ki2;".to_vec(); 2]);
    assert!(!format!("{runs:?}").contains("SECRET"));
    let judged = |reports: &[Report]| judge::<Python>(COMPACT, &Settings::default(), &problem, "[1], k=2", reports);
    assert_eq!(judged(&[report("'SECRET'")]).score, 1.0);
    let wrong = judged(&[report("'other'")]);
    assert_eq!(wrong.score, 0.0);
    assert!(wrong.reason.contains("'other'") && !wrong.reason.contains("SECRET"));
    let thrown = Outcome::Thrown(Thrown { name: "E".into(), message: String::new() });
    assert_eq!(judged(&[Report { outcomes: vec![thrown], fuel: 1 }]).score, 0.0);
    for attack in ["1) or True or (1", "1, *[2]", "__import__('os')", "x"] {
        assert!(plan::<Python>(COMPACT, &problem, attack).is_empty(), "{attack}");
        assert_eq!(judge::<Python>(COMPACT, &Settings::default(), &problem, attack, &[]).score, 0.0, "{attack}");
    }
}

#[test]
fn induction_tests_every_hidden_pair() {
    let examples = Examples {
        inputs: ["1", "2", "3", "4"].map(String::from).to_vec(),
        message: String::new(),
        outputs: ["10", "20", "30", "40"].map(String::from).to_vec(),
        program: "gold".into(),
    };
    let problem = Problem::Induction(examples);
    let runs = plan::<Python>(COMPACT, &problem, "def f(a): return a * 10");
    let encoded: Vec<&[u8]> = runs.iter().map(|run| run.inputs[0].as_slice()).collect();
    assert_eq!(encoded, [b"u2:u1:i3;m0:", b"u2:u1:i4;m0:"]);
    assert!(
        runs.iter().all(|run| run.inputs == vec![run.inputs[0].clone(); 2] && run.program == "def f(a): return a * 10")
    );
    let score = |outputs: [&str; 2], induction_score| {
        let settings = Settings { induction_score, ..Settings::default() };
        judge::<Python>(COMPACT, &settings, &problem, "p", &outputs.map(report)).score
    };
    assert_eq!(score(["30", "40"], InductionScore::All), 1.0);
    assert_eq!(score(["30", "41"], InductionScore::All), 0.0);
    assert_eq!(score(["30", "41"], InductionScore::Fraction), 0.5);
    assert_eq!(score(["30.0", "True"], InductionScore::Fraction), 0.0);
    let empty = judge::<Python>(COMPACT, &Settings::default(), &problem, "", &[]);
    assert_eq!((empty.score, plan::<Python>(COMPACT, &problem, "").len()), (0.0, 0));
}

/// Whatever a program makes of its interpreter: it is the program's outcome, and no fault.
#[test]
fn strange_outcomes_are_wrong_answers() {
    let problem = Problem::Abduction(call("1"));
    let value = |bytes: &[u8]| Outcome::Value(bytes.to_vec());
    let huge = Outcome::Thrown(Thrown { name: "E".into(), message: "x".repeat(1 << 20) });
    for (outcomes, reason) in [
        (vec![value(b"i1;"), value(b"i2;")], "with this input: the same call came to different results"),
        (vec![value(b"i1;"), huge.clone()], "with this input: the same call came to different results"),
        (vec![value(b"garbage"), value(b"i1;")], "with this input: not an encoded value: expected a tag at byte 0"),
        (vec![huge], &format!("with this input: the program raised E: {}", "x".repeat(1000 - 22))),
    ] {
        let verdict = judge::<Python>(COMPACT, &Settings::default(), &problem, "1", &[Report { outcomes, fuel: 1 }]);
        assert_eq!((verdict.score, verdict.reason.as_str()), (0.0, reason));
    }
}
