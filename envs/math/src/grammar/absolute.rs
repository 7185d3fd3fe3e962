//! Absolute values and determinants between upright lines.

use super::Parser;
use crate::token::{Kind, Token};
use crate::tree::Tree;

impl Parser<'_> {
    /// What stands behind an upright line, up to the next.
    pub(super) fn absolute(&mut self) -> Result<Tree, String> {
        let outside = self.bars;
        self.bars += 1;
        let inner = self.sum();
        self.bars = outside;
        let inner = inner?;
        self.expects('|')?;
        if self.is_paired_otherwise() {
            return Err("upright lines that can be paired in two ways".into());
        }
        let is_matrix = matches!(inner, Tree::Matrix(_)) || inner.is_linear();
        Ok(Tree::call(if is_matrix { "det" } else { "abs" }, vec![inner]))
    }

    /// Whether a factor stands behind a line that was closed, and another line behind that: `|2|x|-1|`.
    fn is_paired_otherwise(&self) -> bool {
        let is_factor = matches!(self.peek(), Some(Kind::Number { .. } | Kind::Letter(_) | Kind::Name(_)));
        let mut open = 0usize;
        for Token { kind, .. } in self.tokens.get(self.at..).unwrap_or_default() {
            match kind {
                Kind::Sign('(' | '[' | '{' | '⦃') | Kind::Begin(_) => open += 1,
                Kind::Sign(')' | ']' | '}' | '⦄' | ',' | ';' | '=') | Kind::End if open == 0 => return false,
                Kind::Sign(')' | ']' | '}' | '⦄') | Kind::End => open -= 1,
                Kind::Sign('|') if open == 0 => return is_factor,
                _ => {}
            }
        }
        false
    }
}
