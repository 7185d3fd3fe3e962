//! Ratios, and times of day, which have colons too.

use num_bigint::BigInt;

use super::Parser;
use crate::polynomial::Rational;
use crate::token::Kind;
use crate::tree::Tree;
use crate::word::number;

impl Parser<'_> {
    /// "to" between two numbers.
    pub(super) fn is_at_ratio_word(&self) -> bool {
        let is_number = |kind: &Kind| match kind {
            Kind::Number { .. } => true,
            Kind::Text(word) => number(&[word]).is_some(),
            _ => false,
        };
        self.word() == "to" && self.ahead(self.word_length("to")).is_some_and(is_number)
    }

    /// A time of day in words, or a proportion.
    pub(super) fn spoken(&mut self) -> Option<Tree> {
        self.clock_in_words().or_else(|| self.proportion())
    }

    /// `3 out of 4` and `3 in 4`, which is all of the item.
    fn proportion(&mut self) -> Option<Tree> {
        let joins = match self.ahead(1)? {
            Kind::Letter(letter) => ['i', 'o'].contains(letter),
            Kind::Text(word) => ["in", "out"].contains(&&**word),
            _ => false,
        };
        let start = self.at;
        let part = self.count().filter(|_| joins);
        let joined = part.is_some() && (self.takes_word("in") || self.takes_word("out") && self.takes_word("of"));
        let whole = if joined { self.count() } else { None };
        if whole.is_none() || !self.is_at_end_of_item() {
            self.at = start;
            return None;
        }
        Some(part?.over(whole?))
    }

    /// A whole number in digits or in one word.
    fn count(&mut self) -> Option<Tree> {
        let number = match self.peek()? {
            Kind::Number { .. } => Rational::from(BigInt::from(self.plain_number()?)),
            Kind::Text(word) => number(&[word]).filter(Rational::is_integer)?,
            _ => return None,
        };
        self.at += 1;
        Some(Tree::Number { value: number, digits: String::new() })
    }

    pub(super) fn takes_ratio(&mut self) -> bool {
        let says_to = self.is_at_ratio_word();
        self.at += if says_to { self.word_length("to") } else { 0 };
        says_to || self.takes(':')
    }

    pub(super) fn half_of_day(&mut self) -> Option<bool> {
        let word = self.word();
        let half = is_half_of_day(&word).then(|| is_afternoon(&word))?;
        self.at += self.word_length(&word);
        Some(half)
    }
}

pub(super) fn is_half_of_day(word: &str) -> bool {
    is_afternoon(word) || word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("midnight")
}

fn is_afternoon(word: &str) -> bool {
    word.eq_ignore_ascii_case("pm") || word.eq_ignore_ascii_case("noon")
}

/// 3.30 p.m. is half past three.
pub(super) fn hours_and_minutes(time: Tree) -> Vec<Tree> {
    let parts = match &time {
        Tree::Number { digits, .. } => digits.split_once('.').filter(|(_, minutes)| minutes.len() == 2),
        _ => None,
    };
    match parts.and_then(|(hours, minutes)| Some((hours.parse().ok()?, minutes.parse().ok()?))) {
        Some((hours, minutes)) => vec![Tree::integer(hours), Tree::integer(minutes)],
        None => vec![time],
    }
}
