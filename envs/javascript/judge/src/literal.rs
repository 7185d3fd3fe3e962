//! JavaScript literals as text → values, without an engine.
//!
//! Accepts literals of numbers, bigints and strings, templates without substitutions, arrays, object literals, the
//! constants, and `new Map([...])` and `new Set([...])` of such. Parentheses, white space and comments may stand around
//! any of them. Everything else is refused with its position; nothing is evaluated.

use std::ops::{Deref, DerefMut};

use azr_guest_sdk::value::Value;
use coding_judge::literal::{Cursor, Parser};
use coding_judge::{Arguments, NotAValue};

mod entries;
mod number;
mod string;

use entries::Entries;

/// Reads one value.
pub fn parse(text: &str) -> Result<Value, NotAValue> {
    Literals(Cursor::new(text)).whole()
}

/// Reads the arguments of a call, as written between its parentheses.
pub fn parse_arguments(text: &str) -> Result<Arguments, NotAValue> {
    let values = Literals(Cursor::new(text)).separated()?;
    Ok(Arguments { positional: values.into_iter().map(|(_, value)| value).collect(), keyword: Vec::new() })
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
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                let length = comment.find("*/").ok_or_else(|| self.error("a comment that does not end"))?;
                self.at += length + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn value_here(&mut self) -> Result<Value, NotAValue> {
        match self.peek() {
            Some('[') => {
                self.at += 1;
                Ok(Value::List(self.items("]")?))
            }
            Some('{') => self.object(),
            Some('(') => {
                self.at += 1;
                let value = self.value()?;
                self.expect(")")?;
                Ok(value)
            }
            Some('.') if !self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => Err(self.unexpected("a value")),
            Some('0'..='9' | '.' | '+' | '-') => self.number(),
            Some('"' | '\'' | '`') => Ok(Value::Str(self.string()?)),
            _ => self.named(),
        }
    }
}

impl<'a> Literals<'a> {
    /// The identifier that stands here, passed over; empty if there is none.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let starts = rest.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$');
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let length = if starts { rest.find(|c| !is_part(c)).unwrap_or(rest.len()) } else { 0 };
        self.at += length;
        &rest[..length]
    }

    fn object(&mut self) -> Result<Value, NotAValue> {
        self.at += 1;
        let mut entries = Entries::default();
        while !self.take_token("}")? {
            let key = self.key()?;
            self.expect(":")?;
            entries.insert(Value::Str(key), self.value()?);
            self.end_item("}")?;
        }
        let mut entries = entries.into_vec();
        // ECMAScript 2025, 10.1.11.1 OrdinaryOwnPropertyKeys.
        entries.sort_by_key(|(key, _)| array_index(key).map_or((true, 0), |index| (false, index)));
        Ok(Value::Dict(entries))
    }

    fn key(&mut self) -> Result<String, NotAValue> {
        let start = self.at;
        let key = match self.peek() {
            Some('"' | '\'') => self.string()?,
            Some('0'..='9' | '.') => match self.number()? {
                Value::Float(number) => crate::print::number_to_string(number),
                _ => return Err(self.error_at(start, "a bigint as a key; put it in quotes")),
            },
            _ => self.name().to_owned(),
        };
        match key.as_str() {
            "" if self.at == start => Err(self.unexpected("a key")),
            "__proto__" => Err(self.error_at(start, "`__proto__` sets the prototype of an object")),
            _ => Ok(key),
        }
    }

    /// A constant, or a map or a set.
    fn named(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        let value = match self.name() {
            "undefined" => Value::Tuple(Vec::new()),
            "null" => Value::None,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Float(f64::NAN),
            "Infinity" => Value::Float(f64::INFINITY),
            "new" => return self.collection(start),
            _ => {
                self.at = start;
                return Err(self.unexpected("a value"));
            }
        };
        Ok(value)
    }

    /// What `new` makes of an array.
    fn collection(&mut self, start: usize) -> Result<Value, NotAValue> {
        self.skip_space()?;
        let class = self.name();
        if !["Map", "Set"].contains(&class) {
            return Err(self.error_at(start, "`new` is for Map and Set only"));
        }
        self.expect("(")?;
        let items = if self.take_token("[")? { self.items("]")? } else { Vec::new() };
        self.take_token(",")?;
        self.expect(")")?;
        let mut entries = Entries::default();
        for item in items {
            match (class, item) {
                ("Set", item) => entries.insert(item, Value::None),
                (_, Value::List(pair)) => match <[Value; 2]>::try_from(pair) {
                    Ok([key, value]) => entries.insert(key, value),
                    Err(_) => return Err(self.error_at(start, "an entry of a Map that is no pair")),
                },
                _ => return Err(self.error_at(start, "an entry of a Map that is no pair")),
            }
        }
        let entries = entries.into_vec();
        Ok(match class {
            "Set" => Value::Set(entries.into_iter().map(|(item, _)| item).collect()),
            _ => Value::Tuple(vec![Value::Dict(entries)]),
        })
    }
}

/// ECMAScript 2025, 6.1.7: below 2^32 - 1, as it is printed.
fn array_index(key: &Value) -> Option<u32> {
    let Value::Str(name) = key else { return None };
    name.parse().ok().filter(|index: &u32| *index < u32::MAX && index.to_string() == *name)
}

#[cfg(test)]
mod tests;
