//! What stands behind a number: percent, units of measure, things that are counted.

mod table;

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_traits::{One, Pow, Signed};

use crate::polynomial::Rational;
use crate::word;
use table::{Known, PREFIXES, UNITS};

/// The unit of a number: a product of powers.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// How many of the base units it is.
    scale: Rational,
    /// Exponents of base units.
    dimensions: BTreeMap<&'static str, i32>,
    /// Exponents of things that are counted, and words that say more: `apple`, `increase`.
    things: BTreeMap<String, i32>,
    /// Whether it cannot be left out, as in 1 hour 45 minutes.
    pub needed: bool,
    /// The letter that it is written with, which could be meant as an unknown.
    pub letter: Option<char>,
}

/// Words that are no part of a unit.
const FILLERS: [&str; 16] = [
    "of",
    "the",
    "a",
    "an",
    "in",
    "total",
    "about",
    "exactly",
    "approximately",
    "away",
    "each",
    "from",
    "to",
    "for",
    "long",
    "on",
];

/// Words that make another thing of a number than an amount.
const TURNS: [&str; 27] = [
    "not",
    "isn't",
    "no",
    "never",
    "wrong",
    "incorrect",
    "except",
    "but",
    "without",
    "unless",
    "if",
    "than",
    "least",
    "most",
    "at",
    "instead",
    "rather",
    "minus",
    "plus",
    "false",
    "negative",
    "over",
    "factorial",
    "doubled",
    "tripled",
    "quadrupled",
    "halved",
];

/// Whether a word behind a number changes it, or is another number or a function, so that it is no longer an amount of
/// something.
pub fn turns(word: &str) -> bool {
    TURNS.contains(&&*word.to_lowercase()) || word::number(&[word]).is_some() || word::is_name(word)
}

impl Default for Unit {
    fn default() -> Unit {
        Unit {
            scale: Rational::one(),
            dimensions: BTreeMap::new(),
            things: BTreeMap::new(),
            needed: false,
            letter: None,
        }
    }
}

impl Unit {
    /// The unit of measure that a word or symbol names.
    pub fn known(word: &str) -> Option<Unit> {
        let lower = word.to_lowercase();
        let unit = by_symbol(word)
            .or_else(|| by_name(&lower))
            .or_else(|| by_name(lower.strip_suffix('s')?))
            .or_else(|| by_symbol(&lower).filter(|_| word.len() > 1 && is_cased_alike(word)));
        let mut letters = word.chars().filter(char::is_ascii_alphabetic);
        unit.map(|unit| Unit { letter: letters.next().filter(|_| word.len() == 1), ..unit })
    }

    /// A unit of measure, a thing that is counted, or nothing where the word says nothing.
    pub fn of_word(word: &str) -> Unit {
        let lower = word.to_lowercase();
        Unit::known(word).unwrap_or_else(|| {
            if FILLERS.contains(&&*lower) {
                return Unit::default();
            }
            Unit { things: BTreeMap::from([(thing(&lower), 1)]), ..Unit::default() }
        })
    }

    /// Minutes of arc by their mark, or seconds.
    pub fn of_primes(seconds: bool) -> Option<Unit> {
        by_name(if seconds { "arcsecond" } else { "arcminute" }).map(Unit::with_prime)
    }

    /// The same unit, written with primes.
    pub fn with_prime(self) -> Unit {
        Unit { letter: Some('\''), ..self }
    }

    /// Of the place in an order, which is no number of anything.
    pub fn ordinal() -> Unit {
        Unit { things: BTreeMap::from([("-th".into(), 1)]), ..Unit::default() }
    }

    pub fn is_none(&self) -> bool {
        self.is_number() && self.scale.is_one()
    }

    /// Whether its parts cancel each other, as in seconds per minute.
    fn is_number(&self) -> bool {
        self.dimensions.is_empty() && self.things.is_empty()
    }

    pub fn is_percent(&self) -> bool {
        self.is_only("percent")
    }

    pub fn is_degrees(&self) -> bool {
        self.is_only("degree") && self.scale.is_one()
    }

    pub fn is_radians(&self) -> bool {
        self.is_only("radian")
    }

    fn is_only(&self, dimension: &str) -> bool {
        self.dimensions.len() == 1 && self.dimensions.get(dimension) == Some(&1)
    }

    /// Whether it is a known unit in the same dimension, so that amounts of both can be added.
    pub fn adds_to(&self, other: &Unit) -> bool {
        !self.dimensions.is_empty() && self.dimensions == other.dimensions
    }

    pub fn is_larger_than(&self, other: &Unit) -> bool {
        self.scale > other.scale
    }

    pub fn ratio_to(&self, other: &Unit) -> Rational {
        &self.scale / &other.scale
    }

    /// Whether its sign may as well say thousands, millions or billions, or is a prime.
    pub fn is_ambiguous(&self) -> bool {
        self.letter.is_some_and(|letter| ['K', 'B', 'T', '\''].contains(&letter))
    }

    /// The same unit, which cannot be left out.
    pub fn with_needed(self) -> Unit {
        Unit { needed: true, ..self }
    }

    pub fn is_measured(&self) -> bool {
        !self.dimensions.is_empty()
    }

    /// The unit without what a sign of currency before the number has said already, as in $5 dollars.
    pub fn without_currency(self) -> Unit {
        let currency = ["dollar", "euro", "sterling", "yen", "rupee"].iter().any(|currency| self.is_only(currency));
        if currency { Unit::default() } else { self }
    }

    pub fn times(mut self, other: &Unit, exponent: i32) -> Unit {
        let is_first = self.is_none();
        let other = other.clone().power(exponent);
        self.scale *= other.scale;
        for (name, exponent) in other.dimensions {
            *self.dimensions.entry(name).or_default() += exponent;
        }
        for (name, exponent) in other.things {
            *self.things.entry(name).or_default() += exponent;
        }
        self.dimensions.retain(|_, exponent| *exponent != 0);
        self.things.retain(|_, exponent| *exponent != 0);
        self.letter = other.letter.filter(|_| is_first && exponent == 1);
        self
    }

    fn power(self, exponent: i32) -> Unit {
        Unit {
            scale: Pow::pow(self.scale, exponent),
            dimensions: self.dimensions.into_iter().map(|(name, own)| (name, own * exponent)).collect(),
            things: self.things.into_iter().map(|(name, own)| (name, own * exponent)).collect(),
            letter: self.letter.filter(|_| exponent == 1),
            ..self
        }
    }

    /// What an amount of this unit is multiplied by to be one of the other. `None` says that the two do not agree. A
    /// unit may be left out on one side, unless it is needed.
    pub fn conversion(&self, other: &Unit) -> Option<Rational> {
        if self.is_number() && other.is_number() {
            return Some(self.ratio_to(other));
        }
        if self.is_none() || other.is_none() {
            return (!self.needed && !other.needed).then(Rational::one);
        }
        let part_of = |a: &Unit, b: &Unit| a.things.iter().all(|(name, exponent)| b.things.get(name) == Some(exponent));
        let measured = self.dimensions == other.dimensions || both_in_degrees(self, other);
        (measured && (part_of(self, other) || part_of(other, self))).then(|| &self.scale / &other.scale)
    }
}

/// Degrees of an angle and of a thermometer are both called degrees.
fn both_in_degrees(a: &Unit, b: &Unit) -> bool {
    let of_thermometer = |unit: &Unit| unit.is_only("celsius") || unit.is_only("fahrenheit");
    a.is_degrees() && of_thermometer(b) || of_thermometer(a) && b.is_degrees()
}

/// Nouns whose plural has another ending than an s.
const IRREGULAR: [(&str, &str); 15] = [
    ("people", "person"),
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
    ("mice", "mouse"),
    ("geese", "goose"),
    ("teeth", "tooth"),
    ("dice", "die"),
    ("leaves", "leaf"),
    ("loaves", "loaf"),
    ("shelves", "shelf"),
    ("wolves", "wolf"),
    ("calves", "calf"),
    ("knives", "knife"),
    ("wives", "wife"),
];

/// A noun in the singular, as far as that is easy to see.
fn thing(word: &str) -> String {
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return (*singular).into();
    }
    let stem = word.trim_end_matches('\'');
    match stem.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ => match stem.strip_suffix("es").filter(|stem| stem.ends_with(['x', 'h', 's'])) {
            Some(stem) => stem.into(),
            None => stem.strip_suffix('s').filter(|stem| !stem.ends_with('s')).unwrap_or(stem).into(),
        },
    }
}

/// Whether a word is in capitals, or but for its first letter in small letters: KG and Kg, but not mG.
fn is_cased_alike(word: &str) -> bool {
    let rest = || word.chars().skip(1);
    rest().all(|c| !c.is_uppercase()) || word.chars().all(|c| !c.is_lowercase())
}

fn by_symbol(word: &str) -> Option<Unit> {
    let symbol = |word: &str| UNITS.iter().find(|unit| unit.symbols.contains(&word));
    if let Some(unit) = symbol(word) {
        return Some(made(unit, 0));
    }
    PREFIXES.iter().find_map(|(_, prefix, power)| {
        let unit = symbol(word.strip_prefix(prefix)?).filter(|unit| unit.prefixed)?;
        Some(made(unit, *power))
    })
}

fn by_name(word: &str) -> Option<Unit> {
    let name = |word: &str| UNITS.iter().find(|unit| unit.names.contains(&word));
    if let Some(unit) = name(word) {
        return Some(made(unit, 0));
    }
    PREFIXES.iter().find_map(|(prefix, _, power)| {
        let unit = name(word.strip_prefix(prefix)?).filter(|unit| unit.prefixed)?;
        Some(made(unit, *power))
    })
}

fn made(known: &Known, power: i32) -> Unit {
    let ten = Pow::pow(Rational::from(BigInt::from(10)), power);
    let scale = Rational::new(known.over.into(), known.under.into()) * ten;
    debug_assert!(scale.is_positive());
    Unit { scale, dimensions: known.dimensions.iter().copied().collect(), ..Unit::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(from: &str, to: &str) -> Option<String> {
        let [from, to] = [from, to].map(Unit::of_word);
        from.conversion(&to).map(|factor| factor.to_string())
    }

    /// From the definitions of the international yard and pound, and of the SI.
    #[test]
    fn units_are_converted() {
        for (from, to, factor) in [
            ("km", "m", Some("1000")),
            ("miles", "feet", Some("5280")),
            ("mile", "kilometres", Some("25146/15625")),
            ("kHz", "Hz", Some("1000")),
            ("mHz", "MHz", Some("1/1000000000")),
            ("lb", "oz", Some("16")),
            ("gallons", "pints", Some("8")),
            ("hr", "mins", Some("60")),
            ("cents", "dollars", Some("1/100")),
            ("years", "months", Some("12")),
            ("ms", "meters", None),
            ("ms", "s", Some("1/1000")),
            ("kWh", "J", Some("3600000")),
            ("apples", "apple", Some("1")),
            ("boxes", "box", Some("1")),
            ("apples", "oranges", None),
            ("apples", "cm", None),
            ("°", "celsius", Some("1")),
            ("celsius", "fahrenheit", None),
        ] {
            assert_eq!(converted(from, to).as_deref(), factor, "{from} {to}");
        }
    }
}
