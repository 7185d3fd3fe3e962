//! Equations and inequalities.

use super::number;
use crate::polynomial::Work;
use crate::unit::Unit;
use crate::value::{Sign, Value};

/// What sides with signs between them say.
pub(super) fn statement(mut sides: Vec<Value>, signs: &[char], work: &mut Work) -> Result<Value, String> {
    match *signs {
        [] => Ok(sides.remove(0)),
        // An exact value and what it comes to.
        ['≈'] => Ok(sides.remove(0)),
        [sign] => {
            let [left, right] = <[Value; 2]>::try_from(sides).map_err(|_| "a side is missing")?;
            let solution = solution(&left, sign, &right);
            let (left, right) = (number(left)?, number(right)?);
            let difference = left.minus(&right, work)?;
            let (sign, difference) = match sign {
                '=' => (Sign::Equal, difference),
                '≠' => (Sign::Unequal, difference),
                '>' => (Sign::Positive, difference),
                '<' => (Sign::Positive, difference.negated()),
                '≥' => (Sign::NotNegative, difference),
                '≤' => (Sign::NotNegative, difference.negated()),
                _ => return Err("a relation that is not known".into()),
            };
            if sign == Sign::Equal && !left.has_unknowns() && !right.has_unknowns() {
                return if left.equals(&right, work)? {
                    Ok(Value::number(right))
                } else {
                    Err("the sides of an equation differ".into())
                };
            }
            Ok(Value::Relation { sign, difference, solution: solution.map(Box::new) })
        }
        [first, second] => between(sides, first, second),
        _ => Err("more than two signs of relation".into()),
    }
}

/// The interval that x > 1 says of x.
fn solution(left: &Value, sign: char, right: &Value) -> Option<Value> {
    let (bound, sign) = match (letter(left), letter(right)) {
        (Some(_), None) => (right, sign),
        (None, Some(_)) => (left, turned(sign)),
        _ => return None,
    };
    let Value::Number { value, .. } = bound else { return None };
    if value.has_unknowns() {
        return None;
    }
    let infinity = |negative| Value::Infinity { negative };
    let (open, close, items) = match sign {
        '>' => ('(', ')', vec![bound.clone(), infinity(false)]),
        '≥' => ('[', ')', vec![bound.clone(), infinity(false)]),
        '<' => ('(', ')', vec![infinity(true), bound.clone()]),
        '≤' => ('(', ']', vec![infinity(true), bound.clone()]),
        _ => return None,
    };
    Some(Value::Tuple { open, close, items })
}

/// The interval that a < x < b says of x.
fn between(sides: Vec<Value>, first: char, second: char) -> Result<Value, String> {
    let [left, middle, right] = <[Value; 3]>::try_from(sides).map_err(|_| "a side is missing")?;
    let name = letter(&middle).ok_or("two signs of relation around what is no letter")?.to_owned();
    let (first, second, low, high) = match first {
        '<' | '≤' => (first, second, left, right),
        _ => (turned(second), turned(first), right, left),
    };
    if !matches!((first, second), ('<' | '≤', '<' | '≤')) {
        return Err("two signs of relation that do not fit together".into());
    }
    let value = Value::Tuple {
        open: if first == '<' { '(' } else { '[' },
        close: if second == '<' { ')' } else { ']' },
        items: vec![low, high],
    };
    Ok(Value::Named { name, value: Box::new(value), equation: None })
}

fn turned(sign: char) -> char {
    match sign {
        '<' => '>',
        '>' => '<',
        '≤' => '≥',
        '≥' => '≤',
        other => other,
    }
}

fn letter(value: &Value) -> Option<&str> {
    match value {
        Value::Number { value, unit: Unit::None } => value.as_symbol(),
        _ => None,
    }
}
