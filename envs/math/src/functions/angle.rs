//! Sines, cosines and the angles that have them.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::half;
use crate::polynomial::{Atom, Monomial, Rational, Work};
use crate::quotient::Quotient;

/// The sine of an angle in radians.
pub fn sine(angle: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    match of_pi(angle) {
        Some(number) => sine_of_pi(number, work),
        None if is_turned(angle) => Ok(Quotient::function("sin", vec![angle.negated()]).negated()),
        None => Ok(Quotient::function("sin", vec![angle.clone()])),
    }
}

/// The cosine of an angle in radians.
pub fn cosine(angle: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    match of_pi(angle) {
        Some(number) => sine_of_pi(Rational::new(1.into(), 2.into()) - number, work),
        None if is_turned(angle) => Ok(Quotient::function("cos", vec![angle.negated()])),
        None => Ok(Quotient::function("cos", vec![angle.clone()])),
    }
}

/// The angle from -π/2 to π/2 with that sine.
pub fn arcsine(of: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    if let Some(number) = of.as_rational()
        && number.abs() > Rational::one()
    {
        return Err("an arc sine or cosine of a number above 1".into());
    }
    arc("arcsin", &SINES, of, work)
}

/// The angle between -π/2 and π/2 with that tangent.
pub fn arctangent(of: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    arc("arctan", &TANGENTS, of, work)
}

/// What an angle lacks of a right one.
pub fn right_angle_less(angle: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    pi_times(Rational::new(1.into(), 2.into()), work)?.minus(angle, work)
}

fn pi_times(number: Rational, work: &mut Work) -> Result<Quotient, String> {
    Quotient::symbol("π").times(&Quotient::rational(number), work)
}

/// The number that π is multiplied by, where an angle is a multiple of π.
fn of_pi(angle: &Quotient) -> Option<Rational> {
    if let Some(number) = angle.as_rational() {
        return number.is_zero().then_some(number);
    }
    let (monomial, coefficient) = angle.over().as_term().filter(|_| angle.under().as_rational().is_some())?;
    let is_pi = *monomial == Monomial::of(Atom::Symbol("π".into()), Rational::one());
    is_pi.then(|| coefficient.clone())
}

/// Whether the greatest term is negative, so that an odd or even function has one form.
fn is_turned(argument: &Quotient) -> bool {
    argument.over().0.last_key_value().is_some_and(|(_, coefficient)| coefficient.is_negative())
}

/// The sine of a multiple of π, by that of one between 0 and π/2.
fn sine_of_pi(number: Rational, work: &mut Work) -> Result<Quotient, String> {
    let (one, two) = (Rational::one(), Rational::from(BigInt::from(2)));
    let turned = &number - (&number / &two).floor() * &two;
    let (positive, half_turn) = if turned < one { (true, turned) } else { (false, turned - &one) };
    let quarter = if &half_turn * &two > one { one - half_turn } else { half_turn };
    let value = match special_sine(&quarter, work)? {
        Some(value) => value,
        None => Quotient::function("sin", vec![pi_times(quarter, work)?]),
    };
    Ok(if positive { value } else { value.negated() })
}

/// Sines of angles that roots give: (a + b√c + √(d + e√f)) / g, by the angle as a fraction of π.
const SINES: [(i64, i64, [i64; 7]); 13] = [
    (0, 1, [0, 0, 0, 0, 0, 0, 1]),
    (1, 12, [0, 1, 6, 0, 0, 0, 4]),
    (1, 10, [-1, 1, 5, 0, 0, 0, 4]),
    (1, 8, [0, 0, 0, 2, -1, 2, 2]),
    (1, 6, [1, 0, 0, 0, 0, 0, 2]),
    (1, 5, [0, 0, 0, 10, -2, 5, 4]),
    (1, 4, [0, 1, 2, 0, 0, 0, 2]),
    (3, 10, [1, 1, 5, 0, 0, 0, 4]),
    (1, 3, [0, 1, 3, 0, 0, 0, 2]),
    (3, 8, [0, 0, 0, 2, 1, 2, 2]),
    (2, 5, [0, 0, 0, 10, 2, 5, 4]),
    (5, 12, [0, 1, 6, 0, 0, 0, 4]),
    (1, 2, [1, 0, 0, 0, 0, 0, 1]),
];

/// Tangents, in the same way.
const TANGENTS: [(i64, i64, [i64; 7]); 8] = [
    (0, 1, [0, 0, 0, 0, 0, 0, 1]),
    (1, 12, [2, -1, 3, 0, 0, 0, 1]),
    (1, 8, [-1, 1, 2, 0, 0, 0, 1]),
    (1, 6, [0, 1, 3, 0, 0, 0, 3]),
    (1, 4, [1, 0, 0, 0, 0, 0, 1]),
    (1, 3, [0, 1, 3, 0, 0, 0, 1]),
    (3, 8, [1, 1, 2, 0, 0, 0, 1]),
    (5, 12, [2, 1, 3, 0, 0, 0, 1]),
];

fn special_sine(angle: &Rational, work: &mut Work) -> Result<Option<Quotient>, String> {
    let found = SINES.iter().find(|(over, under, _)| *angle == Rational::new((*over).into(), (*under).into()));
    found.map(|(over, under, parts)| sine_of_roots(*over, *under, parts, work)).transpose()
}

fn sine_of_roots(over: i64, under: i64, parts: &[i64; 7], work: &mut Work) -> Result<Quotient, String> {
    let value = of_roots(parts, work)?;
    if under != 12 {
        return Ok(value);
    }
    // (√6 ∓ √2) / 4
    let root = of_roots(&[0, 1, 2, 0, 0, 0, 4], work)?;
    if over == 1 { value.minus(&root, work) } else { value.plus(&root, work) }
}

fn of_roots(&[a, b, c, d, e, f, g]: &[i64; 7], work: &mut Work) -> Result<Quotient, String> {
    let root = |of: i64, work: &mut Work| Quotient::integer(of).power(&half(), work);
    let mut sum = Quotient::integer(a);
    sum = sum.plus(&root(c, work)?.times(&Quotient::integer(b), work)?, work)?;
    if d != 0 {
        let inner = root(f, work)?.times(&Quotient::integer(e), work)?.plus(&Quotient::integer(d), work)?;
        sum = sum.plus(&inner.power(&half(), work)?, work)?;
    }
    sum.divided_by(&Quotient::integer(g), work)
}

/// The angle whose sine or tangent is in a table, or else the function. Both are odd.
fn arc(name: &'static str, table: &[(i64, i64, [i64; 7])], of: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    if is_turned(of) {
        return Ok(arc(name, table, &of.negated(), work)?.negated());
    }
    if !of.has_unknowns() {
        for (over, under, parts) in table {
            let value =
                if name == "arcsin" { sine_of_roots(*over, *under, parts, work)? } else { of_roots(parts, work)? };
            // Values with roots of roots are compared by numbers afterwards, if need be.
            if value.is_decided() && of.is_decided() && value.ratio_to(of, work)? == Some(Rational::one()) {
                return pi_times(Rational::new((*over).into(), (*under).into()), work);
            }
        }
    }
    Ok(Quotient::function(name, vec![of.clone()]))
}
