//! Lines of data sets. The table in the crate's documentation says which key means what.

use azr_guest_sdk::{Rejection, rejection};
use coding_judge::json::{self, Line, not_a_task};

use crate::problem::{Asserts, Function, Method, Problem, Stdin};
use crate::published::{PublishedTests, Test};
use crate::rows;
use crate::settings::Settings;

pub fn problem(line: &str, settings: &Settings) -> Result<Problem, Rejection> {
    let line = Line::read(line)?;
    if line.has("base_input") {
        return function(&line, settings);
    }
    if line.has("question_content") {
        return live_code_bench(&line);
    }
    if let Some(problem) = rows::problem(&line)? {
        return Ok(problem);
    }
    if !line.has("test") && !line.has("test_list") {
        return Err(rejection("unknown-format", unknown(&line)));
    }
    if let Some(language) = other_language(&line) {
        return Err(rejection("other-language", format!("it is in {language}, and solutions are run as Python here")));
    }
    if !settings.accept_asserts {
        return Err(rejection(
            "asserts",
            "its assertions run in the interpreter of the solution, which can tamper with them; take EvalPlus's own release, \
             with base_input, or accept that with the setting asserts=accept",
        ));
    }
    Ok(Problem::Asserts(asserts(&line)?))
}

fn unknown(line: &Line) -> String {
    let keys = line.keys().collect::<Vec<_>>().join(", ");
    let lists = ["input_output", "reward_model"].into_iter().find(|key| line.keys().any(|own| own == *key));
    let lists = lists.map_or(String::new(), |key| format!(", which are not in its {key}"));
    format!(
        "keys of no known format: {keys}; known are lines of EvalPlus (with base_input), LiveCodeBench (with \
         question_content), APPS, TACO and veRL (with inputs and outputs, in input_output or reward_model as \
         well{lists}), HumanEval (with test) and MBPP (with test_list)"
    )
}

/// The language of a line that is not for Python, as HumanEval-X and MultiPL-E say it.
fn other_language(line: &Line) -> Option<String> {
    const OF_HUMAN_EVAL_X: [&str; 5] = ["CPP", "Go", "Java", "JavaScript", "Rust"];
    let language = line.text("language").ok().filter(|language| !language.to_lowercase().starts_with("py"));
    let prefix = || Some(line.text("task_id").ok()?.split_once('/')?.0.to_owned());
    language.or_else(|| prefix().filter(|prefix| OF_HUMAN_EVAL_X.contains(&&**prefix)))
}

/// A line of HumanEvalPlus.jsonl or MbppPlus.jsonl.
fn function(line: &Line, settings: &Settings) -> Result<Problem, Rejection> {
    let (entry_point, task_id, prompt) = (line.text("entry_point")?, line.text("task_id")?, line.text("prompt")?);
    if let Some((_, why)) = SLOW_REFERENCES.iter().find(|(name, _)| *name == task_id) {
        return Err(rejection("slow-reference", *why));
    }
    // Lines of others in this format leave out what says nothing of theirs.
    let atol = line.raw("atol").unwrap_or("0");
    let near = atol.parse().ok().filter(|atol: &f64| atol.is_finite() && *atol >= 0.0);
    let atol = near.ok_or_else(|| not_a_task(format!("atol is {atol}, wanted a number from 0")))?;
    let base = line.items("base_input")?;
    let plus = match line.raw("plus_input") {
        // An empty one is published as an object.
        None | Some("{}") => Vec::new(),
        Some(_) => line.items("plus_input")?,
    };
    let plus = if settings.plus_inputs { plus } else { Vec::new() };
    let base_count = (!base.is_empty() && !plus.is_empty()).then_some(base.len());
    let inputs: Vec<String> = base.into_iter().chain(plus).map(String::from).collect();
    if inputs.is_empty() {
        return Err(not_a_task("it has no inputs"));
    }
    if let Some(input) = inputs.iter().position(|input| !input.starts_with('[')) {
        return Err(not_a_task(format!("input {} is no list of arguments", input + 1)));
    }
    let question = format!("Write a Python function `{entry_point}`:\n\n```python\n{}\n```", prompt.trim());
    let reference = prompt + &line.text("canonical_solution")?;
    Ok(Problem::Function(Function { atol, base_count, entry_point, inputs, question, reference, task_id }))
}

/// Tasks whose published reference solution does not come to its end within what this environment asks for.
const SLOW_REFERENCES: [(&str, &str); 2] = [
    (
        "Mbpp/255",
        "its reference solution returns 1,663,740 tuples of 77 items for one input, which takes too much memory",
    ),
    ("Mbpp/599", "its reference solution adds up 10**8 numbers for each of several inputs, which takes too long"),
];

/// A line of LiveCodeBench's code_generation_lite.
fn live_code_bench(line: &Line) -> Result<Problem, Rejection> {
    // The text of a list, or the list.
    let list = |key| match line.required(key)? {
        raw if raw.starts_with('[') => Ok(raw.to_owned()),
        _ => line.text(key),
    };
    let tests = PublishedTests { private: list("private_test_cases")?, public: list("public_test_cases")? };
    let read = tests.read().map_err(not_a_task)?;
    let question = line.text("question_content")?;
    // The text of an object, or the object.
    let metadata = match line.raw("metadata") {
        Some("\"\"") | None => "{}".to_owned(),
        Some(raw) if raw.starts_with('"') => line.text("metadata")?,
        Some(raw) => raw.to_owned(),
    };
    let of_metadata = |Rejection { code, message }| Rejection { code, message: format!("key \"metadata\": {message}") };
    let entry_point = Line::read(&metadata).and_then(|metadata| metadata.optional_text("func_name"));
    Ok(match entry_point.map_err(of_metadata)? {
        Some(entry_point) => {
            ensure_calls(&read)?;
            let starter_code = line.optional_text("starter_code")?.unwrap_or_default();
            Problem::Method(Method { entry_point, question, starter_code, tests })
        }
        None if read.iter().any(|test| test.testtype.as_deref() == Some("functional")) => {
            return Err(not_a_task("its tests call a function, and metadata has no func_name"));
        }
        None => {
            ensure_outputs(&read)?;
            Problem::Stdin(Stdin { question, tests })
        }
    })
}

/// Whether tests are calls: an argument in each line of the input, and a result.
pub fn ensure_calls(tests: &[Test]) -> Result<(), Rejection> {
    if tests.is_empty() {
        return Err(not_a_task("it has no tests"));
    }
    for (number, Test { input, output, .. }) in (1..).zip(tests) {
        let wrong = |what| move |why| not_a_task(format!("test {number}: its {what} is not JSON: {why}"));
        input.split('\n').try_for_each(|argument| json::value(argument).map(|_| ())).map_err(wrong("input"))?;
        json::value(output).map_err(wrong("output"))?;
    }
    Ok(())
}

/// Whether a program must write something to pass.
pub fn ensure_outputs(tests: &[Test]) -> Result<(), Rejection> {
    match tests.iter().all(|Test { output, .. }| output.trim().is_empty()) {
        _ if tests.is_empty() => Err(not_a_task("it has no tests")),
        true => Err(not_a_task("all its outputs are empty, so that a program that does nothing would be right")),
        false => Ok(()),
    }
}

/// A line of HumanEval or MBPP.
fn asserts(line: &Line) -> Result<Asserts, Rejection> {
    let prompt = line.text(if line.has("text") { "text" } else { "prompt" })?;
    let (entry_point, test_list) = (line.optional_text("entry_point")?, line.texts("test_list")?);
    let question = match &entry_point {
        Some(name) => format!("Write a Python function `{name}`:\n\n```python\n{}\n```", prompt.trim()),
        None => {
            let shown = test_list.join("\n");
            format!("{}\n\nIt must pass assertions such as these:\n\n```python\n{shown}\n```", prompt.trim())
        }
    };
    let mut tests = match line.optional_text("test")? {
        Some(test) => test,
        None => {
            let setup = line.optional_text("test_setup_code")?.unwrap_or_default();
            [line.texts("test_imports")?, vec![setup], test_list].concat().join("\n")
        }
    };
    if let Some(name) = entry_point.filter(|_| tests.lines().any(|line| line.starts_with("def check("))) {
        tests += &format!("\n\ncheck({name})");
    }
    if !["assert", "raise"].iter().any(|word| tests.contains(word)) || !tests.lines().any(does_something) {
        return Err(not_a_task(
            "no assertion of its tests is ever made, so that every program would be right; they must make them, or define \
             a function `check` and name the solution in entry_point",
        ));
    }
    Ok(Asserts { question, tests })
}

/// Whether a line of a program, not indented, begins something else than a definition: an assertion, a loop, a call.
fn does_something(line: &str) -> bool {
    let end = line.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(line.len());
    match line.split_at(end) {
        ("assert" | "for" | "while" | "with" | "try", _) => true,
        ("if", condition) => !condition.contains("__name__"),
        (name, rest) => !name.is_empty() && rest.starts_with('('),
    }
}

/// The text of a JSON text, of a list of lines, or of a number; none of anything else.
pub fn lines(raw: &str) -> Option<String> {
    match raw.starts_with('[') {
        true => json::items(raw)
            .ok()?
            .into_iter()
            .map(json::string)
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .map(|l| l.join("\n")),
        false => json::string(raw).ok().or_else(|| raw.parse::<f64>().is_ok().then(|| raw.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(line: &str) -> Result<Problem, String> {
        let settings = Settings {
            accept_asserts: true,
            plus_inputs: true,
            template: coding_judge::settings::Template::Chat,
            protocol: azr_guest_sdk::Protocol::Azr,
        };
        problem(line, &settings).map_err(|Rejection { code, message }| format!("{code}: {message}"))
    }

    fn with(line: &str, key: &str, value: &str) -> String {
        line.replacen('{', &format!("{{{key:?}: {value}, "), 1)
    }

    const HUMAN_EVAL: &str = r#"{"prompt": "def g(a):\n"}"#;
    const CHECK: &str = r#""def check(candidate):\n    assert candidate(1) == 2\n""#;
    const EVAL_PLUS: &str =
        r#"{"task_id": "Own/1", "entry_point": "g", "prompt": "def g(a):\n", "canonical_solution": "    return a\n"}"#;
    const LIVE: &str = r#"{"question_content": "?", "public_test_cases": "[]"}"#;

    #[test]
    fn tests_that_every_program_passes_are_refused() {
        let no_assertion = "not-a-task: no assertion of its tests is ever made";
        let unittest = r#""import unittest\nclass TestCases(unittest.TestCase):\n    def test_1(self):\n        self.assertEqual(g(1), 2)\n""#;
        for line in [
            with(HUMAN_EVAL, "test", CHECK),
            with(&with(HUMAN_EVAL, "test", CHECK), "entry_point", "null"),
            with(&with(HUMAN_EVAL, "test", unittest), "entry_point", "\"g\""),
            with(HUMAN_EVAL, "test", r#""def test_g():\n    assert g(1) == 2\n""#),
            with(HUMAN_EVAL, "test", "\"\""),
            with(HUMAN_EVAL, "test_list", "[]"),
            with(HUMAN_EVAL, "test_list", r#"["print(g(1))"]"#),
        ] {
            let said = imported(&line).unwrap_err();
            assert!(said.starts_with(no_assertion), "{line}: {said}");
        }
        for outputs in ["[\"\"]", "[\"\\n\", \" \"]"] {
            let inputs = outputs.replace("\"\\n\"", "\"1\"");
            let line = format!(r#"{{"question": "?", "inputs": {inputs}, "outputs": {outputs}}}"#);
            assert!(imported(&line).unwrap_err().starts_with("not-a-task: all its outputs are empty"), "{line}");
        }
        let blank = with(LIVE, "private_test_cases", r#"[{"input": "1", "output": ""}]"#);
        assert!(imported(&blank).unwrap_err().starts_with("not-a-task: all its outputs are empty"));
    }

    #[test]
    fn assertions_are_made_in_the_ways_of_the_data_sets() {
        for (line, tests_end) in [
            (with(&with(HUMAN_EVAL, "test", CHECK), "entry_point", "\"g\""), "\n\ncheck(g)"),
            (with(&with(HUMAN_EVAL, "test", r#""assert g(1) == 2""#), "entry_point", "\"g\""), "assert g(1) == 2"),
            // HumanEval-X, and the Hugging Face edition of MBPP+.
            (with(HUMAN_EVAL, "test", r#""def check(g):\n    assert g(1) == 2\n\ncheck(g)\n""#), "check(g)\n"),
            (
                with(
                    HUMAN_EVAL,
                    "test",
                    r#""def assertion(a, b):\n    assert a == b\n\nfor i in [1]:\n    assertion(g(i), 2)""#,
                ),
                "2)",
            ),
        ] {
            let Problem::Asserts(Asserts { tests, .. }) = imported(&line).unwrap() else { panic!("{line}") };
            assert!(tests.ends_with(tests_end), "{tests}");
        }
    }

    #[test]
    fn tests_that_no_program_passes_are_refused() {
        let method = with(LIVE, "metadata", r#"{"func_name": "g"}"#);
        let test = |input: &str, output: &str| format!(r#"[{{"input": {input}, "output": {output}}}]"#);
        let functional = r#"[{"input": "1", "output": "2", "testtype": "functional"}]"#;
        for (line, expected) in [
            (
                with(&method, "private_test_cases", &test("\"1\"", "\"True\"")),
                "test 1: its output is not JSON: column 1: expected a value, found `T`",
            ),
            (with(&method, "private_test_cases", &test("\"\"", "\"1\"")), "test 1: its input is not JSON"),
            (with(LIVE, "private_test_cases", functional), "its tests call a function, and metadata has no func_name"),
            (
                r#"{"question": "?", "fn_name": "g", "inputs": ["(1, 2)"], "outputs": ["1"]}"#.into(),
                "test 1: its input is not JSON",
            ),
            (
                with(&with(HUMAN_EVAL, "test", r#""int main() { assert(g(1) == 2); }""#), "task_id", "\"CPP/0\""),
                "other-language: it is in CPP",
            ),
            (with(&with(HUMAN_EVAL, "test", CHECK), "language", "\"js\""), "other-language: it is in js"),
            (with(EVAL_PLUS, "base_input", "[[1], 2]"), "not-a-task: input 2 is no list of arguments"),
        ] {
            let said = imported(&line).unwrap_err();
            assert!(said.contains(expected), "{line}: {said}");
        }
    }

    #[test]
    fn everything_is_near_to_nothing() {
        let line = with(EVAL_PLUS, "base_input", "[[1]]");
        for atol in ["NaN", "Infinity", "1e400", "-1", "\"x\""] {
            let said = imported(&with(&line, "atol", atol)).unwrap_err();
            assert_eq!(said, format!("not-a-task: atol is {atol}, wanted a number from 0"));
        }
        assert!(imported(&with(&line, "atol", "1e-6")).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key() {
        let live = with(LIVE, "private_test_cases", r#"[{"input": "1", "output": "2"}]"#);
        assert!(imported(&with(&live, "metadata", "\"\"")).is_ok());
        for (line, expected) in [
            (with(&live, "metadata", "\"{'a': 1}\""), "not-a-task: key \"metadata\": column 2: expected a key"),
            (r#"{"question": "?", "input_output": ""}"#.into(), "which are not in its input_output)"),
            (r#"{"prompt": [], "reward_model": {"ground_truth": "[]"}}"#.into(), "which are not in its reward_model)"),
        ] {
            let said = imported(&line).unwrap_err();
            assert!(said.contains(expected), "{line}: {said}");
        }
        // Columns of other rows.
        let null = with(&with(&live, "base_input", "null"), "inputs", "null");
        assert!(imported(&null).is_ok());
    }
}
