//! What parsers of literals share, whatever the language.

use std::ops::DerefMut;

use azr_guest_sdk::value::{NESTING_MAX, Value};

use crate::NotAValue;

/// A place in a text.
pub struct Cursor<'a> {
    text: &'a str,
    /// Byte offset of the next character.
    pub at: usize,
    /// How many values are being read inside each other.
    nesting: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0, nesting: 0 }
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over `token` if it comes next.
    pub fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Says that a value begins here. Protects the stack of whoever reads, and walks, what is inside it.
    pub fn enter(&mut self) -> Result<(), NotAValue> {
        if self.nesting > NESTING_MAX {
            return Err(self.error(format!("nested more than {NESTING_MAX} deep")));
        }
        self.nesting += 1;
        Ok(())
    }

    /// Says that it ends here.
    pub fn leave(&mut self) {
        self.nesting -= 1;
    }

    pub fn error(&self, reason: impl Into<String>) -> NotAValue {
        self.error_at(self.at, reason)
    }

    pub fn error_at(&self, at: usize, reason: impl Into<String>) -> NotAValue {
        NotAValue::new(self.text, at, reason)
    }

    /// Names what stands here instead of what should.
    pub fn unexpected(&self, wanted: &str) -> NotAValue {
        NotAValue::unexpected(self.text, self.at, wanted)
    }
}

/// A parser of literals: a language adds what stands between them, and what each of them is.
pub trait Parser<'a>: DerefMut<Target = Cursor<'a>> {
    /// Passes over white space, and comments where there are any.
    fn skip_space(&mut self) -> Result<(), NotAValue>;

    /// The value that begins at the next character.
    fn value_here(&mut self) -> Result<Value, NotAValue>;

    fn value(&mut self) -> Result<Value, NotAValue> {
        self.skip_space()?;
        self.enter()?;
        let value = self.value_here()?;
        self.leave();
        Ok(value)
    }

    /// All of the text as one value.
    fn whole(mut self) -> Result<Value, NotAValue>
    where
        Self: Sized,
    {
        let value = self.value()?;
        self.end()?;
        Ok(value)
    }

    /// All of the text as values between commas, each with where it may begin.
    fn separated(mut self) -> Result<Vec<(usize, Value)>, NotAValue>
    where
        Self: Sized,
    {
        let mut values = Vec::new();
        while !self.at_end()? {
            values.push((self.at, self.value()?));
            if !self.take_token(",")? {
                break;
            }
        }
        self.end()?;
        Ok(values)
    }

    /// Items after an opening bracket, and the closing one.
    fn items(&mut self, close: &str) -> Result<Vec<Value>, NotAValue> {
        let mut items = Vec::new();
        while !self.take_token(close)? {
            items.push(self.value()?);
            self.end_item(close)?;
        }
        Ok(items)
    }

    /// Passes over the comma after an item, which the last one need not have.
    fn end_item(&mut self, close: &str) -> Result<(), NotAValue> {
        if self.take_token(",")? || self.rest().starts_with(close) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`,` or `{close}`")))
    }

    /// Passes over white space, then over `token` if it comes next.
    fn take_token(&mut self, token: &str) -> Result<bool, NotAValue> {
        self.skip_space()?;
        Ok(self.take(token))
    }

    fn expect(&mut self, token: &str) -> Result<(), NotAValue> {
        if self.take_token(token)? { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    fn at_end(&mut self) -> Result<bool, NotAValue> {
        self.skip_space()?;
        Ok(self.rest().is_empty())
    }

    fn end(&mut self) -> Result<(), NotAValue> {
        if self.at_end()? { Ok(()) } else { Err(self.unexpected("the end")) }
    }
}
