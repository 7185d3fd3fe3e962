//! Fields under other names, for data sets that call them otherwise than an environment does.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `NEW=OLD`: what a line has as OLD it also has as NEW. OLD may lead into objects and lists:
/// `answer=reward_model.ground_truth`, `problem=prompt.0.content`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mapped {
    new: String,
    old: String,
}

impl FromStr for Mapped {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((new, old)) if !new.is_empty() && !old.is_empty() => Ok(Self { new: new.into(), old: old.into() }),
            _ => Err(format!("{text:?} is not NEW=OLD, two names of fields")),
        }
    }
}

impl TryFrom<String> for Mapped {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Mapped> for String {
    fn from(Mapped { new, old }: Mapped) -> Self {
        format!("{new}={old}")
    }
}

/// A line with the new fields.
pub(crate) fn mapped(text: &str, map: &[Mapped]) -> Result<String> {
    let line: Value = serde_json::from_str(text)?;
    let Value::Object(fields) = &line else { bail!("the line is no object, so it has no fields to map") };
    let found = map.iter().map(|Mapped { new, old }| Ok((new.clone(), find(fields, &line, old)?.clone())));
    let found = found.collect::<Result<Vec<_>>>()?;
    let mut fields = fields.clone();
    fields.extend(found);
    Ok(Value::Object(fields).to_string())
}

/// A field whose name may hold dots itself.
fn find<'a>(fields: &'a Map<String, Value>, line: &'a Value, old: &str) -> Result<&'a Value> {
    let inner = || line.pointer(&format!("/{}", old.replace('~', "~0").replace('/', "~1").replace('.', "/")));
    fields.get(old).or_else(inner).with_context(|| {
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        format!("there is no field {old:?} to map; the line has: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str, pairs: &[&str]) -> Result<Value> {
        let map: Vec<Mapped> = pairs.iter().map(|pair| pair.parse().unwrap()).collect();
        Ok(serde_json::from_str(&mapped(text, &map)?)?)
    }

    #[test]
    fn fields_get_other_names() {
        let line =
            r#"{"prompt": [{"content": "1 + 1"}], "reward_model": {"ground_truth": "2"}, "a.b": 3, "a": {"b": 4}}"#;
        let found = map(line, &["problem=prompt.0.content", "answer=reward_model.ground_truth", "c=a.b"]).unwrap();
        assert_eq!((&found["problem"], &found["answer"], &found["c"]), (&"1 + 1".into(), &"2".into(), &3.into()));
        assert_eq!(found["reward_model"]["ground_truth"], "2");
        // Names are exchanged, not overwritten one after the other.
        let swapped = map(r#"{"a": 1, "b": 2}"#, &["a=b", "b=a"]).unwrap();
        assert_eq!((&swapped["a"], &swapped["b"]), (&2.into(), &1.into()));
    }

    #[test]
    fn what_cannot_be_mapped_is_said() {
        let error = map(r#"{"a": 1, "b": 2}"#, &["x=c"]).unwrap_err().to_string();
        assert!(error.contains("\"c\"") && error.ends_with("a, b"), "{error}");
        assert!(map("[1]", &["x=y"]).is_err());
        for text in ["a", "=a", "a=", ""] {
            assert!(text.parse::<Mapped>().is_err(), "{text}");
        }
    }
}
