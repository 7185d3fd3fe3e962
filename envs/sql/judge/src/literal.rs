//! Literals of SQL as text → values, and back.
//!
//! | literal | value |
//! |---|---|
//! | `NULL` | none |
//! | `12`, of 64 bits | integer |
//! | `1.5`, `1e3`, `9e999` for infinity | float |
//! | `'it''s'` | string |
//! | `X'00ff'` | bytes |
//! | `[1, 'a']` | list: an argument that is a JSON array, or the rows of a result |
//! | `(1, 'a')` | tuple: a row |
//!
//! White space may stand around any of them. Everything else is refused with its position; nothing is evaluated.

use std::{
    fmt::Write as _,
    ops::{Deref, DerefMut},
};

use azr_guest_sdk::value::{Integer, Value};
use coding_judge::literal::{Cursor, Parser};
use coding_judge::{Arguments, NotAValue};

/// Reads one value.
pub fn parse(text: &str) -> Result<Value, NotAValue> {
    Literals(Cursor::new(text)).whole()
}

/// Reads the arguments of a call, as written between its parentheses.
pub fn parse_arguments(text: &str) -> Result<Arguments, NotAValue> {
    let values = Literals(Cursor::new(text)).separated()?.into_iter();
    let argument = |(start, value)| match is_argument(&value) {
        true => Ok(value),
        false => Err(NotAValue::new(text, start, "a row, or a list with a row or a blob in it, is no argument")),
    };
    Ok(Arguments { positional: values.map(argument).collect::<Result<_, _>>()?, keyword: Vec::new() })
}

/// What a parameter can stand for. A list is JSON, which has neither rows nor blobs nor infinity.
fn is_argument(value: &Value) -> bool {
    let in_json = |item: &Value| match item {
        Value::Bytes(_) => false,
        Value::Float(number) => number.is_finite(),
        item => is_argument(item),
    };
    match value {
        Value::Tuple(_) => false,
        Value::List(items) => items.iter().all(in_json),
        _ => true,
    }
}

/// The literal of a value. What SQLite has no value for gets a text that is no literal.
pub fn print(value: &Value) -> String {
    let separated = |items: &[Value]| items.iter().map(print).collect::<Vec<_>>().join(", ");
    match value {
        Value::None => "NULL".into(),
        Value::Int(integer) => integer.decimal().into(),
        Value::Float(number) if number.is_infinite() => if *number > 0.0 { "9e999" } else { "-9e999" }.into(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Bytes(bytes) => {
            let mut out = "X'".to_owned();
            for byte in bytes {
                write!(out, "{byte:02x}").expect("a string takes all");
            }
            out + "'"
        }
        Value::List(items) => format!("[{}]", separated(items)),
        Value::Tuple(items) => format!("({})", separated(items)),
        Value::Bool(_) | Value::Complex { .. } | Value::Dict(_) | Value::Set(_) | Value::FrozenSet(_) => {
            "<no value of SQL>".into()
        }
    }
}

struct Literals<'a>(Cursor<'a>);

impl<'a> Deref for Literals<'a> {
    type Target = Cursor<'a>;

    fn deref(&self) -> &Cursor<'a> {
        &self.0
    }
}

impl<'a> DerefMut for Literals<'a> {
    fn deref_mut(&mut self) -> &mut Cursor<'a> {
        &mut self.0
    }
}

impl<'a> Parser<'a> for Literals<'a> {
    fn skip_space(&mut self) -> Result<(), NotAValue> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        Ok(())
    }

    fn value_here(&mut self) -> Result<Value, NotAValue> {
        let rest = self.rest();
        let keyword = |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        match rest.bytes().next() {
            Some(b'[') => {
                self.at += 1;
                Ok(Value::List(self.items("]")?))
            }
            Some(b'(') => {
                self.at += 1;
                Ok(Value::Tuple(self.items(")")?))
            }
            Some(b'\'') => Ok(Value::Str(self.string()?)),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => self.number(),
            _ if keyword("X'") => self.blob(),
            _ if keyword("NULL") && !rest[4..].starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                self.at += 4;
                Ok(Value::None)
            }
            _ => Err(self.unexpected("a value")),
        }
    }
}

impl Literals<'_> {
    fn string(&mut self) -> Result<String, NotAValue> {
        let start = self.at;
        let mut text = String::new();
        loop {
            self.at += 1;
            let Some(length) = self.rest().find('\'') else {
                return Err(self.error_at(start, "a text that does not end"));
            };
            text += &self.rest()[..length];
            self.at += length + 1;
            if !self.rest().starts_with('\'') {
                break;
            }
            text.push('\'');
        }
        match text.contains('\0') {
            true => Err(self.error_at(start, "a text with a zero character, where SQLite would end it")),
            false => Ok(text),
        }
    }

    fn blob(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        self.at += 1;
        let digits = self.string()?;
        let pairs = digits.as_bytes().chunks(2).map(|pair| {
            let pair =
                std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            if pair.len() == 2 { u8::from_str_radix(pair, 16).ok() } else { None }
        });
        let bytes = pairs.collect::<Option<Vec<u8>>>();
        bytes.map(Value::Bytes).ok_or_else(|| self.error_at(start, "a blob of other than pairs of digits"))
    }

    fn number(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        let rest = self.rest();
        let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let mut end = rest.len() - unsigned.len();
        let bytes = rest.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let whole = digits(end);
        let mut digit_count = whole - end;
        let mut is_real = false;
        end = whole;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            digit_count += fraction - end - 1;
            (end, is_real) = (fraction, true);
        }
        if digit_count == 0 {
            return Err(self.unexpected("a value"));
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(sign);
            if exponent == sign {
                return Err(self.error("a number whose exponent has no digits"));
            }
            (end, is_real) = (exponent, true);
        }
        if rest[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            return Err(self.error("a number that goes on as something else"));
        }
        self.at += end;
        let number = &rest[..end];
        if is_real {
            return Ok(Value::Float(number.parse().expect("it has the form of a float")));
        }
        let integer: i64 = number
            .parse()
            .map_err(|_| self.error_at(start, "an integer of more than 64 bits, which SQLite makes a real"))?;
        Ok(Value::Int(Integer::from(integer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `sqlite3` prints for `SELECT typeof(x), quote(x)` with each of these.
    #[test]
    fn literals_are_those_of_sqlite() {
        let text = |text: &str| Value::Str(text.into());
        let integer = |integer: i64| Value::Int(integer.into());
        for (literal, value) in [
            ("NULL", Value::None),
            ("null", Value::None),
            ("-9223372036854775808", integer(i64::MIN)),
            ("+7", integer(7)),
            ("007", integer(7)),
            ("1.5", Value::Float(1.5)),
            (".5", Value::Float(0.5)),
            ("5.", Value::Float(5.0)),
            ("1e3", Value::Float(1000.0)),
            ("9e999", Value::Float(f64::INFINITY)),
            ("'it''s'", text("it's")),
            ("''", text("")),
            ("''''", text("'")),
            ("x'00Ff'", Value::Bytes(vec![0, 255])),
            (
                "[(1, 'a'), (NULL)]",
                Value::List(vec![Value::Tuple(vec![integer(1), text("a")]), Value::Tuple(vec![Value::None])]),
            ),
        ] {
            let parsed = parse(literal).unwrap();
            assert_eq!(parsed, value, "{literal}");
            assert_eq!(parse(&print(&parsed)).unwrap(), value, "{literal} is printed as {}", print(&parsed));
        }
    }

    #[test]
    fn expressions_and_other_texts_are_refused_with_their_place() {
        for (literal, why) in [
            ("1 + 41", "line 1, column 3: expected the end, found `+`"),
            ("f(1)", "line 1, column 1: expected a value, found `f`"),
            ("NULLIF(1, 1)", "line 1, column 1: expected a value, found `NULLIF`"),
            ("SELECT 42", "line 1, column 1: expected a value, found `SELECT`"),
            ("\"42\"", "line 1, column 1: expected a value, found `\\\"`"),
            ("'a", "line 1, column 1: a text that does not end"),
            ("x'0'", "line 1, column 1: a blob of other than pairs of digits"),
            ("0x10", "line 1, column 1: a number that goes on as something else"),
            ("1.2.3", "line 1, column 1: a number that goes on as something else"),
            ("1e", "line 1, column 1: a number whose exponent has no digits"),
            ("-", "line 1, column 1: expected a value, found `-`"),
            ("9223372036854775808", "line 1, column 1: an integer of more than 64 bits, which SQLite makes a real"),
            ("(1, 2", "line 1, column 6: expected `,` or `)`, found the end"),
            ("TRUE", "line 1, column 1: expected a value, found `TRUE`"),
        ] {
            assert_eq!(parse(literal).unwrap_err().to_string(), why, "{literal}");
        }
        for argument in ["(1)", "[(1)]", "[x'00']", "[9e999]", "1; 2"] {
            parse_arguments(argument).unwrap_err();
        }
        assert_eq!(parse_arguments(" 1, [2, 'b'] , NULL ").unwrap().positional.len(), 3);
    }

    #[test]
    fn deep_nesting_is_refused() {
        parse(&"[".repeat(100_000)).unwrap_err();
    }
}
