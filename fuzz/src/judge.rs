//! What must hold for any bytes: values, literals, completions, outcomes and prompts.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Attempt, Context, Environment as _, Outcome, Proposal, Report, Run, Setting, Style, Task};
use countdown::Countdown;
use javascript_judge::JavaScript;
use math::Math;
use python_judge::{Python, PythonJudge, literal, repr::repr};
use serde_json::json;

/// Stands for what nobody but the judge may see.
const GOLD: &str = "CANARY-7f3a";

/// Every value has one encoding, and reads back from what is shown of it.
pub fn value(data: &[u8]) {
    if let Ok(value) = Value::decode(data) {
        assert_eq!(value.encode(), data, "two encodings of one value");
        assert_eq!(Value::decode(&value.canonical()).as_ref(), Ok(&value));
        let _ = repr(&value);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(value) = literal::parse(text) {
        assert_eq!(literal::parse(&repr(&value)).as_ref(), Ok(&value), "{}", repr(&value));
        assert_eq!(Value::decode(&value.encode()).as_ref(), Ok(&value));
    }
    if let Ok(arguments) = literal::parse_arguments(text) {
        let shown = arguments.print::<Python>();
        let again = literal::parse_arguments(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(again.canonical(), arguments.canonical(), "{shown}");
    }
    if let Ok(arguments) = javascript_judge::literal::parse_arguments(text) {
        let shown = arguments.print::<JavaScript>();
        let again =
            javascript_judge::literal::parse_arguments(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(again.canonical(), arguments.canonical(), "{shown}");
    }
}

/// A reference answer, and after a zero the answer of a policy: whatever they are, they are judged, and a puzzle is not
/// solved by what holds no digit.
pub fn puzzle(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (reference, answer) = text.split_once('\0').unwrap_or((&text, &text));
    let line = json!({ "answer": reference, "problem": "What is it?" }).to_string();
    let puzzle = r#"{"numbers":[3,7,8,2],"target":45}"#;
    for style in [Style::Compact, Style::Instruct] {
        let ctx = Context { style, settings: Vec::new() };
        let attempt = |task| Attempt { task, completion: answer.into() };
        if let Ok(task) = Math::import_task(&ctx, &line) {
            let score = Math::judge_answer(&ctx, &attempt(task), &[]).score;
            assert!(score == 0.0 || score == 1.0, "{score}");
        }
        let task = Countdown::import_task(&ctx, puzzle).expect("it can be solved");
        let score = Countdown::judge_answer(&ctx, &attempt(task), &[]).score;
        assert!(score == 0.0 || answer.contains('7'), "{answer} is worth {score}");
    }
}

/// A completion, and after a byte that text does not have the bytes that its programs return. The judge comes to a
/// conclusion whatever they are, a task that it accepts can be posed and judged, and no reason tells the gold.
pub fn completion(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0xff);
    let completion = String::from_utf8_lossy(parts.next().unwrap_or(&[])).into_owned();
    let returned = parts.next().unwrap_or(b"i1;");
    for style in [Style::Compact, Style::Instruct] {
        let ctx = context(style);
        for kind in ["deduction", "abduction", "induction"] {
            propose(&ctx, kind, &completion, returned);
        }
        for task in tasks("def f(a):\n return a", "1") {
            let attempt = Attempt { task, completion: completion.clone() };
            answer(&ctx, &attempt, returned);
        }
    }
}

/// Whatever a task holds, it can be posed in both styles, as a task and as a reference, and its gold is not shown.
pub fn prompt(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (program, input) = text.split_once('\0').unwrap_or((&text, "1"));
    let tasks = tasks(program, input);
    for style in [Style::Compact, Style::Instruct] {
        let ctx = context(style);
        for (number, task) in tasks.iter().enumerate() {
            let posed = PythonJudge::solve_prompt(&ctx, task);
            assert!(!posed.messages.is_empty());
            // The program of an abduction task may hold the word, if the fuzzer found it.
            let told = posed.messages.iter().any(|message| message.content.contains(GOLD));
            assert!(!told || text.contains(GOLD), "task {number} tells its gold");
            assert!(!PythonJudge::propose_prompt(&ctx, &task.kind, &tasks).messages.is_empty());
            assert_eq!(PythonJudge::subject(task), program);
        }
    }
}

fn context(style: Style) -> Context {
    let inputs = Setting { name: "induction-inputs".into(), value: "4".into() };
    Context { style, settings: vec![inputs] }
}

/// One of each kind. What the solver must find out is the gold.
fn tasks(program: &str, input: &str) -> [Task; 3] {
    let gold = format!("'{GOLD}'");
    let task = |kind: &str, body: serde_json::Value| Task { kind: kind.into(), body: body.to_string() };
    let outputs = ["1", "2", gold.as_str(), gold.as_str()];
    [
        task("deduction", json!({ "input": input, "output": gold, "program": program })),
        task("abduction", json!({ "input": gold, "output": "1", "program": program })),
        task(
            "induction",
            json!({ "inputs": ["1", "2", "3", "4"], "message": "", "outputs": outputs, "program": program }),
        ),
    ]
}

fn reports(runs: &[Run], returned: &[u8]) -> Vec<Report> {
    let report = |run: &Run| Report { outcomes: vec![Outcome::Value(returned.to_vec()); run.inputs.len()], fuel: 1 };
    runs.iter().map(report).collect()
}

fn propose(ctx: &Context, kind: &str, completion: &str, returned: &[u8]) {
    let proposal = Proposal { kind: kind.into(), references: Vec::new(), completion: completion.to_owned() };
    let Ok(runs) = PythonJudge::plan_proposal(ctx, &proposal) else { return };
    let Ok(accepted) = PythonJudge::judge_proposal(ctx, &proposal, &reports(&runs, returned)) else { return };
    assert!(!PythonJudge::solve_prompt(ctx, &accepted.task).messages.is_empty());
    let attempt = Attempt { task: accepted.task, completion: completion.to_owned() };
    answer(ctx, &attempt, returned);
}

fn answer(ctx: &Context, attempt: &Attempt, returned: &[u8]) {
    let runs = PythonJudge::plan_answer(ctx, attempt);
    let verdict = PythonJudge::judge_answer(ctx, attempt, &reports(&runs, returned));
    assert!(verdict.score == 0.0 || verdict.score == 1.0, "{}", verdict.score);
    let told = String::from_utf8_lossy(returned).contains(GOLD) || attempt.completion.contains(GOLD);
    assert!(told || !verdict.reason.contains(GOLD), "{}", verdict.reason);
}
