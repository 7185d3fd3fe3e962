//! The keys of a line of JSON, with what stands behind them as it is written: numbers keep their digits, and what
//! Python writes beside JSON, such as NaN, does no harm where nobody looks.

use serde_json::value::RawValue;

/// The keys and values of an object, in their order.
pub fn object(text: &str) -> Result<Vec<(String, &str)>, String> {
    let mut reader = Reader { text, at: 0 };
    reader.expect(b'{')?;
    let mut entries = Vec::new();
    if !reader.takes(b'}') {
        loop {
            let key = string(reader.value()?).ok_or_else(|| reader.wrong("a key is no text"))?;
            reader.expect(b':')?;
            entries.push((key, reader.value()?));
            if reader.takes(b'}') {
                break;
            }
            reader.expect(b',')?;
        }
    }
    reader.end()?;
    Ok(entries)
}

/// The values in a list.
pub fn list(text: &str) -> Result<Vec<&str>, String> {
    let mut reader = Reader { text, at: 0 };
    reader.expect(b'[')?;
    let mut values = Vec::new();
    if !reader.takes(b']') {
        loop {
            values.push(reader.value()?);
            if reader.takes(b']') {
                break;
            }
            reader.expect(b',')?;
        }
    }
    reader.end()?;
    Ok(values)
}

/// The text that a value is. Python writes halves of characters, too, which are replaced.
pub fn string(value: &str) -> Option<String> {
    serde_json::from_str(value).ok().or_else(|| serde_json::from_str(&with_whole_characters(value)).ok())
}

/// A text as JSON without an escaped half of a character that the other half is not beside.
fn with_whole_characters(value: &str) -> String {
    let half = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok().filter(|code| (0xD800..0xE000).contains(code))
    };
    let (mut whole, mut rest) = (String::with_capacity(value.len()), value);
    while let Some(character) = rest.chars().next() {
        let (kept, length) = match half(rest) {
            Some(high) if high < 0xDC00 && half(&rest[6..]).is_some_and(|low| low >= 0xDC00) => (&rest[..12], 12),
            Some(_) => ("\\ufffd", 6),
            // What is escaped, a backslash perhaps, does not begin anything.
            None if character == '\\' => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                (&rest[..length], length)
            }
            None => (&rest[..character.len_utf8()], character.len_utf8()),
        };
        whole += kept;
        rest = &rest[length..];
    }
    whole
}

/// The digits of a value that is a number.
pub fn number(value: &str) -> Option<&str> {
    let begins = value.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    (begins && serde_json::from_str::<&RawValue>(value).is_ok()).then_some(value)
}

/// Whether a value says that there is none, as Python and data frames write it.
pub fn is_missing(value: &str) -> bool {
    ["null", "NaN", "Infinity", "-Infinity"].contains(&value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn skip_spaces(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        let there = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.takes(byte) { Ok(()) } else { Err(self.wrong(&format!("{:?} is missing", char::from(byte)))) }
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip_spaces();
        if self.at == self.text.len() { Ok(()) } else { Err(self.wrong("more than one value")) }
    }

    fn wrong(&self, what: &str) -> String {
        format!("not a JSON object: {what} at column {}", self.at + 1)
    }

    /// The next value, up to where it ends.
    fn value(&mut self) -> Result<&'a str, String> {
        self.skip_spaces();
        let start = self.at;
        let mut open = Vec::new();
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    open.push(if byte == b'{' { b'}' } else { b']' });
                    self.at += 1;
                }
                b'}' | b']' if open.is_empty() => break,
                b'}' | b']' => {
                    if open.pop() != Some(byte) {
                        return Err(self.wrong("a bracket does not fit"));
                    }
                    self.at += 1;
                }
                b',' | b':' if open.is_empty() => break,
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                byte if byte.is_ascii_whitespace() => {
                    self.skip_spaces();
                    continue;
                }
                _ => self.skip_word()?,
            }
            if open.is_empty() {
                break;
            }
        }
        if start == self.at || !open.is_empty() {
            return Err(self.wrong("a value is missing"));
        }
        Ok(&self.text[start..self.at])
    }

    fn skip_string(&mut self) -> Result<(), String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => {
                    self.at = start;
                    return Err(self.wrong("a text is not closed"));
                }
            }
        }
        self.at += 1;
        Ok(())
    }

    /// A number, or one of the words that JSON and Python have.
    fn skip_word(&mut self) -> Result<(), String> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let word = &rest[..length];
        if !(is_missing(word) || word == "true" || word == "false" || number(word).is_some()) {
            return Err(self.wrong("a value that is none"));
        }
        self.at += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_as_they_are_written() {
        let line =
            r#" {"a": NaN, "b": [1, {"c": -Infinity, "d": "]}"}], "e\"": 1341068619663964900807, "f": 0.10 , "g":{}} "#;
        let entries = object(line).unwrap();
        let entries: Vec<(&str, &str)> = entries.iter().map(|(key, value)| (&**key, *value)).collect();
        let nested = r#"[1, {"c": -Infinity, "d": "]}"}]"#;
        let expected = [("a", "NaN"), ("b", nested), ("e\"", "1341068619663964900807"), ("f", "0.10"), ("g", "{}")];
        assert_eq!(entries, expected);
        assert_eq!(list(nested).unwrap().len(), 2);
        for broken in [
            "",
            "[]",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1}{"#,
            r#"{"a":[1}}"#,
            r#"{"a":nan}"#,
            r#"{"a":"#,
            r#"{"a":"x}"#,
            r#"{"a":1 2}"#,
            r#"{1:2}"#,
        ] {
            assert!(object(broken).is_err(), "{broken}");
        }
    }
}
