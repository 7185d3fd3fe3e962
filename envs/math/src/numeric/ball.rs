//! Real numbers with verified error bounds: a middle and a radius, both in units of 2^−bits.

use std::cell::OnceCell;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::polynomial::{Rational, Work};

/// The number lies no further from the middle than the radius.
#[derive(Clone, Debug)]
pub struct Ball {
    pub middle: BigInt,
    pub radius: BigInt,
}

/// Why there is no ball.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// There is no real value, or it is too large, or the bounds are too wide.
    Undefined,
    /// Working it out takes too long.
    Costly(String),
}

impl From<String> for Failure {
    fn from(reason: String) -> Failure {
        Failure::Costly(reason)
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// Exponents up to this are multiplied out.
const POWER_MAX: u32 = 400;
/// Arguments of exponential functions, as powers of two, so that numbers keep a bearable length.
const ARGUMENT_BITS_MAX: u64 = 7;
/// Numbers have so many bits before the point at most.
const WHOLE_BITS_MAX: u64 = 4096;

/// Arithmetic with so many bits behind the point. Every operation rounds by a unit or two, and counts them.
pub struct Arithmetic {
    bits: u64,
    one: BigInt,
    // Roots need neither.
    pi: OnceCell<Ball>,
    ln2: OnceCell<Ball>,
}

impl Ball {
    pub fn contains_zero(&self) -> bool {
        self.middle.abs() <= self.radius
    }

    /// The sign, where the bounds say it.
    pub fn sign(&self) -> Option<i32> {
        (!self.contains_zero()).then(|| if self.middle.is_negative() { -1 } else { 1 })
    }

    pub fn negated(&self) -> Ball {
        Ball { middle: -&self.middle, radius: self.radius.clone() }
    }

    pub fn plus(&self, other: &Ball) -> Ball {
        Ball { middle: &self.middle + &other.middle, radius: &self.radius + &other.radius }
    }

    fn minus(&self, other: &Ball) -> Ball {
        self.plus(&other.negated())
    }

    fn low(&self) -> BigInt {
        &self.middle - &self.radius
    }

    fn high(&self) -> BigInt {
        &self.middle + &self.radius
    }

    fn between(low: BigInt, high: BigInt) -> Ball {
        let middle: BigInt = (&low + &high) >> 1u32;
        Ball { radius: high - &middle + 1u32, middle }
    }

    fn times_small(&self, factor: &BigInt) -> Ball {
        Ball { middle: &self.middle * factor, radius: &self.radius * factor.abs() }
    }

    fn shifted(&self, places: i64) -> Ball {
        let places_down = places.unsigned_abs();
        if places >= 0 {
            Ball { middle: &self.middle << places_down, radius: &self.radius << places_down }
        } else {
            Ball { middle: &self.middle >> places_down, radius: (&self.radius >> places_down) + 2u32 }
        }
    }
}

impl Arithmetic {
    pub fn new(bits: u64, work: &mut Work) -> std::result::Result<Arithmetic, String> {
        let arithmetic = Arithmetic { bits, one: BigInt::one() << bits, pi: OnceCell::new(), ln2: OnceCell::new() };
        // Of π and ln 2, whether they are needed or not.
        work.spend(arithmetic.cost(bits))?;
        Ok(arithmetic)
    }

    /// Machin: π/4 = 4 arctan(1/5) − arctan(1/239).
    pub fn pi(&self) -> &Ball {
        self.pi.get_or_init(|| {
            let fifth = self.inverse_series(5, true).times_small(&16.into());
            fifth.minus(&self.inverse_series(239, true).times_small(&4.into()))
        })
    }

    /// ln 2 = 2 artanh(1/3)
    fn ln2(&self) -> &Ball {
        self.ln2.get_or_init(|| self.inverse_series(3, false).times_small(&2.into()))
    }

    /// Terms of a series are paid for before they are added up.
    fn spend(&self, terms: u64, work: &mut Work) -> Result<()> {
        Ok(work.spend(self.cost(terms))?)
    }

    fn cost(&self, terms: u64) -> u64 {
        let limbs = self.bits / 32 + 1;
        terms / 2 + terms * limbs * limbs / 600 + 1
    }

    /// The series of arctan or artanh at 1/n.
    fn inverse_series(&self, n: u32, alternates: bool) -> Ball {
        let mut power = &self.one / n;
        let (mut sum, mut terms) = (BigInt::zero(), 0u32);
        while !power.is_zero() {
            let term = &power / (2 * terms + 1);
            sum = if alternates && terms % 2 == 1 { sum - term } else { sum + term };
            power /= n * n;
            terms += 1;
        }
        Ball { middle: sum, radius: BigInt::from(2 * terms + 2) }
    }

    pub fn rational(&self, number: &Rational) -> Ball {
        let (middle, rest) = (number.numer() << self.bits).div_mod_floor(number.denom());
        Ball { middle, radius: BigInt::from(u32::from(!rest.is_zero())) }
    }

    pub fn whole(&self, ball: &Ball) -> Option<BigInt> {
        let (low, high) = (ball.low() >> self.bits, ball.high() >> self.bits);
        (low == high).then_some(low)
    }

    pub fn times(&self, a: &Ball, b: &Ball) -> Result<Ball> {
        let middle: BigInt = (&a.middle * &b.middle) >> self.bits;
        let spread = a.middle.abs() * &b.radius + b.middle.abs() * &a.radius + &a.radius * &b.radius;
        if middle.bits() > self.bits + WHOLE_BITS_MAX {
            return Err(Failure::Undefined);
        }
        Ok(Ball { middle, radius: (spread >> self.bits) + 2u32 })
    }

    pub fn divided(&self, a: &Ball, b: &Ball) -> Result<Ball> {
        let least = b.middle.abs() - &b.radius;
        if !least.is_positive() {
            return Err(Failure::Undefined);
        }
        let middle: BigInt = (&a.middle << self.bits) / &b.middle;
        let spread = (&a.radius << self.bits) + (middle.abs() + 1u32) * &b.radius;
        Ok(Ball { radius: spread / least + 3u32, middle })
    }

    pub fn whole_power(&self, base: &Ball, exponent: i64) -> Result<Ball> {
        let times = u32::try_from(exponent.unsigned_abs()).ok().filter(|&times| times <= POWER_MAX);
        let mut rest = times.ok_or(Failure::Undefined)?;
        let (mut power, mut square) = (Ball { middle: self.one.clone(), radius: BigInt::zero() }, base.clone());
        while rest > 0 {
            if rest % 2 == 1 {
                power = self.times(&power, &square)?;
            }
            rest /= 2;
            if rest > 0 {
                square = self.times(&square, &square)?;
            }
        }
        if exponent < 0 {
            self.divided(&Ball { middle: self.one.clone(), radius: BigInt::zero() }, &power)
        } else {
            Ok(power)
        }
    }

    /// The real root; of a negative number for odd degrees only.
    pub fn root(&self, of: &Ball, degree: u32, work: &mut Work) -> Result<Ball> {
        self.spend(40, work)?;
        if of.high().is_negative() && degree % 2 == 1 {
            return Ok(self.root(&of.negated(), degree, work)?.negated());
        }
        let low = of.low();
        if low.is_negative() {
            return Err(Failure::Undefined);
        }
        let places = self.bits * u64::from(degree - 1);
        let root = |number: BigInt| (number << places).nth_root(degree);
        Ok(Ball::between(root(low), root(of.high()) + 1u32))
    }

    pub fn exp(&self, of: &Ball, work: &mut Work) -> Result<Ball> {
        if of.middle.bits() > self.bits + ARGUMENT_BITS_MAX || of.radius >= self.one {
            return Err(Failure::Undefined);
        }
        self.spend(self.bits / 4, work)?;
        let turns = of.middle.div_floor(&self.ln2().middle);
        let rest = of.minus(&self.ln2().times_small(&turns));
        let (mut term, mut sum, mut count) = (self.one.clone(), self.one.clone(), 0u32);
        while !term.is_zero() {
            count += 1;
            term = ((term * &rest.middle) >> self.bits) / count;
            sum += &term;
        }
        // e^x grows by less than a factor of two for each unit of the radius below one, of what is at most two.
        let radius = rest.radius * 8u32 + 4 * count + 4u32;
        Ok(Ball { middle: sum, radius }.shifted(turns.to_i64().ok_or(Failure::Undefined)?))
    }

    pub fn ln(&self, of: &Ball, work: &mut Work) -> Result<Ball> {
        if !of.low().is_positive() {
            return Err(Failure::Undefined);
        }
        self.spend(self.bits / 3, work)?;
        let doublings = of.middle.bits() as i64 - self.bits as i64 - 1;
        let reduced = of.shifted(-doublings);
        if &reduced.radius * 4u32 >= self.one {
            return Err(Failure::Undefined);
        }
        let one = Ball { middle: self.one.clone(), radius: BigInt::zero() };
        let ratio = self.divided(&reduced.minus(&one), &reduced.plus(&one))?;
        let square = (&ratio.middle * &ratio.middle) >> self.bits;
        let (mut power, mut sum, mut terms) = (ratio.middle.clone(), BigInt::zero(), 0u32);
        while !power.is_zero() && terms < 4 * self.bits as u32 {
            sum += &power / (2 * terms + 1);
            power = (power * &square) >> self.bits;
            terms += 1;
        }
        // The derivative of artanh is at most 9/8 up to 1/3, and less than two in the radius around it.
        let series = Ball { middle: sum, radius: ratio.radius * 2u32 + 3 * terms + 4u32 };
        Ok(series.times_small(&2.into()).plus(&self.ln2().times_small(&doublings.into())))
    }

    /// Sine and cosine.
    pub fn sin_cos(&self, of: &Ball, work: &mut Work) -> Result<(Ball, Ball)> {
        self.spend(self.bits / 3, work)?;
        let quarter = self.pi().shifted(-1);
        let turns = (&of.middle + (&quarter.middle >> 1u32)).div_floor(&quarter.middle);
        let rest = of.minus(&quarter.times_small(&turns));
        if rest.radius >= self.one {
            return Err(Failure::Undefined);
        }
        let (mut term, mut count) = (self.one.clone(), 0u32);
        let (mut sine, mut cosine) = (BigInt::zero(), BigInt::zero());
        while !term.is_zero() && count < 4 * self.bits as u32 {
            let sum = if count % 2 == 0 { &mut cosine } else { &mut sine };
            if count % 4 < 2 {
                *sum += &term
            } else {
                *sum -= &term
            }
            count += 1;
            term = ((term * &rest.middle) >> self.bits) / count;
        }
        let radius = rest.radius + 4 * count + 4u32;
        let [sine, cosine] = [sine, cosine].map(|middle| Ball { middle, radius: radius.clone() });
        Ok(match turns.mod_floor(&4.into()).to_u32() {
            Some(0) => (sine, cosine),
            Some(1) => (cosine, sine.negated()),
            Some(2) => (sine.negated(), cosine.negated()),
            _ => (cosine.negated(), sine),
        })
    }

    pub fn arctan(&self, of: &Ball, work: &mut Work) -> Result<Ball> {
        self.spend(self.bits / 4, work)?;
        let one = Ball { middle: self.one.clone(), radius: BigInt::zero() };
        if of.middle.abs() > self.one {
            let rest = self.arctan(&self.divided(&one, of)?, work)?;
            let quarter = self.pi().shifted(-1);
            return Ok(if of.middle.is_negative() { quarter.negated().minus(&rest) } else { quarter.minus(&rest) });
        }
        let mut halved = of.clone();
        for _ in 0..2 {
            let root = self.root(&one.plus(&self.times(&halved, &halved)?), 2, work)?;
            halved = self.divided(&halved, &one.plus(&root))?;
        }
        let square = (&halved.middle * &halved.middle) >> self.bits;
        let (mut power, mut sum, mut terms) = (halved.middle.clone(), BigInt::zero(), 0u32);
        // A negative power is rounded away from zero, and stays −1.
        while power.abs() > BigInt::one() {
            let term = &power / (2 * terms + 1);
            sum = if terms % 2 == 1 { sum - term } else { sum + term };
            power = (power * &square) >> self.bits;
            terms += 1;
        }
        Ok(Ball { middle: sum, radius: halved.radius + 4 * terms + 4u32 }.times_small(&4.into()))
    }

    pub fn arcsin(&self, of: &Ball, work: &mut Work) -> Result<Ball> {
        let one = Ball { middle: self.one.clone(), radius: BigInt::zero() };
        let cosine = self.root(&one.minus(&self.times(of, of)?), 2, work)?;
        self.arctan(&self.divided(of, &cosine)?, work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITS: u64 = 256;

    fn shown(arithmetic: &Arithmetic, ball: &Ball) -> String {
        // Fifty digits behind the point; the bounds must be narrower than that.
        let scale = num_traits::Pow::pow(BigInt::from(10), 50u32);
        assert!(ball.radius.bits() < 60, "{}", ball.radius);
        ((&ball.middle * scale) >> arithmetic.bits).to_string()
    }

    /// python3 -c 'from mpmath import *; mp.dps = 80; print(floor(10**50 * exp(mpf(1)/3)))' and so on.
    #[test]
    fn functions_have_the_values_that_mpmath_gives() {
        let work = &mut Work::new();
        let arithmetic = Arithmetic::new(BITS, work).unwrap();
        let ball = |over: i64, under: i64| arithmetic.rational(&Rational::new(over.into(), under.into()));
        let third = ball(1, 3);
        let (sine, cosine) = arithmetic.sin_cos(&ball(100, 7), work).unwrap();
        let values = [
            arithmetic.pi().clone(),
            arithmetic.exp(&third, work).unwrap(),
            arithmetic.exp(&ball(-31, 3), work).unwrap(),
            arithmetic.ln(&ball(1000, 7), work).unwrap(),
            arithmetic.ln(&ball(1, 700), work).unwrap(),
            sine,
            cosine,
            arithmetic.arctan(&ball(-5, 2), work).unwrap(),
            arithmetic.arctan(&third, work).unwrap(),
            arithmetic.arcsin(&ball(-5, 7), work).unwrap(),
            arithmetic.root(&ball(2, 1), 3, work).unwrap(),
            arithmetic.whole_power(&third, -5).unwrap(),
        ];
        let values: Vec<String> = values.iter().map(|value| shown(&arithmetic, value)).collect();
        assert_eq!(values, EXPECTED);
    }

    const EXPECTED: [&str; 12] = [
        "314159265358979323846264338327950288419716939937510",
        "139561242508608952862812531960258683759790651519940",
        "3253047117267125119374415747549314895242903962",
        "496184512992682374694862162060991289316621973630445",
        "-655108033504340467314133565281190814483928770683941",
        "98898711671969284926067608901160935286008100819789",
        "-14800163162096772198464399359473950805135049008664",
        "-119028994968253173292773377482931833760117898602946",
        "32175055439664219340140461435866131902075529555765",
        "-79560295348453531202722798045727801629876726566456",
        "125992104989487316476721060727822835057025146470150",
        "24300000000000000000000000000000000000000000000000000",
    ];
}
