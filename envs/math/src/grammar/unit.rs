//! Units behind numbers.

use super::arithmetic::is_fraction;
use super::ratio::is_half_of_day;
use super::{Letters, Parser};
use crate::token::{Kind, Token};
use crate::tree::Tree;
use crate::unit::{Unit, turns};
use crate::word::is_conjunction;

/// Words behind a number. Protects the fuel.
const UNIT_WORDS_MAX: usize = 20;

impl Parser<'_> {
    /// Whether letters behind a number are a unit and no product.
    pub(super) fn is_unit(&self, word: &str, spaced: bool) -> bool {
        let counted =
            word.len() > 2 && word.contains(['a', 'e', 'i', 'o', 'u']) && !word.as_bytes().is_sorted_by(|a, b| a < b);
        let known = || Unit::known(word).is_some() || ["per", "sq", "cu"].contains(&word) || is_half_of_day(word);
        match word.len() {
            0 => false,
            1 => spaced && self.letters == Letters::Units && known(),
            _ => known() || spaced && counted,
        }
    }

    /// Whether braces hold a unit, as in `5 {\rm cm}`.
    pub(super) fn is_unit_in_braces(&self, product: &Tree) -> bool {
        let inner = Parser { tokens: self.tokens, at: self.at + 1, ..*self };
        self.peek() == Some(&Kind::Sign('{')) && product.is_numeric() && inner.is_at_unit()
    }

    fn is_at_unit(&self) -> bool {
        let word = self.word();
        match self.peek() {
            Some(Kind::Text(_)) => true,
            Some(Kind::Letter(_)) => word.len() > 1 && Unit::known(&word).is_some(),
            _ => false,
        }
    }

    /// Whether a fraction has units above and below, as \frac{\text{km}}{\text{h}}.
    pub(super) fn is_fraction_of_units(&self) -> bool {
        let mut inner = Parser { tokens: self.tokens, at: self.at + 1, ..*self };
        inner.unit_in_braces().is_some() && inner.unit_in_braces().is_some()
    }

    /// Words in parentheses that end the item, as in `9 (apples)`, and how many parts they take. One letter is a factor.
    pub(super) fn unit_in_parentheses(&self) -> Option<(Unit, usize)> {
        let mut inner = Parser { tokens: self.tokens, at: self.at, ..*self };
        if !inner.takes('(') || inner.word().len() < 2 {
            return None;
        }
        let unit = inner.unit().ok().filter(|unit| !unit.is_none())?;
        (inner.takes(')') && inner.is_at_end_of_item()).then(|| (unit, inner.at - self.at))
    }

    fn unit_in_braces(&mut self) -> Option<Unit> {
        let start = self.at;
        let unit = if self.takes('{') && (self.is_at_unit() || self.word().len() == 1 && start > 0) {
            self.unit().ok().filter(|unit| !unit.is_none() && unit.is_measured()).filter(|_| self.takes('}'))
        } else {
            None
        };
        if unit.is_none() {
            self.at = start;
        }
        unit
    }

    /// What stands behind a number and is no part of it.
    pub(super) fn unit(&mut self) -> Result<Unit, String> {
        let mut product = UnitProduct::default();
        while self.unit_part(&mut product)? {
            if product.words > UNIT_WORDS_MAX {
                return Err(format!("a unit of more than {UNIT_WORDS_MAX} words"));
            }
        }
        if product.breaks_off() {
            return Err("a unit that breaks off".into());
        }
        Ok(product.unit)
    }

    /// The next part of a unit, whether there was one.
    fn unit_part(&mut self, product: &mut UnitProduct) -> Result<bool, String> {
        if self.modulus_length().is_some() || self.is_at_ratio_word() || self.is_at_parameter() {
            return Ok(false);
        }
        if let Some(length) = self.degrees() {
            self.at += length;
            product.push(self.degrees_of());
            return Ok(true);
        }
        if let Some((unit, length)) = self.ohms().filter(|_| !product.is_begun()) {
            self.at += length;
            product.push(unit);
            return Ok(true);
        }
        if let Some(length) = self.fluid_ounces() {
            self.at += length;
            product.push(Unit::known("fluid ounce").unwrap_or_default());
            return Ok(true);
        }
        let word = self.word();
        if word.len() > 1 && turns(&word) {
            return Err(format!("{word:.20?} behind a number"));
        }
        let (named, length) = match self.peek() {
            Some(Kind::Text(_) | Kind::Letter(_)) if !self.is_at_conjunction() => return Ok(self.unit_word(product)),
            Some(Kind::Sign('^')) => return self.unit_power(product),
            Some(Kind::Sign('/' | '*')) if product.is_begun() => return Ok(self.unit_operator(product)),
            Some(Kind::Sign('\'')) if !product.is_begun() => {
                let seconds = self.ahead(1) == Some(&Kind::Sign('\''));
                (Unit::of_primes(seconds), 1 + usize::from(seconds))
            }
            Some(Kind::Sign('-')) if product.is_begun() && self.is_between_units() => {
                return Ok(self.unit_operator(product));
            }
            Some(Kind::Sign(sign @ ('%' | '$' | '€' | '£' | '¢' | '¥' | '₹'))) => {
                (Unit::known(&sign.to_string()), 1)
            }
            Some(Kind::Name(name)) if name == "Omega" && product.is_begun() => (Unit::known("Ω"), 1),
            Some(Kind::Name(name)) if name == "mu" => match self.ahead(1) {
                Some(Kind::Text(word)) => (Unit::known(&format!("μ{word}")), 2),
                _ => (None, 0),
            },
            Some(Kind::Name(name)) if is_fraction(name) && self.is_fraction_of_units() => {
                self.at += 1;
                product.push(self.unit_in_braces().unwrap_or_default());
                product.divide();
                (self.unit_in_braces(), 0)
            }
            Some(Kind::Sign('{')) => (self.unit_in_braces(), 0),
            _ => (None, 0),
        };
        self.at += if named.is_some() { length } else { 0 };
        let found = named.is_some();
        product.push(named.unwrap_or_default());
        Ok(found)
    }

    /// How many parts "fl oz" and "fluid ounces" have, if they stand here: a volume, which an ounce is not.
    pub(super) fn fluid_ounces(&self) -> Option<usize> {
        let fluid = match self.peek()? {
            Kind::Letter('f') => self.word(),
            Kind::Text(word) if word.starts_with('f') => word.clone(),
            _ => return None,
        };
        let length = self.word_length(&fluid);
        let behind = Parser { tokens: self.tokens, at: self.at + length, ..*self };
        let ounce = behind.word();
        let said = ["fl", "fluid"].contains(&&*fluid) && ["oz", "ounce", "ounces"].contains(&&*ounce);
        said.then(|| length + behind.word_length(&ounce))
    }

    /// Ohms at the end of an item, perhaps thousands or millions of them, and how many parts they take.
    pub(super) fn ohms(&self) -> Option<(Unit, usize)> {
        let word = self.word();
        let length = self.word_length(&word);
        let is_ohm = matches!(self.ahead(length), Some(Kind::Name(name)) if name == "Omega");
        let ends = Parser { tokens: self.tokens, at: self.at + length + 1, ..*self }.is_at_end_of_item();
        let unit = if ["", "k", "M", "G", "m"].contains(&&*word) { Unit::known(&format!("{word}Ω")) } else { None };
        unit.filter(|_| is_ohm && ends).map(|unit| (unit, length + 1))
    }

    /// Whether the sign that stands here joins two units of measure, as the hyphen in N-m.
    fn is_between_units(&self) -> bool {
        let unit = |token: Option<&Token>| {
            token.is_some_and(|token| matches!(&token.kind, Kind::Text(word) if Unit::known(word).is_some()))
        };
        unit(self.at.checked_sub(1).map(|before| &self.tokens[before])) && unit(self.tokens.get(self.at + 1))
    }

    /// What degrees are of: an angle, or a thermometer's.
    fn degrees_of(&mut self) -> Unit {
        let word = self.word();
        let scale = match &*word {
            "C" | "c" => "celsius",
            "F" | "f" => "fahrenheit",
            word if ["celsius", "fahrenheit"].contains(&&*word.to_lowercase()) => word,
            _ => return Unit::known("°").unwrap_or_default(),
        };
        let unit = Unit::known(scale).unwrap_or_default();
        self.at += self.word_length(&word);
        unit
    }

    /// A word of a unit, whether there was one.
    fn unit_word(&mut self, product: &mut UnitProduct) -> bool {
        let word = self.word();
        let lower = word.to_lowercase();
        let divides = product.is_begun() && self.is_at_article();
        let is_unit = self.is_unit(&word, self.is_spaced() || product.is_begun());
        if matches!(self.peek(), Some(Kind::Letter(_))) && !is_unit && !divides {
            return false;
        }
        self.at += self.word_length(&word);
        match &*lower {
            "per" if !product.is_begun() && self.word() == "cent" => {
                self.at += self.word_length("cent");
                product.push(Unit::known("%").unwrap_or_default());
            }
            "per" => product.divide(),
            "square" | "sq" => product.next_power = 2,
            "cubic" | "cu" => product.next_power = 3,
            "squared" => product.raise(2),
            "cubed" => product.raise(3),
            "degree" | "degrees" => product.push(self.degrees_of()),
            // "$5 an hour", "twice a week"
            "a" | "an" if divides => product.divide(),
            // "6 pounds sterling"
            "sterling" => product.replace(Unit::known("£").unwrap_or_default()),
            _ => product.push(Unit::of_word(&word)),
        }
        true
    }

    fn unit_power(&mut self, product: &mut UnitProduct) -> Result<bool, String> {
        let start = self.at;
        self.at += 1;
        let braced = self.takes('{');
        let negative = self.takes('-');
        let exponent = match self.peek() {
            Some(Kind::Number { digits, .. }) if product.is_begun() => {
                digits.parse::<i32>().ok().filter(|power| *power <= 9)
            }
            _ => None,
        };
        let Some(exponent) = exponent else {
            self.at = start;
            return Ok(false);
        };
        self.at += 1;
        if braced {
            self.expects('}')?;
        }
        product.raise(if negative { -exponent } else { exponent });
        Ok(true)
    }

    /// A sign between two units.
    fn unit_operator(&mut self, product: &mut UnitProduct) -> bool {
        let word = Parser { tokens: self.tokens, at: self.at + 1, ..*self }.word();
        if word.is_empty() || is_conjunction(&word) {
            return false;
        }
        if self.takes('/') {
            product.divide();
        } else {
            self.at += 1;
        }
        true
    }
}

/// A unit that is read word by word.
#[derive(Default)]
struct UnitProduct {
    unit: Unit,
    /// The last factor, and its exponent.
    last: Option<(Unit, i32)>,
    divides: bool,
    words: usize,
    /// What "square" or "cubic" make of the next word, or 0.
    next_power: i32,
}

impl UnitProduct {
    fn is_begun(&self) -> bool {
        self.last.is_some()
    }

    /// Whether "per" or "square" is the last of it.
    fn breaks_off(&self) -> bool {
        self.divides || self.next_power > 0
    }

    fn divide(&mut self) {
        self.divides = true;
    }

    fn push(&mut self, unit: Unit) {
        if unit.is_none() {
            return;
        }
        self.words += 1;
        let power = if self.next_power > 0 { self.next_power } else { 1 };
        // Words that say more of what is counted belong to the same factor; a unit of measure is divided by once.
        let exponent = if self.divides { -power } else { power };
        self.divides = false;
        self.next_power = 0;
        self.unit = std::mem::take(&mut self.unit).times(&unit, exponent);
        self.last = Some((unit, exponent));
    }

    /// An exponent of the last factor.
    fn raise(&mut self, power: i32) {
        if let Some((unit, exponent)) = self.last.take() {
            let rest = std::mem::take(&mut self.unit).times(&unit, -exponent);
            self.unit = rest.times(&unit, exponent * power);
            self.last = Some((unit, exponent * power));
        }
    }

    fn replace(&mut self, unit: Unit) {
        *self = UnitProduct { last: Some((unit.clone(), 1)), unit, ..UnitProduct::default() };
    }
}
