//! Roman numerals.

use super::Parser;
use crate::tree::Tree;

const PARTS: [(&str, i64); 13] = [
    ("M", 1000),
    ("CM", 900),
    ("D", 500),
    ("CD", 400),
    ("C", 100),
    ("XC", 90),
    ("L", 50),
    ("XL", 40),
    ("X", 10),
    ("IX", 9),
    ("V", 5),
    ("IV", 4),
    ("I", 1),
];

impl Parser<'_> {
    /// A Roman numeral of several letters that is all of the item. CD and the like are lines between points.
    pub(super) fn roman_numeral(&mut self) -> Option<Tree> {
        let numeral = self.word();
        let number = value(&numeral).filter(|_| numeral.len() > 1 && numeral.contains(['I', 'V', 'X']))?;
        let length = self.word_length(&numeral);
        let ends = Parser { tokens: self.tokens, at: self.at + length, ..*self }.is_at_end_of_item();
        self.at += if ends { length } else { 0 };
        ends.then(|| Tree::integer(number))
    }
}

/// The number of a numeral in its shortest form.
fn value(numeral: &str) -> Option<i64> {
    let (mut rest, mut sum) = (numeral, 0);
    for (letters, worth) in PARTS {
        while let Some(after) = rest.strip_prefix(letters) {
            rest = after;
            sum += worth;
        }
    }
    // Three letters M are as many as numerals have.
    (rest.is_empty() && (1..4000).contains(&sum) && shortest(sum) == numeral).then_some(sum)
}

fn shortest(mut number: i64) -> String {
    let mut numeral = String::new();
    for (letters, worth) in PARTS {
        while number >= worth {
            numeral += letters;
            number -= worth;
        }
    }
    numeral
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_have_their_shortest_form() {
        for (numeral, number) in [
            ("IV", Some(4)),
            ("VI", Some(6)),
            ("XCIX", Some(99)),
            ("MMXXIV", Some(2024)),
            ("MMMCMXCIX", Some(3999)),
            ("MMMM", None),
            ("IIII", None),
            ("IC", None),
            ("VX", None),
            ("XCX", None),
            ("", None),
        ] {
            assert_eq!(value(numeral), number, "{numeral}");
        }
    }
}
