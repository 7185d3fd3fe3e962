use azr_guest_sdk::Prompt;
use azr_guest_sdk::Style::{Compact, Instruct};
use coding_judge::kind::Kind;
use coding_judge::problem::{Call, Examples, Problem};
use coding_judge::prompt;
use coding_judge::settings::{Settings, Template};

use crate::Python;

fn call() -> Call {
    Call { input: "3, k='x'".into(), output: "'OUT'".into(), program: "def f(a, k):\n return k".into() }
}

fn examples() -> Examples {
    Examples {
        inputs: ["1", "2", "3"].map(String::from).to_vec(),
        message: "HINT".into(),
        outputs: ["'one'", "'two'", "'three'"].map(String::from).to_vec(),
        program: "def f(a):\n return HIDDEN".into(),
    }
}

fn text(prompt: Prompt) -> String {
    prompt.messages.into_iter().map(|message| message.content).collect()
}

/// To the byte what the embedded policy was trained on.
#[test]
fn compact_prompts() {
    let settings = Settings::default();
    let (deduction, abduction) = (Problem::Deduction(call()), Problem::Abduction(call()));
    let induction = Problem::Induction(examples());
    let solve = |problem| text(prompt::solve::<Python>(Compact, &settings, problem));
    let program = "def f(a, k):\n return k";
    assert_eq!(solve(&deduction), format!("<solve><deduction><program>{program}<input>3, k='x'<output>"));
    assert_eq!(solve(&abduction), format!("<solve><abduction><program>{program}<output>'OUT'<input>"));
    assert_eq!(solve(&induction), "<solve><induction><input>1<output>'one'<input>2<output>'two'<program>");
    let error = Problem::ErrorDeduction(call());
    assert_eq!(solve(&error), format!("<solve><error-deduction><program>{program}<input>3, k='x'<output>"));
    let propose = |kind, references: &[Problem]| text(prompt::propose::<Python>(Compact, &settings, kind, references));
    assert_eq!(propose(Kind::Abduction, &[]), "<propose><abduction><program>");
    assert_eq!(
        propose(Kind::Deduction, &[deduction.clone(), abduction]),
        format!("<propose><deduction><program>{program}<input>3, k='x'<program>{program}<input>3, k='x'<program>")
    );
    assert_eq!(propose(Kind::Induction, &[deduction]), format!("<propose><induction><program>{program}<input>"));
}

#[test]
fn a_solver_never_sees_the_answer() {
    for style in [Compact, Instruct] {
        let solve = |problem| text(prompt::solve::<Python>(style, &Settings::default(), &problem));
        let deduction = solve(Problem::Deduction(call()));
        assert!(deduction.contains("3, k='x'") && deduction.contains("return k") && !deduction.contains("OUT"));
        let abduction = solve(Problem::Abduction(call()));
        assert!(abduction.contains("'OUT'") && abduction.contains("return k") && !abduction.contains("3, k='x'"));
        let raising = Call { output: "OverflowError".into(), ..call() };
        let error = solve(Problem::ErrorDeduction(raising));
        assert!(error.contains("3, k='x'") && error.contains("return k") && !error.contains("Overflow"));
        let induction = solve(Problem::Induction(examples()));
        assert!(induction.contains("'one'") && induction.contains("'two'"));
        assert!(!induction.contains("three") && !induction.contains("HIDDEN"));
        assert_eq!(induction.contains("HINT"), style == Instruct);
    }
}

#[test]
fn instruct_prompts_open_the_think_block() {
    for template in [Template::Chat, Template::Base] {
        let settings = Settings { template, ..Settings::default() };
        for kind in Kind::ALL {
            let prompt = prompt::propose::<Python>(Instruct, &settings, kind, &[Problem::Deduction(call())]);
            assert_eq!(prompt.prefill, "<think>");
            assert_eq!(prompt.stop, ["</answer>"]);
            let text = text(prompt);
            assert!(text.contains("return k"), "the reference is shown");
            assert_eq!(text.ends_with("Assistant: "), template == Template::Base);
        }
    }
}

/// The difficulty that a proposer is asked for is that of its own kind.
#[test]
fn each_kind_asks_for_its_own_difficulty() {
    let propose = |kind| text(prompt::propose::<Python>(Instruct, &Settings::default(), kind, &[]));
    let (deduction, abduction) = (propose(Kind::Deduction), propose(Kind::Abduction));
    assert!(deduction.contains("hard to work out the output") && !deduction.contains("find an input"));
    assert!(abduction.contains("hard to find an input") && !abduction.contains("work out the output"));
    assert!(!deduction.contains("eference"), "there is none to speak of");
    assert!(propose(Kind::Induction).contains("give 10 inputs"));
}

/// What the prompt says about modules is what the executor does.
#[test]
fn the_offered_modules_are_named() {
    let offered = include_str!("../../../executor/offered.py");
    let list =
        offered.split_once("MODULES = (").and_then(|(_, rest)| rest.split_once(')')).expect("the list is there").0;
    let names: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(names.len() > 30, "{names:?}");
    let prompt = text(prompt::propose::<Python>(Instruct, &Settings::default(), Kind::Deduction, &[]));
    assert!(prompt.contains(&format!("others cannot: {}. Put", names.join(", "))), "{prompt}");
}
