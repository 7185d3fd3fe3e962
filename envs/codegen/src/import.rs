//! Lines of data sets. The table in the crate's documentation says which key means what.

use std::collections::BTreeMap;

use azr_guest_sdk::{Rejection, rejection};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::problem::{Asserts, Function, Method, Problem, Stdin};
use crate::published::PublishedTests;
use crate::settings::Settings;

pub fn problem(line: &str, settings: &Settings) -> Result<Problem, Rejection> {
    let keys: BTreeMap<String, &RawValue> = parse(line)?;
    let has = |key| keys.contains_key(key);
    if has("base_input") {
        return function(parse(line)?, settings);
    }
    if has("question_content") {
        return live_code_bench(parse(line)?);
    }
    if !has("test") && !has("test_list") {
        let given: Vec<&str> = keys.keys().map(String::as_str).collect();
        let message = format!(
            "keys of no known format: {}; known are lines of EvalPlus (with base_input), LiveCodeBench (with \
             question_content), HumanEval (with test) and MBPP (with test_list)",
            given.join(", ")
        );
        return Err(rejection("unknown-format", message));
    }
    if !settings.accept_asserts {
        return Err(rejection(
            "asserts",
            "its assertions run in the interpreter of the solution, which can tamper with them; take EvalPlus's own release, \
             with base_input, or accept that with the setting asserts=accept",
        ));
    }
    Ok(Problem::Asserts(asserts(parse(line)?)))
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Rejection> {
    serde_json::from_str(line).map_err(|error| rejection("not-a-task", error.to_string()))
}

/// A line of HumanEvalPlus.jsonl or MbppPlus.jsonl.
#[derive(Deserialize)]
struct EvalPlus<'a> {
    atol: f64,
    #[serde(borrow)]
    base_input: Vec<&'a RawValue>,
    canonical_solution: String,
    entry_point: String,
    #[serde(borrow)]
    plus_input: &'a RawValue,
    prompt: String,
    task_id: String,
}

fn function(line: EvalPlus, settings: &Settings) -> Result<Problem, Rejection> {
    let EvalPlus { atol, base_input, canonical_solution, entry_point, plus_input, prompt, task_id } = line;
    let mut inputs: Vec<String> = base_input.iter().map(|input| input.get().to_owned()).collect();
    // An empty one is published as an object.
    if settings.plus_inputs && plus_input.get() != "{}" {
        let plus_input: Vec<&RawValue> = parse(plus_input.get())?;
        inputs.extend(plus_input.iter().map(|input| input.get().to_owned()));
    }
    if inputs.is_empty() {
        return Err(rejection("not-a-task", "it has no inputs"));
    }
    let question = format!("Write a Python function `{entry_point}`:\n\n```python\n{}\n```", prompt.trim());
    let reference = prompt + &canonical_solution;
    Ok(Problem::Function(Function { atol, entry_point, inputs, question, reference, task_id }))
}

/// A line of LiveCodeBench's code_generation_lite.
#[derive(Deserialize)]
struct LiveCodeBench {
    #[serde(default)]
    metadata: Value,
    private_test_cases: String,
    public_test_cases: String,
    question_content: String,
    #[serde(default)]
    starter_code: String,
}

fn live_code_bench(line: LiveCodeBench) -> Result<Problem, Rejection> {
    let LiveCodeBench { metadata, private_test_cases, public_test_cases, question_content: question, starter_code } =
        line;
    let tests = PublishedTests { private: private_test_cases, public: public_test_cases };
    match tests.read() {
        Ok(tests) if tests.is_empty() => return Err(rejection("not-a-task", "it has no tests")),
        Ok(_) => {}
        Err(why) => return Err(rejection("not-a-task", why)),
    }
    // The text of an object, or the object.
    let metadata: Map<String, Value> = match metadata {
        Value::String(text) => parse(&text)?,
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    Ok(match metadata.get("func_name").and_then(Value::as_str) {
        Some(name) => Problem::Method(Method { entry_point: name.into(), question, starter_code, tests }),
        None => Problem::Stdin(Stdin { question, tests }),
    })
}

/// A line of HumanEval or MBPP.
#[derive(Deserialize)]
struct Tested {
    #[serde(default)]
    entry_point: Option<String>,
    #[serde(alias = "text")]
    prompt: String,
    #[serde(default)]
    test: Option<String>,
    #[serde(default)]
    test_imports: Vec<String>,
    #[serde(default)]
    test_list: Vec<String>,
    #[serde(default)]
    test_setup_code: String,
}

fn asserts(line: Tested) -> Asserts {
    let Tested { entry_point, prompt, test, test_imports, test_list, test_setup_code } = line;
    let question = match &entry_point {
        Some(name) => format!("Write a Python function `{name}`:\n\n```python\n{}\n```", prompt.trim()),
        None => {
            let shown = test_list.join("\n");
            format!("{}\n\nIt must pass assertions such as these:\n\n```python\n{shown}\n```", prompt.trim())
        }
    };
    let mut tests = test.unwrap_or_else(|| [test_imports, vec![test_setup_code], test_list].concat().join("\n"));
    if let Some(name) = entry_point {
        tests += &format!("\n\ncheck({name})");
    }
    Asserts { question, tests }
}
