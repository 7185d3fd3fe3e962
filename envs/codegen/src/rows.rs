//! Rows that hold parallel lists of inputs and outputs: APPS, TACO, and what training frameworks such as veRL and PRIME make
//! of them.
//!
//! The lists stand in the line itself, in `input_output`, or in `reward_model.ground_truth`: an object, or one as text. Where
//! there is a `fn_name`, an input is the list of its arguments, and an output the result or a list that holds nothing else; or
//! both are texts of JSON, with an argument in each line.

use azr_guest_sdk::Rejection;
use coding_judge::json::{self, Line, not_a_task};
use serde_json::json;

use crate::import::{ensure_calls, ensure_outputs, lines};
use crate::problem::{Method, Problem, Stdin};
use crate::published::{PublishedTests, Test};

/// The problem, if the line is such a row.
pub fn problem(line: &Line) -> Result<Option<Problem>, Rejection> {
    let Some(lists) = lists(line)? else { return Ok(None) };
    let lists = Line::read(&lists)?;
    let (inputs, outputs) = (lists.items("inputs")?, lists.items("outputs")?);
    if inputs.is_empty() || inputs.len() != outputs.len() {
        let message = format!("it has {} inputs and {} outputs, wanted as many of both", inputs.len(), outputs.len());
        return Err(not_a_task(message));
    }
    let question = question(line)?;
    let pairs = inputs.into_iter().zip(outputs);
    Ok(Some(match lists.optional_text("fn_name")? {
        Some(entry_point) => {
            let starter_code = line.optional_text("starter_code")?.unwrap_or_default();
            let tests = tests(pairs.map(|(input, output)| call(input, output)), ensure_calls)?;
            Problem::Method(Method { entry_point, question, starter_code, tests })
        }
        None => Problem::Stdin(Stdin {
            question,
            tests: tests(pairs.map(|(input, output)| Some((lines(input)?, lines(output)?))), ensure_outputs)?,
        }),
    }))
}

/// The object with the lists, as text.
fn lists(line: &Line) -> Result<Option<String>, Rejection> {
    let object = |lists: &Line| lists.has("inputs") && lists.has("outputs");
    if object(line) {
        let texts = ["inputs", "outputs", "fn_name"].map(|key| line.raw(key).map(|raw| format!("{key:?}: {raw}")));
        return Ok(Some(format!("{{{}}}", texts.into_iter().flatten().collect::<Vec<_>>().join(", "))));
    }
    let held = match line.raw("input_output") {
        Some(_) => object_in(line, "input_output"),
        None => object_in(line, "reward_model").and_then(|model| object_in(&Line::read(&model).ok()?, "ground_truth")),
    };
    // Of other tasks the ground truth is a number or a text.
    Ok(held.filter(|held| Line::read(held).is_ok_and(|lists| object(&lists))))
}

/// An object behind a key, or a text that holds one.
fn object_in(line: &Line, key: &str) -> Option<String> {
    match line.raw(key)? {
        raw if raw.starts_with('{') => Some(raw.to_owned()),
        raw => json::string(raw).ok(),
    }
}

/// The question under its usual names, or what the user says in a list of messages.
fn question(line: &Line) -> Result<String, Rejection> {
    for key in ["question", "problem", "prompt"] {
        match line.raw(key) {
            Some(raw) if raw.starts_with('"') => return line.text(key),
            Some(raw) if raw.starts_with('[') => {
                let mut asked = line.items(key)?.into_iter().filter_map(|message| {
                    let message = Line::read(message).ok()?;
                    (message.text("role").ok()? == "user").then(|| message.text("content").ok()).flatten()
                });
                return asked.next_back().ok_or_else(|| not_a_task("no message of its prompt is a user's"));
            }
            _ => {}
        }
    }
    Err(not_a_task("it has none of the keys question, problem and prompt"))
}

/// One argument per line and the result, as the tests of LiveCodeBench have them.
fn call(input: &str, output: &str) -> Option<(String, String)> {
    if input.starts_with('"') {
        return Some((json::string(input).ok()?, json::string(output).ok()?));
    }
    Some((json::items(input).ok()?.join("\n"), result(output)))
}

fn result(output: &str) -> String {
    match json::items(output).ok().as_deref() {
        Some([only]) => (*only).to_owned(),
        _ => output.to_owned(),
    }
}

fn tests(
    pairs: impl Iterator<Item = Option<(String, String)>>,
    ensure: fn(&[Test]) -> Result<(), Rejection>,
) -> Result<PublishedTests, Rejection> {
    let test = |(input, output)| Test { input, output, testtype: None };
    let tests: Option<Vec<Test>> = pairs.map(|pair| pair.map(test)).collect();
    let tests =
        tests.ok_or_else(|| not_a_task("inputs and outputs must be texts, lists of lines, or with fn_name lists"))?;
    ensure(&tests)?;
    let listed: Vec<_> =
        tests.iter().map(|Test { input, output, .. }| json!({ "input": input, "output": output })).collect();
    Ok(PublishedTests { private: "[]".into(), public: json!(listed).to_string() })
}
