//! Binomial coefficients in the notations with a C, and permutations in those with a P.

use super::Parser;
use crate::token::Kind;
use crate::tree::Tree;
use crate::word::is_conjunction;

impl Parser<'_> {
    /// What stands behind a C that makes it a binomial coefficient, or a point.
    pub(super) fn chosen(&mut self) -> Result<Option<Tree>, String> {
        match self.chosen_above()? {
            None => self.chosen_in_parentheses(),
            chosen => Ok(chosen),
        }
    }

    /// `C_{10}^{3}` and `C_{2n}^{n}`, where the number below is that of all and the one above that of the chosen.
    fn chosen_above(&mut self) -> Result<Option<Tree>, String> {
        let start = self.at;
        if let (Some(of), Some(chosen)) = (self.number_behind('_'), self.number_behind('^')) {
            return Ok(Some(Tree::call("binomial", vec![of, chosen])));
        }
        self.at = start;
        let of = self.expression_below();
        let chosen = if of.is_some() { self.expression_above()? } else { None };
        if chosen.is_none() {
            self.at = start;
        }
        Ok(of.zip(chosen).map(|(of, chosen)| Tree::call("binomial", vec![of, chosen])))
    }

    /// `{}_{10}C_3`, `_{10}C_3` and `{}^{10}C_3`.
    pub(super) fn chosen_beside(&mut self) -> Option<Tree> {
        let start = self.at;
        if self.takes('{') && !self.takes('}') {
            self.at = start;
            return None;
        }
        let of = self
            .count_behind('_')
            .or_else(|| self.count_behind('^'))
            .filter(|_| matches!(self.peek(), Some(Kind::Letter('C' | 'P'))));
        let is_ordered = self.peek() == Some(&Kind::Letter('P'));
        self.at += usize::from(of.is_some());
        let chosen = of.as_ref().and_then(|_| self.count_behind('_'));
        if chosen.is_none() {
            self.at = start;
        }
        Some(Tree::call(if is_ordered { "permutations" } else { "binomial" }, vec![of?, chosen?]))
    }

    /// `C(2n, n)` as a part of a formula, or as the product that may be a point where it is alone.
    fn chosen_in_parentheses(&mut self) -> Result<Option<Tree>, String> {
        let begins = self.is_behind_item(self.at - 1);
        if !self.is_at_pair() {
            return Ok(None);
        }
        let pair = self.nested(Self::factor)?;
        Ok(Some(match pair {
            Tree::Bracket { open: '(', close: ')', items } if !begins || !self.is_at_end_of_item() => {
                Tree::call("binomial", items)
            }
            pair => Tree::Product(vec![Tree::Symbol("C".into()), pair]),
        }))
    }

    /// Whether parentheses stand here with one comma in them.
    fn is_at_pair(&self) -> bool {
        let (mut open, mut commas) = (0usize, 0);
        if self.peek() != Some(&Kind::Sign('(')) || self.is_spaced() {
            return false;
        }
        for token in &self.tokens[self.at..] {
            match token.kind {
                Kind::Sign('(' | '[' | '{' | '⦃') | Kind::Begin(_) => open += 1,
                Kind::Sign(')' | ']' | '}' | '⦄') | Kind::End if open == 1 => return commas == 1,
                Kind::Sign(')' | ']' | '}' | '⦄') | Kind::End => open -= 1,
                Kind::Sign(',' | ';') => commas += u32::from(open == 1),
                _ => {}
            }
        }
        false
    }

    /// Whether an item begins at that place.
    fn is_behind_item(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| &self.tokens[before].kind);
        matches!(before, None | Some(Kind::Letter(_) | Kind::Sign(',' | ';' | '=' | '(' | '[' | '⦃' | '∧' | '∨' | ':')))
            || matches!(before, Some(Kind::Text(word)) if is_conjunction(word))
    }

    /// An expression with a letter that is set below.
    fn expression_below(&mut self) -> Option<Tree> {
        let has_letter = |kind: Option<&Kind>| matches!(kind, Some(Kind::Letter(_)));
        let braced = usize::from(self.ahead(1) == Some(&Kind::Sign('{')));
        let of_letters = has_letter(self.ahead(1 + braced)) || braced > 0 && has_letter(self.ahead(2 + braced));
        let outside = (self.arrays, self.bars);
        let of = if of_letters && self.takes('_') { self.argument().ok() } else { None };
        (self.arrays, self.bars) = outside;
        of
    }

    /// What is raised, unless it is a number, which may be the power of a name.
    fn expression_above(&mut self) -> Result<Option<Tree>, String> {
        let above = if self.takes('^') { Some(self.argument()?) } else { None };
        Ok(above.filter(|above| !matches!(above, Tree::Number { .. })))
    }

    /// A whole number or a letter behind a sign.
    fn count_behind(&mut self, sign: char) -> Option<Tree> {
        let letter = |kind: Option<&Kind>| match kind {
            Some(Kind::Letter(letter)) => Some(Tree::Symbol(letter.to_string())),
            _ => None,
        };
        let bare = letter(self.ahead(1));
        let braced = || letter(self.ahead(2)).filter(|_| self.ahead(3) == Some(&Kind::Sign('}')));
        let length = if bare.is_some() { 2 } else { 4 };
        match bare.or_else(braced).filter(|_| self.peek() == Some(&Kind::Sign(sign))) {
            Some(letter) => {
                self.at += length;
                Some(letter)
            }
            None => self.number_behind(sign),
        }
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
