//! Times of day in words: half past two, a quarter to three, five o'clock.

use num_traits::ToPrimitive;

use super::Parser;
use crate::polynomial::Rational;
use crate::token::Kind;
use crate::tree::Tree;
use crate::word::number;

impl Parser<'_> {
    /// A time of day in words that is all of the item.
    pub(super) fn clock_in_words(&mut self) -> Option<Tree> {
        let start = self.at;
        let said = self.past_or_to_hour().or_else(|| {
            self.at = start;
            self.full_hour()
        });
        let time = said.map(|parts| match self.half_of_day() {
            Some(afternoon) => Tree::Clock { parts, afternoon },
            // Five o'clock is an answer to "at what hour", too.
            None if parts[1] == Tree::integer(0) => {
                Tree::Either(Box::new(Tree::Ratio(parts.clone())), Box::new(parts[0].clone()))
            }
            None => Tree::Ratio(parts),
        });
        let time = time.filter(|_| self.is_at_end_of_item());
        if time.is_none() {
            self.at = start;
        }
        time
    }

    /// `half past two`, `a quarter to three`, `ten minutes past five`
    fn past_or_to_hour(&mut self) -> Option<Vec<Tree>> {
        self.takes_word("a");
        // Five to six is a ratio.
        let (minutes, may_be_to) = match &*self.word().to_lowercase() {
            "half" => (self.after_word(30), false),
            "quarter" => (self.after_word(15), true),
            _ => (self.small_number()?, self.takes_word("minutes") || self.takes_word("minute")),
        };
        let is_past = self.takes_word("past") || self.takes_word("after");
        if !(is_past || may_be_to && self.takes_word("to")) {
            return None;
        }
        let hour = self.hour()?;
        let before = if hour == 1 { 12 } else { hour - 1 };
        match (1..60).contains(&minutes) {
            true if is_past => Some(vec![Tree::integer(hour), Tree::integer(minutes)]),
            true => Some(vec![Tree::integer(before), Tree::integer(60 - minutes)]),
            false => None,
        }
    }

    /// `five o'clock`
    fn full_hour(&mut self) -> Option<Vec<Tree>> {
        let hour = self.hour()?;
        let is_parted = self.takes_word("o") && self.takes('\'');
        let clock = if is_parted { "clock" } else { "o'clock" };
        self.takes_word(clock).then(|| vec![Tree::integer(hour), Tree::integer(0)])
    }

    fn after_word(&mut self, minutes: i64) -> i64 {
        self.at += self.word_length(&self.word());
        minutes
    }

    fn hour(&mut self) -> Option<i64> {
        self.small_number().filter(|hour| (1..=12).contains(hour))
    }

    /// A whole number in digits or in one word.
    fn small_number(&mut self) -> Option<i64> {
        let value = match self.peek()? {
            Kind::Number { .. } => i64::from(self.plain_number()?),
            Kind::Text(word) => number(&[word]).filter(Rational::is_integer)?.to_integer().to_i64()?,
            _ => return None,
        };
        self.at += 1;
        Some(value)
    }
}
