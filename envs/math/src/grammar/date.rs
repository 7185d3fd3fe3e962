//! Days with the name of their month, and names of months and days of the week that are cut short.

use super::Parser;
use crate::token::Kind;
use crate::tree::{Date, Tree};

#[rustfmt::skip]
const MONTHS: [&str; 12] = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// Names are also cut short to their first three letters.
const LONG_ABBREVIATIONS: [&str; 4] = ["sept", "tues", "thur", "thurs"];
/// No month has more days.
const DAYS_MAX: u32 = 31;

impl Parser<'_> {
    /// A date, or the name of a month or weekday that is cut short, which is all of the item.
    pub(super) fn date(&mut self) -> Option<Tree> {
        let start = self.at;
        let said = match self.peek()? {
            Kind::Text(word) => self.date_in_words(word),
            Kind::Number { digits, .. } if digits.len() < 3 => self.day_and_month(None).map(Tree::Date),
            _ => None,
        };
        let said = said.filter(|_| self.is_at_end_of_item());
        if said.is_none() {
            self.at = start;
        }
        said
    }

    fn date_in_words(&mut self, word: &str) -> Option<Tree> {
        let start = self.at;
        let weekday = place(&WEEKDAYS, word);
        if weekday.is_some() {
            self.at += 1;
            self.takes(',');
        }
        let date = self.month_and_day(weekday).or_else(|| self.day_and_month(Some(weekday?)));
        if let Some(date) = date {
            return Some(Tree::Date(date));
        }
        self.at = start + 1;
        let names: &[&str] = if weekday.is_some() { &WEEKDAYS } else { &MONTHS };
        let name = names[place(names, word)?];
        let is_short = word.len() < name.len() && word[1..].bytes().all(|letter| letter.is_ascii_lowercase());
        (is_short && word.starts_with(|c: char| c.is_ascii_uppercase())).then(|| Tree::Words(name.into()))
    }

    /// `March 5`, `March the 5th, 2020`, `March 2020`
    fn month_and_day(&mut self, weekday: Option<usize>) -> Option<Date> {
        let start = self.at;
        let month = self.month();
        let date = month.and_then(|month| match self.year() {
            Some(year) => Some(Date { weekday, month, day: None, year: Some(year) }),
            None => Some(Date { weekday, month, day: Some(self.day()?), year: self.year() }),
        });
        if date.is_none() {
            self.at = start;
        }
        date
    }

    /// `5 March`, `the 5th of March 2020`
    fn day_and_month(&mut self, weekday: Option<usize>) -> Option<Date> {
        let day = Some(self.day()?);
        self.takes_word("of");
        Some(Date { weekday, month: self.month()?, day, year: self.year() })
    }

    fn month(&mut self) -> Option<usize> {
        let month = match self.peek()? {
            Kind::Text(word) => place(&MONTHS, word),
            _ => None,
        };
        self.at += usize::from(month.is_some());
        month
    }

    fn day(&mut self) -> Option<u32> {
        self.takes_word("the");
        let day = match self.numbered_place() {
            Some(day) => day,
            None => {
                let day = self.plain_number()?;
                self.at += 1;
                day
            }
        };
        (1..=DAYS_MAX).contains(&day).then_some(day)
    }

    /// Four digits, perhaps behind a comma.
    fn year(&mut self) -> Option<u32> {
        let start = self.at;
        self.takes(',');
        let year = match self.peek() {
            Some(Kind::Number { digits, .. }) if digits.len() == 4 => self.plain_number(),
            _ => None,
        };
        self.at = if year.is_some() { self.at + 1 } else { start };
        year
    }
}

/// Which of the names a word is, or is short for.
fn place(names: &[&str], word: &str) -> Option<usize> {
    let short = |name: &str| {
        let begins = name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        begins && (word.len() == 3 || LONG_ABBREVIATIONS.iter().any(|long| long.eq_ignore_ascii_case(word)))
    };
    names.iter().position(|name| name.eq_ignore_ascii_case(word) || short(name))
}
