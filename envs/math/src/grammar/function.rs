//! Functions of what stands behind them.

use super::Parser;
use super::arithmetic::multiplied;
use crate::token::{Kind, Token};
use crate::tree::Tree;
use crate::word::{FUNCTIONS, OPERATORS, is_name};

impl Parser<'_> {
    /// Whether a word there is a function, as in \operatorname{cis}.
    pub(super) fn is_function_at(&self, at: usize) -> bool {
        let Some(Kind::Text(word)) = self.tokens.get(at).map(|token| &token.kind) else { return false };
        let opens = |token: &Token| matches!(token.kind, Kind::Sign('(' | '[' | '{' | '⦃') | Kind::Begin(_));
        FUNCTIONS.contains(&&**word) && is_name(word)
            || OPERATORS.contains(&&**word) && self.tokens.get(at + 1).is_some_and(opens)
    }

    /// A function of what is in parentheses or of the factors up to the next sign.
    pub(super) fn function(&mut self, name: &str) -> Result<Tree, String> {
        let mut base = None;
        let mut power = None;
        loop {
            if base.is_none() && self.takes('_') {
                base = Some(Box::new(self.argument()?));
            } else if power.is_none() && self.takes('^') {
                let negative = self.takes('-');
                let exponent = self.argument()?;
                power = Some(Box::new(if negative { exponent.negated() } else { exponent }));
            } else {
                break;
            }
        }
        let outer = self.functions;
        self.functions += 1;
        let arguments = self.arguments();
        self.functions = outer;
        Ok(Tree::Call { name: name.into(), base, power, arguments: arguments? })
    }

    fn arguments(&mut self) -> Result<Vec<Tree>, String> {
        if matches!(self.peek(), Some(Kind::Sign('(' | '⦃'))) {
            let inner = self.factor()?;
            let inner = match self.degrees() {
                Some(length) => {
                    self.at += length;
                    Tree::Degrees(Box::new(inner))
                }
                None => inner,
            };
            return Ok(match inner {
                Tree::Bracket { items, .. } | Tree::Set(items) => items,
                inner => vec![inner],
            });
        }
        let negative = self.takes('-');
        let mut argument = self.power()?;
        while matches!(self.peek(), Some(Kind::Letter(_))) && !self.is_at_conjunction()
            || matches!(self.peek(), Some(Kind::Name(name)) if !FUNCTIONS.contains(&&**name))
        {
            argument = multiplied(argument, self.power()?);
        }
        Ok(vec![if negative { argument.negated() } else { argument }])
    }

    /// `(g(x))`: letters and numbers in parentheses that hold others.
    fn composition(&mut self) -> Option<String> {
        let opens = |parts: usize| self.ahead(parts) == Some(&Kind::Sign('('));
        if !(opens(0) && opens(2) && matches!(self.ahead(1), Some(Kind::Letter(_)))) {
            return None;
        }
        let mut text = String::new();
        let mut open = 0usize;
        for (place, Token { kind, spaced, .. }) in self.tokens[self.at..].iter().enumerate() {
            match kind {
                _ if *spaced => return None,
                Kind::Number { digits, .. } => text += digits,
                Kind::Letter(letter) => text.push(*letter),
                Kind::Sign(sign @ ('(' | ')')) => text.push(*sign),
                _ => return None,
            }
            open += usize::from(*kind == Kind::Sign('('));
            open -= usize::from(*kind == Kind::Sign(')'));
            if open == 0 {
                self.at += place + 1;
                return Some(text);
            }
        }
        None
    }

    /// A number in parentheses right behind a letter that stands alone, as in `I(0)`: no factor, but where a function is
    /// taken.
    pub(super) fn function_value(&mut self, letter: &str) -> Option<String> {
        let behind = |parts: usize| self.at.checked_sub(parts).map(|place| &self.tokens[place].kind);
        let alone =
            !matches!(behind(2), Some(Kind::Letter(_))) && matches!(behind(1), Some(Kind::Letter(_) | Kind::Sign(_)));
        let opened =
            self.peek() == Some(&Kind::Sign('(')) && !self.is_spaced() && self.ahead(2) == Some(&Kind::Sign(')'));
        let is_function = alone && !["e", "i", "π"].contains(&letter);
        if is_function && let Some(composition) = self.composition() {
            return Some(composition);
        }
        match self.ahead(1) {
            Some(Kind::Number { digits, .. }) if is_function && opened => {
                self.at += 3;
                Some(format!("({digits})"))
            }
            _ => None,
        }
    }
}
