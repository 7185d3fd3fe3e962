//! What is read, and what is refused.

use serde_json::{Value, json};

use super::*;

#[test]
fn published_formats_are_read() {
    let evalplus =
        eval_plus("HumanEval/7", "def g(a):\n    \"\"\"Double.\"\"\"\n", "    return 2 * a\n", json!([[1], [2]]));
    let human_eval = json!({
        "task_id": "HumanEval/7", "prompt": "def g(a):\n    \"\"\"Double.\"\"\"\n", "entry_point": "g",
        "canonical_solution": "    return 2 * a\n", "test": "def check(candidate):\n    assert candidate(2) == 4\n",
    });
    let human_eval_plus = json!({
        "task_id": "HumanEval/7", "prompt": "def g(a):\n    \"\"\"Double.\"\"\"\n", "entry_point": "g",
        "canonical_solution": "    return 2 * a\n",
        "test": "import numpy as np\n\ndef check(candidate):\n    assert np.allclose(candidate(2), 4.0, rtol=1e-07, atol=1e-6)\n",
    });
    let mbpp = json!({
        "task_id": 11, "text": "Write a function g that doubles.", "code": "def g(a): return 2 * a",
        "test_setup_code": "two = 2", "test_list": ["assert g(two) == 4"], "challenge_test_list": [],
    });
    let sanitized_mbpp = json!({
        "source_file": "?", "task_id": 11, "prompt": "Write a function g that doubles.", "code": "def g(a): return 2 * a",
        "test_imports": ["import math"], "test_list": ["assert g(2) == math.floor(4.5)"],
    });
    let doubling = "def g(a):\n    return 2 * a";
    let stdin = "print(2 * int(input()))";
    let method = "class Solution:\n    def g(self, a):\n        return 2 * a";
    for (line, kind, right, wrong) in [
        (evalplus, "function", doubling, "def g(a):\n    return a"),
        (human_eval, "asserts", doubling, "def g(a):\n    return a"),
        (human_eval_plus, "asserts", doubling, "def g(a):\n    return a"),
        (mbpp, "asserts", doubling, "def g(a):\n    return a"),
        (sanitized_mbpp, "asserts", doubling, "def g(a):\n    return a"),
        (live_code_bench(None, &[("1", "2"), ("4\n", "8\n")]), "stdin", stdin, "print(2)"),
        (live_code_bench(Some("g"), &[("1", "2"), ("4", "8")]), "method", method, doubling_of_nothing()),
    ] {
        assert_eq!(imported(&line, &[("asserts", "accept")]).unwrap().kind, kind);
        let [right, wrong]: [String; 2] = reasons(&line, &[right, wrong]).try_into().unwrap();
        assert_eq!(right, "right", "{line}");
        assert_ne!(wrong, "right", "{line}");
    }
}

fn doubling_of_nothing() -> &'static str {
    "class Solution:\n    def g(self, a):\n        return 2"
}

/// base64.b64encode(zlib.compress(pickle.dumps(json.dumps([{"input": "3", "output": "6", "testtype": "stdin"}])))) in
/// CPython 3.11, as LiveCodeBench's script packs them.
#[test]
fn packed_tests_count() {
    let mut line = live_code_bench(None, &[("1", "2")]);
    line["private_test_cases"] = json!(PACKED);
    let said = reasons(&line, &["print(2 * int(input()))", "print(2)"]);
    assert_eq!(said, ["right", "test 2: line 1 of the output is another one"]);
}

const PACKED: &str = "eJxrYJlqwQABPSbR1UqZeQWlJUpWCkrGSjoKSvmlJVCuGYhbklpcUlJZkAoSKC5JycxTqo2dogcAOskSsA==";

#[test]
fn other_lines_are_refused_and_told_why() {
    let evalplus = |key: &str, value: Value| {
        let mut line = eval_plus("HumanEval/7", "def g(a):\n", "    return a\n", json!([[1]]));
        line[key] = value;
        line
    };
    let live = |key: &str, value: &str| {
        let mut line = live_code_bench(None, &[("1", "2")]);
        line[key] = json!(value);
        line
    };
    let human_eval = json!({ "task_id": "HumanEval/7", "prompt": "?", "entry_point": "g", "test": "?" });
    for (line, why) in [
        (
            json!({ "question": "How many?", "answer": "#### 1" }),
            "unknown-format: keys of no known format: answer, question",
        ),
        (evalplus("base_input", json!([])), "it has no inputs"),
        (evalplus("base_input", json!(1)), "not-a-task: invalid type"),
        (evalplus("plus_input", json!(1)), "not-a-task: invalid type"),
        (evalplus("canonical_solution", Value::Null), "not-a-task: invalid type"),
        (live("public_test_cases", "?"), "public_test_cases: expected value"),
        (live("private_test_cases", "????"), "neither JSON nor packed JSON"),
        (live("private_test_cases", "eJwDAAAAAAE="), "neither JSON nor packed JSON: not a pickled text"),
        (live("metadata", "{"), "not-a-task: EOF"),
        (human_eval, "asserts: its assertions run in the interpreter of the solution"),
    ] {
        let said = imported(&line, &[]).unwrap_err();
        assert!(said.contains(why), "{line}: {said}");
    }
}

#[test]
fn the_base_inputs_can_be_had_alone() {
    let mut line = eval_plus("HumanEval/7", "def g(a):\n", "    return a\n", json!([[1]]));
    line["plus_input"] = json!([[2], [3]]);
    let inputs = |settings: &[(&str, &str)]| {
        let body: Value = serde_json::from_str(&imported(&line, settings).unwrap().body).unwrap();
        body["inputs"].as_array().unwrap().len()
    };
    assert_eq!((inputs(&[]), inputs(&[("inputs", "base")])), (3, 1));
}
