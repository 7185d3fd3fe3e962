//! Python literals as text → values, without an interpreter.
//!
//! Accepts what `ast.literal_eval` accepts, what `repr` prints for plain values (`nan`, `inf`, `set()`,
//! `frozenset({1})`), `float('nan')` and its like, and top-level tuples without parentheses. White space, comments and
//! line ends may stand between any two tokens. Everything else is refused with its position; nothing is evaluated.

use std::ops::{Deref, DerefMut};

use azr_guest_sdk::value::Value;
use coding_judge::literal::Cursor;
use coding_judge::{Arguments, NotAValue};

mod hashing;
mod number;
mod string;

pub(crate) use hashing::dict;

/// Reads the arguments of a call, as written between its parentheses.
pub fn parse_arguments(text: &str) -> Result<Arguments, NotAValue> {
    let text = with_unix_lines(text);
    let mut parser = Parser::new(&text);
    let arguments = parser.arguments()?;
    parser.end()?;
    Ok(arguments)
}

/// Reads one value.
pub fn parse(text: &str) -> Result<Value, NotAValue> {
    let text = with_unix_lines(text);
    let mut parser = Parser::new(&text);
    let value = parser.top_level()?;
    parser.end()?;
    Ok(value)
}

/// Source line ends are one character, however the text spells them; inside of strings too.
pub(crate) fn with_unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

pub(crate) struct Parser<'a>(Cursor<'a>);

impl<'a> Deref for Parser<'a> {
    type Target = Cursor<'a>;

    fn deref(&self) -> &Cursor<'a> {
        &self.0
    }
}

impl<'a> DerefMut for Parser<'a> {
    fn deref_mut(&mut self) -> &mut Cursor<'a> {
        &mut self.0
    }
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Parser<'a> {
        Parser(Cursor::new(text))
    }

    /// Passes over white space, line ends and comments, then over `token` if it comes next.
    pub(crate) fn take_token(&mut self, token: &str) -> bool {
        self.skip_space();
        self.take(token)
    }

    pub(crate) fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\x0c']);
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with('#') {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("\\\n") {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn end(&mut self) -> Result<(), NotAValue> {
        self.skip_space();
        if self.rest().is_empty() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// One value, or a tuple without its parentheses.
    fn top_level(&mut self) -> Result<Value, NotAValue> {
        let first = self.value()?;
        if !self.take_token(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        loop {
            self.skip_space();
            if self.rest().is_empty() {
                return Ok(Value::Tuple(items));
            }
            items.push(self.value()?);
            if !self.take_token(",") {
                return Ok(Value::Tuple(items));
            }
        }
    }

    fn arguments(&mut self) -> Result<Arguments, NotAValue> {
        let mut arguments = Arguments { positional: Vec::new(), keyword: Vec::new() };
        loop {
            self.skip_space();
            if self.rest().is_empty() {
                return Ok(arguments);
            }
            let start = self.at;
            match self.keyword_name() {
                Some(name) if arguments.keyword.iter().any(|(other, _)| other == name) => {
                    return Err(self.error_at(start, format!("keyword argument `{name}` is repeated")));
                }
                Some(name) => {
                    let value = self.value()?;
                    arguments.keyword.push((name.to_owned(), value));
                }
                None if !arguments.keyword.is_empty() => {
                    return Err(self.error("a positional argument follows a keyword argument"));
                }
                None => arguments.positional.push(self.value()?),
            }
            if !self.take_token(",") {
                return Ok(arguments);
            }
        }
    }

    /// The name of a keyword argument with its equals sign, if that is what stands here.
    pub(crate) fn keyword_name(&mut self) -> Option<&'a str> {
        let start = self.at;
        let name = self.name();
        let is_keyword = !name.is_empty() && !RESERVED.contains(&name) && self.take_token("=");
        if !is_keyword {
            self.at = start;
        }
        is_keyword.then_some(name)
    }

    /// The identifier that stands here, passed over; empty if there is none.
    pub(crate) fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let starts = rest.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let length =
            if starts { rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()) } else { 0 };
        self.at += length;
        &rest[..length]
    }

    fn value(&mut self) -> Result<Value, NotAValue> {
        self.skip_space();
        self.enter()?;
        let value = match self.peek() {
            Some('[') => {
                self.at += 1;
                Value::List(self.items("]")?)
            }
            Some('(') => self.parenthesised()?,
            Some('{') => self.braced()?,
            Some('0'..='9' | '.' | '+' | '-') => self.number()?,
            Some('"' | '\'') => self.string()?,
            Some(c) if c.is_alphabetic() || c == '_' => self.named()?,
            _ => return Err(self.unexpected("a value")),
        };
        self.leave();
        Ok(value)
    }

    /// Items separated by commas, and the closing bracket.
    fn items(&mut self, close: &str) -> Result<Vec<Value>, NotAValue> {
        let mut items = Vec::new();
        loop {
            if self.take_token(close) {
                return Ok(items);
            }
            items.push(self.value()?);
            if !self.take_token(",") && !self.rest().starts_with(close) {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
    }

    fn parenthesised(&mut self) -> Result<Value, NotAValue> {
        self.at += 1;
        if self.take_token(")") {
            return Ok(Value::Tuple(Vec::new()));
        }
        let first = self.value()?;
        if self.take_token(")") {
            return Ok(first);
        }
        if !self.take_token(",") {
            return Err(self.unexpected("`,` or `)`"));
        }
        let mut items = vec![first];
        items.append(&mut self.items(")")?);
        Ok(Value::Tuple(items))
    }

    fn braced(&mut self) -> Result<Value, NotAValue> {
        self.at += 1;
        if self.take_token("}") {
            return Ok(Value::Dict(Vec::new()));
        }
        let start = self.at;
        let first = self.value()?;
        if !self.take_token(":") {
            return self.set_items(start, first);
        }
        let mut entries = vec![(first, self.value()?)];
        while self.take_token(",") && !self.rest_after_space().starts_with('}') {
            let key = self.value()?;
            if !self.take_token(":") {
                return Err(self.unexpected("`:`"));
            }
            entries.push((key, self.value()?));
        }
        if !self.take_token("}") {
            return Err(self.unexpected("`,` or `}`"));
        }
        hashing::dict(entries).map(Value::Dict).map_err(|reason| self.error_at(start, reason))
    }

    fn rest_after_space(&mut self) -> &'a str {
        self.skip_space();
        self.rest()
    }

    /// A set whose first element has been read. It is not read again: in a set of sets that would double the work at each
    /// level.
    fn set_items(&mut self, start: usize, first: Value) -> Result<Value, NotAValue> {
        let mut items = vec![first];
        if self.take_token(",") {
            items.append(&mut self.items("}")?);
        } else if !self.take_token("}") {
            return Err(self.unexpected("`,` or `}`"));
        }
        hashing::set(items).map(Value::Set).map_err(|reason| self.error_at(start, reason))
    }

    /// A constant, a prefixed string, or one of the calls that stand for values without a literal.
    fn named(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        let name = self.name();
        match name {
            "None" => return Ok(Value::None),
            "True" => return Ok(Value::Bool(true)),
            "False" => return Ok(Value::Bool(false)),
            "set" | "frozenset" | "float" if self.take_token("(") => return self.call(name),
            _ => self.at = start,
        }
        if self.at_string() {
            return self.string();
        }
        if number::is_name(name) { self.number() } else { Err(self.unexpected("a value")) }
    }

    fn call(&mut self, name: &str) -> Result<Value, NotAValue> {
        let start = self.at;
        let argument = if self.take_token(")") {
            None
        } else {
            let argument = self.value()?;
            self.take_token(",");
            if !self.take_token(")") {
                return Err(self.unexpected("`)`"));
            }
            Some(argument)
        };
        let value = match (name, argument) {
            ("set", None) => Ok(Value::Set(Vec::new())),
            ("frozenset", None) => Ok(Value::FrozenSet(Vec::new())),
            ("float", Some(Value::Str(text))) => number::special_float(&text).map(Value::Float),
            ("set", Some(argument)) => hashing::elements(argument).and_then(hashing::set).map(Value::Set),
            ("frozenset", Some(argument)) => hashing::elements(argument).and_then(hashing::set).map(Value::FrozenSet),
            _ => Err(format!("`{name}(...)` with this argument is not a literal")),
        };
        value.map_err(|reason| self.error_at(start, reason))
    }
}

/// Words that cannot name a keyword argument.
pub(crate) const RESERVED: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

#[cfg(test)]
mod tests;
