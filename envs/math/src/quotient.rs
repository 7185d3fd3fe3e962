//! What an expression comes to: one polynomial divided by another.

mod reduced;
mod root;

pub use root::prime_powers;

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::functions::power_of_logarithms;
use crate::numeric;
use crate::polynomial::{Atom, Monomial, Polynomial, Rational, Weighed, Work, whole_power};
use reduced::{Factorials, reduced};
use root::root_of;

/// A fraction of polynomials. The denominator has several terms, or one with an atom that [`reduced`] replaces, or is
/// 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quotient {
    over: Polynomial,
    under: Polynomial,
}

/// Sums are raised to whole powers up to this one, by multiplying.
const POWER_MAX: u32 = 200;
/// The letters that are positive numbers.
const CONSTANTS: [&str; 2] = ["π", "e"];

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

    pub fn function(name: &'static str, arguments: Vec<Quotient>) -> Quotient {
        let weight = arguments.iter().map(Quotient::weight).sum();
        Quotient::atom(Atom::Function(name, Weighed::new(weight, arguments)))
    }

    /// How long it takes to look through it, in symbols.
    pub fn weight(&self) -> u64 {
        self.over.weight() + self.under.weight()
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
        let over = self.over.times(&other.over, work)?;
        if self.under.is_one() && other.under.is_one() {
            return Ok(Quotient { over, under: self.under.clone() });
        }
        Quotient::new(over, self.under.times(&other.under, work)?, work)
    }

    pub fn divided_by(&self, other: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        if let Some(number) = other.as_rational().filter(|number| !number.is_zero()) {
            let over = self.over.times(&Polynomial::constant(number.recip()), work)?;
            return Ok(Quotient { over, under: self.under.clone() });
        }
        if !other.is_decided() {
            work.spend(other.weight())?;
            work.divisors.push(other.clone());
        }
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

    /// Whether two expressions are equal wherever both are defined. Where polynomials do not say so, and functions or
    /// roots of sums could be the reason, numbers tell.
    pub fn equals(&self, other: &Quotient, work: &mut Work) -> Result<bool, String> {
        if self.ratio_to(other, work)? == Some(Rational::one()) {
            return Ok(true);
        }
        Ok(!(self.is_decided() && other.is_decided()) && numeric::are_equal(self, other, work)?)
    }

    /// The number that `other` must be multiplied by to give this; 1 where both are zero.
    pub fn ratio_to(&self, other: &Quotient, work: &mut Work) -> Result<Option<Rational>, String> {
        let (left, right) = self.crossed(other, work)?;
        let ratio = match (left.0.last_key_value(), right.0.last_key_value()) {
            (None, None) => Rational::one(),
            (Some((_, a)), Some((_, b))) => a / b,
            _ => return Ok(None),
        };
        Ok((left == right.scaled(&ratio)).then_some(ratio))
    }

    /// Both as polynomials, each multiplied by the denominator of the other.
    pub fn crossed(&self, other: &Quotient, work: &mut Work) -> Result<(Polynomial, Polynomial), String> {
        let known = Factorials::of([self, other], work)?;
        for side in [self, other] {
            if reduced(side.under.clone(), &known, work)?.is_zero() {
                return Err("a division by zero".into());
            }
        }
        let (left, right) = if self.under == other.under {
            (self.over.clone(), other.over.clone())
        } else {
            (self.over.times(&other.under, work)?, other.over.times(&self.under, work)?)
        };
        Ok((reduced(left, &known, work)?, reduced(right, &known, work)?))
    }

    /// Divides by the denominator if it has one term, and nothing in it that [`reduced`] replaces: that keeps positive
    /// exponents.
    fn new(over: Polynomial, under: Polynomial, work: &mut Work) -> Result<Quotient, String> {
        if under.is_zero() {
            return Err("a division by zero".into());
        }
        if under.is_one() {
            return Ok(Quotient { over, under });
        }
        let reducible = |atom: &Atom| matches!(atom, Atom::Base(_) | Atom::Function("cos" | "factorial", _));
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

    /// b^(u + v) = b^u · b^v, for a number, a letter or a sum.
    fn unknown_power(&self, exponent: &Quotient, work: &mut Work) -> Result<Quotient, String> {
        if let Some(power) = power_of_logarithms(self, exponent, work)? {
            return Ok(power);
        }
        let bases = match self.as_rational() {
            Some(number) if number.is_zero() => Vec::new(),
            Some(number) => {
                let sign = number.is_negative().then(|| (Atom::Number(-BigInt::one()), Rational::one()));
                sign.into_iter().chain(prime_powers(&number.abs(), work)?).collect()
            }
            None => match self.as_symbol() {
                Some(name) => vec![(Atom::Symbol(name.into()), Rational::one())],
                None => vec![(Atom::Base(Weighed::new(self.weight(), self.clone())), Rational::one())],
            },
        };
        if !exponent.is_whole() || bases.is_empty() {
            return Ok(Quotient::function("pow", vec![self.clone(), exponent.clone()]));
        }
        let mut power = Quotient::integer(1);
        for (base, times) in bases {
            for (monomial, coefficient) in &exponent.over.0 {
                power = power.times(&atom_power(&base, monomial, &(coefficient * &times), work)?, work)?;
            }
        }
        Ok(power)
    }

    /// Whether polynomials say all about it: there are no functions in it, no roots of sums and no unknown exponents.
    pub fn is_decided(&self) -> bool {
        let decided = |atom: &Atom| matches!(atom, Atom::Number(_) | Atom::Imaginary | Atom::Symbol(_));
        self.atoms().all(decided)
    }

    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        [&self.over, &self.under].into_iter().flat_map(Polynomial::atoms)
    }

    pub fn of(over: Polynomial) -> Quotient {
        Quotient { over, ..Quotient::integer(1) }
    }

    /// What the denominator must be multiplied by to be another number that is a polynomial.
    pub fn ratio_of_under(&self, other: &Quotient) -> Option<Rational> {
        let ((_, own), (_, others)) = (self.under.0.last_key_value()?, other.over.0.last_key_value()?);
        let ratio = others / own;
        (self.under.0.len() > 1 && other.is_whole() && self.under.scaled(&ratio) == other.over).then_some(ratio)
    }

    /// A letter to the power of one term.
    pub fn power_of_term(&self, term: &Monomial, times: &Rational, work: &mut Work) -> Result<Quotient, String> {
        let base = Atom::Symbol(self.as_symbol().ok_or("a power of what is no letter")?.into());
        atom_power(&base, term, times, work)
    }

    /// The same with another numerator.
    pub fn with_over(&self, over: Polynomial) -> Quotient {
        Quotient { over, under: self.under.clone() }
    }

    pub fn over(&self) -> &Polynomial {
        &self.over
    }

    pub fn under(&self) -> &Polynomial {
        &self.under
    }
}

/// A number, letter or sum to the power of one term.
fn atom_power(base: &Atom, monomial: &Monomial, coefficient: &Rational, work: &mut Work) -> Result<Quotient, String> {
    if monomial.0.is_empty() {
        return Quotient::atom(base.clone()).power(&Quotient::rational(coefficient.clone()), work);
    }
    let atom = Atom::Power(Weighed::new(base.weight() + monomial.weight(), (base.clone(), monomial.clone())));
    term_power(&Monomial::of(atom, Rational::one()), &Rational::one(), coefficient)
}

fn coefficient_is_one(quotient: &Quotient) -> bool {
    quotient.over.as_term().is_some_and(|(_, coefficient)| coefficient.is_one())
}

fn unknown_in(monomial: &Monomial) -> bool {
    monomial.0.keys().any(|atom| match atom {
        Atom::Number(_) | Atom::Imaginary => false,
        Atom::Symbol(name) => !CONSTANTS.contains(&&**name),
        Atom::Base(inner) => inner.has_unknowns(),
        Atom::Power(power) => power.1.0.keys().any(|atom| unknown_in(&Monomial::of(atom.clone(), Rational::one()))),
        Atom::Function(_, arguments) => arguments.iter().any(Quotient::has_unknowns),
    })
}

/// A monomial to a power, times a number.
fn term_power(monomial: &Monomial, number: &Rational, exponent: &Rational) -> Result<Quotient, String> {
    let scaled = monomial.0.iter().map(|(atom, own)| (atom.clone(), own * exponent));
    let (monomial, factor) = Monomial(scaled.filter(|(_, own)| !own.is_zero()).collect()).without_whole_roots()?;
    Ok(Quotient { over: Polynomial::term(monomial, number * factor), ..Quotient::integer(1) })
}
