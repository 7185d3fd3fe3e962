//! Complex numbers that are written out: their parts, conjugates and absolute values.

use num_traits::One;

use crate::numeric;
use crate::polynomial::{Atom, Polynomial, Rational, Work};
use crate::quotient::Quotient;

/// A complex number in which i is written and everything else is real.
pub struct Complex {
    pub real: Quotient,
    pub imaginary: Quotient,
}

impl Complex {
    /// `None` says that there is an unknown in it, that i is in a function, or that nobody knows whether the rest is real.
    pub fn of(value: &Quotient, work: &mut Work) -> Result<Option<Complex>, String> {
        if value.has_unknowns() {
            return Ok(None);
        }
        let (Some(over), Some(under)) = (parts(value.over()), parts(value.under())) else { return Ok(None) };
        let number = over.divided_by(&under, work)?;
        let known = is_real(&number.real, work)? && is_real(&number.imaginary, work)?;
        Ok(known.then_some(number))
    }

    /// As [`Complex::of`], and `None` for what has no i in it.
    pub fn with_imaginary(value: &Quotient, work: &mut Work) -> Result<Option<Complex>, String> {
        if value.atoms().any(|atom| *atom == Atom::Imaginary) { Complex::of(value, work) } else { Ok(None) }
    }

    /// With the other sign before i.
    pub fn conjugate(&self, work: &mut Work) -> Result<Quotient, String> {
        self.real.minus(&self.imaginary.times(&Quotient::atom(Atom::Imaginary), work)?, work)
    }

    /// By the conjugate of the divisor.
    fn divided_by(&self, other: &Complex, work: &mut Work) -> Result<Complex, String> {
        if other.imaginary.over().is_zero() {
            let [real, imaginary] = [&self.real, &self.imaginary].map(|part| part.divided_by(&other.real, work));
            return Ok(Complex { real: real?, imaginary: imaginary? });
        }
        let mut dot =
            |a: &Quotient, b: &Quotient, c: &Quotient, d: &Quotient| a.times(b, work)?.plus(&c.times(d, work)?, work);
        let square = dot(&other.real, &other.real, &other.imaginary, &other.imaginary)?;
        let real = dot(&self.real, &other.real, &self.imaginary, &other.imaginary)?;
        let imaginary = dot(&self.imaginary, &other.real, &self.real.negated(), &other.imaginary)?;
        Ok(Complex { real: real.divided_by(&square, work)?, imaginary: imaginary.divided_by(&square, work)? })
    }

    /// How far it is from zero.
    pub fn absolute(&self, work: &mut Work) -> Result<Quotient, String> {
        let half = Quotient::rational(Rational::new(1.into(), 2.into()));
        let [real, imaginary] = [&self.real, &self.imaginary].map(|part| part.times(part, work));
        real?.plus(&imaginary?, work)?.power(&half, work)
    }
}

/// What has an i beside it in a sum, and what has none.
fn parts(sum: &Polynomial) -> Option<Complex> {
    let (mut real, mut imaginary) = (Polynomial::default(), Polynomial::default());
    for (monomial, coefficient) in &sum.0 {
        let mut rest = monomial.clone();
        let part = match rest.0.remove(&Atom::Imaginary) {
            None => &mut real,
            Some(exponent) if exponent.is_one() => &mut imaginary,
            Some(_) => return None,
        };
        part.0.insert(rest, coefficient.clone());
    }
    Some(Complex { real: Quotient::of(real), imaginary: Quotient::of(imaginary) })
}

fn is_real(value: &Quotient, work: &mut Work) -> Result<bool, String> {
    Ok(value.as_rational().is_some() || numeric::sign(value, work)?.is_some())
}
