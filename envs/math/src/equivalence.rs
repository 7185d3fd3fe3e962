//! Whether an answer means what the reference does.

use num_traits::{One, Signed, Zero};

use crate::evaluate::{Writer, read, read_renamed};
use crate::polynomial::{Rational, Work};
use crate::token::{Kind, Token, tokens};
use crate::value::Value;
use crate::{label, numeric};

/// An answer has so many bytes at most; the longest in the test set of MATH has 81.
pub const ANSWER_MAX_BYTES: usize = 2000;

/// Whether an answer means what the reference does, or why not.
pub fn compare(reference: &str, answer: &str) -> Result<(), String> {
    if answer.len() > ANSWER_MAX_BYTES {
        return Err(format!("the answer has more than {ANSWER_MAX_BYTES} bytes"));
    }
    if plain(reference) == plain(answer) || label::are_same(reference, answer) {
        return Ok(());
    }
    let mut work = Work::new();
    let understood = read(reference, Writer::Reference, &mut work);
    let Ok(expected) = understood else {
        let same = same_looks(reference, answer);
        return if same { Ok(()) } else { Err("the answer is not the reference, which is compared as text".into()) };
    };
    let given = read(answer, Writer::of_answer(reference), &mut work);
    let given = given.map_err(|reason| format!("the answer is not understood: {reason}"))?;
    let equal =
        is_word(&expected, &given, reference, answer) || expected.equals(&given, &mut work).map_err(incomparable)?;
    if equal && is_hundredth(&expected, &given, &mut work)? {
        return Err("the answer is a hundredth of the reference".into());
    }
    let said_otherwise = |work: &mut Work| {
        is_equal_with_decimal_comma(&expected, answer, work)
            || is_equal_with_parameter(&expected, &given, answer, work)
            || is_equal_with_arguments(&expected, &given, answer, work)
    };
    if !equal && !said_otherwise(&mut work) {
        return Err("the answer is another one".into());
    }
    // An answer that divides by zero in a way that only numbers show says nothing.
    for divisor in std::mem::take(&mut work.divisors) {
        if !numeric::is_nonzero(&divisor, &mut work).map_err(incomparable)? {
            return Err(incomparable("a division by zero".into()));
        }
    }
    Ok(())
}

/// Whether the reference is a part of one and the answer as many percent: the sign of percent can be left out, but 0.25
/// is no quarter of a percent.
fn is_hundredth(expected: &Value, given: &Value, work: &mut Work) -> Result<bool, String> {
    let (Value::Number { value, unit }, Value::Number { value: percent, unit: given }) = (expected, given) else {
        return Ok(false);
    };
    let below_one = value.as_rational().is_some_and(|value| !value.is_zero() && value.abs() < Rational::one());
    Ok(unit.is_none() && given.is_percent() && below_one && value.equals(percent, work)?)
}

/// Whether a comma between digits is the point of a decimal: where the reference is a number, `0,5` is no list of two. Three
/// digits behind it are thousands.
fn is_equal_with_decimal_comma(expected: &Value, answer: &str, work: &mut Work) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let Some((before, after)) = answer.split_once(',') else { return false };
    let is_decimal = before.ends_with(|c: char| c.is_ascii_digit())
        && !after.contains(',')
        && (![0, 3].contains(&digits(after)) || digits(after) == 3 && ["0", "-0"].contains(&before));
    if !is_decimal || !matches!(expected, Value::Number { .. }) {
        return false;
    }
    // 1.234,5
    let mut groups = before.trim_start_matches('-').split('.');
    let grouped =
        groups.next().is_some_and(|first| (1..=3).contains(&first.len())) && groups.all(|group| group.len() == 3);
    let before = if grouped { before.replace('.', "") } else { before.into() };
    let given = read(&format!("{before}.{after}"), Writer::Policy, work);
    given.is_ok_and(|given| expected.equals(&given, work).unwrap_or(false))
}

/// Whether the answer is the reference but for the letter that stands for whole numbers: `k\pi, k \in \mathbb{Z}` and
/// `n\pi, n \in \mathbb{Z}`.
fn is_equal_with_parameter(expected: &Value, given: &Value, answer: &str, work: &mut Work) -> bool {
    let (Some(letter), Some(other)) = (given.parameter(), expected.parameter()) else { return false };
    let renamed = if letter == other { Err(String::new()) } else { read_renamed(answer, &[[letter, other]], work) };
    renamed.is_ok_and(|given| expected.equals(&given, work).unwrap_or(false))
}

/// Whether the answer is the reference but for the letters that a function is defined with: `f(x)=x^2` and `f(t)=t^2`.
fn is_equal_with_arguments(expected: &Value, given: &Value, answer: &str, work: &mut Work) -> bool {
    let (Some((name, letters)), Some((other, others))) = (given.function(), expected.function()) else { return false };
    if name != other || letters.len() != others.len() || letters == others {
        return false;
    }
    let renames: Vec<[char; 2]> = letters.into_iter().zip(others).map(|(letter, other)| [letter, other]).collect();
    let renamed = read_renamed(answer, &renames, work);
    renamed.is_ok_and(|given| expected.equals(&given, work).unwrap_or(false))
}

fn incomparable(reason: String) -> String {
    format!("the answer cannot be compared: {reason}")
}

/// Whether one of both is a word, and the other the same letters in another face, or in another case than a word of the
/// reference.
fn is_word(expected: &Value, given: &Value, reference: &str, answer: &str) -> bool {
    let words = matches!(expected, Value::Words(_)) || matches!(given, Value::Words(_));
    let letters = |text: &str| -> String {
        let text = plain(text).replace("\\text", "").replace("\\mathrm", "");
        text.chars().filter(|c| c.is_alphabetic()).collect()
    };
    let bare = |text: &str| !text.contains(|c: char| c.is_ascii_digit() || "+-*/^=<>|&".contains(c));
    let [one, other] = [letters(reference), letters(answer)];
    let same = if matches!(expected, Value::Words(_)) { one.eq_ignore_ascii_case(&other) } else { one == other };
    words && bare(reference) && bare(answer) && !one.is_empty() && same
}

/// Whether two texts have the same parts, however they are set.
fn same_looks(reference: &str, answer: &str) -> bool {
    let kinds = |text: &str| {
        // A condition stands behind a line or a colon.
        let folded = |Token { kind, .. }| if kind == Kind::Sign('|') { Kind::Sign(':') } else { kind };
        tokens(text).map(|tokens| tokens.into_iter().map(folded).collect::<Vec<_>>()).ok()
    };
    kinds(reference).is_some_and(|reference| kinds(answer) == Some(reference))
}

/// A text without what sets its looks. Spaces stay where they part letters or digits, or what a comma stands between.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    let mut spaced = false;
    while let Some(character) = rest.chars().next() {
        let look = match character {
            '\\' => ["\\left", "\\right", "\\!", "\\,", "\\;", "\\ "].into_iter().find(|look| rest.starts_with(look)),
            '$' => Some("$"),
            _ => None,
        };
        if let Some(look) = look {
            spaced = true;
            rest = &rest[look.len()..];
            continue;
        }
        let shown = ["\\dfrac", "\\tfrac"].into_iter().find(|shown| character == '\\' && rest.starts_with(shown));
        rest = &rest[shown.map_or(character.len_utf8(), str::len)..];
        if character.is_whitespace() {
            spaced = true;
            continue;
        }
        // 1, 234 are two numbers.
        let is_listed = character.is_ascii_digit() && plain.ends_with(',');
        if spaced && (character.is_alphanumeric() && plain.ends_with(char::is_alphanumeric) || is_listed) {
            plain.push(' ');
        }
        spaced = false;
        match shown {
            Some(_) => plain += "\\frac",
            None => plain.push(character),
        }
    }
    plain
}
