//! Error deduction: which exception escapes from a call.

use azr_core::task::Task;
use azr_sandbox::Attempt;
use serde_json::Value;

use super::{PYTHON, compact, propose, score};

/// Made by `make_programs.py`.
const PROGRAMS: &str = include_str!("programs.jsonl");

fn ending(task: &Task) -> String {
    let body: Value = serde_json::from_str(&task.body).unwrap();
    body["output"].as_str().unwrap().to_owned()
}

#[test]
fn calls_end_as_in_native_python() {
    let mut seen = std::collections::BTreeSet::new();
    for row in PROGRAMS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let (program, input) = (row["program"].as_str().unwrap(), row["input"].as_str().unwrap());
        let expected = row["exception"].as_str().unwrap_or("NoError");
        match (propose("error-deduction", program, input), expected) {
            (Ok(task), _) => assert_eq!(ending(&task), expected, "{program}\n{input}"),
            (Err(code), "DivisionByZero" | "JSONDecodeError" | "RecursionError" | "Refused" | "SyntaxError") => {
                assert_eq!(code, "other-exception", "{program}\n{input}");
            }
            (Err(code), _) => panic!("{code}: {program}\n{input}"),
        }
        seen.insert(expected.to_owned());
    }
    assert!(seen.len() > 18, "{seen:?}");
}

#[test]
fn the_answer_is_a_name() {
    let raising = propose("error-deduction", "def f(a):\n return a[3]", "[1]").unwrap();
    for (answer, right) in [
        ("IndexError", 1.0),
        (" IndexError\n", 1.0),
        ("indexerror", 0.0),
        ("'IndexError'", 0.0),
        ("IndexError()", 0.0),
        ("IndexError: list index out of range", 0.0),
        ("builtins.IndexError", 0.0),
        ("LookupError", 0.0),
        ("NoError", 0.0),
        ("1", 0.0),
        ("", 0.0),
    ] {
        assert_eq!(score(&raising, answer), right, "{answer}");
    }
    let returning = propose("error-deduction", "def f(a):\n return a[0]", "['KeyError']").unwrap();
    assert_eq!((score(&returning, "NoError"), score(&returning, "KeyError")), (1.0, 0.0));
}

#[test]
fn what_no_solver_could_know_is_no_task() {
    for (program, input, code) in [
        ("def f(a):\n raise SystemExit(a)", "1", "other-exception"),
        ("def f(a):\n raise KeyboardInterrupt", "1", "other-exception"),
        ("def f(a):\n raise BaseException", "1", "other-exception"),
        ("def f(a):\n return f(a)", "1", "other-exception"),
        ("def f(a):\n return open(a)", "'x'", "other-exception"),
        ("def f(a):\n return compile(a, '', 'eval')", "'1 +'", "other-exception"),
        ("class E(ValueError): pass\ndef f(a):\n raise E", "1", "other-exception"),
        ("def f(a):\n raise type('NoError', (Exception,), {})", "1", "other-exception"),
        (
            "class Liar(type):\n __name__ = 'KeyError'\nclass E(Exception, metaclass=Liar): pass\ndef f(a):\n raise E",
            "1",
            "other-exception",
        ),
        ("import json\ndef f(a):\n return json.loads(a)", "'{'", "other-exception"),
        ("def f(a):\n return (", "1", "refused"),
        ("import os\ndef f(a):\n return os", "1", "refused"),
        ("def g(a):\n return 1", "1", "refused"),
        ("def f(a):\n return iter(a)", "[1]", "unsupported-value"),
        ("def f(a):\n while a: pass", "1", "out-of-fuel"),
        ("n = 0\ndef f(a):\n global n\n n += 1\n return [a][n - 1]", "1", "not-deterministic"),
        ("def f(a):\n return [1, 2][[*{'a', 'b'}].index(a) * 2]", "'a'", "not-deterministic"),
        ("def f(a):\n return [*{'a', 'b'}]", "'a'", "not-deterministic"),
    ] {
        assert_eq!(propose("error-deduction", program, input), Err(code.to_owned()), "{program}");
    }
}

#[test]
fn an_answer_runs_nothing() {
    let task = propose("error-deduction", "def f(a):\n return 1 / a", "0").unwrap();
    assert_eq!(ending(&task), "ZeroDivisionError");
    let attempt = Attempt { task, completion: "ZeroDivisionError".into() };
    let judged = PYTHON.verify(&compact(&[]), &[attempt]).remove(0).unwrap();
    assert_eq!((judged.conclusion.score, judged.runs.len()), (1.0, 0));
}
