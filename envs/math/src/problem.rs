//! Problems in the formats in which they are published.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::polynomial::Work;
use crate::value::Value;
use crate::{evaluate, extract, json};

/// A problem with its reference answer. Its JSON is one of the formats that it is read from.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    pub problem: String,
    pub answer: String,
}

impl<'de> Deserialize<'de> for Problem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Problem, D::Error> {
        let body = Box::<RawValue>::deserialize(deserializer)?;
        read(body.get(), &[]).map_err(D::Error::custom)
    }
}

/// Keys of the problem, best first. Capitals do not count.
const PROBLEMS: [&str; 4] = ["problem", "question", "prompt", "messages"];
/// Keys of the reference answer, best first.
const ANSWERS: [&str; 6] = ["answer", "final_answer", "expected_answer", "ground_truth", "reward_model", "solution"];

/// A column of a data set, and the key that it is read as.
pub struct Column<'a> {
    name: &'a str,
    key: &'a str,
}

/// The columns of a setting such as `query=problem, target=answer`.
///
/// Panics where the setting is another thing: the call is then a fault, and no line is read in a way that was not
/// meant.
pub fn columns(setting: &str) -> Vec<Column<'_>> {
    let parts = setting.split(',').map(str::trim).filter(|part| !part.is_empty());
    let column = |part| {
        let (name, key) = str::split_once(part, '=')?;
        let column = Column { name: name.trim(), key: key.trim() };
        (PROBLEMS.contains(&column.key) || ANSWERS.contains(&column.key)).then_some(column)
    };
    let wrong = |part| panic!("setting map has {part:?}; it must be a column, =, and problem, answer or solution");
    parts.map(|part| column(part).unwrap_or_else(|| wrong(part))).collect()
}

/// The problem that a line describes, or which key is wrong and why. Further keys are not looked at.
pub fn read(line: &str, columns: &[Column]) -> Result<Problem, String> {
    let mut entries = json::object(line)?;
    for Column { name, key } in columns {
        entries.retain(|(own, _)| own != key || own == name);
        let (own, _) = entries
            .iter_mut()
            .find(|(own, _)| own == name)
            .ok_or_else(|| format!("there is no column {name:?}, which the setting map names"))?;
        *own = (*key).into();
    }
    let (key, value) = found(&entries, &PROBLEMS)
        .ok_or_else(|| format!("missing field `problem`: the problem stands behind one of {}", PROBLEMS.join(", ")))?;
    let problem = text_of_prompt(value).map_err(|reason| format!("{key:?} {reason}"))?;
    let answer = reference(&entries)?;
    let answer = found(&entries, &["unit"]).and_then(|(_, unit)| with_unit(&answer, unit)).unwrap_or(answer);
    Ok(Problem { problem: bare_prompt(&problem).trim().into(), answer })
}

/// The first of the keys that has a value, and one that is not empty if there is one. The last one of two equal keys
/// counts, as in Python.
fn found<'a>(entries: &'a [(String, &'a str)], keys: &[&str]) -> Option<(&'a str, &'a str)> {
    let first = |counts: fn(&str) -> bool| {
        keys.iter().find_map(|key| {
            let present = || entries.iter().rev().filter(|(_, value)| !json::is_missing(value) && counts(value));
            let exact = present().find(|(own, _)| own == key);
            let entry = exact.or_else(|| present().find(|(own, _)| own.eq_ignore_ascii_case(key)))?;
            Some((&*entry.0, entry.1))
        })
    };
    first(|value| value != "\"\"").or_else(|| first(|_| true))
}

/// A text, or the last message of a chat that is from the user.
fn text_of_prompt(value: &str) -> Result<String, String> {
    if let Some(text) = json::string(value) {
        return Ok(text);
    }
    let wrong = || "is neither a text nor a list of messages".to_owned();
    let messages = json::list(value).map_err(|_| wrong())?;
    let user = messages.iter().rev().find_map(|message| {
        let message = json::object(message).ok()?;
        let part = |key: &str| found(&message, &[key]).and_then(|(_, text)| json::string(text));
        let content = || part("content").or_else(|| text_of_parts(found(&message, &["content"])?.1));
        part("role").is_none_or(|role| role == "user").then(content)?
    });
    user.ok_or_else(wrong)
}

/// The text in a message of several parts, which may be images, too.
fn text_of_parts(content: &str) -> Option<String> {
    let parts = json::list(content).ok()?;
    let text = |part: &&str| found(&json::object(part).ok()?, &["text"]).and_then(|(_, text)| json::string(text));
    let texts: Vec<String> = parts.iter().filter_map(text).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// A problem without the instructions that DAPO's rows put around it, which ask for another form of the answer.
fn bare_prompt(text: &str) -> &str {
    let inner = text.strip_prefix("Solve the following math problem step by step.").and_then(|rest| {
        let (_, rest) = rest.split_once("\n\n")?;
        Some(rest.rsplit_once("\n\nRemember to put your answer").map_or(rest, |(problem, _)| problem))
    });
    inner.unwrap_or(text)
}

fn reference(entries: &[(String, &str)]) -> Result<String, String> {
    let (key, value) = found(entries, &ANSWERS).ok_or_else(|| {
        format!("there is neither an answer nor a solution: the answer stands behind one of {}", ANSWERS.join(", "))
    })?;
    let lower = key.to_ascii_lowercase();
    if lower == "reward_model" {
        // An object, or one as text.
        let text = json::string(value);
        let inner = json::object(text.as_deref().unwrap_or(value))
            .map_err(|_| format!("{key:?} is no object with a ground_truth"))?;
        let (_, truth) = found(&inner, &["ground_truth"]).ok_or_else(|| format!("{key:?} has no ground_truth"))?;
        return one_or_more(truth).map_err(|reason| format!("\"ground_truth\" in {key:?} {reason}"));
    }
    if lower == "answer" {
        return one(value).map_err(|reason| format!("{key:?} {reason}"));
    }
    let text = one_or_more(value).map_err(|reason| format!("{key:?} {reason}"))?;
    if lower == "solution" && !["\\boxed", "\\fbox", "####"].iter().any(|mark| value.contains(mark.trim_matches('\\')))
    {
        return Err("there is no answer, and the solution has no \\boxed{…} that holds it".into());
    }
    Ok(text)
}

/// The answer in a text or number.
fn one(value: &str) -> Result<String, String> {
    let text = json::string(value).or_else(|| json::number(value).map(str::to_owned));
    let text = text.ok_or("is neither a text nor a number")?;
    extract::answer(&text).map(str::to_owned).map_err(|reason| format!("has no reference answer: {reason}"))
}

/// The answer in a text or number, or the answers in a list of them, which may be a text as well.
fn one_or_more(value: &str) -> Result<String, String> {
    let inner = json::string(value).filter(|text| {
        json::list(text)
            .is_ok_and(|values| !values.is_empty() && values.iter().all(|value| json::string(value).is_some()))
    });
    let value = inner.as_deref().unwrap_or(value);
    let Ok(values) = json::list(value) else { return one(value) };
    let answers: Vec<String> = values.into_iter().map(one).collect::<Result<_, _>>()?;
    if answers.is_empty() { Err("is an empty list".into()) } else { Ok(answers.join(", ")) }
}

/// A number with the unit of its line, if that is one.
fn with_unit(answer: &str, unit: &str) -> Option<String> {
    let unit = json::string(unit).filter(|unit| !unit.trim().is_empty())?;
    let work = &mut Work::new();
    let is_bare = |value: &Value| matches!(value, Value::Number { unit, .. } if unit.is_none());
    evaluate::read(answer, evaluate::Writer::Reference, work).ok().filter(is_bare)?;
    let answer = format!("{answer} \\text{{{}}}", unit.trim().trim_matches('$'));
    let measured = evaluate::read(&answer, evaluate::Writer::Reference, work).ok()?;
    matches!(measured, Value::Number { unit, .. } if unit.is_measured()).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(line: &str) -> Result<String, String> {
        read(line, &[]).map(|Problem { answer, .. }| answer)
    }

    #[test]
    fn lines_as_data_sets_have_them() {
        for (line, expected) in [
            // OlympiadBench: several answers, a unit, and what was not evaluated.
            (
                r#"{"question": "?", "final_answer": ["$2$", "$-3$"], "is_multiple_answer": true, "unit": null}"#,
                "2, -3",
            ),
            (
                r#"{"question": "?", "final_answer": ["5"], "unit": "$\\mathrm{cm}$", "answer_type": "Numerical"}"#,
                "5 \\text{\\mathrm{cm}}",
            ),
            (r#"{"question": "?", "final_answer": ["5"], "unit": "???", "error": null}"#, "5"),
            // Minerva and MATH: only a solution.
            (r#"{"problem": "?", "solution": "So $\\boxed{1+x}$.", "type": "x"}"#, "1+x"),
            // GSM8K.
            (r#"{"question": "?", "answer": "3*4=<<3*4=12>>12\n#### 12"}"#, "12"),
            // DAPO and other rows for veRL.
            (
                r#"{"prompt": [{"content": "?", "role": "user"}], "reward_model": {"ground_truth": "34", "style": ""}}"#,
                "34",
            ),
            (r#"{"prompt": [{"content": "?"}], "reward_model": "{\"ground_truth\": \"34\"}"}"#, "34"),
            (r#"{"prompt": [{"role": "user", "content": [{"type": "text", "text": "?"}]}], "answer": "5"}"#, "5"),
            (r#"{"problem": "\ud800 and \ud83d\ude00", "answer": "5"}"#, "5"),
            (r#"{"Problem": "?", "Expected_Answer": 7}"#, "7"),
            (r#"{"problem": "?", "answer": null, "solution": "\\boxed{3}"}"#, "3"),
            (r#"{"problem": "?", "answer": 1e400}"#, "1e400"),
            // Skywork-OR1: a list as a text.
            (r#"{"prompt": [{"content": "?"}], "reward_model": {"ground_truth": "[\"34\"]"}}"#, "34"),
            (r#"{"prompt": [{"content": "?"}], "reward_model": {"ground_truth": "[\"3\", \"4\"]"}}"#, "3, 4"),
            (r#"{"prompt": [{"content": "?"}], "reward_model": {"ground_truth": "[3, 4]"}}"#, "[3, 4]"),
            // Columns that are empty.
            (r#"{"problem": "", "question": "?", "answer": "", "solution": "\\boxed{3}"}"#, "3"),
            (r#"{"messages": [{"role": "user", "content": "?"}], "ground_truth": "5"}"#, "5"),
        ] {
            assert_eq!(answer(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn lines_that_cannot_be_read_say_which_key_is_wrong() {
        for (line, reason) in [
            ("[1]", "not a JSON object: '{' is missing at column 1"),
            (r#"{"problem": "?", "answer": "5""#, "not a JSON object: ',' is missing at column 31"),
            (r#"{"problem": 5, "answer": "5"}"#, "\"problem\" is neither a text nor a list of messages"),
            (
                r#"{"answer": "5"}"#,
                "missing field `problem`: the problem stands behind one of problem, question, prompt, messages",
            ),
            (r#"{"question": "?", "final_answer": []}"#, "\"final_answer\" is an empty list"),
            (r#"{"question": "?", "final_answer": ["5", {}]}"#, "\"final_answer\" is neither a text nor a number"),
            (r#"{"prompt": [{"role": "user"}], "answer": "5"}"#, "\"prompt\" is neither a text nor a list of messages"),
            (r#"{"question": "?", "reward_model": {"style": "rule"}}"#, "\"reward_model\" has no ground_truth"),
            (
                r#"{"question": "?", "reward_model": {"ground_truth": true}}"#,
                "\"ground_truth\" in \"reward_model\" is neither a text nor a number",
            ),
            (r#"{"problem": "?", "answer": true}"#, "\"answer\" is neither a text nor a number"),
        ] {
            assert_eq!(answer(line), Err(reason.into()), "{line}");
        }
    }

    #[test]
    fn columns_of_other_names() {
        let line = r#"{"query": "?", "problem": "no", "target": "5"}"#;
        let columns = columns(" query = problem, target=answer ,");
        let Problem { problem, answer } = read(line, &columns).unwrap();
        assert_eq!((&*problem, &*answer), ("?", "5"));
        let same = super::columns("content=problem, answer=answer");
        assert_eq!(
            read(r#"{"content": "?", "answer": "5", "steps": []}"#, &same).map(|read| read.answer),
            Ok("5".into())
        );
        let missing = read(r#"{"problem": "?", "target": "5"}"#, &columns).unwrap_err();
        assert_eq!(missing, "there is no column \"query\", which the setting map names");
    }

    #[test]
    fn instructions_of_dapo_are_left_out() {
        let text = "Solve the following math problem step by step. The last …\n\nWhat is 1+1?\n\nRemember to put your \
                    answer on its own line after \"Answer:\".";
        assert_eq!(bare_prompt(text), "What is 1+1?");
    }
}
