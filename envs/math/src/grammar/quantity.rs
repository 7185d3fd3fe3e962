//! Numbers with their units, or several of them as one amount.

use num_bigint::BigInt;
use num_traits::Pow;

use super::Parser;
use super::ratio::{hours_and_minutes, is_half_of_day};
use crate::polynomial::Rational;
use crate::token::Kind;
use crate::tree::Tree;
use crate::unit::Unit;
use crate::word;

/// Where a number stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    BehindColon,
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
    /// A sum with its unit, or several with colons between them.
    pub(super) fn part(&mut self) -> Result<Tree, String> {
        let start = self.at;
        let negative = self.takes('-');
        let currency = self.currency();
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

    /// The sign of a currency before an amount, or its letters: `US$ 5`, `USD 5`, `Rs. 5`.
    fn currency(&mut self) -> Option<char> {
        let start = self.at;
        let word = self.word();
        self.at += self.word_length(&word);
        let sign = ['$', '€', '£', '¢', '¥', '₹'].into_iter().find(|sign| self.takes(*sign));
        let named = match &*word.to_uppercase() {
            "" => sign,
            "US" => sign.filter(|sign| *sign == '$'),
            "USD" => Some('$'),
            "EUR" => Some('€'),
            "GBP" => Some('£'),
            "INR" | "RS" => Some('₹'),
            _ => None,
        };
        let before_number = word.is_empty() || matches!(self.peek(), Some(Kind::Number { .. }));
        let currency = named.filter(|named| before_number && sign.is_none_or(|sign| sign == *named));
        if currency.is_none() {
            self.at = start;
        }
        currency
    }

    /// The minutes behind hours, with nothing between the two.
    fn more_of(&mut self, first: Tree) -> Result<Tree, String> {
        let mut parts = vec![first];
        let first_end = self.at;
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
        Ok(match parts.len() {
            1 => parts.remove(0),
            2 if self.ends_in_primes(first_end, 1) && self.ends_in_primes(self.at, 2) => feet_or_minutes(parts),
            _ => Tree::Compound(parts),
        })
    }

    /// Whether so many primes stand before that place, as the marks of a unit.
    fn ends_in_primes(&self, end: usize, count: usize) -> bool {
        self.tokens[end - count..end].iter().all(|token| token.kind == Kind::Sign('\''))
    }

    fn measured(&mut self, currency: Option<char>, place: Place) -> Result<Tree, String> {
        let mut value = match currency.and_then(|_| self.amount_in_thousands()) {
            Some(amount) => amount,
            None => self.sum()?,
        };
        if let Some(part) = self.part_behind_and(&value) {
            value = Tree::Sum(vec![value, part]);
        }
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

    /// "2 and a half"
    fn part_behind_and(&mut self, value: &Tree) -> Option<Tree> {
        let whole = matches!(value, Tree::Number { value, digits } if value.is_integer() && !digits.contains('.'));
        let start = self.at;
        let article = if whole && self.takes_word("and") { self.word() } else { String::new() };
        let has_article = !article.is_empty() && self.is_at_article();
        self.at += self.word_length(&article);
        let part = match self.peek() {
            Some(Kind::Text(word)) if has_article => word::factor(word).filter(|part| !part.is_integer()),
            _ => None,
        };
        self.at = if part.is_some() { self.at + 1 } else { start };
        part.map(|value| Tree::Number { value, digits: String::new() })
    }

    /// `\$5K`, `\$5M` and so on: letters that are magnitudes of money.
    fn amount_in_thousands(&mut self) -> Option<Tree> {
        let Kind::Number { value, .. } = self.peek()? else { return None };
        let behind = Parser { tokens: self.tokens, at: self.at + 1, ..*self };
        let magnitude = behind.word();
        let power = match &*magnitude {
            "K" | "k" => 3,
            "M" | "MM" => 6,
            "B" => 9,
            "T" => 12,
            _ => return None,
        };
        let factor = Tree::Number { value: Pow::pow(Rational::from(BigInt::from(10)), power), digits: String::new() };
        self.at += 1 + behind.word_length(&magnitude);
        Some(Tree::Product(vec![Tree::Number { value: value.clone(), digits: String::new() }, factor]))
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
        // Primes may be those of feet and inches, and a letter of a formula with space before it may be a factor.
        let other = match self.tokens[start..self.at] {
            _ if self.at > start && self.ends_in_primes(self.at, self.at - start) => {
                let unit = Unit::known(if self.at - start == 2 { "inch" } else { "foot" });
                let unit = unit.filter(|_| currency.is_none()).unwrap_or_default();
                Some(Tree::Quantity { value: Box::new(value.clone()), unit: unit.with_prime() })
            }
            [ref token] if token.run == 1 => match token.kind {
                Kind::Letter(letter) => Some(Tree::Product(vec![value.clone(), Tree::Symbol(letter.into())])),
                Kind::Name(ref name) => Some(Tree::Product(vec![value.clone(), Tree::Symbol(format!("\\{name}"))])),
                _ => None,
            },
            _ => None,
        };
        let measured = Tree::Quantity { value: Box::new(value), unit };
        Ok(match other {
            Some(other) => Tree::Either(Box::new(measured), Box::new(other)),
            None => measured,
        })
    }
}

/// `6' 2''`: feet and inches, or minutes and seconds of arc.
fn feet_or_minutes(parts: Vec<Tree>) -> Tree {
    let units = ["foot", "inch"].map(|name| Unit::known(name).unwrap_or_default());
    let in_feet = parts.iter().zip(units).map(|(part, unit)| match part {
        Tree::Quantity { value, .. } => Tree::Quantity { value: value.clone(), unit },
        other => other.clone(),
    });
    Tree::Either(Box::new(Tree::Compound(in_feet.collect())), Box::new(Tree::Compound(parts)))
}

fn negated(tree: Tree) -> Tree {
    match tree {
        Tree::Quantity { value, unit } => Tree::Quantity { value: Box::new(value.negated()), unit },
        tree => tree.negated(),
    }
}
