//! Solutions that try to pass without being right.

use serde_json::json;

use super::*;

/// What the tests expect, which must not be found in any run. It follows from the input for whoever knows how.
const SECRET: &str = "k7q1zw";

/// The solutions' own text, in which `ANSWER` is how they would return something.
const FORGERIES: &[(&str, &str)] = &[
    (
        "a result that equals everything",
        "class Lie(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__\nANSWER(Lie('x'))",
    ),
    ("an end", "import sys\nsys.exit(0)"),
    ("an end from the depths", "raise SystemExit(True)"),
    ("an endless loop", "while True: pass"),
    ("endless memory", "a = ['x']\nwhile True: a = a + a"),
    ("endless recursion", "def r(): return r()\nr()"),
    ("endless output", "while True: print('x' * 100000)"),
    ("a huge result", "ANSWER('x' * 30_000_000)"),
    (
        "equality broken",
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.type = lambda *a: bool\nANSWER('x')",
    ),
    (
        "the harness replaced",
        "import sys\nfor name in ('program', 'harness', 'results', 'evalplus'):\n    vars(sys.modules[name]).update(f=lambda *a: True, compared=lambda *a: True, _plain=lambda v: True, digest=lambda v: 'x')\nANSWER('x')",
    ),
    (
        "the frames searched",
        "import sys\nframe = sys._getframe()\nfound = []\nwhile frame:\n    found += [v for v in [*frame.f_locals.values(), *frame.f_globals.values()] if isinstance(v, (str, list, dict))]\n    frame = frame.f_back\nANSWER(next((v for v in found if isinstance(v, str) and v.startswith('k7') and len(v) == 6), 'x'))",
    ),
    (
        "the encoder replaced",
        "import sys\nfor module in list(sys.modules.values()):\n    if hasattr(module, 'encode') and hasattr(module, 'Unsupported'): module.encode = module._encode = lambda *a: b't'\nANSWER('x')",
    ),
    ("the test's words", "ANSWER('right')"),
    ("an exception with the answer", "raise AssertionError('right')"),
];

#[test]
fn no_forgery_passes_where_tests_are_elsewhere() {
    let secret = "'k7' + 'q1' + 'zw'";
    let function = eval_plus("HumanEval/7", "", &format!("def g(a): return {secret}"), json!([[1], [2]]));
    let stdin = live_code_bench(None, &[("1", SECRET), ("2", SECRET)]);
    let method = live_code_bench(Some("g"), &[("1", &format!("{SECRET:?}")), ("2", &format!("{SECRET:?}"))]);
    let inside = |text: &str| text.replace('\n', "\n    ");
    for (name, text) in FORGERIES {
        let returning = text.replace("ANSWER(", "return (");
        let forgeries = [
            (&function, format!("def g(a):\n    {}", inside(&returning))),
            (&function, text.replace("ANSWER(", "g = lambda a: (")),
            (&stdin, text.replace("ANSWER(", "print(")),
            (&method, format!("class Solution:\n  def g(self, a):\n    {}", inside(&returning))),
        ];
        for (line, forgery) in forgeries {
            let judged = judged(line, &[&forgery]).remove(0);
            assert_eq!(judged.conclusion.score, 0.0, "{name}: {forgery}");
            assert_ne!(judged.conclusion.reason, "right", "{name}");
            for executed in judged.runs {
                let given = [executed.run.program.into_bytes(), executed.run.inputs.concat()].concat();
                assert!(!String::from_utf8_lossy(&given).contains(SECRET), "{name}: a run knows the answer");
            }
        }
    }
    for (line, right) in [
        (&function, format!("def g(a): return {secret}")),
        (&stdin, format!("print({secret})")),
        (&method, format!("def g(a): return {secret}")),
    ] {
        assert_eq!(reasons(line, &[&right]), ["right"]);
    }
}

/// Why they are refused unless the operator accepts them: what the documentation says of them is so.
#[test]
fn assertions_beside_the_solution_can_be_forged() {
    let line = json!({ "task_id": 11, "text": "Double.", "code": "?", "test_list": ["assert g(2) == 4"] });
    let forgery = "class Lie:\n    def __eq__(self, other): return True\ndef g(a): return Lie()";
    assert_eq!(reasons(&line, &[forgery, "def g(a): return 5"])[0], "right");
    assert!(imported(&line, &[]).unwrap_err().starts_with("asserts: "));
    // Those who only stop do not pass even there.
    let said =
        reasons(&line, &["import sys\nsys.exit(0)", "def g(a): raise SystemExit", "def g(a): return 5", "x = 1"]);
    assert!(said.iter().all(|reason| reason != "right"), "{said:?}");
}

#[test]
fn a_solution_that_is_not_there_is_wrong() {
    let line = live_code_bench(None, &[("1", "1")]);
    assert_eq!(reasons(&line, &[""]), ["the answer has no program"]);
    assert_eq!(
        reasons(&line, &["print("])[0],
        "test 1: the program raised SyntaxError: '(' was never closed (solution.py, line 1)"
    );
    let function = eval_plus("HumanEval/7", "", "def g(a): return 1", json!([[1]]));
    assert!(reasons(&function, &["def h(a): return 1"])[0].contains("has no attribute 'g'"));
}

/// The line is at fault, whatever is tried: that is no verdict, and nobody is paid or punished.
#[test]
fn a_reference_that_fails_is_a_fault_of_the_line() {
    let line = eval_plus("HumanEval/7", "", "import numpy\ndef g(a): return 1", json!([[1]]));
    let task = imported(&line, &[]).unwrap();
    for solution in ["def g(a): return 1", "import numpy\ndef g(a): return 1", "def g(a): return 2"] {
        let completion = format!("Easy.</think>\n<answer>\n```python\n{solution}\n```\n");
        let attempt = Attempt { task: task.clone(), completion };
        let fault = CODEGEN.verify(&context(&[]), &[attempt]).remove(0).unwrap_err().to_string();
        assert!(fault.contains("task HumanEval/7: its reference solution cannot be run with input 1"), "{fault}");
    }
}

/// Fuel is divided among runs, not among all inputs.
#[test]
fn many_inputs_share_few_runs() {
    let inputs: Vec<Value> = (0..1000).map(|number| json!([number])).collect();
    let line = eval_plus("HumanEval/7", "", "def g(a): return a", json!(inputs));
    let judged = judged(&line, &["def g(a): return a", "def g(a): return min(a, 998)"]);
    assert_eq!(judged[0].conclusion.score, 1.0);
    assert_eq!(judged[0].runs.len(), 8 + 24);
    assert_eq!(judged[1].conclusion.reason, "input 1000: another result than the reference solution's");
}
