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
        assert_eq!(imported(&line, &[("asserts", "accept")]).unwrap().kind, kind.into());
        let [right, wrong]: [String; 2] = reasons(&line, &[right, wrong]).try_into().unwrap();
        assert_eq!(right, "right", "{line}");
        assert_ne!(wrong, "right", "{line}");
    }
}

/// Lines that people make of published ones: without keys that say nothing of theirs, with lists where texts of lists are.
#[test]
fn formats_are_read_with_less_and_with_lists() {
    let mut evalplus = eval_plus("Own/1", "def g(a):\n", "    return 2 * a\n", json!([[1], [2]]));
    evalplus.as_object_mut().unwrap().retain(|key, _| key != "atol" && key != "plus_input");
    let doubling = "def g(a):\n    return 2 * a";
    assert_eq!(
        reasons(&evalplus, &[doubling, "def g(a):\n    return 2"]),
        ["right", "input 2: another result than the reference solution's"]
    );
    let mut live = live_code_bench(None, &[("1", "2")]);
    live["private_test_cases"] = json!([{ "input": "3", "output": "6", "testtype": "stdin" }]);
    live["public_test_cases"] = serde_json::from_str(live["public_test_cases"].as_str().unwrap()).unwrap();
    let said = reasons(&live, &["print(2 * int(input()))", "print(2)"]);
    assert_eq!(said, ["right", "test 2: line 1 of the output is another one"]);
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
        (evalplus("base_input", json!(1)), "not-a-task: key \"base_input\": column 1: expected a list"),
        (evalplus("plus_input", json!(1)), "not-a-task: key \"plus_input\": column 1: expected a list"),
        (evalplus("canonical_solution", Value::Null), "not-a-task: missing key \"canonical_solution\""),
        (live("public_test_cases", "?"), "public_test_cases: expected value"),
        (live("private_test_cases", "????"), "neither JSON nor packed JSON"),
        (live("private_test_cases", "eJwDAAAAAAE="), "neither JSON nor packed JSON: not a pickled text"),
        (live("metadata", "{"), "not-a-task: key \"metadata\": column 2: expected a key"),
        (json!({ "inputs": ["1"], "outputs": [], "question": "?" }), "it has 1 inputs and 0 outputs"),
        (json!({ "inputs": [true], "outputs": ["1"], "question": "?" }), "inputs and outputs must be texts"),
        (json!({ "inputs": ["1"], "outputs": ["1"] }), "none of the keys question, problem and prompt"),
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

/// Lines that Python's `json` writes and other readers refuse, with what nobody asked for beside it.
#[test]
fn lines_are_read_as_python_writes_them() {
    let line = r#"{"task_id": "HumanEval/7", "prompt": "def g(a, b):\n", "entry_point": "g", "atol": 0, "difficulty": NaN,
        "canonical_solution": "    return a if a < b else b\n", "base_input": [[1, 2]],
        "plus_input": [[-Infinity, 3.5], [Infinity, 1e400], [123456789012345678901234567890, 0.1]], "contract": ""}"#;
    let task = CODEGEN.import_tasks(&context(&[]), &[line.replace('\n', "")]).remove(0).unwrap().unwrap();
    let body: Value = serde_json::from_str(&task.body).unwrap();
    let inputs = ["[1, 2]", "[-Infinity, 3.5]", "[Infinity, 1e400]", "[123456789012345678901234567890, 0.1]"];
    assert_eq!(body["inputs"], json!(inputs));
    assert_eq!(body["base_count"], 1);
    let completion = "Easy.</think>\n<answer>\n```python\ndef g(a, b):\n    return min(b, a)\n```".to_owned();
    let verdict = CODEGEN.verify(&context(&[]), &[Attempt { task, completion }]).remove(0).unwrap().conclusion;
    assert_eq!((verdict.score, &*verdict.reason), (1.0, "right"));
}

/// APPS and TACO, and what PRIME and veRL make of them.
#[test]
fn rows_with_lists_of_inputs_and_outputs_are_read() {
    let stdin = json!({ "inputs": ["1\n", ["2", "3"]], "outputs": ["2\n", ["4"]] });
    let method = json!({ "fn_name": "g", "inputs": [[[1, 2], "x"], [[3], "y"]], "outputs": [[[1, 2]], [[3]]] });
    let chat = json!([{ "role": "system", "content": "Think." }, { "role": "user", "content": "Double it." }]);
    let doubling = "print(2 * int(input()))";
    let first = "class Solution:\n    def g(self, a, b):\n        return a";
    for (row, kind, right, wrong) in [
        (
            json!({ "question": "?", "inputs": stdin["inputs"], "outputs": stdin["outputs"] }),
            "stdin",
            doubling,
            "print(2)",
        ),
        (
            json!({ "question": "?", "input_output": stdin.to_string(), "difficulty": "hard" }),
            "stdin",
            doubling,
            "print(2)",
        ),
        (json!({ "problem": "?", "input_output": method.to_string() }), "method", first, "def g(a, b): return b"),
        (json!({ "problem": "?", "input_output": stdin }), "stdin", doubling, "print(2)"),
        (
            json!({ "prompt": chat, "reward_model": json!({ "ground_truth": method }).to_string() }),
            "method",
            first,
            "def g(a, b): return b",
        ),
        (
            json!({ "question": "?", "fn_name": "g", "inputs": ["[1, 2]\n\"x\""], "outputs": ["[1, 2]"] }),
            "method",
            first,
            "def g(a, b): return b",
        ),
        (json!({ "question": "?", "inputs": ["1\n"], "outputs": [2] }), "stdin", doubling, "print(3)"),
        (
            json!({ "prompt": chat, "reward_model": { "ground_truth": method.to_string(), "style": "rule" } }),
            "method",
            first,
            "def g(a, b): return b",
        ),
    ] {
        let task = imported(&row, &[]).unwrap();
        assert_eq!(*task.kind, *kind, "{row}");
        let [right, wrong]: [String; 2] = reasons(&row, &[right, wrong]).try_into().unwrap();
        assert_eq!(right, "right", "{row}");
        assert_ne!(wrong, "right", "{row}");
    }
    let row = json!({ "prompt": chat, "reward_model": { "ground_truth": stdin.to_string() } });
    assert!(imported(&row, &[]).unwrap().body.contains("Double it."));
    // The ground truth of a question of mathematics.
    let other = json!({ "prompt": chat, "reward_model": { "ground_truth": "42" } });
    assert!(imported(&other, &[]).unwrap_err().starts_with("unknown-format"));
}
