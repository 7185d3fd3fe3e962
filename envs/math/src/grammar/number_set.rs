//! Sets of numbers by their letter.

use super::Parser;
use crate::token::Kind;
use crate::tree::Tree;

impl Parser<'_> {
    pub(super) fn number_set(&mut self) -> Result<Tree, String> {
        let braced = self.takes('{');
        let Some(Kind::Letter(letter)) = self.peek() else { return Err("a set of numbers without a name".into()) };
        self.at += 1;
        if braced {
            self.expects('}')?;
        }
        Ok(self.number_set_called(*letter))
    }

    /// The set of a letter that was read, with which of its numbers are meant.
    pub(super) fn number_set_called(&mut self, letter: char) -> Tree {
        let start = self.at;
        let sign = self.bound_of_set();
        let (Some(sign), 'R') = (sign, letter) else {
            return match (letter, sign) {
                ('Z', Some('+' | '>')) | ('N', Some('+' | '≠')) => Tree::Words("positive integers".into()),
                ('Z', Some('≥')) => Tree::Words("nonnegative integers".into()),
                _ => {
                    self.at = start;
                    Tree::NumberSet(letter)
                }
            };
        };
        let zero = Tree::integer(0);
        match sign {
            '+' | '>' => Tree::Bracket { open: '(', close: ')', items: vec![zero, Tree::Infinity] },
            '≥' => Tree::Bracket { open: '[', close: ')', items: vec![zero, Tree::Infinity] },
            '≤' => Tree::Bracket { open: '(', close: ']', items: vec![Tree::Infinity.negated(), zero] },
            '≠' => Tree::Without(Box::new(Tree::NumberSet('R')), Box::new(Tree::Set(vec![zero]))),
            _ => Tree::Bracket { open: '(', close: ')', items: vec![Tree::Infinity.negated(), zero] },
        }
    }

    /// Which numbers of a set are meant, as in `\mathbb{R}^+` and `\mathbb{R}_{\ge 0}`.
    fn bound_of_set(&mut self) -> Option<char> {
        if !self.takes('^') && !self.takes('_') {
            return None;
        }
        let braced = self.takes('{');
        let Some(Kind::Sign(sign @ ('+' | '-' | '>' | '<' | '≥' | '≤' | '≠' | '*'))) = self.peek() else {
            return None;
        };
        self.at += 1;
        let is_zero = matches!(self.peek(), Some(Kind::Number { digits, .. }) if digits == "0");
        let compares = !matches!(sign, '+' | '-' | '*');
        self.at += usize::from(compares && is_zero);
        let ends = is_zero == compares && (!braced || self.takes('}'));
        ends.then_some(if *sign == '*' { '≠' } else { *sign })
    }
}
