//! Ordinal numbers: 5th, fifth.

use num_traits::ToPrimitive;

use super::Parser;
use crate::token::Kind;
use crate::tree::Tree;
use crate::unit::Unit;
use crate::word;

impl Parser<'_> {
    /// An ordinal number that is all of the item.
    pub(super) fn ordinal(&mut self) -> Option<Tree> {
        let start = self.at;
        let number = match self.peek()? {
            Kind::Number { .. } => self.numbered_place(),
            Kind::Text(_) | Kind::Letter('f' | 'F') => self.named_place(),
            _ => None,
        };
        let Some(number) = number.filter(|_| self.is_at_end_of_item()) else {
            self.at = start;
            return None;
        };
        Some(Tree::Quantity { value: Box::new(Tree::integer(number.into())), unit: Unit::ordinal() })
    }

    /// `21st`, `21^{\text{st}}`
    pub(super) fn numbered_place(&mut self) -> Option<u32> {
        let number = self.plain_number()?;
        let behind = match self.ahead(1)? {
            Kind::Letter('s' | 'n' | 'r' | 't') | Kind::Text(_) | Kind::Sign('^') => self.at + 1,
            _ => return None,
        };
        let start = std::mem::replace(&mut self.at, behind);
        let raised = self.takes('^');
        let braced = raised && self.takes('{');
        let ending = self.word();
        let joined = raised || !self.is_spaced() || matches!(self.peek(), Some(Kind::Text(_)));
        self.at += self.word_length(&ending);
        if ending != ending_of(number) || !joined || braced && !self.takes('}') {
            self.at = start;
            return None;
        }
        Some(number)
    }

    /// A whole number in digits that stands here.
    pub(super) fn plain_number(&self) -> Option<u32> {
        match self.peek()? {
            Kind::Number { value, digits }
                if value.is_integer() && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                value.numer().to_u32()
            }
            _ => None,
        }
    }

    /// `fifth`, `twenty-first`
    fn named_place(&mut self) -> Option<u32> {
        let first = self.word();
        self.at += self.word_length(&first);
        if let Some(number) = word::ordinal(&first) {
            return Some(number);
        }
        self.takes('-');
        let second = self.word();
        self.at += self.word_length(&second);
        word::ordinal(&format!("{first}-{second}"))
    }
}

fn ending_of(number: u32) -> &'static str {
    match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}
