//! Numbers and bigints.

use azr_guest_sdk::value::{Integer, Value};

use super::{Literals, NotAValue, Parser as _};

impl Literals<'_> {
    pub(super) fn number(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        let sign = self.peek().filter(|c| "+-".contains(*c));
        self.at += usize::from(sign.is_some());
        self.skip_space()?;
        let magnitude = match self.peek() {
            Some('0'..='9' | '.') => self.magnitude()?,
            _ => match self.name() {
                "NaN" => Value::Float(f64::NAN),
                "Infinity" => Value::Float(f64::INFINITY),
                _ => return Err(self.error_at(start, "an operator: write the value, not an expression")),
            },
        };
        match (sign, magnitude) {
            (Some('-'), Value::Float(number)) => Ok(Value::Float(-number)),
            (Some('-'), Value::Int(integer)) => {
                let negative = Integer::from_decimal(&format!("-{integer}"));
                // There is no negative zero.
                Ok(Value::Int(negative.unwrap_or(integer)))
            }
            (Some(_), Value::Int(_)) => Err(self.error_at(start, "a plus sign cannot stand before a bigint")),
            (_, magnitude) => Ok(magnitude),
        }
    }

    fn magnitude(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        let value = match self.rest().get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => self.based(16)?,
            Some("0o") => self.based(8)?,
            Some("0b") => self.based(2)?,
            _ => self.decimal()?,
        };
        match self.peek() {
            Some(c) if c.is_alphanumeric() || c == '_' || c == '$' => {
                Err(self.error_at(start, "digits that make no number"))
            }
            _ => Ok(value),
        }
    }

    fn based(&mut self, base: u32) -> Result<Value, NotAValue> {
        let start = self.at;
        self.at += 2;
        let digits = self.digits(base)?;
        let Ok(number) = u128::from_str_radix(&digits, base) else {
            return Err(self.error_at(start, "a number with a base, without digits or with more than 128 bits"));
        };
        match self.take("n") {
            true => Ok(Value::Int(Integer::from_decimal(&number.to_string()).expect("Rust prints plain digits"))),
            // Rounds to the nearest, ties to even, as the language does.
            false => Ok(Value::Float(number as f64)),
        }
    }

    fn decimal(&mut self) -> Result<Value, NotAValue> {
        let start = self.at;
        let mut digits = self.digits(10)?;
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(self.error_at(start, "a number with a leading zero"));
        }
        if self.take("n") {
            let integer = Integer::from_decimal(&digits).ok_or_else(|| self.error_at(start, "a bigint too long"))?;
            return Ok(Value::Int(integer));
        }
        if self.take(".") {
            digits = format!("{digits}.{}", self.digits(10)?);
        }
        if self.take("e") || self.take("E") {
            let sign = if self.take("-") { "-" } else { "" };
            if sign.is_empty() {
                self.take("+");
            }
            digits = format!("{digits}e{sign}{}", self.digits(10)?);
        }
        match digits.parse() {
            Ok(number) => Ok(Value::Float(number)),
            Err(_) => Err(self.error_at(start, "digits that make no number")),
        }
    }

    /// Digits, without the separators between them.
    fn digits(&mut self, base: u32) -> Result<String, NotAValue> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_digit(base) && c != '_').unwrap_or(rest.len());
        let digits = &rest[..length];
        if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
            return Err(self.error("a separator that is not between two digits"));
        }
        self.at += length;
        Ok(digits.replace('_', ""))
    }
}
