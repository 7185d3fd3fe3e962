//! Runs of letters: words, names of functions, or letters that are multiplied; and words that are numbers.

use num_bigint::BigInt;
use num_traits::{One, Pow, Zero};

use crate::polynomial::Rational;

/// What letters with nothing between them are.
#[derive(Debug, PartialEq)]
pub enum Run<'a> {
    Word,
    Infinity,
    /// Names, and letters that are multiplied.
    Parts(Vec<&'a str>),
}

/// Functions, which are written without a backslash too.
pub const FUNCTIONS: [&str; 37] = [
    "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc", "arsinh", "arcosh", "artanh", "arcsinh", "arccosh",
    "arctanh", "asin", "acos", "atan", "sinh", "cosh", "tanh", "coth", "sin", "cos", "tan", "sec", "csc", "cot", "tg",
    "ctg", "ln", "log", "lg", "exp", "gcd", "lcm", "max", "min", "sgn", "cis",
];

/// Functions whose names are other words or letters where no backslash and no bracket says what they are.
pub const OPERATORS: [&str; 3] = ["Re", "Im", "det"];

/// Letters that have a name.
pub const GREEK: [&str; 35] = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
    "Delta",
    "Gamma",
    "Theta",
    "Lambda",
    "Sigma",
    "Phi",
    "Psi",
    "Omega",
    "ell",
    "hbar",
];

/// Names that are found inside of a run, with one or two letters beside them: `2pi`, `xsqrt`.
const INSIDE: [&str; 12] = ["arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "exp", "pi", "ln", "log", "lg"];

/// Words of two to four letters that are answers. Other runs of so few letters are products.
const SHORT_WORDS: [&str; 94] = [
    "noon", "no", "on", "is", "yes", "odd", "even", "true", "none", "all", "any", "zero", "one", "two", "four", "five",
    "six", "nine", "ten", "half", "both", "of", "to", "or", "and", "not", "the", "are", "was", "if", "per", "for",
    "but", "only", "real", "left", "up", "down", "less", "more", "each", "such", "that", "with", "men", "boy", "girl",
    "cat", "dog", "day", "days", "hour", "year", "mile", "feet", "foot", "inch", "yard", "cent", "week", "unit",
    "ways", "red", "blue", "gray", "pink", "high", "low", "east", "west", "cats", "dogs", "man", "boys", "term",
    "time", "side", "page", "pair", "ball", "card", "coin", "base", "over", "nan", "pies", "pigs", "pins", "pint",
    "pipe", "pier", "logs", "tank", "cost",
];

/// Whether letters are a name without a backslash. Seconds and minutes have the same letters as two functions.
pub fn is_name(word: &str) -> bool {
    !["sec", "min", "max"].contains(&word) && is_command_name(word)
}

/// Whether a command is a function or a letter that is known.
pub fn is_command_name(word: &str) -> bool {
    ["pi", "sqrt", "cbrt"].contains(&word) || FUNCTIONS.contains(&word) || GREEK.contains(&word)
}

/// What a run is outside of `\text{…}`.
pub fn run(run: &str) -> Run<'_> {
    if is_name(run) {
        return Run::Parts(vec![run]);
    }
    if ["infinity", "inf", "infty", "Infinity"].contains(&run) {
        return Run::Infinity;
    }
    if is_word(run) {
        return Run::Word;
    }
    let inside = INSIDE.into_iter().find_map(|name| {
        let at = run.find(name)?;
        let (before, after) = (&run[..at], &run[at + name.len()..]);
        (before.len() <= 2 && after.len() <= 2).then_some([before, name, after])
    });
    Run::Parts(inside.map_or(vec![run], |parts| parts.into_iter().filter(|part| !part.is_empty()).collect()))
}

/// Long runs with vowels, and what is in the list. What is in the order of the alphabet is a product: abc, pqrst.
fn is_word(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    let is_name = run.len() > 2 && run[..1] != lower[..1] && run[1..] == lower[1..];
    let in_order = run.as_bytes().is_sorted_by(|a, b| a < b);
    let is_long = run.len() > 4 && lower.contains(['a', 'e', 'i', 'o', 'u', 'y']) && !in_order;
    // Capitals are points: NO is a segment.
    let is_said = ["yes", "true", "false", "odd", "even", "none"].contains(&&*lower);
    let is_capital = run.bytes().all(|letter| letter.is_ascii_uppercase()) && !is_said;
    let is_number = run.len() > 2 && (UNITS.contains(&&*lower) || TENS.contains(&&*lower));
    run == "DNE" || run.len() > 1 && (SHORT_WORDS.contains(&&*lower) && !is_capital || is_number || is_name || is_long)
}

/// `a.m.` and `p.m.`, and the length of how a text begins with it.
pub fn half_of_day(text: &str) -> Option<(&'static str, usize)> {
    let start = text.as_bytes().get(..3)?;
    let half = match start[0].to_ascii_lowercase() {
        b'a' => "am",
        b'p' => "pm",
        _ => return None,
    };
    let dotted = start[1] == b'.' && start[2].eq_ignore_ascii_case(&b'm');
    dotted.then(|| (half, 3 + usize::from(text[3..].starts_with('.'))))
}

pub fn is_conjunction(word: &str) -> bool {
    word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// Words that multiply the number before them.
const MAGNITUDES: [(&str, u32, u32); 22] = [
    ("tens", 10, 1),
    ("hundred", 10, 2),
    ("thousand", 10, 3),
    ("million", 10, 6),
    ("billion", 10, 9),
    ("trillion", 10, 12),
    ("quadrillion", 10, 15),
    ("lakh", 10, 5),
    ("crore", 10, 7),
    ("dozen", 12, 1),
    ("gross", 144, 1),
    ("mn", 10, 6),
    ("mio", 10, 6),
    ("bn", 10, 9),
    ("mil", 10, 6),
    ("mill", 10, 6),
    ("bil", 10, 9),
    ("tril", 10, 12),
    ("grand", 10, 3),
    ("thou", 10, 3),
    ("myriad", 10, 4),
    ("score", 20, 1),
];
/// What a whole is divided into, and is called other than a place in an order.
const PARTS: [(&str, u64); 10] = [
    ("half", 2),
    ("halve", 2),
    ("quarter", 4),
    ("hundredth", 100),
    ("thousandth", 1000),
    ("ten-thousandth", 10_000),
    ("hundred-thousandth", 100_000),
    ("millionth", 1_000_000),
    ("billionth", 1_000_000_000),
    ("trillionth", 1_000_000_000_000),
];

/// What a place in an order is called, from the first on.
const PLACES: [&str; 19] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

/// The number below a hundred of a place in an order, as "fifth", "twentieth" and "twenty-first".
pub fn ordinal(word: &str) -> Option<u32> {
    if !["th", "st", "nd", "rd"].iter().any(|ending| word.ends_with(ending)) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let tens_of = |stem: &str| TENS.iter().position(|tens| *tens == stem).map(|place| 10 * place + 20);
    let place_of = |word: &str| PLACES.iter().position(|place| *place == word).map(|place| place + 1);
    let number = match lower.split_once('-') {
        Some((tens, place)) => tens_of(tens)? + place_of(place).filter(|place| *place < 10)?,
        None => place_of(&lower).or_else(|| tens_of(&format!("{}y", lower.strip_suffix("ieth")?)))?,
    };
    u32::try_from(number).ok()
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

/// What a number is multiplied by when this word stands behind it: a million, a dozen, a third.
pub fn factor(word: &str) -> Option<Rational> {
    let lower = word.to_ascii_lowercase();
    let magnitude = |word: &str| MAGNITUDES.iter().find(|(name, ..)| *name == word);
    if let Some((_, base, power)) = magnitude(&lower).or_else(|| magnitude(singular(&lower))) {
        return Some(Rational::from(Pow::pow(BigInt::from(*base), *power)));
    }
    let named = PARTS.iter().find(|(name, _)| *name == lower || *name == singular(&lower)).map(|(_, parts)| *parts);
    // Seconds are a unit.
    let parts = named.or_else(|| ordinal(singular(&lower)).filter(|place| *place > 2).map(u64::from))?;
    Some(Rational::new(BigInt::one(), BigInt::from(parts)))
}

/// The number that words say, as "one hundred and five", "seventy-two", "two thirds", "half", "three and a half" and
/// "two point five".
pub fn number(words: &[&str]) -> Option<Rational> {
    let words: Vec<String> = words.iter().flat_map(|word| word.split('-')).map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    if let Some(at) = words.iter().position(|word| *word == "point") {
        return Some(whole(&words[..at])? + decimals(&words[at + 1..])?);
    }
    // What stands behind the last "and" is below one: three and a half.
    if let Some(at) = words.iter().rposition(|word| *word == "and").filter(|at| *at > 0)
        && let Some(part) = without_and(&words[at + 1..]).filter(|part| *part < Rational::one() && !part.is_zero())
    {
        return Some(without_and(&words[..at])? + part);
    }
    without_and(&words)
}

/// The digits behind a point.
fn decimals(words: &[&str]) -> Option<Rational> {
    let mut size = Rational::one();
    let mut sum = Rational::zero();
    for word in words {
        let digit = UNITS.iter().take(10).position(|unit| unit == word)?;
        size /= BigInt::from(10);
        sum += &size * BigInt::from(digit);
    }
    (!words.is_empty()).then_some(sum)
}

fn without_and(words: &[&str]) -> Option<Rational> {
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "and").collect();
    let words = if words.len() > 1 { words.strip_prefix(&["a"]).unwrap_or(&words) } else { &words };
    let (last, before) = words.split_last()?;
    let part = factor(last).filter(|factor| !factor.is_integer());
    // Twenty fifths are a number, and twenty-fifth is a place.
    if before.last().is_some_and(|before| TENS.contains(before)) && ordinal(last).is_some() {
        return None;
    }
    match (part, before) {
        (Some(part), []) => Some(part),
        (Some(part), before) => Some(whole(before)? * part),
        (None, _) => whole(words),
    }
}

/// Groups of hundreds with their magnitudes, which fall.
fn whole(words: &[&str]) -> Option<Rational> {
    let (mut sum, mut group) = (Rational::zero(), None::<Rational>);
    for word in words {
        let unit = UNITS.iter().position(|unit| unit == word).map(|unit| (unit, 0));
        let tens = TENS.iter().position(|tens| tens == word).map(|place| (10 * place + 20, 1));
        match (unit.or(tens), factor(word)) {
            (Some((value, level)), _) => {
                let value = Rational::from(BigInt::from(value));
                let below = Rational::from(BigInt::from(if level == 0 { 10 } else { 100 }));
                group = Some(match group {
                    None => value,
                    // Twenty-one is a number, and one twenty is none; two hundred five is one.
                    Some(before) if follows(&before, &value, &below) => before + value,
                    Some(_) => return None,
                });
            }
            (None, Some(factor)) if factor.is_integer() => {
                let count = group.take().unwrap_or_else(Rational::one);
                if factor == Rational::from(BigInt::from(100)) {
                    group = Some(count * factor);
                } else {
                    sum += count * factor;
                }
            }
            _ => return None,
        }
    }
    if words.is_empty() { None } else { Some(sum + group.unwrap_or_else(Rational::zero)) }
}

/// Whether a number below `below` may stand behind `before`, which must end in zeros then.
fn follows(before: &Rational, value: &Rational, below: &Rational) -> bool {
    let hundred = Rational::from(BigInt::from(100));
    let tens = (before % &hundred).is_zero();
    let ten = (before % Rational::from(BigInt::from(10))).is_zero();
    (tens && *value < hundred || ten && *before >= Rational::from(BigInt::from(20)) && value < below)
        && !before.is_zero()
}

/// The base that a word names, as in "base two".
pub fn base(word: &str) -> Option<String> {
    UNITS.iter().position(|unit| unit.eq_ignore_ascii_case(word)).filter(|base| *base > 1).map(|base| base.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        for (words, value) in [
            ("seventy-two", Some("72")),
            ("one hundred and five", Some("105")),
            ("two thousand twenty four", Some("2024")),
            ("three million two hundred thousand", Some("3200000")),
            ("nineteen", Some("19")),
            ("two thirds", Some("2/3")),
            ("half", Some("1/2")),
            ("one-half", Some("1/2")),
            ("a dozen", Some("12")),
            ("three dozen", Some("36")),
            ("one twenty", None),
            ("five five", None),
            ("twenty ten", None),
            ("five apples", None),
            ("and", None),
            ("", None),
        ] {
            let words: Vec<&str> = words.split_whitespace().collect();
            assert_eq!(number(&words).map(|number| number.to_string()).as_deref(), value, "{words:?}");
        }
    }

    #[test]
    fn words_and_products() {
        for (letters, word) in [
            ("abc", false),
            ("bca", false),
            ("PQR", false),
            ("xyz", false),
            ("listen", true),
            ("Amy", true),
            ("no", true),
        ] {
            assert_eq!(run(letters) == Run::Word, word, "{letters}");
        }
        assert_eq!(run("xsqrt"), Run::Parts(vec!["x", "sqrt"]));
    }
}
