//! Where polynomials do not say whether two expressions are equal: numbers with verified error bounds, at several
//! points.
//!
//! Bounds that part prove that two expressions differ. Bounds that never part are taken for equality when they are
//! narrow by far more bits than expressions of this size can come close with: the precision grows with the number of
//! functions, and expressions with very large or small numbers in them are not compared in this way at all.

mod ball;

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::polynomial::{Atom, Monomial, Polynomial, Rational, Work};
use crate::quotient::Quotient;
use ball::{Arithmetic, Ball, Failure};

/// Bits that two numbers must have in common, and so many more for each function: whoever nests functions to come close
/// to a number, as 3 + sin 3 to π, gains less.
const BITS_IN_COMMON: u64 = 128;
const BITS_IN_COMMON_PER_FUNCTION: u64 = 48;
/// Functions and roots of sums in two expressions together.
const FUNCTIONS_MAX: u64 = 24;
/// Bits behind the point beyond those that must be in common.
const GUARD_BITS: u64 = 64;
/// Numbers in expressions have so many bits at most, and much fewer where roots of unknowns turn at some point: the
/// points reach beyond.
const NUMBER_BITS_MAX: u64 = 64;
const NUMBER_BITS_BESIDE_ROOTS_MAX: u64 = 20;
/// Points at which both expressions must be defined.
const POINTS_MIN: usize = 2;
/// Unknowns that points have values for.
const UNKNOWNS_MAX: usize = 12;

/// What values of unknowns are drawn from: a range by powers of two, and the share of negative ones.
const RANGES: [(i32, Signs); 10] = [
    (0, Signs::Positive),
    (0, Signs::Positive),
    (2, Signs::Positive),
    (5, Signs::Positive),
    (0, Signs::Mixed),
    (2, Signs::Mixed),
    (2, Signs::Negative),
    (1, Signs::Mixed),
    (26, Signs::Mixed),
    (26, Signs::Positive),
];

#[derive(Clone, Copy, PartialEq)]
enum Signs {
    Positive,
    Negative,
    Mixed,
}

/// Whether the difference of two expressions is zero, as far as numbers tell. What nobody can work out is unequal.
pub fn are_equal(a: &Quotient, b: &Quotient, work: &mut Work) -> Result<bool, String> {
    let (left, right) = a.crossed(b, work)?;
    let difference = left.plus(&right.scaled(&-Rational::one()), work)?;
    let imaginary = |monomial: &Monomial| monomial.0.contains_key(&Atom::Imaginary);
    let (mut real, mut rest) = (Polynomial::default(), Polynomial::default());
    for (monomial, coefficient) in difference.0 {
        if imaginary(&monomial) {
            let mut monomial = monomial;
            monomial.0.remove(&Atom::Imaginary);
            rest.0.insert(monomial, coefficient);
        } else {
            real.0.insert(monomial, coefficient);
        }
    }
    Ok(vanishes(&real, work)? && vanishes(&rest, work)?)
}

/// Whether numbers show that something is not zero somewhere.
pub fn is_nonzero(value: &Quotient, work: &mut Work) -> Result<bool, String> {
    let Some(survey) = Survey::of(value.over()) else { return Ok(true) };
    let arithmetic = survey.arithmetic(work)?;
    for point in 0..RANGES.len() {
        match survey.at(point, &arithmetic, value.over(), work) {
            Ok(Sum { ball, .. }) if !ball.contains_zero() => return Ok(true),
            Err(Failure::Costly(reason)) => return Err(reason),
            _ => {}
        }
    }
    Ok(false)
}

/// The sign of a constant, where bounds tell.
pub fn sign(value: &Quotient, work: &mut Work) -> Result<Option<i32>, String> {
    Ok(constant(value, work)?.and_then(|(_, ball)| ball.sign()))
}

/// The largest whole number below a constant, where bounds tell.
pub fn floor(value: &Quotient, work: &mut Work) -> Result<Option<BigInt>, String> {
    Ok(constant(value, work)?.and_then(|(arithmetic, ball)| arithmetic.whole(&ball)))
}

fn constant(value: &Quotient, work: &mut Work) -> Result<Option<(Arithmetic, Ball)>, String> {
    let complex = value.atoms().any(|atom| *atom == Atom::Imaginary);
    if value.has_unknowns() || complex {
        return Ok(None);
    }
    let (Some(over), Some(under)) = (Survey::of(value.over()), Survey::of(value.under())) else { return Ok(None) };
    if !(over.unknowns.is_empty() && under.unknowns.is_empty()) {
        return Ok(None);
    }
    let both = Survey { functions: over.functions + under.functions, ..over };
    let arithmetic = both.arithmetic(work)?;
    let mut at = |polynomial| both.at(0, &arithmetic, polynomial, work);
    let ball = match (at(value.over()), at(value.under())) {
        (Ok(over), Ok(under)) => arithmetic.divided(&over.ball, &under.ball),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    };
    match ball {
        Ok(ball) => Ok(Some((arithmetic, ball))),
        Err(Failure::Undefined) => Ok(None),
        Err(Failure::Costly(reason)) => Err(reason),
    }
}

fn vanishes(polynomial: &Polynomial, work: &mut Work) -> Result<bool, String> {
    if polynomial.is_zero() {
        return Ok(true);
    }
    let Some(survey) = Survey::of(polynomial) else { return Ok(false) };
    let points = if survey.unknowns.is_empty() { 1 } else { RANGES.len() };
    let arithmetic = survey.arithmetic(work)?;
    let mut agreed = 0;
    for point in 0..points {
        match survey.at(point, &arithmetic, polynomial, work) {
            Ok(Sum { ball, .. }) if !ball.contains_zero() => return Ok(false),
            Ok(Sum { ball, size }) => {
                let narrow = (ball.radius << survey.bits_in_common()) <= size;
                agreed += usize::from(narrow);
            }
            Err(Failure::Undefined) => {}
            Err(Failure::Costly(reason)) => return Err(reason),
        }
    }
    Ok(agreed >= points.min(POINTS_MIN))
}

/// What is in an expression.
#[derive(Default)]
struct Survey {
    /// Letters, and functions that nothing is known about, which stand for any number. The value is their place.
    unknowns: BTreeMap<Atom, usize>,
    functions: u64,
    number_bits: u64,
    has_roots_of_unknowns: bool,
}

struct Sum {
    ball: Ball,
    /// The sum of the absolute values of the terms.
    size: BigInt,
}

impl Survey {
    /// None where numbers cannot tell.
    fn of(polynomial: &Polynomial) -> Option<Survey> {
        let mut survey = Survey::default();
        survey.look_at(polynomial)?;
        for (place, (_, number)) in survey.unknowns.iter_mut().enumerate() {
            *number = place;
        }
        let max = if survey.has_roots_of_unknowns { NUMBER_BITS_BESIDE_ROOTS_MAX } else { NUMBER_BITS_MAX };
        let fits = survey.number_bits <= max && survey.functions <= FUNCTIONS_MAX;
        (fits && survey.unknowns.len() <= UNKNOWNS_MAX).then_some(survey)
    }

    fn look_at(&mut self, polynomial: &Polynomial) -> Option<()> {
        for (monomial, coefficient) in &polynomial.0 {
            self.number_bits = self.number_bits.max(coefficient.numer().bits()).max(coefficient.denom().bits());
            for (atom, exponent) in &monomial.0 {
                if exponent.denom().bits() > 6 || exponent.numer().bits() > 9 {
                    return None;
                }
                self.look_at_atom(atom, !exponent.is_integer())?;
            }
        }
        Some(())
    }

    fn look_at_atom(&mut self, atom: &Atom, is_root: bool) -> Option<()> {
        match atom {
            Atom::Number(number) if number.is_negative() => return None,
            Atom::Number(number) => self.number_bits = self.number_bits.max(number.bits()),
            Atom::Imaginary => return None,
            Atom::Symbol(name) if is_constant(name) => {}
            Atom::Symbol(_) => {
                self.has_roots_of_unknowns |= is_root;
                self.unknowns.insert(atom.clone(), 0);
            }
            Atom::Base(base) => {
                self.functions += 1;
                self.has_roots_of_unknowns |= base.has_unknowns();
                self.look_at_quotient(base)?;
            }
            Atom::Power(power) if matches!(&power.0, Atom::Number(base) if base.is_negative()) => {
                self.unknowns.insert(atom.clone(), 0);
            }
            Atom::Power(power) => {
                self.functions += 1;
                self.look_at_atom(&power.0, false)?;
                self.look_at(&Polynomial::term(power.1.clone(), Rational::one()))?;
            }
            Atom::Function(name, arguments) if is_worked_out(name) => {
                self.functions += 1;
                self.has_roots_of_unknowns |= *name == "abs" && arguments[0].has_unknowns();
                for argument in arguments.iter() {
                    self.look_at_quotient(argument)?;
                }
            }
            Atom::Function(..) => {
                self.unknowns.insert(atom.clone(), 0);
            }
        }
        (self.functions <= FUNCTIONS_MAX).then_some(())
    }

    fn look_at_quotient(&mut self, quotient: &Quotient) -> Option<()> {
        self.look_at(quotient.over())?;
        self.look_at(quotient.under())
    }

    fn bits_in_common(&self) -> u64 {
        BITS_IN_COMMON + BITS_IN_COMMON_PER_FUNCTION * self.functions
    }

    fn arithmetic(&self, work: &mut Work) -> Result<Arithmetic, String> {
        Arithmetic::new(self.bits_in_common() + GUARD_BITS, work)
    }

    fn at(
        &self,
        point: usize,
        arithmetic: &Arithmetic,
        polynomial: &Polynomial,
        work: &mut Work,
    ) -> Result<Sum, Failure> {
        let value = |place: usize| arithmetic.rational(&coordinate(point, place));
        let unknowns = self.unknowns.iter().map(|(atom, place)| (atom, value(*place))).collect();
        Point { arithmetic, unknowns }.sum(polynomial, work)
    }
}

fn is_constant(name: &str) -> bool {
    ["π", "e"].contains(&name)
}

/// Functions with values. That of an absolute value turns at some point, as a root of a square does.
fn is_worked_out(name: &str) -> bool {
    ["sin", "cos", "ln", "arcsin", "arctan", "pow", "abs"].contains(&name)
}

/// Values that no expression was made for: they are drawn by a fixed rule, and have forty bits each.
fn coordinate(point: usize, place: usize) -> Rational {
    let mut state = 0x9E37_79B9_7F4A_7C15u64.wrapping_mul(1 + (point * 64 + place) as u64);
    for (shift, factor) in [(30, 0xBF58_476D_1CE4_E5B9), (27, 0x94D0_49BB_1331_11EB)] {
        state = (state ^ (state >> shift)).wrapping_mul(factor);
    }
    state ^= state >> 31;
    let (range, signs) = RANGES[point];
    let share = BigInt::from((state >> 24) | 1);
    let negative = signs == Signs::Negative || signs == Signs::Mixed && state & 1 == 1;
    let value = Rational::new(share, BigInt::one() << (40 - range));
    if negative { -value } else { value }
}

struct Point<'a> {
    arithmetic: &'a Arithmetic,
    unknowns: BTreeMap<&'a Atom, Ball>,
}

impl Point<'_> {
    fn sum(&self, polynomial: &Polynomial, work: &mut Work) -> Result<Sum, Failure> {
        let mut ball = self.arithmetic.rational(&Rational::zero());
        let mut size = BigInt::zero();
        for (monomial, coefficient) in &polynomial.0 {
            work.spend(1)?;
            let term = self.arithmetic.times(&self.product(monomial, work)?, &self.arithmetic.rational(coefficient))?;
            size += term.middle.abs();
            ball = ball.plus(&term);
        }
        Ok(Sum { ball, size })
    }

    fn quotient(&self, quotient: &Quotient, work: &mut Work) -> Result<Ball, Failure> {
        let (over, under) = (self.sum(quotient.over(), work)?.ball, self.sum(quotient.under(), work)?.ball);
        self.arithmetic.divided(&over, &under)
    }

    fn product(&self, monomial: &Monomial, work: &mut Work) -> Result<Ball, Failure> {
        let mut product = self.arithmetic.rational(&Rational::one());
        for (atom, exponent) in &monomial.0 {
            work.spend(1)?;
            let value = self.atom(atom, work)?;
            let (over, under) = (exponent.numer().to_i64(), exponent.denom().to_u32());
            let (Some(over), Some(under)) = (over, under) else { return Err(Failure::Undefined) };
            let root = if under == 1 { value } else { self.arithmetic.root(&value, under, work)? };
            product = self.arithmetic.times(&product, &self.arithmetic.whole_power(&root, over)?)?;
        }
        Ok(product)
    }

    fn atom(&self, atom: &Atom, work: &mut Work) -> Result<Ball, Failure> {
        if let Some(value) = self.unknowns.get(atom) {
            return Ok(value.clone());
        }
        let whole = |number: &BigInt| self.arithmetic.rational(&Rational::from(number.clone()));
        match atom {
            Atom::Number(number) => Ok(whole(number)),
            Atom::Symbol(name) if &**name == "π" => Ok(self.arithmetic.pi().clone()),
            Atom::Symbol(_) => self.arithmetic.exp(&whole(&BigInt::one()), work),
            Atom::Base(base) => self.quotient(base, work),
            Atom::Power(power) => {
                let (base, exponent) = (self.atom(&power.0, work)?, self.product(&power.1, work)?);
                self.power(&base, &exponent, work)
            }
            Atom::Function("pow", of) => {
                let (base, exponent) = (self.quotient(&of[0], work)?, self.quotient(&of[1], work)?);
                self.power(&base, &exponent, work)
            }
            Atom::Function(name, of) => {
                let argument = self.quotient(&of[0], work)?;
                match *name {
                    "sin" => Ok(self.arithmetic.sin_cos(&argument, work)?.0),
                    "cos" => Ok(self.arithmetic.sin_cos(&argument, work)?.1),
                    "abs" => Ok(Ball { middle: argument.middle.abs(), radius: argument.radius }),
                    "ln" => self.arithmetic.ln(&argument, work),
                    "arcsin" => self.arithmetic.arcsin(&argument, work),
                    "arctan" => self.arithmetic.arctan(&argument, work),
                    _ => Err(Failure::Undefined),
                }
            }
            Atom::Imaginary => Err(Failure::Undefined),
        }
    }

    fn power(&self, base: &Ball, exponent: &Ball, work: &mut Work) -> Result<Ball, Failure> {
        let logarithm = self.arithmetic.ln(base, work)?;
        self.arithmetic.exp(&self.arithmetic.times(&logarithm, exponent)?, work)
    }
}
