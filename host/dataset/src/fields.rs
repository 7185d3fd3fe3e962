//! JSON as Python writes it.

use std::{borrow::Cow, collections::BTreeMap};

use anyhow::{Context as _, Result};
use serde_json::value::RawValue;

/// The fields of a line, each with its value as it is written: numbers keep their digits. Of a repeated field the last
/// counts, as in Python.
pub struct Fields<'a>(BTreeMap<String, &'a str>);

impl<'a> Fields<'a> {
    /// Opens an object.
    pub fn read(line: &'a str) -> Result<Self> {
        let strict = strict(line);
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(&strict).context("not a JSON object")?;
        Ok(Self(fields.into_iter().map(|(name, value)| (name, written(value, &strict, line))).collect()))
    }

    /// A value as it is written; none where there is none, as Python and data frames say it.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied().filter(|raw| !is_missing(raw))
    }

    /// A text, if there is a value.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let text = |raw| {
            let text = serde_json::from_str(&strict(raw));
            text.ok().with_context(|| format!("{name:?} is {}, wanted a text", shortened(raw, 60)))
        };
        self.raw(name).map(text).transpose()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All values, also those that are none.
    pub(crate) fn into_written(self) -> BTreeMap<String, &'a str> {
        self.0
    }
}

/// The items of a list, each as it is written.
pub(crate) fn items(list: &str) -> Result<Vec<&str>> {
    let strict = strict(list);
    let items: Vec<&RawValue> = serde_json::from_str(&strict)?;
    Ok(items.into_iter().map(|item| written(item, &strict, list)).collect())
}

/// A value that was read from strict JSON, as it stands at its place in what Python wrote.
fn written<'a>(value: &RawValue, strict: &str, json: &'a str) -> &'a str {
    let start = value.get().as_ptr().addr() - strict.as_ptr().addr();
    &json[start..start + value.get().len()]
}

pub(crate) fn is_missing(raw: &str) -> bool {
    ["null", "NaN", "Infinity", "-Infinity"].contains(&raw)
}

/// The beginning of a text, so many characters at most, for a message.
pub(crate) fn shortened(text: &str, characters_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// The same JSON for readers that are stricter than Python's, with every byte in its place: another number for the words
/// that Python writes beside JSON, which MbppPlus has among its inputs, and another character for halves of one.
pub(crate) fn strict(json: &str) -> Cow<'_, str> {
    if !["\\ud", "\\uD"].iter().chain(&WORDS).any(|found| json.contains(found)) {
        return json.into();
    }
    let (mut strict, mut rest, mut is_text) = (String::with_capacity(json.len()), json, false);
    while let Some(character) = rest.chars().next() {
        let (taken, length) = if is_text { next_of_text(rest) } else { next_outside(rest) };
        strict += taken;
        is_text ^= character == '"';
        rest = &rest[length..];
    }
    strict.into()
}

const WORDS: [&str; 2] = ["NaN", "Infinity"];

/// What is taken for the word or character at the beginning, and how long that is.
fn next_outside(rest: &str) -> (&str, usize) {
    let length = rest.chars().next().map_or(0, char::len_utf8);
    match WORDS.iter().find(|word| rest.starts_with(**word)) {
        Some(word) => (&"11111111"[..word.len()], word.len()),
        None => (&rest[..length], length),
    }
}

/// What is taken for the character at the beginning, which may be escaped, and how long that is.
fn next_of_text(rest: &str) -> (&str, usize) {
    let mut characters = rest.chars();
    let length = match (characters.next(), surrogate(rest)) {
        (_, Some(..0xDC00)) if surrogate(&rest[6..]).is_some_and(|half| half >= 0xDC00) => 12,
        (_, Some(_)) => return ("\\ufffd", 6),
        (Some('\\'), None) => 1 + characters.next().map_or(0, char::len_utf8),
        (first, None) => first.map_or(0, char::len_utf8),
    };
    (&rest[..length], length)
}

/// The half of a character that an escape at the beginning is.
fn surrogate(text: &str) -> Option<u32> {
    let code = u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xD800..0xE000).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_beside_json_is_read() {
        for (line, expected) in [
            (
                r#"{"a": [NaN, -Infinity, 1], "NaN": "Infinity \" NaN", "b": Infinity}"#,
                r#"{"a": [111, -11111111, 1], "NaN": "Infinity \" NaN", "b": 11111111}"#,
            ),
            (
                r#"["\ud83d", "\ud83d\ude00", "\uDE00é", "\\ud83d", "\ud83d\ud83d\ude00", "\ud8"]"#,
                r#"["\ufffd", "\ud83d\ude00", "\ufffdé", "\\ud83d", "\ufffd\ud83d\ude00", "\ud8"]"#,
            ),
            ("{}", "{}"),
            ("NaN\"\\", "111\"\\"),
        ] {
            assert_eq!(strict(line), expected);
        }
    }

    #[test]
    fn values_stay_as_they_are_written() {
        let line =
            r#"{"a": 36893488147419103233, "b": [NaN, 1e999, 0.10], "c": NaN, "d": null, "e": 1, "e": "\ud83d"}"#;
        let fields = Fields::read(line).unwrap();
        assert_eq!(fields.names().collect::<String>(), "abcde");
        assert_eq!(
            ["a", "b", "c", "d", "f"].map(|name| fields.raw(name)),
            [Some("36893488147419103233"), Some("[NaN, 1e999, 0.10]"), None, None, None]
        );
        assert_eq!(items("[NaN, 1e999, {\"a\": [0.10]}]").unwrap(), ["NaN", "1e999", "{\"a\": [0.10]}"]);
        assert_eq!((fields.text("e").unwrap().as_deref(), fields.text("d").unwrap()), (Some("\u{fffd}"), None));
        assert_eq!(fields.text("a").unwrap_err().to_string(), "\"a\" is 36893488147419103233, wanted a text");
        for broken in ["", "{", "5", "[1]", "{\"a\": nan}", "{\"a\": 1} {"] {
            assert!(Fields::read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_long_value_is_not_repeated_in_messages() {
        let line = format!("{{\"a\": [\"{}\"]}}", "é".repeat(100));
        let said = Fields::read(&line).unwrap().text("a").unwrap_err().to_string();
        assert_eq!(said, format!("\"a\" is [\"{}…, wanted a text", "é".repeat(58)));
    }
}
