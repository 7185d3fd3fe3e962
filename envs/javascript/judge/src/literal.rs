//! JavaScript literals as text → values, without an engine.
//!
//! Accepts literals of numbers, bigints and strings, templates without substitutions, arrays, object literals, the
//! constants, and `new Map([...])` and `new Set([...])` of such. Parentheses, white space and comments may stand around
//! any of them. Everything else is refused with its position; nothing is evaluated.

use azr_guest_sdk::value::{NESTING_MAX, Value};
use coding_judge::{Arguments, NotAValue};

mod entries;
mod number;
mod string;

use entries::Entries;

/// Reads one value.
pub fn parse(text: &str) -> Result<Value, NotAValue> {
    let mut parser = Parser { text, at: 0, nesting: 0 };
    let value = parser.value()?;
    parser.end()?;
    Ok(value)
}

/// Reads the arguments of a call, as written between its parentheses.
pub fn parse_arguments(text: &str) -> Result<Arguments, NotAValue> {
    let mut parser = Parser { text, at: 0, nesting: 0 };
    let mut positional = Vec::new();
    while !parser.at_end()? {
        positional.push(parser.value()?);
        if !parser.take_token(",")? {
            break;
        }
    }
    parser.end()?;
    Ok(Arguments { positional, keyword: Vec::new() })
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of the next character.
    at: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over `token` if it comes next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Passes over white space and comments, then over `token` if it comes next.
    fn take_token(&mut self, token: &str) -> Result<bool, NotAValue> {
        self.skip_space()?;
        Ok(self.take(token))
    }

    fn expect(&mut self, token: &str) -> Result<(), NotAValue> {
        if self.take_token(token)? { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

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

    fn error(&self, reason: impl Into<String>) -> NotAValue {
        NotAValue::new(self.text, self.at, reason)
    }

    fn error_at(&self, at: usize, reason: impl Into<String>) -> NotAValue {
        NotAValue::new(self.text, at, reason)
    }

    fn unexpected(&self, wanted: &str) -> NotAValue {
        NotAValue::unexpected(self.text, self.at, wanted)
    }

    fn at_end(&mut self) -> Result<bool, NotAValue> {
        self.skip_space()?;
        Ok(self.at == self.text.len())
    }

    fn end(&mut self) -> Result<(), NotAValue> {
        if self.at_end()? { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// The identifier that stands here, passed over; empty if there is none.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let starts = rest.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$');
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let length = if starts { rest.find(|c| !is_part(c)).unwrap_or(rest.len()) } else { 0 };
        self.at += length;
        &rest[..length]
    }

    fn value(&mut self) -> Result<Value, NotAValue> {
        self.skip_space()?;
        if self.nesting > NESTING_MAX {
            return Err(self.error(format!("nested more than {NESTING_MAX} deep")));
        }
        self.nesting += 1;
        let value = match self.peek() {
            Some('[') => {
                self.at += 1;
                Value::List(self.items()?)
            }
            Some('{') => self.object()?,
            Some('(') => {
                self.at += 1;
                let value = self.value()?;
                self.expect(")")?;
                value
            }
            Some('.') if !self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                return Err(self.unexpected("a value"));
            }
            Some('0'..='9' | '.' | '+' | '-') => self.number()?,
            Some('"' | '\'' | '`') => Value::Str(self.string()?),
            _ => self.named()?,
        };
        self.nesting -= 1;
        Ok(value)
    }

    /// Items after an opening bracket, and the closing one.
    fn items(&mut self) -> Result<Vec<Value>, NotAValue> {
        let mut items = Vec::new();
        while !self.take_token("]")? {
            if self.peek() == Some(',') {
                return Err(self.error("an array with holes"));
            }
            items.push(self.value()?);
            if !self.take_token(",")? && !self.rest().starts_with(']') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        Ok(items)
    }

    fn object(&mut self) -> Result<Value, NotAValue> {
        self.at += 1;
        let mut entries = Entries::default();
        while !self.take_token("}")? {
            let key = self.key()?;
            self.expect(":")?;
            entries.insert(Value::Str(key), self.value()?);
            if !self.take_token(",")? && !self.rest().starts_with('}') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        Ok(Value::Dict(entries.into_vec()))
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
        let items = if self.take_token("[")? { self.items()? } else { Vec::new() };
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

#[cfg(test)]
mod tests;
