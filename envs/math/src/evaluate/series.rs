//! Sums and products over whole numbers, and definite integrals.
//!
//! Between whole numbers that are not far from each other they are worked out. Others stay as they are, counted from 0 and
//! without a factor: two of them are equal where their bounds and what is summed up are, and never to anything else.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{Evaluator, Writer};
use crate::functions::{applied, logarithm};
use crate::numeric;
use crate::polynomial::{Atom, BITS_MAX, Monomial, Polynomial, Rational};
use crate::quotient::Quotient;
use crate::tree::{Series, Tree};

/// Terms of a sum that is worked out. Protects the fuel.
const TERMS_MAX: i64 = 1000;
/// Parts of an expression that are worked out in about the time of a unit of work.
const PARTS_PER_WORK: u64 = 4;
/// Fractions whose bits squared are so many are added up in about that time.
const SQUARED_BITS_PER_WORK: u64 = 5_000;
const INFINITY: &str = "∞";

impl Evaluator<'_> {
    pub(super) fn series(
        &mut self,
        kind: Series,
        name: &str,
        bounds: [&Tree; 2],
        of: &Tree,
    ) -> Result<Quotient, String> {
        if self.writer == Writer::Policy {
            return Err("a sum or an integral that is not worked out".into());
        }
        let from = self.limit(bounds[0])?;
        let to = self.limit(bounds[1])?;
        if kind == Series::Integral {
            return self.integral(name, from, to, of);
        }
        let whole = |bound: &Quotient| {
            bound.as_rational().filter(Rational::is_integer).and_then(|whole| whole.to_integer().to_i64())
        };
        match (whole(&from), whole(&to)) {
            (Some(from), Some(to)) if from > to => Ok(Quotient::integer(i64::from(kind == Series::Product))),
            (Some(from), Some(to)) if to.saturating_sub(from) < TERMS_MAX => self.added_up(kind, name, from, to, of),
            _ => self.kept_series(kind, name, &from, &to, of),
        }
    }

    /// A bound, which may be infinite.
    fn limit(&mut self, tree: &Tree) -> Result<Quotient, String> {
        match tree {
            Tree::Infinity => Ok(Quotient::symbol(INFINITY)),
            Tree::Negated(of) if **of == Tree::Infinity => Ok(Quotient::symbol(INFINITY).negated()),
            tree => self.exact(tree),
        }
    }

    /// What an expression comes to where a letter stands for something.
    fn with(&mut self, name: &str, value: Quotient, of: &Tree) -> Result<Quotient, String> {
        self.work.spend(1 + of.size() / PARTS_PER_WORK)?;
        self.bound.push((name.to_owned(), value));
        let worked_out = self.exact(of);
        self.bound.pop();
        worked_out
    }

    /// A letter whose subscript has bound letters in it, as `a_k`: what they stand for takes their place.
    pub(super) fn with_bound_subscript(&self, name: &str) -> String {
        let Some((letter, subscript)) = name.split_once('_') else { return name.to_owned() };
        let mut subscript = subscript.to_owned();
        for (bound, value) in self.bound.iter().rev() {
            let shown = value.as_rational().map_or_else(|| format!("{value:?}"), |number| number.to_string());
            subscript = subscript.replace(bound.as_str(), &shown);
        }
        format!("{letter}_{subscript}")
    }

    fn added_up(&mut self, kind: Series, name: &str, from: i64, to: i64, of: &Tree) -> Result<Quotient, String> {
        let mut total = Quotient::integer(i64::from(kind == Series::Product));
        for number in from..=to {
            let term = self.with(name, Quotient::integer(number), of)?;
            total = match kind {
                Series::Product => total.times(&term, self.work)?,
                Series::Sum | Series::Integral => total.plus(&term, self.work)?,
            };
            // A common denominator grows from term to term.
            let bits = total.over().0.values().map(|coefficient| coefficient.denom().bits()).max().unwrap_or(0);
            if bits > BITS_MAX {
                return Err("a number is too large".into());
            }
            self.work.spend(bits * bits / SQUARED_BITS_PER_WORK)?;
        }
        Ok(total)
    }

    /// A sum whose number of terms is not known, counted from 0.
    fn kept_series(
        &mut self,
        kind: Series,
        name: &str,
        from: &Quotient,
        to: &Quotient,
        of: &Tree,
    ) -> Result<Quotient, String> {
        let counted = self.placeholder();
        let place = counted.plus(from, self.work)?;
        let term = self.with(name, place, of)?;
        let last = if to.as_symbol() == Some(INFINITY) { to.clone() } else { to.minus(from, self.work)? };
        match kind {
            Series::Product => Ok(Quotient::function("product", vec![term, last])),
            Series::Sum | Series::Integral => {
                let (factor, rest) = without_factor(&term);
                Quotient::function("sum", vec![rest, last]).times(&Quotient::rational(factor), self.work)
            }
        }
    }

    /// What a bound letter is called where it stays: by how many are bound around it.
    fn placeholder(&self) -> Quotient {
        Quotient::symbol(&format!("bound {}", self.bound.len()))
    }

    fn integral(&mut self, name: &str, from: Quotient, to: Quotient, of: &Tree) -> Result<Quotient, String> {
        let variable = self.placeholder();
        let integrand = self.with(name, variable.clone(), of)?;
        let finite = [&from, &to].into_iter().all(|bound| !bound.atoms().any(|atom| *atom == infinity()));
        if finite && let Some(terms) = self.antiderivative(&integrand, &variable, [&from, &to])? {
            let [low, high] = [from, to].map(|bound| self.at(&terms, &bound));
            return high?.minus(&low?, self.work);
        }
        let (factor, rest) = without_factor(&integrand);
        Quotient::function("integral", vec![rest, from, to]).times(&Quotient::rational(factor), self.work)
    }

    /// Terms of which the sum is an antiderivative between two bounds; none where there is no rule for it.
    fn antiderivative(
        &mut self,
        integrand: &Quotient,
        variable: &Quotient,
        bounds: [&Quotient; 2],
    ) -> Result<Option<Vec<Term>>, String> {
        let Some(letter) = variable.as_symbol() else { return Ok(None) };
        let letter = Atom::Symbol(letter.into());
        if contains(integrand.under(), &letter) {
            return Ok(None);
        }
        let mut terms = Vec::new();
        for (monomial, coefficient) in &integrand.over().0 {
            let Some((rest, shape)) = self.shape(monomial, &letter)? else { return Ok(None) };
            let inner = Quotient::of(Polynomial::term(rest, coefficient.clone()));
            let factor = inner.divided_by(&Quotient::of(integrand.under().clone()), self.work)?;
            if !self.is_defined(&shape, bounds)? {
                return Ok(None);
            }
            terms.push(Term { factor, shape });
        }
        Ok(Some(terms))
    }

    /// Whether a shape has values between two bounds. Powers that are not whole, or negative, have them for positive numbers.
    fn is_defined(&mut self, shape: &Shape, bounds: [&Quotient; 2]) -> Result<bool, String> {
        let Shape::Power(exponent) = shape else { return Ok(true) };
        let least = if exponent.is_negative() { 1 } else { 0 };
        if !exponent.is_negative() && exponent.is_integer() {
            return Ok(true);
        }
        for bound in bounds {
            let is_zero = bound.as_rational().is_some_and(|number| number.is_zero());
            let sign = if is_zero { Some(0) } else { numeric::sign(bound, self.work)? };
            if sign.is_none_or(|sign| sign < least) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What is integrated in a product, and the rest of it.
    fn shape(&mut self, monomial: &Monomial, letter: &Atom) -> Result<Option<(Monomial, Shape)>, String> {
        let mut rest = monomial.clone();
        rest.0.retain(|atom, _| !holds(atom, letter));
        let inner: Vec<(&Atom, &Rational)> = monomial.0.iter().filter(|(atom, _)| holds(atom, letter)).collect();
        let shape = match inner[..] {
            [] => Shape::Power(Rational::zero()),
            [(atom, exponent)] if atom == letter => Shape::Power(exponent.clone()),
            [(Atom::Power(power), exponent)] if power.1.0.len() == 1 && power.1.0.contains_key(letter) => {
                let is_e = matches!(&power.0, Atom::Symbol(name) if name == "e");
                let known = is_e || matches!(&power.0, Atom::Number(number) if number.is_positive());
                if !known || !power.1.0[letter].is_one() {
                    return Ok(None);
                }
                let rate = logarithm(&Quotient::atom(power.0.clone()), self.work)?;
                Shape::Exponential(rate.times(&Quotient::rational(exponent.clone()), self.work)?)
            }
            [(Atom::Function(name @ ("sin" | "cos"), of), exponent)] if exponent.is_one() => {
                let Some((rate, shift)) = linear(&of[0], letter) else { return Ok(None) };
                Shape::Wave { sine: *name == "sin", rate, shift }
            }
            _ => return Ok(None),
        };
        Ok(Some((rest, shape)))
    }

    fn at(&mut self, terms: &[Term], place: &Quotient) -> Result<Quotient, String> {
        let mut sum = Quotient::integer(0);
        for Term { factor, shape } in terms {
            let value = match shape {
                Shape::Power(exponent) if *exponent == -Rational::one() => logarithm(place, self.work)?,
                Shape::Power(exponent) => {
                    let raised = Quotient::rational(exponent + Rational::one());
                    place.power(&raised, self.work)?.divided_by(&raised, self.work)?
                }
                Shape::Exponential(rate) => {
                    let exponent = rate.times(place, self.work)?;
                    Quotient::symbol("e").power(&exponent, self.work)?.divided_by(rate, self.work)?
                }
                Shape::Wave { sine, rate, shift } => {
                    let turned = place.times(&Quotient::rational(rate.clone()), self.work)?.plus(shift, self.work)?;
                    let of = applied(if *sine { "cos" } else { "sin" }, None, &[turned], self.work)?;
                    let sign = if *sine { -Rational::one() } else { Rational::one() };
                    of.times(&Quotient::rational(sign / rate), self.work)?
                }
            };
            sum = sum.plus(&value.times(factor, self.work)?, self.work)?;
        }
        Ok(sum)
    }
}

/// A term of an antiderivative: a constant, and the shape whose antiderivative it is multiplied by.
struct Term {
    factor: Quotient,
    shape: Shape,
}

enum Shape {
    Power(Rational),
    /// e to the power of so many times the variable.
    Exponential(Quotient),
    /// The sine or cosine of a linear expression.
    Wave {
        sine: bool,
        rate: Rational,
        shift: Quotient,
    },
}

fn infinity() -> Atom {
    Atom::Symbol(INFINITY.into())
}

/// Whether a letter is in an atom.
fn holds(atom: &Atom, letter: &Atom) -> bool {
    match atom {
        Atom::Number(_) | Atom::Imaginary => false,
        Atom::Symbol(_) => atom == letter,
        Atom::Base(base) => contains(base.over(), letter) || contains(base.under(), letter),
        Atom::Power(power) => holds(&power.0, letter) || power.1.0.keys().any(|atom| holds(atom, letter)),
        Atom::Function(_, of) => of.iter().any(|of| contains(of.over(), letter) || contains(of.under(), letter)),
    }
}

fn contains(polynomial: &Polynomial, letter: &Atom) -> bool {
    polynomial.atoms().any(|atom| holds(atom, letter))
}

/// What a letter is multiplied by and what is added, where that is all.
fn linear(of: &Quotient, letter: &Atom) -> Option<(Rational, Quotient)> {
    let under = of.under().as_rational()?;
    let alone = Monomial::of(letter.clone(), Rational::one());
    let rate = of.over().0.get(&alone)? / &under;
    let mut rest = of.over().scaled(&under.recip());
    rest.0.remove(&alone);
    (!contains(&rest, letter)).then(|| (rate, Quotient::of(rest)))
}

/// The number that all terms share, so that what is left begins with 1.
fn without_factor(of: &Quotient) -> (Rational, Quotient) {
    let last = of.over().0.last_key_value().map(|(_, coefficient)| coefficient.clone());
    let factor = last.filter(|factor| !factor.is_zero()).unwrap_or_else(|| Rational::from(BigInt::one()));
    let rest = of.over().scaled(&factor.recip());
    (factor, of.with_over(rest))
}
