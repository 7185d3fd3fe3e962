//! Fields under other names, for data sets that call them otherwise than an environment does.

use std::{collections::BTreeMap, str::FromStr};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fields::{Fields, is_missing, items};

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

impl Mapped {
    /// The field of the line that OLD leads into.
    pub(crate) fn leads_into(&self, field: &str) -> bool {
        self.old == field || self.old.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// A line with the new fields, and without fields that are null: what is mapped to a null is not there either. All values
/// stay as they are written.
pub(crate) fn mapped(text: &str, map: &[Mapped]) -> Result<String> {
    let mut fields = Fields::read(text).context("the line is no object, so it has no fields to map")?.into_written();
    let found = map.iter().map(|Mapped { new, old }| Ok((new.clone(), find(&fields, old)?)));
    let found = found.collect::<Result<Vec<_>>>()?;
    fields.extend(found);
    let fields = fields.into_iter().filter(|(_, value)| *value != "null");
    let fields: Vec<String> = fields.map(|(name, value)| format!("{}: {value}", Value::from(name))).collect();
    Ok(format!("{{{}}}", fields.join(", ")))
}

/// A field whose name may hold dots itself.
fn find<'a>(fields: &BTreeMap<String, &'a str>, old: &str) -> Result<&'a str> {
    let mut names = old.split('.');
    let first = names.next().and_then(|first| fields.get(first).copied());
    let inside = || names.try_fold(first?, within);
    fields.get(old).copied().or_else(inside).with_context(|| {
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        format!("there is no field {old:?} to map; the line has: {}", names.join(", "))
    })
}

/// What stands behind a name in an object, or at an index in a list. Where there is nothing, nothing is in it.
fn within<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    match value.starts_with('[') {
        _ if is_missing(value) => Some(value),
        true => items(value).ok()?.get(name.parse::<usize>().ok()?).copied(),
        false => Fields::read(value).ok()?.into_written().get(name).copied(),
    }
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
    fn values_stay_as_they_are_written() {
        let line = r#"{"a": 36893488147419103233, "b": {"c": [0, NaN, 1e999]}, "d": "\ud83d", "e": -0.10, "e": 0.10}"#;
        let map = ["x=a", "y=b.c.2", "e=b.c.1", "z=e"].map(|pair| pair.parse().unwrap());
        let expected = r#"{"a": 36893488147419103233, "b": {"c": [0, NaN, 1e999]}, "d": "\ud83d", "e": NaN, "x": 36893488147419103233, "y": 1e999, "z": 0.10}"#;
        assert_eq!(mapped(line, &map).unwrap(), expected);
    }

    #[test]
    fn nothing_is_mapped_to_nothing() {
        let line = r#"{"a": null, "b": {"c": null}, "d": 1}"#;
        for old in ["a", "a.b.0", "b.c", "b.c.d"] {
            let mapped = map(line, &[&format!("d={old}")]).unwrap();
            assert_eq!(mapped, serde_json::json!({ "b": { "c": null } }), "{old}");
        }
        assert!(map(line, &["d=b.d"]).is_err());
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
