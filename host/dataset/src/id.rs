//! What data sets call their tasks.

use serde_json::Value;

use crate::fields::{Fields, strict};

impl Fields<'_> {
    /// What stands behind `id`, `task_id`, `unique_id` and `question_id`, in this order. A task is called by the first:
    /// LiveCodeBench's code execution has several lines for one `question_id`.
    pub fn ids(&self) -> Vec<Value> {
        ["id", "task_id", "unique_id", "question_id"].iter().filter_map(|name| self.raw(name)).map(id).collect()
    }
}

/// A number that would lose digits is called as it is written.
fn id(raw: &str) -> Value {
    match serde_json::from_str(&strict(raw)) {
        Ok(Value::Number(number)) if number.to_string() != raw => raw.into(),
        Ok(value) => value,
        Err(_) => raw.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(line: &str) -> Vec<Value> {
        Fields::read(line).unwrap().ids()
    }

    #[test]
    fn lines_are_called_as_they_are_published() {
        for (line, expected) in [
            (r#"{"task_id": "HumanEval/0", "prompt": "def f"}"#, Some("\"HumanEval/0\"")),
            (r#"{"question_id": "2777", "id": "sample_0", "code": ""}"#, Some("\"sample_0\"")),
            (r#"{"unique_id": "test/algebra/1.json", "level": 2}"#, Some("\"test/algebra/1.json\"")),
            (r#"{"question_id": "abc300_a", "metadata": "{}"}"#, Some("\"abc300_a\"")),
            (r#"{"id": 60, "inputs": [NaN, Infinity]}"#, Some("60")),
            (r#"{"id": null, "task_id": 11}"#, Some("11")),
            (r#"{"id": 1, "id": 36893488147419103233, "answer": 1e999}"#, Some("\"36893488147419103233\"")),
            (r#"{"id": NaN, "task_id": 1.0, "question": "\ud83d"}"#, Some("1.0")),
            (r#"{"question": "How many?"}"#, None),
        ] {
            assert_eq!(ids(line).first().map(Value::to_string).as_deref(), expected, "{line}");
        }
        assert_eq!(ids(r#"{"question_id": 1, "id": 2}"#), [2, 1]);
        assert!(Fields::read("{").is_err());
    }
}
