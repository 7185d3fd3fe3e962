//! From proposal to verdict, for every kind and style, and the programs that cannot be tasks.

use azr_core::task::Task;
use azr_sandbox::{Outcome, Style, Thrown};

use super::{PYTHON, compact, induction, instruct, outcome, proposal, propose, score, task, validate, value, verify};

#[test]
fn seeds_are_tasks_that_their_own_answers_solve() {
    for style in [Style::Compact, Style::Instruct] {
        let ctx = PYTHON.context(style, &[]).unwrap();
        let seeds = PYTHON.seeds(&ctx).unwrap();
        assert_eq!(
            seeds.iter().map(|seed| &*seed.kind).collect::<Vec<_>>(),
            ["deduction", "abduction", "induction", "error-deduction"]
        );
        for seed in &seeds {
            let body: serde_json::Value = serde_json::from_str(&seed.body).unwrap();
            let answer = match (&*seed.kind, style) {
                ("induction", Style::Compact) => body["program"].as_str().unwrap().to_owned(),
                ("error-deduction", _) => "NoError".to_owned(),
                ("induction", Style::Instruct) => format!("```python\n{}\n```", body["program"].as_str().unwrap()),
                _ => "'Hello world'".to_owned(),
            };
            let completion = match style {
                Style::Compact => answer,
                Style::Instruct => format!("so</think>\n<answer>{answer}</answer>"),
            };
            let verdict = verify(&ctx, seed, &completion).conclusion;
            assert_eq!((verdict.score, verdict.well_formed), (1.0, true), "{seed:?} {}", verdict.reason);
        }
        assert_eq!(PYTHON.seeds(&ctx).unwrap(), seeds);
    }
}

/// A list of a program and an input, each in an indented block.
#[test]
fn blocks_may_be_indented() {
    let call = "x</think>\n<answer>\n1. Program\n   ```python\n   def f(a):\n       return a + 1\n   ```\n2. Input\n   \
                ```input\n   4\n   ```\n</answer>";
    let judged = validate(&instruct(), &[proposal("deduction", &[], call)]).remove(0);
    let body: serde_json::Value = serde_json::from_str(&judged.conclusion.unwrap().task.body).unwrap();
    assert_eq!((&body["program"], &body["output"]), (&"def f(a):\n    return a + 1".into(), &"5".into()));
}

#[test]
fn instruct_proposals_of_every_kind() {
    let call = "hm</think>\n<answer>\n```python\nclass A:\n    pass\n\ndef g(x):\n    return x + 1\n\ndef f(a, *, k=1):\n    \
                return [g(a)] * k\n```\n```input\n1, # one\nk=2\n```";
    for kind in ["deduction", "abduction"] {
        let accepted = validate(&instruct(), &[proposal(kind, &[], call)]).remove(0).conclusion.unwrap();
        assert!(accepted.well_formed);
        assert!(accepted.task.body.starts_with(r#"{"input":"1, k=2","output":"[2, 2]","program":"class A"#));
    }
    let reference = task("deduction", "def f(a):\n return a * 2", "1");
    let inputs: String = (0..10).map(|number| format!("```input\n{number}\n```\n")).collect();
    let completion = format!("x</think><answer>{inputs}```message\ntwice?\n```</answer>");
    let accepted =
        validate(&instruct(), &[proposal("induction", &[reference], completion)]).remove(0).conclusion.unwrap();
    let body: serde_json::Value = serde_json::from_str(&accepted.task.body).unwrap();
    assert_eq!(body["outputs"][9], "18");
    assert_eq!(body["message"], "twice?");
    let solved = "x</think><answer>```python\ndef f(a):\n    return a + a\n```</answer>";
    assert_eq!(verify(&instruct(), &accepted.task.into(), solved).conclusion.score, 1.0);
}

#[test]
fn abduction_accepts_any_input_that_leads_to_the_output() {
    let task = task("abduction", "def f(a, b=0):\n return sorted(a)[:2] + [b]", "[3, 1, 2], 5");
    for (answer, right) in [
        ("[3, 1, 2], 5", 1.0),
        ("[1, 2], b=5", 1.0),
        ("b=5, a=(2,\n 9, # comment\n 1)", 1.0),
        ("f({1, 2, 7}, 5)", 1.0),
        ("[1, 2], 5.0", 0.0),
        ("[True, 2], 5", 0.0),
        ("[1, 2]", 0.0),
        ("'ab', 5", 0.0),
        ("1", 0.0),
        ("[1, 2], 5, 6", 0.0),
        ("[1, 2], c=5", 0.0),
        ("", 0.0),
    ] {
        assert_eq!(score(&task, answer), right, "{answer}");
    }
}

#[test]
fn induction_counts_the_hidden_pairs() {
    let task = induction("def f(a):\n return a * a - 1", &["2", "3", "-4", "0"]).unwrap();
    assert_eq!(score(&task, "def f(x):\n return x ** 2 - 1"), 1.0);
    assert_eq!(score(&task, "def f(x):\n return {2: 3, 3: 8}[x]"), 0.0, "the shown pairs only");
    let partial = "def f(x):\n return 15 if x else 0";
    assert_eq!(score(&task, partial), 0.0);
    let fraction = compact(&[("induction-score", "fraction")]);
    assert_eq!(verify(&fraction, &task, partial).conclusion.score, 0.5);
    assert_eq!(score(&task, "def f(x:"), 0.0);
    assert_eq!(score(&task, "def g(x):\n return x ** 2 - 1"), 0.0);
}

#[test]
fn rejections_have_stable_codes() {
    for (program, input, code) in [
        ("def f(a:", "1", "refused"),
        ("def g(a):\n return a", "1", "refused"),
        ("f = 3", "1", "refused"),
        ("import os\ndef f(a):\n return a", "1", "refused"),
        ("def f(a):\n import random\n return a", "1", "refused"),
        ("from time import time\ndef f(a):\n return a", "1", "refused"),
        ("import datetime, math\ndef f(a):\n return a", "1", "refused"),
        ("x = 1 / 0\ndef f(a):\n return a", "1", "thrown"),
        ("def f(a):\n raise SystemExit", "1", "thrown"),
        ("def f(a):\n yield a", "1", "unsupported-value"),
        ("def f(a):\n return print", "1", "unsupported-value"),
        ("class C(int): pass\ndef f(a):\n return C(a)", "1", "unsupported-value"),
        ("def f(a):\n return [f]", "1", "unsupported-value"),
        ("def f(a):\n return range(3)", "1", "unsupported-value"),
        ("def f(a):\n return chr(0xd800)", "1", "unsupported-value"),
        ("def f(a):\n x = []\n x.append(x)\n return x", "1", "unsupported-value"),
        ("def f(a):\n return 10 ** 5000", "1", "unsupported-value"),
        ("def f(a):\n return 'x' * 10 ** 7", "1", "unsupported-value"),
        ("def f(a):\n return 'x' * 1001", "1", "too-large"),
        ("def f(a):\n while True: pass", "1", "out-of-fuel"),
        ("def f(a):\n return a", "a", "not-a-value"),
        ("def f(a):\n return a", "1 2", "not-a-value"),
        ("def f():\n return 1", "", "no-input"),
    ] {
        assert_eq!(propose("deduction", program, input).err().as_deref(), Some(code), "{program} {input}");
    }
}

#[test]
fn a_refused_import_says_what_there_is() {
    let Outcome::Refused(reason) = outcome("import numpy.linalg\ndef f(a):\n return a", "1") else { panic!() };
    assert!(reason.starts_with("module 'numpy.linalg' is not offered; these are: abc, array, "), "{reason}");
}

#[test]
fn exceptions_keep_their_name_and_text() {
    let thrown = |program: &str| match outcome(program, "1") {
        Outcome::Thrown(Thrown { name, message }) => (name, message),
        other => panic!("{other:?}"),
    };
    let (name, message) = thrown("class Odd(Exception): pass\ndef f(a):\n raise Odd('x\\ud800', 1)");
    assert_eq!((name.as_str(), message.as_str()), ("Odd", "('x\\ud800', 1)"));
    let (name, message) = thrown("class Mute(Exception):\n def __str__(self): raise self\ndef f(a):\n raise Mute()");
    assert_eq!((name.as_str(), message.as_str()), ("Mute", "(an exception whose text cannot be had)"));
    let (_, message) = thrown("def f(a):\n raise ValueError('x' * 10 ** 6)");
    assert_eq!(message.len(), 500);
    assert_eq!(thrown("def f(a):\n return f(a)").0, "RecursionError");
    assert_eq!(thrown("def f(a):\n return bytearray(10 ** 9)").0, "MemoryError");
    assert_eq!(thrown("import io\ndef f(a):\n return io.open('x', 'w')").0, "PermissionError");
    assert_eq!(thrown("def f(a):\n return input('?')").0, "RuntimeError");
    assert_eq!(thrown("def f(a):\n return open('/etc/passwd')").0, "PermissionError");
}

/// Each is data: the same sandbox goes on serving.
#[test]
fn hostile_programs_come_to_an_outcome() {
    for program in [
        "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(a):\n return f(a)",
        "def f(a):\n x = ()\n for _ in range(10 ** 6): x = (x,)\n return 1",
        "def f(a):\n x = []\n while True: x = [x] * 100",
        "import re\ndef f(a):\n return re.match('(a+)+$', 'a' * 64 + 'b')",
        "def f(a):\n return 10 ** 10 ** 8",
        "def f(a):\n while True:\n  try:\n   while True: pass\n  except BaseException: pass",
        "import sys\ndef f(a):\n sys.modules['posix']._exit(0)",
        "import gc\ndef f(a):\n return 1",
        "def f(a):\n return eval('(' * 500 + ')' * 500)",
        "import sys\ndef f(a):\n print('x' * 10 ** 6)\n sys.stdout.write(3)\n return sys.stdin",
    ] {
        let _ = outcome(program, "1");
        assert_eq!(value("def f(a):\n return a + 1", "1"), "2", "after {program}");
    }
}

/// The table of printable characters is that of the interpreter which it stands for.
#[test]
fn characters_print_as_in_the_executor() {
    let both =
        "def f(a, b):\n s = ''.join(chr(c) for c in range(a, b) if not 0xd800 <= c < 0xe000)\n return [s, repr(s)]";
    for start in (0..0x20000).step_by(0x1000).chain((0x20000..0x110000).step_by(0x10000)) {
        let end = start + 0x1000;
        let Outcome::Value(encoded) = outcome(both, &format!("{start}, {end}")) else { panic!("{start:x}") };
        // `['…', "…"]`: the second element is the repr of the first, printed once more.
        let shown = PYTHON.show_values(&[encoded]).remove(0).unwrap();
        let text = value("def f(a):\n return a[0], a[1] == repr(a[0])", &shown);
        assert!(text.ends_with(", True)"), "{start:x}");
        let native = value("def f(a):\n return repr(a[0]) in repr(a)", &shown);
        assert_eq!(native, "True");
        let printed = value("def f(a):\n return a[1]", &shown);
        assert!(shown.contains(printed.trim_matches(['\'', '"'])), "{start:x}");
    }
}

#[test]
fn prompts_come_in_both_styles() {
    let task: Task = task("deduction", "def f(a):\n return a", "[1]");
    for (style, expected) in
        [(Style::Compact, "<solve><deduction><program>def f(a)"), (Style::Instruct, "## Task: work out")]
    {
        let ctx = PYTHON.context(style, &[]).unwrap();
        let prompt = PYTHON.solve_prompts(&ctx, std::slice::from_ref(&task)).remove(0).unwrap();
        assert!(prompt.messages[0].content.starts_with(expected));
    }
}
