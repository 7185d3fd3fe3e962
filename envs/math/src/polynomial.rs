//! Polynomials with exact coefficients, over whatever an answer holds beside numbers.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::Ratio;
use num_traits::{One, Signed, Zero};

use crate::quotient::Quotient;

/// An exact fraction.
pub type Rational = Ratio<BigInt>;

/// What stands in a product beside the coefficient.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// A whole number under a root: a prime, or what is left when the small primes are taken out.
    Number(BigInt),
    Imaginary,
    /// A letter, with its subscript. π and e are letters, too: no polynomial in them is zero that looks otherwise, as
    /// far as anybody knows, and one that looks zero is.
    Symbol(String),
    /// A sum under a root or with an unknown exponent.
    Base(Weighed<Quotient>),
    /// Something to the power of an unknown. −1 is a base, too: the exponent counts as a whole number then.
    Power(Weighed<(Atom, Monomial)>),
    /// A function that nothing is known about but its name.
    Function(&'static str, Weighed<Vec<Quotient>>),
}

/// What is shared between atoms, with how long it takes to look through it. What weighs more is greater, so that most
/// comparisons end at once; what is the same place in memory is equal.
#[derive(Clone, Debug)]
pub struct Weighed<T> {
    shared: Rc<(u64, T)>,
}

impl<T> Weighed<T> {
    pub fn new(weight: u64, content: T) -> Weighed<T> {
        Weighed { shared: Rc::new((weight, content)) }
    }

    pub fn weight(&self) -> u64 {
        self.shared.0
    }
}

impl<T> std::ops::Deref for Weighed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.shared.1
    }
}

impl<T: Ord> Ord for Weighed<T> {
    fn cmp(&self, other: &Weighed<T>) -> Ordering {
        if Rc::ptr_eq(&self.shared, &other.shared) { Ordering::Equal } else { self.shared.cmp(&other.shared) }
    }
}

impl<T: Ord> PartialOrd for Weighed<T> {
    fn partial_cmp(&self, other: &Weighed<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Weighed<T> {
    fn eq(&self, other: &Weighed<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Weighed<T> {}

/// A product of atoms with rational exponents, none of them zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monomial(pub BTreeMap<Atom, Rational>);

/// A sum of products with coefficients that are not zero. Two polynomials without [`Atom::Base`] and functions are
/// equal numbers only if they are equal here: roots of different primes, π and letters do not cancel.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Polynomial(pub BTreeMap<Monomial, Rational>);

/// Numbers may have so many bits, which is 1233 digits. Protects the fuel of a call.
pub const BITS_MAX: u64 = 4096;

/// Terms that one call may form, counted more for long numbers and for what is in functions. Protects the judge's fuel:
/// a unit takes some 15,000 at most; the largest answers of the benchmarks take some hundred units.
const WORK_MAX: u64 = 50_000;

/// What is left of [`WORK_MAX`], and what only numbers can tell of what was worked out.
pub struct Work {
    left: u64,
    /// What was divided by and could be zero for all that polynomials say.
    pub divisors: Vec<Quotient>,
}

impl Work {
    pub fn new() -> Work {
        Work { left: WORK_MAX, divisors: Vec::new() }
    }

    /// Takes a share, or says that there is none left.
    pub fn spend(&mut self, amount: u64) -> Result<(), String> {
        self.left = self.left.checked_sub(amount).ok_or("it takes too long to work out")?;
        Ok(())
    }
}

impl Atom {
    pub fn is_cosine(&self) -> bool {
        matches!(self, Atom::Function("cos", _))
    }

    /// −1 to the power of an unknown.
    fn is_alternating(&self) -> bool {
        matches!(self, Atom::Power(power) if matches!(&power.0, Atom::Number(base) if base.is_negative()))
    }

    /// How long it takes to look through it, in symbols.
    pub fn weight(&self) -> u64 {
        match self {
            Atom::Number(_) | Atom::Imaginary | Atom::Symbol(_) => 1,
            Atom::Base(base) => 2 + base.weight(),
            Atom::Power(power) => 2 + power.weight(),
            Atom::Function(_, arguments) => 2 + arguments.weight(),
        }
    }
}

impl Monomial {
    pub fn of(atom: Atom, exponent: Rational) -> Monomial {
        Monomial(BTreeMap::from([(atom, exponent)]))
    }

    pub fn inverse(&self) -> Monomial {
        Monomial(self.0.iter().map(|(atom, exponent)| (atom.clone(), -exponent)).collect())
    }

    pub fn weight(&self) -> u64 {
        1 + self.0.keys().map(Atom::weight).sum::<u64>()
    }

    /// The product, and the number that comes out of its roots: √2 · √2 is 2, i · i is −1.
    fn times(&self, other: &Monomial) -> Result<(Monomial, Rational), String> {
        let mut product = self.clone();
        for (atom, exponent) in &other.0 {
            let sum = product.0.remove(atom).unwrap_or_default() + exponent;
            if !sum.is_zero() {
                product.0.insert(atom.clone(), sum);
            }
        }
        product.without_whole_roots()
    }

    /// Exponents of numbers are brought between 0 and 1, that of i to 0 or 1.
    pub fn without_whole_roots(self) -> Result<(Monomial, Rational), String> {
        let (mut kept, mut number) = (BTreeMap::new(), Rational::one());
        for (atom, exponent) in self.0 {
            if exponent.numer().bits().max(exponent.denom().bits()) > 32 {
                return Err("an exponent is too large".into());
            }
            let rest = match &atom {
                Atom::Number(root) => {
                    let whole = exponent.floor();
                    number *= whole_power(&Rational::from(root.clone()), whole.numer())?;
                    exponent - whole
                }
                Atom::Imaginary => {
                    let quarter = exponent.numer().mod_floor(&4.into());
                    if quarter >= 2.into() {
                        number = -number;
                    }
                    Rational::from(quarter % 2)
                }
                atom if atom.is_alternating() => {
                    let two = Rational::from(BigInt::from(2));
                    let pairs = (&exponent / &two).floor();
                    exponent - pairs * two
                }
                _ => exponent,
            };
            if !rest.is_zero() {
                kept.insert(atom, rest);
            }
        }
        Ok((Monomial(kept), number))
    }
}

/// A number to a whole power, if that has a bearable size.
pub fn whole_power(number: &Rational, exponent: &BigInt) -> Result<Rational, String> {
    if number.is_zero() && exponent.is_negative() {
        return Err("a division by zero".into());
    }
    if number.is_zero() || (number.is_integer() && number.numer().bits() == 1) {
        // 0, 1 and -1 have three powers.
        return Ok(number.pow(if exponent.is_zero() { 0 } else { 2 - i32::from(exponent.is_odd()) }));
    }
    let bits = number.numer().bits().max(number.denom().bits());
    let exponent = i32::try_from(exponent).ok().filter(|&times| u64::from(times.unsigned_abs()) * bits <= BITS_MAX);
    Ok(number.pow(exponent.ok_or("a power is too large")?))
}

/// The product. Whole numbers are not searched for common factors, which takes longer than all the rest.
fn times(a: &Rational, b: &Rational) -> Rational {
    if a.is_integer() && b.is_integer() { Rational::from(a.numer() * b.numer()) } else { a * b }
}

/// The work of one term.
fn cost(monomial: &Monomial, coefficient: &Rational) -> u64 {
    let bits = coefficient.numer().bits().max(coefficient.denom().bits());
    monomial.weight() + bits / if coefficient.is_integer() { 64 } else { 2 }
}

impl Polynomial {
    pub fn term(monomial: Monomial, coefficient: Rational) -> Polynomial {
        let terms = if coefficient.is_zero() { BTreeMap::new() } else { BTreeMap::from([(monomial, coefficient)]) };
        Polynomial(terms)
    }

    pub fn constant(number: Rational) -> Polynomial {
        Polynomial::term(Monomial::default(), number)
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_one(&self) -> bool {
        self.as_term().is_some_and(|(monomial, coefficient)| monomial.0.is_empty() && coefficient.is_one())
    }

    /// The number that this is, unless it is more than a number.
    pub fn as_rational(&self) -> Option<Rational> {
        match self.as_term() {
            Some((monomial, coefficient)) if monomial.0.is_empty() => Some(coefficient.clone()),
            None if self.is_zero() => Some(Rational::zero()),
            _ => None,
        }
    }

    pub fn weight(&self) -> u64 {
        1 + self.0.keys().map(Monomial::weight).sum::<u64>()
    }

    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        self.0.keys().flat_map(|monomial| monomial.0.keys())
    }

    /// The only term, if there is only one.
    pub fn as_term(&self) -> Option<(&Monomial, &Rational)> {
        let mut terms = self.0.iter();
        terms.next().filter(|_| terms.next().is_none())
    }

    pub fn plus(&self, other: &Polynomial, work: &mut Work) -> Result<Polynomial, String> {
        work.spend(self.0.len() as u64)?;
        let mut sum = self.clone();
        sum.add(other, work)?;
        Ok(sum)
    }

    pub fn add(&mut self, other: &Polynomial, work: &mut Work) -> Result<(), String> {
        for (monomial, coefficient) in &other.0 {
            work.spend(cost(monomial, coefficient))?;
            self.add_term(monomial.clone(), coefficient);
        }
        Ok(())
    }

    pub fn times(&self, other: &Polynomial, work: &mut Work) -> Result<Polynomial, String> {
        let mut product = Polynomial::default();
        for (left, a) in &self.0 {
            for (right, b) in &other.0 {
                let (monomial, number) = left.times(right)?;
                let coefficient = times(&times(a, b), &number);
                work.spend(cost(&monomial, &coefficient))?;
                if coefficient.numer().bits().max(coefficient.denom().bits()) > BITS_MAX {
                    return Err("a number is too large".into());
                }
                product.add_term(monomial, &coefficient);
            }
        }
        Ok(product)
    }

    pub fn scaled(&self, factor: &Rational) -> Polynomial {
        let terms = self.0.iter().map(|(monomial, coefficient)| (monomial.clone(), coefficient * factor));
        Polynomial(terms.filter(|(_, coefficient)| !coefficient.is_zero()).collect())
    }

    /// The positive number that divides all coefficients and leaves whole ones without a common factor.
    pub fn content(&self) -> Rational {
        let gcd = self.0.values().fold(BigInt::zero(), |gcd, coefficient| gcd.gcd(coefficient.numer()));
        let lcm = self.0.values().fold(BigInt::one(), |lcm, coefficient| lcm.lcm(coefficient.denom()));
        if gcd.is_zero() { Rational::one() } else { Rational::new(gcd.abs(), lcm) }
    }

    fn add_term(&mut self, monomial: Monomial, coefficient: &Rational) {
        let before = self.0.remove(&monomial).unwrap_or_default();
        let whole = before.is_integer() && coefficient.is_integer();
        let sum = if whole { Rational::from(before.numer() + coefficient.numer()) } else { before + coefficient };
        if !sum.is_zero() {
            self.0.insert(monomial, sum);
        }
    }
}
