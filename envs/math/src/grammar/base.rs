//! Digits in other bases.

use super::Parser;
use crate::token::Kind;
use crate::tree::Tree;
use crate::word;

impl Parser<'_> {
    /// "1101 base 2", "1101 in base two"
    pub(super) fn base_in_words(&mut self, value: &Tree) -> Option<Tree> {
        let Tree::Number { digits, .. } = value else { return None };
        let start = self.at;
        let parenthesised = self.takes('(');
        if self.word() == "in" {
            self.at += self.word_length("in");
        }
        let said = self.word() == "base";
        self.at += if said { self.word_length("base") } else { 0 };
        let base = match self.peek() {
            Some(Kind::Number { digits, .. }) if said => Some(digits.clone()),
            Some(Kind::Text(word)) if said => word::base(word),
            _ => None,
        };
        self.at += 1;
        if base.is_none() || parenthesised && !self.takes(')') {
            self.at = start;
            return None;
        }
        base.map(|base| Tree::Based { digits: digits.clone(), base })
    }

    /// Digits of which some are letters, with their base: `2AF_{16}`.
    pub(super) fn lettered_digits(&mut self) -> Option<Tree> {
        let (start, mut digits, mut figures) = (self.at, String::new(), false);
        // Upright letters count as spaced.
        let is_upright = |at: usize| matches!(self.tokens[at].kind, Kind::Text(_));
        while self.at < self.tokens.len()
            && (self.at == start || !self.is_spaced() || is_upright(self.at) || is_upright(self.at - 1))
        {
            match self.peek() {
                Some(Kind::Number { digits: own, .. }) => {
                    figures = true;
                    digits += own;
                }
                Some(Kind::Letter(letter)) => digits.push(*letter),
                Some(Kind::Text(word)) => digits += word,
                _ => break,
            }
            self.at += 1;
        }
        let has_letters = digits.len() > 1 && digits.contains(|c: char| c.is_ascii_alphabetic());
        let based = if has_letters { self.based(&digits.to_ascii_uppercase()).ok().flatten() } else { None };
        let is_meant = |base: u32| {
            let capitals = !digits.contains(|c: char| c.is_ascii_lowercase());
            (11..=36).contains(&base) && digits.chars().all(|c| c.is_digit(base)) && (figures || capitals || base == 16)
        };
        let base = based.as_ref().and_then(|based| match based {
            Tree::Based { base, .. } => base.parse().ok(),
            _ => None,
        });
        if !base.is_some_and(is_meant) {
            self.at = start;
            return None;
        }
        based
    }

    /// The base behind digits, as a number or a word.
    pub(super) fn based(&mut self, digits: &str) -> Result<Option<Tree>, String> {
        if !self.takes('_') {
            return Ok(None);
        }
        let braced = self.takes('{');
        let parenthesised = self.takes('(');
        if self.word() == "base" {
            self.at += self.word_length("base");
        }
        let base = match self.peek() {
            Some(Kind::Number { digits, .. }) => digits.clone(),
            _ => {
                let word = self.word();
                self.at += self.word_length(&word).saturating_sub(1);
                word::base(&word).ok_or("a base that is no number")?
            }
        };
        self.at += 1;
        if parenthesised {
            self.expects(')')?;
        }
        if braced {
            self.expects('}')?;
        }
        Ok(Some(Tree::Based { digits: digits.into(), base }))
    }
}
