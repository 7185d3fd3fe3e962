//! Powers whose exponents are fractions, and numbers as products of primes.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::Ratio;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{CONSTANTS, Quotient, term_power};
use crate::polynomial::{Atom, BITS_MAX, Monomial, Polynomial, Rational, Weighed, Work};

/// Primes below this are taken out of roots. The rest stays as it is, which only matters where two rests have a prime
/// in common.
const PRIMES_BELOW: u32 = 2000;
/// Terms of a sum under a root.
const RADICAND_TERMS_MAX: usize = 50;

/// A polynomial to the power of a fraction.
pub(super) fn root_of(radicand: &Polynomial, exponent: &Rational, work: &mut Work) -> Result<Quotient, String> {
    if radicand.is_zero() {
        return if exponent.is_positive() { Ok(Quotient::integer(0)) } else { Err("a division by zero".into()) };
    }
    if let Some(number) = radicand.as_rational().filter(Rational::is_positive) {
        return numeric_root(&number, exponent, work);
    }
    if radicand.0.len() > RADICAND_TERMS_MAX {
        return Err("a sum under a root is too long".into());
    }
    if radicand.0.keys().any(|monomial| monomial.0.contains_key(&Atom::Imaginary)) {
        return Err("a root of a complex number".into());
    }
    let content = radicand.content();
    let primitive = radicand.scaled(&content.recip());
    let outside = numeric_root(&content, exponent, work)?;
    let inside = match primitive.as_term() {
        Some((monomial, sign)) => monomial_root(monomial, sign.is_negative(), exponent, work)?,
        None => match square_root_of_binomial(radicand, exponent, work)? {
            Some(root) => return Ok(root),
            None => base_power(primitive, exponent, work)?,
        },
    };
    outside.times(&inside, work)
}

/// A positive number to the power of a fraction: rational roots of primes.
fn numeric_root(number: &Rational, exponent: &Rational, work: &mut Work) -> Result<Quotient, String> {
    let mut product = Quotient::integer(1);
    for (atom, times) in prime_powers(number, work)? {
        let factor = term_power(&Monomial::of(atom, times), &Rational::one(), exponent)?;
        product = product.times(&factor, work)?;
    }
    Ok(product)
}

/// The real root where there is one; otherwise i, for square roots only.
fn root_of_minus_one(exponent: &Rational) -> Result<Quotient, String> {
    let whole = exponent.numer();
    match exponent.denom() {
        degree if degree.is_odd() => Ok(Quotient::integer(if whole.is_odd() { -1 } else { 1 })),
        degree if *degree == 2.into() => {
            term_power(&Monomial::of(Atom::Imaginary, Rational::one()), &Rational::one(), &Ratio::from(whole.clone()))
        }
        _ => Err("an even root of a negative number".into()),
    }
}

/// Roots of positive atoms are taken one by one. √(xy) is √x · √y only where both are positive, √x² is not x, and √(−x)
/// is not i√x.
fn monomial_root(
    monomial: &Monomial,
    negative: bool,
    exponent: &Rational,
    work: &mut Work,
) -> Result<Quotient, String> {
    let positive = |atom: &Atom| match atom {
        Atom::Number(_) => true,
        Atom::Symbol(name) => CONSTANTS.contains(&&**name),
        _ => false,
    };
    let (outside, inside): (BTreeMap<_, _>, BTreeMap<_, _>) =
        monomial.0.clone().into_iter().partition(|(atom, _)| positive(atom));
    let signed = negative && !inside.is_empty() && exponent.denom().is_even();
    let sign = if negative && !signed { root_of_minus_one(exponent)? } else { Quotient::integer(1) };
    let outside = term_power(&Monomial(outside), &Rational::one(), exponent)?.times(&sign, work)?;
    let plain = !signed && inside.len() < 2 && inside.values().all(|own| own.abs() <= Rational::one());
    let inside = if plain {
        term_power(&Monomial(inside), &Rational::one(), exponent)?
    } else {
        let sign = Rational::from(BigInt::from(if signed { -1 } else { 1 }));
        base_power(Polynomial::term(Monomial(inside), sign), exponent, work)?
    };
    outside.times(&inside, work)
}

/// A sum to the power of a fraction, of which the whole part is multiplied out.
fn base_power(base: Polynomial, exponent: &Rational, work: &mut Work) -> Result<Quotient, String> {
    let whole = exponent.floor();
    let base = Quotient { over: base, ..Quotient::integer(1) };
    let atom = Monomial::of(Atom::Base(Weighed::new(base.weight(), base.clone())), Rational::one());
    let root = term_power(&atom, &Rational::one(), &(exponent - &whole))?;
    base.whole_power(whole.numer(), work)?.times(&root, work)
}

/// √(a + b√n) = √x + √y or √x − √y with x + y = a and 4xy = b²n, where x and y are rational.
fn square_root_of_binomial(
    radicand: &Polynomial,
    exponent: &Rational,
    work: &mut Work,
) -> Result<Option<Quotient>, String> {
    let terms: Vec<_> = radicand.0.iter().collect();
    let [(one, a), (monomial, b)] = terms[..] else { return Ok(None) };
    let square = term_power(monomial, &(b * b), &Rational::from(BigInt::from(2)))?.as_rational();
    let half = Rational::new(1.into(), 2.into());
    let numeric = monomial.0.keys().all(|atom| matches!(atom, Atom::Number(_)));
    let (Some(square), true) = (square, one.0.is_empty() && numeric && a.is_positive() && *exponent == half) else {
        return Ok(None);
    };
    let discriminant = a * a - square;
    let Some(root) = rational_square_root(&discriminant) else { return Ok(None) };
    let [x, y] = [(a + &root) * &half, (a - &root) * &half];
    let [x, y] = [numeric_root(&x, &half, work)?, numeric_root(&y, &half, work)?];
    let sum = if b.is_negative() { x.minus(&y, work) } else { x.plus(&y, work) };
    sum.map(Some)
}

fn rational_square_root(number: &Rational) -> Option<Rational> {
    if number.is_negative() {
        return None;
    }
    let root = Rational::new(number.numer().sqrt(), number.denom().sqrt());
    (&root * &root == *number).then_some(root)
}

/// A positive number as powers of primes and of what is not factored.
pub fn prime_powers(number: &Rational, work: &mut Work) -> Result<Vec<(Atom, Rational)>, String> {
    let mut powers: BTreeMap<Atom, Rational> = BTreeMap::new();
    for (whole, sign) in [(number.numer(), 1), (number.denom(), -1)] {
        if whole.bits() > BITS_MAX {
            return Err("a number is too large".into());
        }
        work.spend(1 + 4 * whole.bits())?;
        if whole.is_one() {
            continue;
        }
        let mut count = |factor: BigInt, times: i32| {
            *powers.entry(Atom::Number(factor)).or_default() += BigInt::from(sign * times);
        };
        let (rest, is_whole) = match whole.to_u64() {
            Some(small) => {
                let (rest, is_whole) = without_small_primes(small, |prime| count(BigInt::from(prime), 1));
                (BigInt::from(rest), is_whole)
            }
            None => {
                let mut rest = whole.clone();
                for divisor in (2..PRIMES_BELOW).map(BigInt::from) {
                    while (&rest % &divisor).is_zero() {
                        rest /= &divisor;
                        count(divisor.clone(), 1);
                    }
                }
                (rest, false)
            }
        };
        let (rest, times) = if is_whole { (rest, 1) } else { without_power(rest) };
        if !rest.is_one() {
            count(rest, times);
        }
    }
    Ok(powers.into_iter().filter(|(_, times)| !times.is_zero()).collect())
}

/// What is left of a number without the primes below [`PRIMES_BELOW`], and whether that is a prime or 1.
fn without_small_primes(mut rest: u64, mut found: impl FnMut(u64)) -> (u64, bool) {
    for divisor in 2..u64::from(PRIMES_BELOW) {
        if divisor * divisor > rest {
            return (rest, true);
        }
        while rest.is_multiple_of(divisor) {
            rest /= divisor;
            found(divisor);
        }
    }
    (rest, false)
}

/// A number as a power of another, for small exponents.
fn without_power(number: BigInt) -> (BigInt, i32) {
    let power = [2u32, 3, 5].into_iter().find_map(|degree| {
        let root = number.nth_root(degree);
        (num_traits::Pow::pow(&root, degree) == number && !root.is_one()).then_some((root, degree as i32))
    });
    match power {
        Some((root, degree)) => {
            let (root, times) = without_power(root);
            (root, times * degree)
        }
        None => (number, 1),
    }
}
