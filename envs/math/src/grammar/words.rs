//! Labels, choices, and answers that are words.

use super::Parser;
use crate::polynomial::Rational;
use crate::token::{Kind, Token};
use crate::tree::Tree;
use crate::unit::Unit;
use crate::word;

/// Words that may stand before an answer and say nothing.
const LEADS: [&str; 27] = [
    "minimum",
    "maximum",
    "smallest",
    "largest",
    "greatest",
    "there",
    "option",
    "choice",
    "answer",
    "answers",
    "final",
    "the",
    "is",
    "are",
    "ans",
    "solution",
    "solutions",
    "result",
    "therefore",
    "thus",
    "so",
    "hence",
    "value",
    "equals",
    "our",
    "we",
    "get",
];

/// Words in the name of something by which the number behind it is another one's, or none.
const DENIALS: [&str; 21] = [
    "not", "isn't", "aren't", "never", "cannot", "can't", "couldn't", "doesn't", "don't", "unless", "except",
    "without", "than", "exceeds", "below", "above", "minus", "half", "twice", "double", "triple",
];

/// Words right before the answer by which it is not so.
const FALSE: [&str; 10] =
    ["wrong", "incorrect", "false", "no", "none", "nothing", "negative", "opposite", "impossible", "nope"];

impl Parser<'_> {
    /// "Answer:", "The value is", "Area:" and a sign of equality, exact or not, before the answer.
    pub(super) fn skip_label(&mut self) {
        while self.takes('⏎') {}
        let start = self.at;
        while LEADS.contains(&&*self.word().to_lowercase()) {
            self.at += self.word_length(&self.word());
        }
        let words = self.tokens[self.at..].iter().take_while(|token| matches!(token.kind, Kind::Text(_))).count();
        let colon = self.ahead(words) == Some(&Kind::Sign(':'));
        let labels = words + self.at > start && !self.is_denied(self.at + words);
        if colon && labels && !matches!(self.ahead(words + 1), Some(Kind::Text(_))) {
            self.at += words + 1;
        }
        while self.takes('=') || self.takes(':') || self.takes('≈') {
            // An arrow: "=> 8".
            self.takes('>');
        }
        if self.peek().is_none() {
            self.at = start;
        }
    }

    /// Whether words from here to there say that what follows is not so, or that it is something else's.
    pub(super) fn is_denied(&self, end: usize) -> bool {
        let denies = |(place, token): (usize, &Token)| match &token.kind {
            Kind::Text(word) => {
                let lower = word.to_lowercase();
                let next = self.tokens.get(self.at + place + 1).map(|token| &token.kind);
                let compares =
                    matches!(next, Some(Kind::Text(next)) if ["least", "most"].contains(&&*next.to_lowercase()));
                // "Incorrect answers: 5" is no denial.
                let of_answer = matches!(next, Some(Kind::Text(next)) if ["answer", "value"].contains(&&**next));
                let is_false = of_answer || self.at + place + 1 == end;
                DENIALS.contains(&&*lower) || is_false && FALSE.contains(&&*lower) || lower == "at" && compares
            }
            Kind::Name(name) => ["lnot", "neg"].contains(&&**name),
            _ => false,
        };
        self.tokens[self.at..end].iter().enumerate().any(denies)
    }

    /// `(D) 24`, `D) 24` and `D: 24`: a capital letter and what stands behind it.
    pub(super) fn choice(&mut self) -> Result<Option<Tree>, String> {
        let parenthesised = self.peek() == Some(&Kind::Sign('('));
        let place = usize::from(parenthesised);
        let letter = match self.ahead(place) {
            Some(Kind::Letter(letter)) => *letter,
            Some(Kind::Text(word)) if word.len() == 1 => word.chars().next().unwrap_or(' '),
            _ => return Ok(None),
        };
        let behind = &self.tokens[self.at + place + 1..];
        if let (0, false, [Token { kind: Kind::Sign(')'), .. }]) = (self.at, parenthesised, behind) {
            self.at += 2;
            return Ok(Some(Tree::Symbol(letter.into())));
        }
        let [mark, next, ..] = behind else { return Ok(None) };
        let upright = matches!(self.ahead(place), Some(Kind::Text(_)));
        let labels = match mark.kind {
            Kind::Sign(')') => next.spaced || upright || matches!(next.kind, Kind::Number { .. }) && !parenthesised,
            Kind::Sign(':') => !parenthesised && (next.spaced || matches!(next.kind, Kind::Number { .. })),
            _ => false,
        };
        let ends = matches!(
            next.kind,
            Kind::Sign(',' | ';' | '=' | '<' | '>' | '∈' | '≤' | '≥' | '+' | '*' | '/' | '^' | ')')
        );
        if !('A'..='J').contains(&letter) || !labels || ends || word_is_conjunction(&next.kind) {
            return Ok(None);
        }
        self.at += place + 2;
        let value = Box::new(self.nested(Self::item)?);
        Ok(Some(Tree::Choice { letter, value }))
    }

    /// Words and nothing else, up to the end of the item: words, unless it could be a product or a number.
    pub(super) fn words(&mut self) -> Result<Option<Tree>, String> {
        let start = self.at;
        let is_applied = self.is_function_at(self.at);
        if is_applied || self.number_words().is_some() {
            self.at = start;
            return Ok(None);
        }
        let (mut words, mut is_text): (Vec<String>, _) = (Vec::new(), false);
        loop {
            let word = self.word();
            if word.is_empty() || word::is_conjunction(&word) {
                break;
            }
            is_text |= matches!(self.peek(), Some(Kind::Text(_))) && word.len() > 1;
            self.at += self.word_length(&word);
            words.push(word.to_lowercase());
            // Hyphens and apostrophes part words.
            while matches!(self.peek(), Some(Kind::Sign('-' | '\''))) && matches!(self.ahead(1), Some(Kind::Text(_))) {
                self.at += 1;
            }
        }
        // x cm is a length.
        let is_measured = matches!(&words[..], [letter, unit] if letter.len() == 1 && Unit::known(unit).is_some());
        if is_measured && matches!(self.tokens[start].kind, Kind::Letter(_)) && self.is_at_end_of_item() {
            self.at = start;
            return Ok(None);
        }
        let words = words.join(" ");
        if is_text && self.is_at_end_of_item() {
            return Ok(Some(Tree::Words(words)));
        }
        if let Some(words) = words.strip_suffix(" except").or_else(|| words.split_once(" except ").map(|(all, _)| all))
            && is_all_reals(words)
        {
            return self.nested(Self::list).map(|items| Some(reals_without(items)));
        }
        self.at = start;
        Ok(None)
    }

    /// Whether "a" or "an" stands before a word.
    pub(super) fn is_at_article(&self) -> bool {
        let word = self.word();
        let behind = self.tokens.get(self.at + self.word_length(&word));
        let before_word = behind.is_some_and(|token| token.spaced && matches!(token.kind, Kind::Text(_)));
        ["a", "an"].contains(&&*word) && before_word
    }

    /// The number that words say, as many of them as make one, and no more if it stands behind them once more in digits.
    pub(super) fn number_words(&mut self) -> Option<Tree> {
        let start = self.at;
        let negative = self.takes_minus_word();
        let multiplies = |kind: Option<&Kind>| matches!(kind, Some(Kind::Text(word)) if word::factor(word).is_some());
        let article = self.word_length(&self.word());
        let has_article = self.is_at_article() && multiplies(self.ahead(article));
        self.at += if has_article { article } else { 0 };
        let first = self.at;
        let mut words: Vec<&str> = Vec::new();
        let mut best = None;
        while let Some(Kind::Text(word)) = self.peek() {
            words.push(word);
            self.at += 1;
            if let Some(number) = word::number(&words).filter(|_| !word::is_conjunction(word)) {
                best = Some((self.at, number));
            }
            if matches!((self.peek(), self.ahead(1)), (Some(Kind::Sign('-')), Some(Kind::Text(_)))) {
                self.at += 1;
            }
            // "three and a half"
            let article = self.word_length(&self.word());
            if word::is_conjunction(word) && self.is_at_article() && multiplies(self.ahead(article)) {
                self.at += article;
            }
            if words.len() > 20 {
                break;
            }
        }
        // "third" alone is a place, and "a third", "one third" and "third of" are parts.
        let behind = words.get(1).copied().unwrap_or_default();
        let is_place = |(at, _): &(usize, Rational)| *at == first + 1 && word::ordinal(words[0]).is_some();
        let best = best.filter(|best| has_article || behind == "of" || !is_place(best));
        self.at = best.as_ref().map_or(start, |(at, _)| *at);
        let (_, value) = best?;
        self.skip_repeated(&value, true);
        let number = Tree::Number { digits: String::new(), value };
        Some(if negative { number.negated() } else { number })
    }

    /// "negative" or "minus" before a number.
    pub(super) fn takes_minus_word(&mut self) -> bool {
        let word = self.word();
        let says_minus = ["negative", "minus"].iter().any(|minus| word.eq_ignore_ascii_case(minus));
        self.at += if says_minus { self.word_length(&word) } else { 0 };
        says_minus
    }

    /// Whether digits stand behind "negative" or "minus".
    pub(super) fn is_at_minus_word(&self) -> bool {
        let mut inner = Parser { tokens: self.tokens, at: self.at, ..*self };
        inner.takes_minus_word() && matches!(inner.peek(), Some(Kind::Number { .. } | Kind::Name(_)))
    }

    /// The same number once more in parentheses, as in "five (5)" and "5 (five)".
    pub(super) fn skip_repeated(&mut self, number: &Rational, in_words: bool) {
        let start = self.at;
        if !self.takes('(') {
            return;
        }
        let repeated = match self.peek() {
            Some(Kind::Number { value, .. }) if in_words => {
                self.at += 1;
                value == number
            }
            Some(Kind::Text(_)) if !in_words => {
                matches!(self.number_words(), Some(Tree::Number { value, .. }) if value == *number)
            }
            _ => false,
        };
        if !repeated || !self.takes(')') {
            self.at = start;
        }
    }
}

fn word_is_conjunction(kind: &Kind) -> bool {
    matches!(kind, Kind::Text(word) if word::is_conjunction(word))
}

/// "all real numbers", "all reals", "all real values of x".
pub fn is_all_reals(words: &str) -> bool {
    let rest = words.strip_prefix("all ").or_else(|| words.strip_prefix("any ")).unwrap_or(words);
    let rest = rest.strip_prefix("the ").unwrap_or(rest);
    let Some(rest) = rest.strip_prefix("reals").or_else(|| rest.strip_prefix("real")) else { return false };
    let said = ["", "numbers", "number", "values", "values of x", "numbers x", "x", "value"];
    said.contains(&rest.trim()) && words != "real"
}

fn reals_without(items: Tree) -> Tree {
    let items = match items {
        Tree::List { items, .. } => items,
        Tree::Set(items) => items,
        item => vec![item],
    };
    Tree::Without(Box::new(Tree::NumberSet('R')), Box::new(Tree::Set(items)))
}
