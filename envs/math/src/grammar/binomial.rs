//! Binomial coefficients in the notations with a C.

use super::Parser;
use crate::token::Kind;
use crate::tree::Tree;

impl Parser<'_> {
    /// `C_{10}^{3}`, where the number below is that of all and the one above that of the chosen.
    pub(super) fn chosen_above(&mut self) -> Option<Tree> {
        let start = self.at;
        let of = self.number_behind('_');
        let chosen = self.number_behind('^');
        if of.is_none() || chosen.is_none() {
            self.at = start;
        }
        Some(Tree::call("binomial", vec![of?, chosen?]))
    }

    /// `{}_{10}C_3`, `_{10}C_3` and `{}^{10}C_3`.
    pub(super) fn chosen_beside(&mut self) -> Option<Tree> {
        let start = self.at;
        if self.takes('{') && !self.takes('}') {
            self.at = start;
            return None;
        }
        let of = self
            .number_behind('_')
            .or_else(|| self.number_behind('^'))
            .filter(|_| matches!(self.peek(), Some(Kind::Letter('C'))));
        self.at += usize::from(of.is_some());
        let chosen = of.as_ref().and_then(|_| self.number_behind('_'));
        if chosen.is_none() {
            self.at = start;
        }
        Some(Tree::call("binomial", vec![of?, chosen?]))
    }

    /// A whole number behind a sign, perhaps in braces.
    fn number_behind(&mut self, sign: char) -> Option<Tree> {
        let start = self.at;
        let braced = self.takes(sign) && self.takes('{');
        let number = match self.peek() {
            Some(Kind::Number { value, digits }) if self.at > start && value.is_integer() => {
                Some(Tree::Number { value: value.clone(), digits: digits.clone() })
            }
            _ => None,
        };
        self.at += usize::from(number.is_some());
        if number.is_none() || braced && !self.takes('}') {
            self.at = start;
            return None;
        }
        number
    }
}
