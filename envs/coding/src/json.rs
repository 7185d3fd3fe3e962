//! JSON as Python reads and writes it: `NaN` and `Infinity`, integers of any size, floats to their last bit.
//!
//! Data sets are written by Python, so their lines have all of these; a reader that takes numbers for 64-bit floats would
//! compare answers with something that nobody published.

use std::collections::BTreeMap;

use azr_guest_sdk::value::{INTEGER_MAX_DIGITS, Integer, NESTING_MAX, Value};
use azr_guest_sdk::{Rejection, rejection};

/// The keys of an object, each with the text of its value. Of a repeated key the last one counts.
pub struct Line<'a>(BTreeMap<String, &'a str>);

impl<'a> Line<'a> {
    /// Opens a line of a data set. Values are looked at when they are asked for.
    pub fn read(text: &'a str) -> Result<Line<'a>, Rejection> {
        let mut reader = Reader::new(text);
        let members = reader.members().and_then(|members| reader.end().map(|()| members));
        Ok(Line(members.map_err(not_a_task)?.into_iter().collect()))
    }

    /// Whether there is a value. Data frames write null in columns that other rows have.
    pub fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The text of a value as it was published; none where it is null.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).copied().filter(|raw| *raw != "null")
    }

    pub fn required(&self, key: &str) -> Result<&'a str, Rejection> {
        self.raw(key).ok_or_else(|| not_a_task(format!("missing key {key:?}")))
    }

    pub fn text(&self, key: &str) -> Result<String, Rejection> {
        string(self.required(key)?).map_err(|why| not_a_task(format!("key {key:?}: {why}")))
    }

    pub fn optional_text(&self, key: &str) -> Result<Option<String>, Rejection> {
        self.raw(key).map(|_| self.text(key)).transpose()
    }

    /// The texts of a list's items as they were published.
    pub fn items(&self, key: &str) -> Result<Vec<&'a str>, Rejection> {
        items(self.required(key)?).map_err(|why| not_a_task(format!("key {key:?}: {why}")))
    }

    /// A list of texts, empty where the key is missing.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, Rejection> {
        let items = if self.raw(key).is_some() { self.items(key)? } else { Vec::new() };
        let texts = items.into_iter().map(string).collect::<Result<_, _>>();
        texts.map_err(|why| not_a_task(format!("key {key:?}: {why}")))
    }
}

/// What a line is refused with that has a known format and makes no task.
pub fn not_a_task(why: impl Into<String>) -> Rejection {
    rejection("not-a-task", why)
}

/// Reads one value as Python's `json.loads` does.
pub fn value(text: &str) -> Result<Value, String> {
    let mut reader = Reader::new(text);
    let value = reader.value(NESTING_MAX)?;
    reader.end()?;
    Ok(value)
}

/// A text from its JSON.
pub fn string(raw: &str) -> Result<String, String> {
    match value(raw)? {
        Value::Str(text) => Ok(text),
        _ => Err("not a text".into()),
    }
}

/// The texts of a list's items.
pub fn items(raw: &str) -> Result<Vec<&str>, String> {
    let mut reader = Reader::new(raw);
    let items = reader.items(|reader| reader.passed())?;
    reader.end()?;
    Ok(items)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Whether nobody looks at the value. Python also writes halves of characters, which do no harm then.
    is_passing: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Reader { text, at: 0, is_passing: false }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn wrong(&self, wanted: &str) -> String {
        let column = self.text[..self.at].chars().count() + 1;
        let found = self.rest().chars().next().map_or("the end".into(), |c| format!("`{}`", c.escape_debug()));
        format!("column {column}: expected {wanted}, found {found}")
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.text.len() - rest.len();
        let found = rest.starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn end(&mut self) -> Result<(), String> {
        if self.take("") && self.rest().is_empty() { Ok(()) } else { Err(self.wrong("the end")) }
    }

    /// The text of one value, which is passed over.
    fn passed(&mut self) -> Result<&'a str, String> {
        self.take("");
        let start = self.at;
        self.is_passing = true;
        self.value(NESTING_MAX)?;
        self.is_passing = false;
        Ok(&self.text[start..self.at])
    }

    fn members(&mut self) -> Result<Vec<(String, &'a str)>, String> {
        if !self.take("{") {
            return Err(self.wrong("an object"));
        }
        self.separated("}", |reader| Ok((reader.key()?, reader.passed()?)))
    }

    fn key(&mut self) -> Result<String, String> {
        if !self.take("\"") {
            return Err(self.wrong("a key in double quotes"));
        }
        let key = self.string()?;
        if self.take(":") { Ok(key) } else { Err(self.wrong("`:`")) }
    }

    fn items<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        if self.take("[") { self.separated("]", item) } else { Err(self.wrong("a list")) }
    }

    fn separated<T>(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.take(close) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(self.wrong(&format!("`,` or `{close}`")));
            }
        }
    }

    fn value(&mut self, nesting: usize) -> Result<Value, String> {
        if nesting == 0 {
            return Err(self.wrong("less nesting"));
        }
        for (word, value) in [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ] {
            if self.take(word) {
                return Ok(value);
            }
        }
        if self.take("\"") {
            return self.string().map(Value::Str);
        }
        if self.rest().starts_with('[') {
            return self.items(|reader| reader.value(nesting - 1)).map(Value::List);
        }
        if self.take("{") {
            let entries = self.separated("}", |reader| Ok((reader.key()?, reader.value(nesting - 1)?)))?;
            return Ok(Value::Dict(last_of_each(entries)));
        }
        self.number()
    }

    fn number(&mut self) -> Result<Value, String> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let whole = sign + digits(&rest[sign..]);
        let mut end = whole;
        if rest[end..].starts_with('.') && digits(&rest[end + 1..]) > 0 {
            end += 1 + digits(&rest[end + 1..]);
        }
        if rest[end..].starts_with(['e', 'E']) {
            let signed = 1 + usize::from(rest[end + 1..].starts_with(['+', '-']));
            let exponent = rest.get(end + signed..).map_or(0, digits);
            end += if exponent > 0 { signed + exponent } else { 0 };
        }
        let zero_first = rest[sign..whole].len() > 1 && rest[sign..].starts_with('0');
        if whole == sign || zero_first {
            return Err(self.wrong("a value"));
        }
        let text = &rest[..end];
        let number = match text {
            "-0" => Some(Value::Int(Integer::from(0))),
            _ if end == whole => Integer::from_decimal(text).map(Value::Int),
            _ => text.parse().ok().map(Value::Float),
        };
        let number = number.ok_or_else(|| self.wrong(&format!("an integer of at most {INTEGER_MAX_DIGITS} digits")))?;
        self.at += end;
        Ok(number)
    }

    /// The text up to the closing quote, behind the opening one.
    fn string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            let plain = self.rest().find(['"', '\\', '\n']).ok_or_else(|| self.wrong("the end of a text"))?;
            text.push_str(&self.rest()[..plain]);
            self.at += plain;
            match self.rest().as_bytes() {
                [b'"', ..] => {
                    self.at += 1;
                    return Ok(text);
                }
                [b'\\', escape, ..] if *escape != b'u' => {
                    let plain = ["\"\"", "\\\\", "//", "b\u{8}", "f\u{c}", "n\n", "r\r", "t\t"];
                    let found = plain.iter().find(|pair| pair.as_bytes()[0] == *escape);
                    text.push_str(&found.ok_or_else(|| self.wrong("an escape"))?[1..]);
                    self.at += 2;
                }
                [b'\\', b'u', ..] => text.push(self.unicode_escape()?),
                _ => return Err(self.wrong("the end of a text on its line")),
            }
        }
    }

    fn unicode_escape(&mut self) -> Result<char, String> {
        let mut unit = || {
            let digits = self.rest().strip_prefix("\\u").and_then(|rest| rest.get(..4));
            let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
            self.at += if unit.is_some() { 6 } else { 0 };
            unit
        };
        let first = unit();
        let units: Vec<u16> = match first {
            Some(0xd800..0xdc00) => first.into_iter().chain(unit()).collect(),
            _ => first.into_iter().collect(),
        };
        match char::decode_utf16(units).collect::<Result<String, _>>() {
            Ok(text) if text.chars().count() == 1 => Ok(text.chars().next().unwrap_or_default()),
            _ if self.is_passing && first.is_some() => Ok(char::REPLACEMENT_CHARACTER),
            _ => Err(self.wrong("an escape of a whole character before this")),
        }
    }
}

/// A repeated key keeps its place and gets its last value.
fn last_of_each(entries: Vec<(String, Value)>) -> Vec<(Value, Value)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<(Value, Value)> = Vec::new();
    for (key, value) in entries {
        match places.get(&key) {
            Some(place) => kept[*place].1 = value,
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((Value::Str(key), value));
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(text: &str) -> u64 {
        match value(text) {
            Ok(Value::Float(float)) => float.to_bits(),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// `struct.pack(">d", json.loads(text)).hex()` in Python.
    #[test]
    fn floats_keep_their_last_bit() {
        for (text, bits) in [
            ("0.9999999999999999", 0x3fef_ffff_ffff_ffff),
            ("1.0", 0x3ff0_0000_0000_0000),
            ("0.1", 0x3fb9_9999_9999_999a),
            ("5e-324", 1),
            ("2.2250738585072011e-308", 0x000f_ffff_ffff_ffff),
            ("-1E400", 0xfff0_0000_0000_0000),
            ("9007199254740993.0", 0x4340_0000_0000_0000),
            ("-0.0", 0x8000_0000_0000_0000),
            ("Infinity", 0x7ff0_0000_0000_0000),
            ("-Infinity", 0xfff0_0000_0000_0000),
        ] {
            assert_eq!(float(text), bits, "{text}");
        }
        assert!(f64::from_bits(float("NaN")).is_nan());
    }

    #[test]
    fn values_are_read_as_python_reads_them() {
        for (text, expected) in [
            ("2503155504993241601315571986085849", "i2503155504993241601315571986085849;"),
            (" [1, -0, true, null] ", "l4:i1;i0;tn"),
            (r#"{"a": 1, "b": {"c": []}, "a": "\u00e9\ud83d\ude00\n\/"}"#, "m2:s1:as8:é😀\n/s1:bm1:s1:cl0:"),
            ("{}", "m0:"),
            ("\"tab\there\"", "s8:tab\there"),
        ] {
            assert_eq!(
                value(text).map(|value| String::from_utf8_lossy(&value.encode()).into_owned()),
                Ok(expected.into())
            );
        }
        for text in [
            "",
            "[1,]",
            "{,}",
            "01",
            "1.",
            ".5",
            "+1",
            "- 1",
            "1e",
            "'a'",
            "\"a",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\u12\"",
            "nan",
            "1 2",
            "{1: 2}",
            "\"a\nb\"",
            "[",
            "tru",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(value(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn halves_of_characters_are_passed_over() {
        let text = r#"{"a": "\ud83d", "b": ["x \udc00", {"c": "\ud83d\ud83d"}], "d": "é", "e": "\ud83d\ude00"}"#;
        let line = Line::read(text).unwrap_or_else(|rejection| panic!("{rejection:?}"));
        assert_eq!((line.text("d"), line.text("e")), (Ok("é".into()), Ok("😀".into())));
        assert_eq!(line.items("b"), Ok(vec![r#""x \udc00""#, r#"{"c": "\ud83d\ud83d"}"#]));
        let said = line.text("a").unwrap_err().message;
        assert!(said.starts_with("key \"a\": column 8: expected an escape of a whole character"), "{said}");
        assert!(Line::read(r#"{"a": "\ud8"}"#).is_err());
    }

    #[test]
    fn a_line_is_read_by_its_keys() {
        let text = r#"{"a": [1, [2.50, Infinity]], "b": "x", "c": null, "d": NaN, "e": ["p", "q"]}"#;
        let line = Line::read(text).unwrap_or_else(|rejection| panic!("{rejection:?}"));
        assert_eq!(line.items("a"), Ok(vec!["1", "[2.50, Infinity]"]));
        assert_eq!((line.text("b"), line.raw("c"), line.optional_text("c")), (Ok("x".into()), None, Ok(None)));
        assert_eq!(line.texts("e"), Ok(vec!["p".to_owned(), "q".to_owned()]));
        assert_eq!(line.text("d").unwrap_err().message, "key \"d\": not a text");
        assert_eq!(line.text("z").unwrap_err().message, "missing key \"z\"");
        assert!(line.has("a") && !line.has("c") && !line.has("z"));
        assert!(Line::read("[1]").is_err() && Line::read("{} x").is_err());
    }
}
