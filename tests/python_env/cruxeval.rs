//! Calls from data sets, in the formats of CRUXEval and of LiveCodeBench's code execution.

use serde_json::{Value, json};

use super::*;

fn imported(line: &Value, settings: &[(&str, &str)]) -> Result<Task, String> {
    let imported = PYTHON.import_tasks(&compact(settings), &[line.to_string()]).remove(0).unwrap();
    imported.map_err(|rejection| format!("{}: {}", rejection.code, rejection.message))
}

fn call() -> Value {
    json!({ "code": "def f(a, b):\n    return sorted(set(a)) * b", "input": "[3, 1, 3], b=2", "output": "[1, 3, 1, 3]", "id": "sample_1" })
}

#[test]
fn outputs_are_asked_for() {
    let task = imported(&call(), &[]).unwrap();
    assert_eq!(*task.kind, *"deduction");
    assert_eq!(
        [score(&task, "[1,3,1,3]"), score(&task, "[1, 3]"), score(&task, "sorted([1, 3]) * 2")],
        [1.0, 0.0, 0.0]
    );
}

#[test]
fn any_input_that_leads_to_the_output_is_right() {
    let task = imported(&call(), &[("imported-kind", "abduction")]).unwrap();
    assert_eq!(*task.kind, *"abduction");
    for (answer, expected) in [("[3, 1, 3], b=2", 1.0), ("f([1, 3], 2)", 1.0), ("[1, 3, 1, 3], 1", 0.0), ("[]", 0.0)] {
        assert_eq!(score(&task, answer), expected, "{answer}");
    }
}

/// As in `assert [1, 3, 1, 3] == ANSWER` and `assert f(ANSWER) == …` of CPython, but for what calls functions.
#[test]
fn answers_in_the_published_form_are_expressions() {
    let scored = |line: &Value, kind: &str, answer: &str| {
        let settings = [("protocol", "published"), ("imported-kind", kind)];
        let task = imported(line, &settings).unwrap();
        verify(&compact(&settings), &task, &format!("[ANSWER]{answer}[/ANSWER]")).conclusion.score
    };
    let mut pair = call();
    pair["output"] = json!("(('a', 1), ('b', 2))");
    for (line, kind, answer, expected) in [
        (&call(), "deduction", "[1, 3] * 2", 1.0),
        (&call(), "deduction", "[1, 3] * 3", 0.0),
        (&call(), "deduction", "f([3, 1, 3], 2)", 0.0),
        (&call(), "abduction", "f([3] * 4 + [1], 2)", 1.0),
        (&call(), "abduction", "f(list(range(1, 4, 2)), b=2)", 1.0),
        (&call(), "abduction", "f([3] * 4, 2)", 0.0),
        (&pair, "deduction", "(('a', 1), ('b', 2))", 1.0),
        (&pair, "deduction", "('a', 1), ('b', 2)", 0.0),
    ] {
        assert_eq!(scored(line, kind, answer), expected, "{kind}: {answer}");
    }
    let own = imported(&call(), &[]).unwrap();
    assert_eq!(score(&own, "[1, 3] * 2"), 0.0);
}

/// CRUXEval evaluates `f([6, 4, 2, 8, 15], lambda x: x.sort())` beside the program; here it sees none of its names.
#[test]
fn arguments_may_be_functions_in_the_published_form() {
    let line = |code: &str, output: &str| json!({ "code": code, "input": "0", "output": output, "id": "sample_1" });
    let applied = line("def f(a, g):\n    g(a)\n    return a", "[2, 4, 6]");
    let recursive = line("SECRET = 3\ndef f(n, g=None):\n    return g(n) if n < 1 else f(n - 1, g) + g(n)", "14");
    let settings = [("protocol", "published"), ("imported-kind", "abduction")];
    for (line, answer, expected) in [
        (&applied, "f([6, 4, 2], lambda x: x.sort())", 1.0),
        (&applied, "[6, 2, 4], g=lambda x: x.sort()", 1.0),
        (&applied, "[6, 4, 2], lambda x: x.reverse()", 1.0),
        (&applied, "[6, 2, 4], lambda x: x.reverse()", 0.0),
        (&applied, "[6, 4, 2], lambda x: y", 0.0),
        (&recursive, "3, lambda n: n * n", 1.0),
        (&recursive, "f(n=3, g=lambda n: n ** 2)", 1.0),
        (&recursive, "2, lambda n: n * n", 0.0),
        // Nothing of the program, no second call, nothing behind the parenthesis.
        (&recursive, "0, lambda n: SECRET * 4 + 2", 0.0),
        (&recursive, "0, lambda n: f(3, lambda m: m * m)", 0.0),
        (&recursive, "0, lambda n: 13) or (14", 0.0),
        (&recursive, "0, (lambda n: 14", 0.0),
    ] {
        let task = imported(line, &settings).unwrap();
        let judged = verify(&compact(&settings), &task, &format!("[ANSWER]{answer}[/ANSWER]"));
        assert_eq!(judged.conclusion.score, expected, "{answer}: {}", judged.conclusion.reason);
    }
    // Elsewhere an answer is literals.
    let task = imported(&applied, &[("imported-kind", "abduction")]).unwrap();
    assert_eq!(score(&task, "[6, 4, 2], lambda x: x.sort()"), 0.0);
}

#[test]
fn functions_of_other_names_are_called_by_theirs() {
    let line = json!({
        "question_id": "1", "id": "sample_0", "function_name": "double", "input": "double(a = 4)", "output": "8",
        "code": "def double(a: int) -> int:\n    return 2 * a",
    });
    assert_eq!(score(&imported(&line, &[]).unwrap(), "8"), 1.0);
    assert_eq!(score(&imported(&line, &[("imported-kind", "abduction")]).unwrap(), "4"), 1.0);
}

#[test]
fn other_lines_are_refused_and_told_why() {
    let with = |key: &str, value: &str| {
        let mut line = call();
        line[key] = json!(value);
        line
    };
    for (line, why) in [
        (
            json!({ "question": "How many?", "answer": "#### 1" }),
            "not-a-task: missing key \"code\"; this environment reads lines",
        ),
        (with("output", "deque([1])"), "not-a-value: the output is not a Python literal: line 1, column 1"),
        (with("function_name", "g"), "not-a-task: the input is not a call of g"),
    ] {
        let said = imported(&line, &[]).unwrap_err();
        assert!(said.starts_with(why), "{said}");
    }
}
