//! What is known of the atoms of a polynomial, used until there is nothing left to use.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{POWER_MAX, Quotient};
use crate::polynomial::{Atom, Monomial, Polynomial, Rational, Weighed, Work};

/// Factorials that are products of others: (n + 2)! is n! (n + 1)(n + 2).
#[derive(Default)]
pub(super) struct Factorials(Vec<Factorial>);

struct Factorial {
    arguments: Weighed<Vec<Quotient>>,
    lower: Weighed<Vec<Quotient>>,
    factor: Polynomial,
}

/// Factorials that are compared with each other.
const FACTORIALS_MAX: usize = 12;
/// How far two factorials may lie apart.
const APART_MAX: u32 = 200;

impl Factorials {
    /// Those of both sides, each by the lowest that is a whole number below it.
    pub(super) fn of(sides: [&Quotient; 2], work: &mut Work) -> Result<Factorials, String> {
        let mut found: Vec<&Weighed<Vec<Quotient>>> = Vec::new();
        for atom in sides.into_iter().flat_map(Quotient::atoms) {
            if let Atom::Function("factorial", arguments) = atom
                && !found.contains(&arguments)
            {
                found.push(arguments);
            }
        }
        if found.len() > FACTORIALS_MAX {
            return Ok(Factorials::default());
        }
        let mut factorials = Vec::new();
        for &arguments in &found {
            let mut lowest = (0, arguments);
            for &lower in &found {
                let apart = arguments[0].minus(&lower[0], work)?.as_rational().filter(Rational::is_integer);
                let apart = apart
                    .and_then(|apart| apart.to_integer().to_u32())
                    .filter(|&apart| apart <= APART_MAX)
                    .unwrap_or(0);
                if apart > lowest.0 {
                    lowest = (apart, lower);
                }
            }
            let (apart, lower) = lowest;
            let mut factor = Quotient::integer(1);
            for step in 1..=apart {
                factor = factor.times(&lower[0].plus(&Quotient::integer(step.into()), work)?, work)?;
            }
            if apart > 0 && factor.under().as_rational().is_some() {
                let (arguments, lower) = (arguments.clone(), lower.clone());
                factorials.push(Factorial { arguments, lower, factor: factor.over().clone() });
            }
        }
        Ok(Factorials(factorials))
    }

    fn lower(&self, atom: &Atom) -> Option<&Factorial> {
        match atom {
            Atom::Function("factorial", arguments) => self.0.iter().find(|known| known.arguments == *arguments),
            _ => None,
        }
    }
}

/// A polynomial with what is known of its atoms used, until there is nothing left to use: whole powers of sums are
/// multiplied out, cos² is 1 − sin², and factorials are taken from lower ones.
pub(super) fn reduced(mut polynomial: Polynomial, known: &Factorials, work: &mut Work) -> Result<Polynomial, String> {
    while polynomial
        .atoms()
        .any(|atom| matches!(atom, Atom::Base(_)) || atom.is_cosine() || known.lower(atom).is_some())
    {
        let mut reduced = Polynomial::default();
        for (monomial, coefficient) in &polynomial.0 {
            reduced.add(&reduced_term(monomial, coefficient, known, work)?, work)?;
        }
        if reduced == polynomial {
            break;
        }
        polynomial = reduced;
    }
    Ok(polynomial)
}

fn reduced_term(
    monomial: &Monomial,
    coefficient: &Rational,
    known: &Factorials,
    work: &mut Work,
) -> Result<Polynomial, String> {
    let two = Rational::from(BigInt::from(2));
    let mut rest = monomial.0.clone();
    let mut factor = Polynomial::constant(coefficient.clone());
    for (atom, exponent) in &monomial.0 {
        let (replacement, unit, left) = match (atom, known.lower(atom)) {
            (_, Some(lower)) => {
                let left = Atom::Function("factorial", lower.lower.clone());
                (lower.factor.clone(), Rational::one(), Some(left))
            }
            (Atom::Base(base), _) => (base.over().clone(), Rational::one(), None),
            (Atom::Function(_, arguments), _) if atom.is_cosine() => {
                let sine = Monomial::of(Atom::Function("sin", arguments.clone()), two.clone());
                let minus_square = Polynomial::term(sine, -Rational::one());
                (Polynomial::constant(Rational::one()).plus(&minus_square, work)?, two.clone(), None)
            }
            _ => continue,
        };
        let times = (exponent / &unit).floor();
        if times.is_positive() {
            for _ in 0..times.numer().to_u32().filter(|&times| times <= POWER_MAX).ok_or("a power is too large")? {
                factor = factor.times(&replacement, work)?;
            }
            rest.insert(atom.clone(), exponent - &times * unit);
            if let Some(left) = left {
                *rest.entry(left).or_default() += times;
            }
        }
    }
    rest.retain(|_, exponent| !exponent.is_zero());
    factor.times(&Polynomial::term(Monomial(rest), Rational::one()), work)
}
