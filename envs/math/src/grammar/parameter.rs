//! What is said at the end of an answer of a letter in it: which numbers it stands for.

use super::Parser;
use crate::token::Kind;
use crate::tree::Tree;
use crate::word::GREEK;

/// Words that such a remark begins with.
const LEADS: [&str; 4] = ["for", "where", "with", "when"];
/// Words before a letter that say that it stands for all numbers there are.
const QUANTIFIERS: [&str; 5] = ["all", "any", "every", "each", "some"];
/// Words before a letter or behind it that say what numbers are meant.
const KINDS: [&str; 14] = [
    "a",
    "an",
    "arbitrary",
    "constant",
    "constants",
    "real",
    "number",
    "numbers",
    "integer",
    "integers",
    "positive",
    "nonnegative",
    "natural",
    "value",
];

impl Parser<'_> {
    /// "for k ∈ ℤ", "(k ∈ ℤ)", "where k is an integer" and "for all real x" at the end, as "k ∈ ℤ", and as nothing where
    /// the letter stands for every real number or for a constant.
    pub(super) fn parameter(&mut self) -> Option<Option<Tree>> {
        let start = self.at;
        let found = self.parameter_here().filter(|_| self.peek().is_none());
        if found.is_none() {
            self.at = start;
        }
        found
    }

    pub(super) fn is_at_parameter(&self) -> bool {
        let begins = match self.peek() {
            Some(Kind::Sign('(')) => matches!(self.ahead(2), Some(Kind::Sign('∈') | Kind::Text(_))),
            Some(Kind::Text(word)) => LEADS.contains(&&**word) || QUANTIFIERS.contains(&&**word),
            Some(Kind::Name(name)) => name == "forall",
            Some(Kind::Letter('f' | 'w')) => LEADS.contains(&&*self.word()),
            _ => false,
        };
        begins && Parser { tokens: self.tokens, at: self.at, ..*self }.parameter().is_some()
    }

    fn parameter_here(&mut self) -> Option<Option<Tree>> {
        let comma = self.takes(',');
        let open = self.takes('(');
        let leads = self.takes_one_of(&LEADS);
        let quantified = self.takes_one_of(&QUANTIFIERS) || self.takes_name("forall");
        let before = self.kind_of_number();
        let letter = match self.peek()? {
            Kind::Letter(letter) => letter.to_string(),
            Kind::Text(word) if word.len() == 1 => word.clone(),
            Kind::Name(name) if GREEK.contains(&&**name) => name.clone(),
            _ => return None,
        };
        self.at += 1;
        let of = if self.takes('∈') {
            Some(self.set_of_numbers()?)
        } else if before.is_none() && self.takes_word("is") {
            Some(self.kind_of_number()?)
        } else {
            before
        };
        let said = leads || quantified || open || comma && of.is_some();
        if !said || open && !self.takes(')') {
            return None;
        }
        match of {
            None if quantified => Some(None),
            None => None,
            Some(Tree::NumberSet('R')) if quantified || self.tokens[self.at - 1].kind != Kind::Letter('R') => {
                Some(None)
            }
            Some(of) => {
                let name = Tree::Name { text: letter, product: None };
                Some(Some(Tree::Relation { sides: vec![name, of], signs: vec!['∈'] }))
            }
        }
    }

    fn takes_one_of(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.takes_word(word))
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let there = matches!(self.peek(), Some(Kind::Name(other)) if other == name);
        self.at += usize::from(there);
        there
    }

    /// "an integer", "arbitrary real numbers": real numbers where nothing else is said.
    fn kind_of_number(&mut self) -> Option<Tree> {
        let start = self.at;
        let mut words = Vec::new();
        while KINDS.contains(&&*self.word()) && !(self.word().len() == 1 && self.ahead(1).is_none()) {
            words.push(self.word());
            self.at += self.word_length(&self.word());
        }
        let says = |stem: &str| words.iter().any(|word| word.starts_with(stem));
        if !["constant", "real", "number", "integer", "natural", "value"].into_iter().any(says) {
            self.at = start;
            return None;
        }
        Some(match (says("integer") || says("natural"), says("positive") || says("natural"), says("nonnegative")) {
            (true, true, _) => Tree::Words("positive integers".into()),
            (true, _, true) => Tree::Words("nonnegative integers".into()),
            (true, ..) => Tree::NumberSet('Z'),
            (false, false, false) => Tree::NumberSet('R'),
            (false, ..) => {
                self.at = start;
                return None;
            }
        })
    }

    /// A set of numbers that ends the item.
    pub(super) fn set_or_nothing(&mut self) -> Option<Tree> {
        let start = self.at;
        let set = self.set_of_numbers().filter(|_| self.is_at_end_of_item());
        if set.is_none() {
            self.at = start;
        }
        set
    }

    /// A set of numbers by its letter, in whatever type: `\mathbb{Z}`, `\mathbf{Z}`, `Z`.
    fn set_of_numbers(&mut self) -> Option<Tree> {
        if self.takes_name("mathbb") || self.takes_name("Bbb") {
            return self.number_set().ok();
        }
        let letter = match self.peek()? {
            Kind::Letter(letter) => *letter,
            Kind::Text(word) if word.len() == 1 => word.chars().next()?,
            _ => return None,
        };
        self.at += 1;
        "NZQRC".contains(letter).then(|| self.number_set_called(letter))
    }
}
