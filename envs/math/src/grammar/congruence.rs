//! Congruences: numbers up to multiples of another.

use super::Parser;
use crate::token::Kind;
use crate::tree::{Joined, Tree};

impl Parser<'_> {
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
}
