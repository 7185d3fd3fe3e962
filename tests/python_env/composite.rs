//! Composite programs: proposals that must build on functions from their references.

use azr_core::task::Task;
use azr_sandbox::{Context, Style};

use super::{PYTHON, compact, proposal, task, validate};

fn composing(style: Style, share: &str) -> Context {
    let settings = [("composite-share", share), ("composite-functions-max", "2")];
    PYTHON.context(style, &settings.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
}

fn prompt(ctx: &Context, references: &[Task]) -> String {
    let request = ("deduction".to_owned(), references.to_vec());
    let prompt = PYTHON.propose_prompts(ctx, &[request]).remove(0).unwrap();
    prompt.messages.into_iter().map(|message| message.content).collect()
}

fn reference() -> Task {
    task("deduction", "def f(n):\n return 1 if n < 2 else n * f(n - 1)", "4")
}

/// The program of the task, or the code of the rejection.
fn composed(program: &str) -> Result<String, String> {
    let ctx = composing(Style::Compact, "1");
    let proposal = proposal("deduction", &[reference()], format!("{program}<input>3"));
    let conclusion = validate(&ctx, &[proposal]).remove(0).conclusion;
    let task = conclusion.map_err(|rejection| rejection.code)?.task;
    let body: serde_json::Value = serde_json::from_str(&task.body).unwrap();
    Ok(format!("{} = {}", body["program"].as_str().unwrap(), body["output"].as_str().unwrap()))
}

const GIVEN: &str = "def g_0(n):\n return 1 if n < 2 else n * g_0(n - 1)";

#[test]
fn the_given_function_stands_before_the_program() {
    assert_eq!(composed("def f(a):\n return g_0(a) + 1"), Ok(format!("{GIVEN}\ndef f(a):\n return g_0(a) + 1 = 7")));
    for style in [Style::Compact, Style::Instruct] {
        let prompt = prompt(&composing(style, "1"), &[reference()]);
        assert!(prompt.contains(GIVEN), "{prompt}");
    }
}

#[test]
fn what_is_given_must_be_called_and_left_as_it_is() {
    for (program, code) in [
        ("def f(a):\n return a", "given-function-unused"),
        ("def f(a):\n return g_0", "given-function-unused"),
        ("def f(a):\n g_0(3)\n return a", "given-function-unused"),
        ("def f(a):\n return g_0(n)\nn = 3", "given-function-unused"),
        ("def h(a):\n return g_0(a)\ndef f(a):\n return h(a)", "given-function-unused"),
        ("def g_0(n):\n return n\ndef f(a):\n return g_0(a)", "given-function-redefined"),
        ("g_0 = abs\ndef f(a):\n return g_0(a)", "given-function-redefined"),
        ("def f(a, g_0=abs):\n return g_0(a)", "given-function-redefined"),
        ("def f(a):\n global g_0\n return g_0(a)", "given-function-redefined"),
        ("from math import floor as g_0\ndef f(a):\n return g_0(a)", "given-function-redefined"),
        ("def f(a):\n return [g_0(a) for g_0 in [abs]]", "given-function-redefined"),
        ("def f(a):\n match a:\n  case g_0: pass\n return g_0(a)", "given-function-redefined"),
    ] {
        let found = composed(program);
        // What cannot run is no task for that reason, whatever it calls.
        let unable = found == Err("thrown".to_owned()) || found == Err("unsupported-value".to_owned());
        assert!(found == Err(code.to_owned()) || unable, "{program}: {found:?}");
    }
    assert!(composed("def f(a):\n total = 0\n for i in range(a):\n  total += g_0(i)\n return total").is_ok());
    assert!(composed("def f(a):\n return g_0(n=[a][0])").is_ok());
}

#[test]
fn only_programs_that_are_a_function_are_given() {
    let two = task("deduction", "def h(a):\n return a\ndef f(a):\n return h(a)", "1");
    assert!(!prompt(&composing(Style::Compact, "1"), &[two]).contains("g_0"));
    assert!(!prompt(&composing(Style::Compact, "1"), &[]).contains("g_0"));
    assert!(!prompt(&composing(Style::Compact, "1"), &[task_of("def f(a):\n return a")]).contains("g_0"));
}

#[test]
fn as_many_are_composed_as_asked_for() {
    let references = (0..300).map(|number| task_of(&format!("def f(a):\n return a + {number}")));
    let prompts: Vec<(String, String)> = references
        .map(|reference| {
            (
                prompt(&composing(Style::Compact, "0.5"), std::slice::from_ref(&reference)),
                prompt(&compact(&[]), &[reference]),
            )
        })
        .collect();
    let composed = prompts.iter().filter(|(prompt, _)| prompt.contains("g_0")).count();
    assert!((110..190).contains(&composed), "{composed} of 300");
    assert!(prompts.iter().all(|(prompt, plain)| prompt == plain || prompt.contains("g_0")));
}

fn task_of(program: &str) -> Task {
    let body = serde_json::json!({ "input": "1", "output": "1", "program": program }).to_string();
    Task { kind: "deduction".into(), body: body.into() }
}
