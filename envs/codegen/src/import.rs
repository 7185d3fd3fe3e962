//! Lines of data sets. The table in the crate's documentation says which key means what.

use azr_guest_sdk::{Rejection, rejection};
use coding_judge::json::{self, Line};

use crate::problem::{Asserts, Function, Method, Problem, Stdin};
use crate::published::PublishedTests;
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
        let message = format!(
            "keys of no known format: {}; known are lines of EvalPlus (with base_input), LiveCodeBench (with \
             question_content), APPS, TACO and veRL (with inputs and outputs, in input_output or reward_model as well), \
             HumanEval (with test) and MBPP (with test_list)",
            line.keys().collect::<Vec<_>>().join(", ")
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
    Ok(Problem::Asserts(asserts(&line)?))
}

/// A line of HumanEvalPlus.jsonl or MbppPlus.jsonl.
fn function(line: &Line, settings: &Settings) -> Result<Problem, Rejection> {
    let (entry_point, task_id, prompt) = (line.text("entry_point")?, line.text("task_id")?, line.text("prompt")?);
    if let Some((_, why)) = SLOW_REFERENCES.iter().find(|(name, _)| *name == task_id) {
        return Err(rejection("slow-reference", *why));
    }
    // Lines of others in this format leave out what says nothing of theirs.
    let atol = line.raw("atol").unwrap_or("0");
    let atol = atol.parse().map_err(|_| rejection("not-a-task", format!("atol is {atol}, wanted a number")))?;
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
        return Err(rejection("not-a-task", "it has no inputs"));
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
    match tests.read() {
        Ok(tests) if tests.is_empty() => return Err(rejection("not-a-task", "it has no tests")),
        Ok(_) => {}
        Err(why) => return Err(rejection("not-a-task", why)),
    }
    let question = line.text("question_content")?;
    // The text of an object, or the object.
    let metadata = match line.raw("metadata") {
        Some(raw) if raw.starts_with('"') => line.text("metadata")?,
        Some(raw) if raw.starts_with('{') => raw.to_owned(),
        _ => "{}".to_owned(),
    };
    Ok(match Line::read(&metadata)?.optional_text("func_name")? {
        Some(entry_point) => {
            let starter_code = line.optional_text("starter_code")?.unwrap_or_default();
            Problem::Method(Method { entry_point, question, starter_code, tests })
        }
        None => Problem::Stdin(Stdin { question, tests }),
    })
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
    if let Some(name) = entry_point {
        tests += &format!("\n\ncheck({name})");
    }
    Ok(Asserts { question, tests })
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
