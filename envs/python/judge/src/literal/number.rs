//! Numbers: integers in every base, floats, imaginary numbers, signs, and sums of a real and an imaginary part.

use azr_guest_sdk::value::{INTEGER_MAX_DIGITS, Integer, Value};

use super::{NotAValue, Parser};

/// The names that `repr` prints for floats without a literal, alone and as imaginary part.
const NAMES: [&str; 4] = ["nan", "inf", "nanj", "infj"];

pub fn is_name(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The argument of `float('…')`.
pub fn special_float(text: &str) -> Result<f64, String> {
    let text = text.trim().to_ascii_lowercase();
    let (negative, name) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let float = match name {
        "nan" => f64::NAN,
        "inf" | "infinity" => f64::INFINITY,
        _ => return Err("float(...) is for nan and inf only; write other floats as literals".to_owned()),
    };
    Ok(if negative { -float } else { float })
}

/// A number without its sign.
enum Magnitude {
    Integer(String),
    Float(f64),
    Imaginary(f64),
}

impl Parser<'_> {
    /// A signed number, and a second one if the first is real, a sign follows and the second is imaginary.
    pub(super) fn number(&mut self) -> Result<Value, NotAValue> {
        let (negative, first) = self.signed_magnitude()?;
        let after_first = self.at;
        self.skip_space();
        if matches!(first, Magnitude::Imaginary(_)) || !matches!(self.peek(), Some('+' | '-')) {
            self.at = after_first;
            return self.real_or_imaginary(negative, first);
        }
        let operator = self.at;
        let imag_negative = self.take("-");
        if !imag_negative {
            self.take("+");
        }
        self.skip_space();
        match self.magnitude()? {
            Magnitude::Imaginary(imag) => {
                let real = self.as_float(negative, first)?;
                Ok(Value::Complex { real, imag: if imag_negative { -imag } else { imag } })
            }
            _ => Err(self.error_at(operator, "an operator: write the value, not an expression")),
        }
    }

    /// A number without a sign.
    pub(crate) fn unsigned(&mut self) -> Result<Value, NotAValue> {
        let magnitude = self.magnitude()?;
        self.real_or_imaginary(false, magnitude)
    }

    fn signed_magnitude(&mut self) -> Result<(bool, Magnitude), NotAValue> {
        let mut negative = false;
        loop {
            self.skip_space();
            match self.peek() {
                Some('-') => negative = !negative,
                Some('+') => {}
                _ => break,
            }
            self.at += 1;
        }
        Ok((negative, self.magnitude()?))
    }

    fn real_or_imaginary(&self, negative: bool, magnitude: Magnitude) -> Result<Value, NotAValue> {
        match magnitude {
            Magnitude::Imaginary(imag) if negative => Ok(Value::Complex { real: -0.0, imag: -imag }),
            Magnitude::Imaginary(imag) => Ok(Value::Complex { real: 0.0, imag }),
            Magnitude::Float(float) => Ok(Value::Float(if negative { -float } else { float })),
            Magnitude::Integer(digits) => {
                let signed = if negative && digits != "0" { format!("-{digits}") } else { digits };
                let too_long = || self.error(format!("an integer of more than {INTEGER_MAX_DIGITS} digits"));
                Integer::from_decimal(&signed).map(Value::Int).ok_or_else(too_long)
            }
        }
    }

    fn as_float(&self, negative: bool, magnitude: Magnitude) -> Result<f64, NotAValue> {
        let float = match magnitude {
            Magnitude::Float(float) | Magnitude::Imaginary(float) => float,
            Magnitude::Integer(digits) => {
                let float: f64 = digits.parse().unwrap_or(f64::INFINITY);
                if float.is_infinite() {
                    return Err(self.error("an integer too large for a part of a complex number"));
                }
                // There is no negative zero among the integers.
                return Ok(if negative && float != 0.0 { -float } else { float });
            }
        };
        Ok(if negative { -float } else { float })
    }

    fn magnitude(&mut self) -> Result<Magnitude, NotAValue> {
        let start = self.at;
        let name = self.name();
        if !name.is_empty() {
            return match name {
                "nan" => Ok(Magnitude::Float(f64::NAN)),
                "inf" => Ok(Magnitude::Float(f64::INFINITY)),
                "nanj" => Ok(Magnitude::Imaginary(f64::NAN)),
                "infj" => Ok(Magnitude::Imaginary(f64::INFINITY)),
                "float" if self.take_token("(") => self.float_call(),
                _ => {
                    self.at = start;
                    Err(self.unexpected("a number"))
                }
            };
        }
        let lower: String = self.rest().chars().take(2).collect::<String>().to_ascii_lowercase();
        let magnitude = match lower.as_str() {
            "0x" => self.based_integer(16)?,
            "0o" => self.based_integer(8)?,
            "0b" => self.based_integer(2)?,
            _ => self.decimal_number()?,
        };
        match self.peek() {
            Some(c) if c.is_alphanumeric() || c == '_' || c == '.' => Err(self.unexpected("the end of the number")),
            _ => Ok(magnitude),
        }
    }

    fn float_call(&mut self) -> Result<Magnitude, NotAValue> {
        match self.call("float")? {
            Value::Float(float) => Ok(Magnitude::Float(float)),
            _ => Err(self.error("expected a float")),
        }
    }

    fn based_integer(&mut self, base: u32) -> Result<Magnitude, NotAValue> {
        self.at += 2;
        self.take("_");
        let digits = self.digits(base);
        if digits.is_empty() {
            return Err(self.unexpected(&format!("a digit of base {base}")));
        }
        // Base 2 needs the most digits, 3.33 for each decimal one.
        if digits.len() > INTEGER_MAX_DIGITS * 4 {
            return Err(self.error(format!("an integer of more than {INTEGER_MAX_DIGITS} digits")));
        }
        Ok(Magnitude::Integer(to_decimal(&digits, base)))
    }

    fn decimal_number(&mut self) -> Result<Magnitude, NotAValue> {
        let start = self.at;
        let whole = self.digits(10);
        let mut is_float = false;
        let mut spelling = whole.clone();
        if self.take(".") {
            is_float = true;
            spelling.push('.');
            spelling.push_str(&self.digits(10));
        }
        if spelling == "." || spelling.is_empty() {
            self.at = start;
            return Err(self.unexpected("a number"));
        }
        if let Some(exponent) = self.exponent() {
            is_float = true;
            spelling.push_str(&exponent);
        }
        let imaginary = self.take("j") || self.take("J");
        if imaginary || is_float {
            let float = spelling.parse().map_err(|_| self.error_at(start, "not a number"))?;
            return Ok(if imaginary { Magnitude::Imaginary(float) } else { Magnitude::Float(float) });
        }
        let significant = whole.trim_start_matches('0');
        match significant {
            "" => Ok(Magnitude::Integer("0".to_owned())),
            _ if significant.len() < whole.len() => Err(self.error_at(start, "an integer with leading zeros")),
            _ => Ok(Magnitude::Integer(whole)),
        }
    }

    /// `e` and its digits, if both are there.
    fn exponent(&mut self) -> Option<String> {
        let start = self.at;
        if !self.take("e") && !self.take("E") {
            return None;
        }
        let sign = if self.take("-") { "-" } else { "" };
        if sign.is_empty() {
            self.take("+");
        }
        let digits = self.digits(10);
        if digits.is_empty() {
            self.at = start;
            return None;
        }
        Some(format!("e{sign}{digits}"))
    }

    /// Digits of a base, without the single underscores that may stand between them.
    fn digits(&mut self, base: u32) -> String {
        let mut digits = String::new();
        loop {
            let mut ahead = self.rest().chars();
            match (ahead.next(), ahead.next()) {
                (Some(c), _) if c.is_digit(base) => digits.push(c),
                (Some('_'), Some(c)) if c.is_digit(base) && !digits.is_empty() => {}
                _ => return digits,
            }
            self.at += 1;
        }
    }
}

/// Schoolbook conversion, nine decimal digits at a time.
fn to_decimal(digits: &str, base: u32) -> String {
    const LIMB: u64 = 1_000_000_000;
    let mut limbs: Vec<u64> = vec![0];
    for digit in digits.chars().filter_map(|c| c.to_digit(base)) {
        let mut carry = u64::from(digit);
        for limb in &mut limbs {
            let next = *limb * u64::from(base) + carry;
            *limb = next % LIMB;
            carry = next / LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut limbs = limbs.iter().rev();
    let first = limbs.next().map_or(String::new(), u64::to_string);
    limbs.fold(first, |text, limb| format!("{text}{limb:09}"))
}
