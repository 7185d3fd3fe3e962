//! What an expression comes to: one polynomial divided by another.

use std::collections::BTreeMap;
use std::rc::Rc;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::Ratio;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::polynomial::{Atom, BITS_MAX, Monomial, Polynomial, Rational, Work, whole_power};

/// A fraction of polynomials. The denominator has several terms, or one with an atom that [`reduced`] replaces, or is 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quotient {
    over: Polynomial,
    under: Polynomial,
}

/// Sums are raised to whole powers up to this one, by multiplying.
const POWER_MAX: u32 = 200;
/// Primes below this are taken out of roots. The rest stays as it is, which only matters where two rests have a prime in
/// common.
const PRIMES_BELOW: u32 = 2000;
/// The letters that are positive numbers.
const CONSTANTS: [&str; 2] = ["π", "e"];
/// Terms of a sum under a root.
const RADICAND_TERMS_MAX: usize = 50;

impl Quotient {
    pub fn rational(number: Rational) -> Quotient {
        Quotient { over: Polynomial::constant(number), under: Polynomial::constant(Rational::one()) }
    }

    pub fn integer(number: i64) -> Quotient {
        Quotient::rational(Rational::from(BigInt::from(number)))
    }

    pub fn atom(atom: Atom) -> Quotient {
        Quotient {
            over: Polynomial::term(Monomial::of(atom, Rational::one()), Rational::one()),
            ..Quotient::integer(1)
        }
    }

    pub fn symbol(name: &str) -> Quotient {
        Quotient::atom(Atom::Symbol(name.into()))
    }

    pub fn function(name: &str, arguments: Vec<Quotient>) -> Quotient {
        Quotient::atom(Atom::Function(name.into(), arguments.into()))
    }

    /// The number that this is, unless it is more than a number.
    pub fn as_rational(&self) -> Option<Rational> {
        if self.is_whole() { self.over.as_rational() } else { None }
    }

    /// The letter that this is.
    pub fn as_symbol(&self) -> Option<&str> {
        let (Monomial(atoms), coefficient) =
            self.over.as_term().filter(|_| self.is_whole() && coefficient_is_one(self))?;
        match atoms.first_key_value() {
            Some((Atom::Symbol(name), exponent)) if atoms.len() == 1 && exponent == coefficient => Some(name),
            _ => None,
        }
    }

    /// Whether a letter of an unknown, not π or e, is in it.
    pub fn has_unknowns(&self) -> bool {
        [&self.over, &self.under].into_iter().flat_map(|polynomial| polynomial.0.keys()).any(unknown_in)
    }

    pub fn plus(&self, other: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        if self.under == other.under {
            return Quotient::new(self.over.plus(&other.over, work)?, self.under.clone(), work);
        }
        let left = self.over.times(&other.under, work)?;
        let right = other.over.times(&self.under, work)?;
        Quotient::new(left.plus(&right, work)?, self.under.times(&other.under, work)?, work)
    }

    pub fn minus(&self, other: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        self.plus(&other.negated(), work)
    }

    pub fn negated(&self) -> Quotient {
        Quotient { over: self.over.scaled(&-Rational::one()), under: self.under.clone() }
    }

    pub fn times(&self, other: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        Quotient::new(self.over.times(&other.over, work)?, self.under.times(&other.under, work)?, work)
    }

    pub fn divided_by(&self, other: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        Quotient::new(self.over.times(&other.under, work)?, self.under.times(&other.over, work)?, work)
    }

    /// A power with any exponent that there are rules for.
    pub fn power(&self, exponent: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        match exponent.as_rational() {
            Some(exponent) if exponent.is_integer() => self.whole_power(exponent.numer(), work),
            Some(exponent) => self.root_power(&exponent, work),
            None => self.unknown_power(exponent, work),
        }
    }

    /// Whether two expressions are equal wherever both are defined.
    pub fn equals(&self, other: &Quotient, work: &mut Work) -> Result<bool, String> {
        Ok(self.ratio_to(other, work)? == Some(Rational::one()))
    }

    /// The number that `other` must be multiplied by to give this; 1 where both are zero.
    pub fn ratio_to(&self, other: &Quotient, work: &mut Work) -> Result<Option<Rational>, String> {
        for side in [self, other] {
            if reduced(side.under.clone(), work)?.is_zero() {
                return Err("a division by zero".into());
            }
        }
        let left = reduced(self.over.times(&other.under, work)?, work)?;
        let right = reduced(other.over.times(&self.under, work)?, work)?;
        let ratio = match (left.0.last_key_value(), right.0.last_key_value()) {
            (None, None) => Rational::one(),
            (Some((_, a)), Some((_, b))) => a / b,
            _ => return Ok(None),
        };
        Ok((left == right.scaled(&ratio)).then_some(ratio))
    }

    /// Divides by the denominator if it has one term, and nothing in it that [`reduced`] replaces: that keeps positive exponents.
    fn new(over: Polynomial, under: Polynomial, work: &mut Work) -> Result<Quotient, String> {
        if under.is_zero() {
            return Err("a division by zero".into());
        }
        let reducible = |atom: &Atom| matches!(atom, Atom::Base(_)) || atom.is_cosine();
        let plain = |monomial: &Monomial| !monomial.0.keys().any(reducible);
        let Some((monomial, coefficient)) = under.as_term().filter(|(monomial, _)| plain(monomial)) else {
            return Ok(Quotient { over, under });
        };
        let (inverse, number) = monomial.inverse().without_whole_roots()?;
        let inverse = Polynomial::term(inverse, number / coefficient);
        Ok(Quotient { over: over.times(&inverse, work)?, ..Quotient::integer(1) })
    }

    fn is_whole(&self) -> bool {
        self.under.as_rational().is_some()
    }

    fn whole_power(&self, exponent: &BigInt, work: &mut Work) -> Result<Quotient, String> {
        if let Some(number) = self.as_rational() {
            return Ok(Quotient::rational(whole_power(&number, exponent)?));
        }
        if exponent.is_negative() {
            let inverse = Quotient::integer(1).divided_by(self, work)?;
            return inverse.whole_power(&-exponent, work);
        }
        if let Some((monomial, coefficient)) = self.over.as_term().filter(|_| self.is_whole()) {
            return term_power(monomial, &whole_power(coefficient, exponent)?, &Rational::from(exponent.clone()));
        }
        let times = exponent.to_u32().filter(|&times| times <= POWER_MAX).ok_or("a power is too large")?;
        let mut power = Quotient::integer(1);
        for _ in 0..times {
            power = power.times(self, work)?;
        }
        Ok(power)
    }

    /// A power whose exponent is a fraction, taken of numerator and denominator.
    fn root_power(&self, exponent: &Rational, work: &mut Work) -> Result<Quotient, String> {
        let over = root_of(&self.over, exponent, work)?;
        if self.is_whole() { Ok(over) } else { over.divided_by(&root_of(&self.under, exponent, work)?, work) }
    }

    /// b^(u + v) = b^u · b^v, for a positive number, a letter or a sum.
    fn unknown_power(&self, exponent: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        if !exponent.is_whole() {
            return Err("an exponent is a fraction of unknowns".into());
        }
        let bases = match self.as_rational() {
            Some(number) if number.is_positive() => prime_powers(&number, work)?,
            Some(_) => return Err("zero or a negative number to the power of an unknown".into()),
            None => match self.as_symbol() {
                Some(name) => vec![(Atom::Symbol(name.into()), Rational::one())],
                None => vec![(Atom::Base(Rc::new(self.clone())), Rational::one())],
            },
        };
        let mut power = Quotient::integer(1);
        for (base, times) in bases {
            for (monomial, coefficient) in &exponent.over.0 {
                let factor = if monomial.0.is_empty() {
                    Quotient::atom(base.clone()).power(&Quotient::rational(coefficient * &times), work)?
                } else {
                    let atom = Atom::Power(Rc::new(base.clone()), monomial.clone());
                    term_power(&Monomial::of(atom, Rational::one()), &Rational::one(), &(coefficient * &times))?
                };
                power = power.times(&factor, work)?;
            }
        }
        Ok(power)
    }
}

/// The natural logarithm. That of a number is a sum of those of its primes.
pub fn logarithm(of: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    let Some(number) = of.as_rational() else {
        return Ok(match of.as_symbol() {
            Some("e") => Quotient::integer(1),
            _ => Quotient::function("ln", vec![of.clone()]),
        });
    };
    if !number.is_positive() {
        return Err("a logarithm of what is not positive".into());
    }
    let mut sum = Quotient::integer(0);
    for (prime, times) in prime_powers(&number, work)? {
        let term = Quotient::function("ln", vec![Quotient::atom(prime)]);
        sum = sum.plus(&term.times(&Quotient::rational(times), work)?, work)?;
    }
    Ok(sum)
}

fn coefficient_is_one(quotient: &Quotient) -> bool {
    quotient.over.as_term().is_some_and(|(_, coefficient)| coefficient.is_one())
}

fn unknown_in(monomial: &Monomial) -> bool {
    monomial.0.keys().any(|atom| match atom {
        Atom::Number(_) | Atom::Imaginary => false,
        Atom::Symbol(name) => !CONSTANTS.contains(&&**name),
        Atom::Base(inner) => inner.has_unknowns(),
        Atom::Power(..) => true,
        Atom::Function(_, arguments) => arguments.iter().any(Quotient::has_unknowns),
    })
}

/// A monomial to a power, times a number.
fn term_power(monomial: &Monomial, number: &Rational, exponent: &Rational) -> Result<Quotient, String> {
    let scaled = monomial.0.iter().map(|(atom, own)| (atom.clone(), own * exponent));
    let (monomial, factor) = Monomial(scaled.filter(|(_, own)| !own.is_zero()).collect()).without_whole_roots()?;
    Ok(Quotient { over: Polynomial::term(monomial, number * factor), ..Quotient::integer(1) })
}

/// A polynomial to the power of a fraction.
fn root_of(radicand: &Polynomial, exponent: &Rational, work: &mut Work) -> Result<Quotient, String> {
    if radicand.is_zero() {
        return if exponent.is_positive() { Ok(Quotient::integer(0)) } else { Err("a division by zero".into()) };
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
    let atom = Monomial::of(Atom::Base(Rc::new(base.clone())), Rational::one());
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
fn prime_powers(number: &Rational, work: &mut Work) -> Result<Vec<(Atom, Rational)>, String> {
    let mut powers: BTreeMap<Atom, Rational> = BTreeMap::new();
    for (whole, sign) in [(number.numer(), 1), (number.denom(), -1)] {
        if whole.bits() > BITS_MAX {
            return Err("a number is too large".into());
        }
        work.spend(1 + 4 * whole.bits())?;
        let mut rest = whole.clone();
        for divisor in (2..PRIMES_BELOW).map(BigInt::from) {
            if &divisor * &divisor > rest {
                break;
            }
            while (&rest % &divisor).is_zero() {
                rest /= &divisor;
                *powers.entry(Atom::Number(divisor.clone())).or_default() += BigInt::from(sign);
            }
        }
        let (rest, times) = without_power(rest);
        if !rest.is_one() {
            *powers.entry(Atom::Number(rest)).or_default() += BigInt::from(sign * times);
        }
    }
    Ok(powers.into_iter().filter(|(_, times)| !times.is_zero()).collect())
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

/// A polynomial with what is known of its atoms used, until there is nothing left to use: whole powers of sums are
/// multiplied out, and cos² is 1 − sin².
fn reduced(mut polynomial: Polynomial, work: &mut Work) -> Result<Polynomial, String> {
    loop {
        let mut reduced = Polynomial::default();
        for (monomial, coefficient) in &polynomial.0 {
            reduced.add(&reduced_term(monomial, coefficient, work)?, work)?;
        }
        if reduced == polynomial {
            return Ok(reduced);
        }
        polynomial = reduced;
    }
}

fn reduced_term(monomial: &Monomial, coefficient: &Rational, work: &mut Work) -> Result<Polynomial, String> {
    let two = Rational::from(BigInt::from(2));
    let mut rest = monomial.0.clone();
    let mut factor = Polynomial::constant(coefficient.clone());
    for (atom, exponent) in &monomial.0 {
        let (replacement, unit) = match atom {
            Atom::Base(base) => (base.over.clone(), Rational::one()),
            Atom::Function(_, arguments) if atom.is_cosine() => {
                let sine = Monomial::of(Atom::Function("sin".into(), arguments.clone()), two.clone());
                let minus_square = Polynomial::term(sine, -Rational::one());
                (Polynomial::constant(Rational::one()).plus(&minus_square, work)?, two.clone())
            }
            _ => continue,
        };
        let times = (exponent / &unit).floor();
        if times.is_positive() {
            for _ in 0..times.numer().to_u32().filter(|&times| times <= POWER_MAX).ok_or("a power is too large")? {
                factor = factor.times(&replacement, work)?;
            }
            rest.insert(atom.clone(), exponent - times * unit);
        }
    }
    rest.retain(|_, exponent| !exponent.is_zero());
    factor.times(&Polynomial::term(Monomial(rest), Rational::one()), work)
}
