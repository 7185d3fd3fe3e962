//! Numbers with what stands behind them: units, bases, times of day.

use super::arithmetic::is_fraction;
use super::{Letters, Parser};
use crate::token::{Kind, Token};
use crate::tree::{Joined, Tree};
use crate::unit::{Unit, turns};
use crate::word::{self, is_conjunction};

/// Words behind a number. Protects the fuel.
const UNIT_WORDS_MAX: usize = 20;

/// Where a number stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    BehindColon,
}

fn is_half_of_day(word: &str) -> bool {
    is_afternoon(word) || word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("midnight")
}

fn is_afternoon(word: &str) -> bool {
    word.eq_ignore_ascii_case("pm") || word.eq_ignore_ascii_case("noon")
}

/// 3.30 p.m. is half past three.
fn hours_and_minutes(time: Tree) -> Vec<Tree> {
    let parts = match &time {
        Tree::Number { digits, .. } => digits.split_once('.').filter(|(_, minutes)| minutes.len() == 2),
        _ => None,
    };
    match parts.and_then(|(hours, minutes)| Some((hours.parse().ok()?, minutes.parse().ok()?))) {
        Some((hours, minutes)) => vec![Tree::integer(hours), Tree::integer(minutes)],
        None => vec![time],
    }
}

/// Whether items are one amount in units that get smaller.
pub(super) fn compound(items: &[Tree]) -> bool {
    let unit = |item: &Tree| match item {
        Tree::Quantity { unit, .. } => Some(unit.clone()),
        _ => None,
    };
    items.len() > 1
        && items.windows(2).all(|pair| match (unit(&pair[0]), unit(&pair[1])) {
            (Some(one), Some(other)) => one.adds_to(&other) && one.is_larger_than(&other),
            _ => false,
        })
}

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

    /// A sum with its unit, or several with colons between them.
    pub(super) fn part(&mut self) -> Result<Tree, String> {
        let start = self.at;
        let negative = self.takes('-');
        let currency = ['$', '€', '£', '¢', '¥', '₹'].into_iter().find(|sign| self.takes(*sign));
        if currency.is_none() {
            self.at = start;
        }
        let first = self.measured(currency, Place::First)?;
        let first = if negative && currency.is_some() { negated(first) } else { first };
        if self.peek() != Some(&Kind::Sign(':')) && !self.is_at_ratio_word() {
            return self.more_of(first);
        }
        let mut items = vec![first];
        while self.takes_ratio() {
            items.push(self.measured(None, Place::BehindColon)?);
        }
        match self.half_of_day() {
            Some(afternoon) => Ok(Tree::Clock { parts: items, afternoon }),
            None => Ok(Tree::Ratio(items)),
        }
    }

    /// "to" between two numbers.
    fn is_at_ratio_word(&self) -> bool {
        self.word() == "to" && matches!(self.ahead(self.word_length("to")), Some(Kind::Number { .. }))
    }

    fn takes_ratio(&mut self) -> bool {
        let says_to = self.is_at_ratio_word();
        self.at += if says_to { self.word_length("to") } else { 0 };
        says_to || self.takes(':')
    }

    /// The minutes behind hours, with nothing between the two.
    fn more_of(&mut self, first: Tree) -> Result<Tree, String> {
        let mut parts = vec![first];
        while matches!(parts.last(), Some(Tree::Quantity { .. } | Tree::Either(..)))
            && matches!(self.peek(), Some(Kind::Number { .. }))
        {
            let start = self.at;
            // "2 h 15 min"
            if let Some(Tree::Either(measured, _)) = parts.last() {
                let measured = Tree::clone(measured);
                parts.pop();
                parts.push(measured);
            }
            let next = self.measured(None, Place::First)?;
            parts.push(match next {
                Tree::Either(measured, _) => *measured,
                next => next,
            });
            if !compound(&parts) {
                parts.pop();
                self.at = start;
                break;
            }
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::Compound(parts) })
    }

    fn half_of_day(&mut self) -> Option<bool> {
        let word = self.word();
        let half = is_half_of_day(&word).then(|| is_afternoon(&word))?;
        self.at += self.word_length(&word);
        Some(half)
    }

    fn measured(&mut self, currency: Option<char>, place: Place) -> Result<Tree, String> {
        let mut value = self.sum()?;
        loop {
            // "half a million"
            let article = self.word_length(&self.word());
            let multiplies = matches!(self.ahead(article), Some(Kind::Text(next)) if word::factor(next).is_some());
            self.at += if multiplies && self.is_at_article() { article } else { 0 };
            let word = self.word();
            value = match word::factor(&word) {
                Some(factor) => Tree::Product(vec![value, Tree::Number { value: factor, digits: String::new() }]),
                None if ["squared", "cubed"].contains(&&*word) => {
                    Tree::Power(Box::new(value), Box::new(Tree::integer(if word == "squared" { 2 } else { 3 })))
                }
                None => break,
            };
            self.at += self.word_length(&word);
        }
        if place == Place::First && is_half_of_day(&self.word()) && value.is_numeric() {
            let afternoon = self.half_of_day() == Some(true);
            return Ok(Tree::Clock { parts: hours_and_minutes(value), afternoon });
        }
        if place == Place::BehindColon && is_half_of_day(&self.word()) {
            return Ok(value);
        }
        self.with_unit(value, currency)
    }

    fn with_unit(&mut self, value: Tree, currency: Option<char>) -> Result<Tree, String> {
        if let Some(base) = self.base_in_words(&value) {
            return Ok(base);
        }
        // "half a mile"
        if matches!(&value, Tree::Number { digits, .. } if digits.is_empty()) && self.is_at_article() {
            self.at += self.word_length(&self.word());
        }
        let start = self.at;
        let mut unit = if value.is_set() { Unit::default() } else { self.unit()? };
        if unit.is_none()
            && let Some((inner, length)) = self.unit_in_parentheses().filter(|_| value.is_numeric())
        {
            unit = inner;
            self.at += length;
        }
        if let Some(currency) = currency {
            unit = Unit::known(&currency.to_string()).unwrap_or_default().times(&unit.without_currency(), 1);
        }
        if unit.is_none() {
            return Ok(value);
        }
        // A letter of a formula, with space before it, may be either.
        let product = match self.tokens[start..self.at] {
            [ref token] if token.run == 1 => match token.kind {
                Kind::Letter(letter) => Some(Tree::Product(vec![value.clone(), Tree::Symbol(letter.into())])),
                Kind::Name(ref name) => Some(Tree::Product(vec![value.clone(), Tree::Symbol(format!("\\{name}"))])),
                _ => None,
            },
            _ => None,
        };
        let measured = Tree::Quantity { value: Box::new(value), unit };
        Ok(match product {
            Some(product) => Tree::Either(Box::new(measured), Box::new(product)),
            None => measured,
        })
    }

    /// How many parts stand before the modulus of a congruence: `\pmod`, "mod" and an opening bracket.
    pub(super) fn modulus_length(&self) -> Option<usize> {
        let bracket = usize::from(self.peek() == Some(&Kind::Sign('(')));
        let word = Parser { tokens: self.tokens, at: self.at + bracket, ..*self }.word();
        match self.ahead(bracket) {
            Some(Kind::Name(name)) if ["pmod", "bmod", "mod", "pod"].contains(&&**name) => Some(bracket + 1),
            Some(Kind::Letter(_)) if word == "mod" || word == "modulo" => Some(bracket + word.len()),
            Some(Kind::Text(_)) if word == "mod" || word == "modulo" => Some(bracket + 1),
            _ => None,
        }
    }

    /// One or more numbers up to the same other, as in `n \equiv 1, 5 \pmod 6`.
    pub(super) fn congruences(&mut self, left: Tree, of: Tree) -> Result<Tree, String> {
        let mut residues = vec![of];
        while self.modulus_length().is_none() && self.separator().is_some() {
            residues.push(self.side()?);
        }
        let last = residues.pop().ok_or("a congruence without a residue")?;
        let last = self.congruence(Some(left.clone()), last)?;
        let Tree::Congruence { modulus, .. } = &last else { return Ok(last) };
        let others = residues.into_iter().map(|of| Tree::Congruence {
            left: Some(Box::new(left.clone())),
            of: Box::new(of),
            modulus: modulus.clone(),
        });
        let mut items: Vec<Tree> = others.collect();
        items.push(last);
        Ok(if items.len() == 1 { items.remove(0) } else { Tree::List { items, joined: Joined::Or } })
    }

    /// What a number is up to, as in `3 \pmod 7`.
    pub(super) fn congruence(&mut self, left: Option<Tree>, of: Tree) -> Result<Tree, String> {
        let length = self.modulus_length().ok_or("a congruence without a modulus")?;
        let parenthesised = self.peek() == Some(&Kind::Sign('('));
        self.at += length;
        let modulus = Box::new(self.argument()?);
        if parenthesised {
            self.expects(')')?;
        }
        Ok(Tree::Congruence { left: left.map(Box::new), of: Box::new(of), modulus })
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
        Ok(product.unit)
    }

    /// The next part of a unit, whether there was one.
    fn unit_part(&mut self, product: &mut UnitProduct) -> Result<bool, String> {
        if self.modulus_length().is_some() || self.is_at_ratio_word() {
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
                (Unit::known(if seconds { "arcsecond" } else { "arcminute" }), 1 + usize::from(seconds))
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

fn negated(tree: Tree) -> Tree {
    match tree {
        Tree::Quantity { value, unit } => Tree::Quantity { value: Box::new(value.negated()), unit },
        tree => tree.negated(),
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
