//! Where a polynomial in one letter, or a fraction of two, is positive: as far as its zeros are fractions or square roots.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::polynomial::{Atom, Monomial, Polynomial, Rational, Work};
use crate::quotient::Quotient;
use crate::region::{Combined, Region, order};
use crate::value::Sign;

/// Higher degrees are no answers of any benchmark.
const DEGREE_MAX: usize = 24;
/// First and last coefficients whose divisors are tried as zeros. Protects the fuel.
const COEFFICIENT_MAX: u64 = 1_000_000;

/// A place where the sign may change.
struct Place {
    at: Quotient,
    is_change: bool,
    is_pole: bool,
}

/// The letter of an inequality, and where it holds.
pub fn solution(difference: &Quotient, sign: Sign, work: &mut Work) -> Result<Option<(String, Region)>, String> {
    let Some((name, over, under)) = in_one_letter(difference) else { return Ok(None) };
    let (Some(zeros), Some(poles)) = (zeros(&over, work)?, zeros(&under, work)?) else { return Ok(None) };
    let zeros = zeros.into_iter().map(|(at, is_change)| Place { at, is_change, is_pole: false });
    let poles = poles.into_iter().map(|(at, is_change)| Place { at, is_change, is_pole: true });
    let places = sorted(zeros.chain(poles), work)?;

    let mut region = Region::empty();
    let leading = |polynomial: &[BigInt]| polynomial.last().is_some_and(BigInt::is_negative);
    let mut is_positive = leading(&over) == leading(&under);
    for index in (0..=places.len()).rev() {
        let low = index.checked_sub(1).map(|below| &places[below]);
        if is_positive || sign == Sign::Unequal {
            let between = Region::between(low.map(|low| &low.at), places.get(index).map(|high| &high.at));
            region = region.combined(&between, Combined::Either, work)?;
        }
        is_positive ^= low.is_some_and(|low| low.is_change);
    }
    for Place { at, .. } in places.iter().filter(|place| sign == Sign::NotNegative && !place.is_pole) {
        region = region.combined(&Region::single(at), Combined::Either, work)?;
    }
    Ok(Some((name, region)))
}

/// Numerator and denominator by their coefficients, lowest first, where both are polynomials in the same letter.
fn in_one_letter(difference: &Quotient) -> Option<(String, Vec<BigInt>, Vec<BigInt>)> {
    let mut name = None;
    let over = exponents(difference.over(), &mut name)?;
    let under = exponents(difference.under(), &mut name)?;
    let name = name?.to_owned();
    // 1/x is x to the power of −1.
    let lowest = over.iter().chain(&under).map(|(exponent, _)| *exponent).min().unwrap_or(0).min(0);
    Some((name, whole(&over, lowest)?, whole(&under, lowest)?))
}

fn exponents<'a>(polynomial: &'a Polynomial, name: &mut Option<&'a str>) -> Option<Vec<(i64, Rational)>> {
    let exponent = |Monomial(atoms): &'a Monomial| match atoms.first_key_value() {
        None => Some(0),
        Some((Atom::Symbol(letter), exponent)) if atoms.len() == 1 && exponent.is_integer() => {
            let unknown = Quotient::symbol(letter).has_unknowns();
            (unknown && *name.get_or_insert(letter) == letter).then(|| exponent.to_integer().to_i64())?
        }
        _ => None,
    };
    let mut exponent = exponent;
    polynomial.0.iter().map(|(monomial, factor)| Some((exponent(monomial)?, factor.clone()))).collect()
}

/// Coefficients without fractions and common factors.
fn whole(terms: &[(i64, Rational)], lowest: i64) -> Option<Vec<BigInt>> {
    let degree = |exponent: i64| usize::try_from(exponent - lowest).ok().filter(|degree| *degree <= DEGREE_MAX);
    let denominators = terms.iter().fold(BigInt::one(), |lcm, (_, factor)| lcm.lcm(factor.denom()));
    let mut coefficients = Vec::new();
    for (exponent, factor) in terms {
        let degree = degree(*exponent)?;
        coefficients.resize(coefficients.len().max(degree + 1), BigInt::zero());
        coefficients[degree] = (factor * &denominators).to_integer();
    }
    Some(coefficients)
}

/// The real zeros, and whether the sign changes there; none where some are not known.
fn zeros(coefficients: &[BigInt], work: &mut Work) -> Result<Option<Vec<(Quotient, bool)>>, String> {
    let mut rest = coefficients.to_vec();
    let mut found = Vec::new();
    let at_zero = rest.iter().take_while(|coefficient| coefficient.is_zero()).count();
    if at_zero > 0 {
        found.push((Quotient::integer(0), at_zero % 2 == 1));
        rest.drain(..at_zero);
    }
    while rest.len() > 3 {
        let Some(zero) = rational_zero(&rest, work)? else { break };
        let mut times = 0;
        while let Some(quotient) = without(&rest, &zero) {
            rest = quotient;
            times += 1;
        }
        found.push((Quotient::rational(zero), times % 2 == 1));
    }
    match &rest[..] {
        [] => return Ok(None),
        [_] => {}
        [b, a] => found.push((Quotient::rational(Rational::new(-b, a.clone())), true)),
        [c, b, a] => found.extend(of_square(a, b, c, work)?),
        // A quadratic polynomial in the square.
        [c, one, b, three, a] if one.is_zero() && three.is_zero() => {
            for (square, is_change) in of_square(a, b, c, work)? {
                if order(&square, &Quotient::integer(0), work)? == Ordering::Greater {
                    let root = square.power(&Quotient::rational(Rational::new(1.into(), 2.into())), work)?;
                    found.extend([(root.negated(), is_change), (root, is_change)]);
                }
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(found))
}

/// The zeros of ax² + bx + c.
fn of_square(a: &BigInt, b: &BigInt, c: &BigInt, work: &mut Work) -> Result<Vec<(Quotient, bool)>, String> {
    let discriminant: BigInt = b * b - a * c * 4;
    let middle = Quotient::rational(Rational::new(-b, a * 2));
    if discriminant.is_negative() {
        return Ok(Vec::new());
    }
    if discriminant.is_zero() {
        return Ok(vec![(middle, false)]);
    }
    let half = Quotient::rational(Rational::new(1.into(), 2.into()));
    let root = Quotient::rational(Rational::from(discriminant)).power(&half, work)?;
    let distance = root.times(&Quotient::rational(Rational::new(BigInt::one(), a * 2)), work)?;
    Ok(vec![(middle.minus(&distance, work)?, true), (middle.plus(&distance, work)?, true)])
}

/// A fraction that is a zero, by the divisors of the first and the last coefficient.
fn rational_zero(coefficients: &[BigInt], work: &mut Work) -> Result<Option<Rational>, String> {
    let (Some(overs), Some(unders)) = (divisors(&coefficients[0]), coefficients.last().and_then(divisors)) else {
        return Ok(None);
    };
    work.spend(20)?;
    for over in &overs {
        for under in unders.iter().filter(|under| over.gcd(under) == 1) {
            for over in [BigInt::from(*over), -BigInt::from(*over)] {
                work.spend(1)?;
                let candidate = Rational::new(over, BigInt::from(*under));
                if without(coefficients, &candidate).is_some() {
                    return Ok(Some(candidate));
                }
            }
        }
    }
    Ok(None)
}

fn divisors(number: &BigInt) -> Option<Vec<u64>> {
    let number = number.abs().to_u64().filter(|number| *number <= COEFFICIENT_MAX)?;
    let small = (1..).take_while(|divisor| divisor * divisor <= number).filter(|divisor| number % divisor == 0);
    Some(small.flat_map(|divisor| [divisor, number / divisor]).collect())
}

/// The polynomial divided by qx − p, if p/q is a zero of it. The quotient has whole coefficients then.
fn without(coefficients: &[BigInt], zero: &Rational) -> Option<Vec<BigInt>> {
    let (p, q) = (zero.numer(), zero.denom());
    let mut quotient = Vec::with_capacity(coefficients.len());
    let mut carried = BigInt::zero();
    for coefficient in coefficients.iter().rev() {
        let sum = coefficient + &carried * p;
        if quotient.len() + 1 == coefficients.len() {
            quotient.reverse();
            return sum.is_zero().then_some(quotient);
        }
        let (part, rest) = sum.div_rem(q);
        if !rest.is_zero() {
            return None;
        }
        quotient.push(part.clone());
        carried = part;
    }
    None
}

/// Places in rising order, each once.
fn sorted(places: impl Iterator<Item = Place>, work: &mut Work) -> Result<Vec<Place>, String> {
    let mut sorted: Vec<Place> = Vec::new();
    'places: for place in places {
        let mut index = 0;
        while index < sorted.len() {
            match order(&place.at, &sorted[index].at, work)? {
                Ordering::Less => break,
                Ordering::Greater => index += 1,
                Ordering::Equal => {
                    sorted[index].is_change ^= place.is_change;
                    sorted[index].is_pole |= place.is_pole;
                    continue 'places;
                }
            }
        }
        sorted.insert(index, place);
    }
    Ok(sorted)
}
