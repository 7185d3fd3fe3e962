//! JSON as Python writes it.

use std::borrow::Cow;

/// A line of JSON without the words for numbers that Python writes beside JSON, which MbppPlus has among its inputs.
pub fn strict(line: &str) -> Cow<'_, str> {
    const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
    if !WORDS.iter().any(|word| line.contains(word)) {
        return line.into();
    }
    let (mut strict, mut rest, mut is_text) = (String::with_capacity(line.len()), line, false);
    while let Some(character) = rest.chars().next() {
        let word = WORDS.iter().find(|word| !is_text && rest.starts_with(**word));
        let escaped = if is_text && character == '\\' { rest.chars().nth(1).map_or(0, char::len_utf8) } else { 0 };
        let length = word.map_or(character.len_utf8() + escaped, |word| word.len());
        strict += if word.is_some() { "null" } else { &rest[..length] };
        is_text ^= character == '"';
        rest = &rest[length..];
    }
    strict.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_python_are_no_numbers_of_json() {
        let line = r#"{"a": [NaN, -Infinity, 1], "NaN": "Infinity \" NaN", "b": Infinity}"#;
        assert_eq!(strict(line), r#"{"a": [null, null, 1], "NaN": "Infinity \" NaN", "b": null}"#);
        assert_eq!(strict("{}"), "{}");
    }
}
