//! Functions: their values at special arguments, and what they are made of.

mod angle;
mod complex;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive};

use crate::numeric;
use crate::polynomial::{Atom, BITS_MAX, Monomial, Polynomial, Rational, Work};
use crate::quotient::{Quotient, prime_powers};
use angle::{arcsine, arctangent, cosine, right_angle_less, sine};
use complex::Complex;

/// Factorials are worked out up to this number; others are compared with each other only.
const FACTORIAL_MAX: u32 = 300;
/// Binomial coefficients of unknowns are multiplied out where the lower number is no larger than this.
const CHOSEN_MAX: u32 = 20;
/// The letter that stands for the natural logarithm of the base of \log, which the answer does not say.
const LOG_BASE: &str = "base of log";

/// A function of its arguments. The base is that of a logarithm.
pub fn applied(name: &str, base: Option<&Quotient>, of: &[Quotient], work: &mut Work) -> Result<Quotient, String> {
    let one = Quotient::integer(1);
    let [argument] = of else { return several(name, of) };
    match (name, base) {
        ("log", Some(base)) => {
            let over = logarithm(argument, work)?;
            over.divided_by(&logarithm(base, work)?, work)
        }
        (_, Some(_)) => Err(format!("\\{name} with a subscript")),
        ("sin", _) => sine(argument, work),
        ("cos", _) => cosine(argument, work),
        ("tan" | "tg", _) => sine(argument, work)?.divided_by(&cosine(argument, work)?, work),
        ("cot" | "ctg", _) => cosine(argument, work)?.divided_by(&sine(argument, work)?, work),
        ("sec", _) => one.divided_by(&cosine(argument, work)?, work),
        ("csc", _) => one.divided_by(&sine(argument, work)?, work),
        ("arcsin" | "asin", _) => arcsine(argument, work),
        ("arccos" | "acos", _) => right_angle_less(&arcsine(argument, work)?, work),
        ("arctan" | "atan", _) => arctangent(argument, work),
        ("arccot", _) => right_angle_less(&arctangent(argument, work)?, work),
        ("arcsec", _) => right_angle_less(&arcsine(&one.divided_by(argument, work)?, work)?, work),
        ("arccsc", _) => arcsine(&one.divided_by(argument, work)?, work),
        ("exp", _) => Quotient::symbol("e").power(argument, work),
        ("ln", _) => logarithm(argument, work),
        ("lg", _) => logarithm(argument, work)?.divided_by(&logarithm(&Quotient::integer(10), work)?, work),
        ("log", None) => logarithm(argument, work)?.divided_by(&Quotient::symbol(LOG_BASE), work),
        ("sinh" | "cosh" | "tanh" | "coth", _) => hyperbolic(name, argument, work),
        ("arcsinh" | "arsinh" | "arccosh" | "arcosh" | "arctanh" | "artanh", _) => {
            inverse_hyperbolic(name, argument, work)
        }
        ("abs", _) => absolute(argument, work),
        ("overline", _) => match Complex::with_imaginary(argument, work)? {
            Some(complex) => complex.conjugate(work),
            None => Ok(Quotient::function("overline", vec![argument.clone()])),
        },
        ("Re" | "Im", _) => {
            let of_real = name == "Re";
            let part = |complex: Complex| if of_real { complex.real } else { complex.imaginary };
            let unknown = || Quotient::function(if of_real { "Re" } else { "Im" }, vec![argument.clone()]);
            Ok(Complex::of(argument, work)?.map_or_else(unknown, part))
        }
        ("floor" | "ceil", _) => rounded(argument, name == "floor", work),
        ("factorial", _) => factorial(argument),
        ("double factorial", _) => double_factorial(argument),
        ("cis", _) => {
            let imaginary = Quotient::atom(Atom::Imaginary).times(&sine(argument, work)?, work)?;
            cosine(argument, work)?.plus(&imaginary, work)
        }
        ("sgn", _) => sign(argument, work),
        (name, _) => Ok(Quotient::function(kept(name)?, vec![argument.clone()])),
    }
}

/// What an exponent of −1 makes of a function.
pub fn inverse(name: &str) -> Option<&'static str> {
    Some(match name {
        "sin" => "arcsin",
        "cos" => "arccos",
        "tan" | "tg" => "arctan",
        "cot" | "ctg" => "arccot",
        "sec" => "arcsec",
        "csc" => "arccsc",
        "sinh" => "arcsinh",
        "cosh" => "arccosh",
        "tanh" => "arctanh",
        _ => return None,
    })
}

/// They are logarithms: ln(x + √(x² ± 1)) and half of ln((1 + x)/(1 − x)).
fn inverse_hyperbolic(name: &str, argument: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    let one = Quotient::integer(1);
    let half = Quotient::rational(Rational::new(BigInt::one(), BigInt::from(2)));
    if name.ends_with("tanh") {
        let ratio = one.plus(argument, work)?.divided_by(&one.minus(argument, work)?, work)?;
        return logarithm(&ratio, work)?.times(&half, work);
    }
    let square = argument.times(argument, work)?;
    let square = if name.ends_with("sinh") { square.plus(&one, work)? } else { square.minus(&one, work)? };
    logarithm(&argument.plus(&square.power(&half, work)?, work)?, work)
}

/// Functions that nothing is known about.
fn kept(name: &str) -> Result<&'static str, String> {
    const KEPT: [&str; 15] = [
        "vec",
        "overrightarrow",
        "overline",
        "bar",
        "hat",
        "tilde",
        "widehat",
        "dot",
        "ddot",
        "max",
        "min",
        "gcd",
        "lcm",
        "pow",
        "double factorial",
    ];
    KEPT.into_iter().find(|kept| *kept == name).ok_or_else(|| format!("\\{name} is not known"))
}

/// Functions of several arguments, worked out for numbers.
fn several(name: &str, of: &[Quotient]) -> Result<Quotient, String> {
    let numbers: Option<Vec<Rational>> = of.iter().map(Quotient::as_rational).collect();
    let whole = |numbers: &[Rational]| numbers.iter().all(Rational::is_integer);
    let value = match (name, numbers) {
        ("max", Some(numbers)) => numbers.into_iter().max(),
        ("min", Some(numbers)) => numbers.into_iter().min(),
        ("gcd", Some(numbers)) if whole(&numbers) => {
            numbers.into_iter().map(|number| number.to_integer()).reduce(|a, b| a.gcd(&b)).map(Rational::from)
        }
        ("lcm", Some(numbers)) if whole(&numbers) => {
            let lcm = numbers.into_iter().map(|number| number.to_integer()).reduce(|a, b| a.lcm(&b));
            if lcm.as_ref().is_some_and(|lcm| lcm.bits() > BITS_MAX) {
                return Err("a number is too large".into());
            }
            lcm.map(Rational::from)
        }
        _ => None,
    };
    match value {
        Some(value) => Ok(Quotient::rational(value)),
        None => Ok(Quotient::function(kept(name)?, of.to_vec())),
    }
}

fn half() -> Quotient {
    Quotient::rational(Rational::new(1.into(), 2.into()))
}

fn hyperbolic(name: &str, of: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    let e = Quotient::symbol("e");
    let (up, down) = (e.power(of, work)?, e.power(&of.negated(), work)?);
    let (sinh, cosh) = (up.minus(&down, work)?.times(&half(), work)?, up.plus(&down, work)?.times(&half(), work)?);
    match name {
        "sinh" => Ok(sinh),
        "cosh" => Ok(cosh),
        "tanh" => sinh.divided_by(&cosh, work),
        _ => cosh.divided_by(&sinh, work),
    }
}

/// The natural logarithm. That of a number is a sum of those of its primes, and of e^x it is x.
pub fn logarithm(of: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    if let Some(number) = of.as_rational()
        && !number.is_positive()
    {
        return Err("a logarithm of what is not positive".into());
    }
    let term = of.over().as_term().filter(|(_, coefficient)| coefficient.is_positive());
    let Some((monomial, coefficient)) = term.filter(|_| of.under().as_rational().is_some()) else {
        return Ok(Quotient::function("ln", vec![of.clone()]));
    };
    let mut sum = Quotient::integer(0);
    for (prime, times) in prime_powers(coefficient, work)? {
        let term = Quotient::function("ln", vec![Quotient::atom(prime)]);
        sum = sum.plus(&term.times(&Quotient::rational(times), work)?, work)?;
    }
    let mut rest = Monomial::default();
    for (atom, exponent) in &monomial.0 {
        let exponent = Quotient::rational(exponent.clone());
        let term = match atom {
            Atom::Symbol(name) if &**name == "e" => exponent,
            Atom::Number(_) => Quotient::function("ln", vec![Quotient::atom(atom.clone())]).times(&exponent, work)?,
            Atom::Symbol(name) if &**name == "π" => {
                Quotient::function("ln", vec![Quotient::atom(atom.clone())]).times(&exponent, work)?
            }
            Atom::Power(power) if matches!(&power.0, Atom::Symbol(name) if &**name == "e") => {
                Quotient::of(Polynomial::term(power.1.clone(), Rational::one())).times(&exponent, work)?
            }
            _ => {
                rest.0.insert(atom.clone(), exponent.as_rational().unwrap_or_else(Rational::one));
                continue;
            }
        };
        sum = sum.plus(&term, work)?;
    }
    if rest.0.is_empty() {
        return Ok(sum);
    }
    let rest = Quotient::of(Polynomial::term(rest, Rational::one()));
    sum.plus(&Quotient::function("ln", vec![rest]), work)
}

/// b^x, where x ln b is a sum of multiples of logarithms: e^(2 ln 3) is 9, and 10^(lg 7) is 7. Where it has an
/// imaginary part, e^(ix) is cos x + i sin x.
pub fn power_of_logarithms(base: &Quotient, exponent: &Quotient, work: &mut Work) -> Result<Option<Quotient>, String> {
    let is_e = base.as_symbol() == Some("e");
    let positive = base.as_rational().is_some_and(|number| number.is_positive());
    if !(is_e || positive) || exponent.as_rational().is_some() {
        return Ok(None);
    }
    let logarithm = logarithm(base, work)?;
    let natural = match exponent.ratio_of_under(&logarithm) {
        // The logarithm of the base is what the exponent is divided by.
        Some(ratio) => Quotient::of(exponent.over().clone()).times(&Quotient::rational(ratio), work)?,
        None if exponent.under().as_rational().is_some() => exponent.times(&logarithm, work)?,
        None => return Ok(None),
    };
    let mut product = Quotient::integer(1);
    for (monomial, coefficient) in &natural.over().0 {
        let mut rest = monomial.clone();
        let mut logarithms = Vec::new();
        rest.0.retain(|atom, exponent| match atom {
            Atom::Function("ln", of) if exponent.is_one() => {
                logarithms.push(of[0].clone());
                false
            }
            _ => true,
        });
        let times = Quotient::of(Polynomial::term(rest.clone(), coefficient.clone()));
        let factor = match &logarithms[..] {
            [of] if rest.0.is_empty() => of.power(&times, work)?,
            [of] if is_e => of.power(&times, work)?,
            [] if is_e && rest.0.remove(&Atom::Imaginary).is_some() => {
                let angle = Quotient::of(Polynomial::term(rest, coefficient.clone()));
                let sine = sine(&angle, work)?.times(&Quotient::atom(Atom::Imaginary), work)?;
                cosine(&angle, work)?.plus(&sine, work)?
            }
            [] if is_e && monomial.0.is_empty() => base.power(&times, work)?,
            [] if is_e => base.power_of_term(monomial, coefficient, work)?,
            _ => return Ok(None),
        };
        product = product.times(&factor, work)?;
    }
    Ok(Some(product))
}

/// The absolute value of a number; that of unknowns is the same for both signs.
fn absolute(value: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    if let Some(number) = value.as_rational() {
        return Ok(Quotient::rational(number.abs()));
    }
    if let Some(complex) = Complex::with_imaginary(value, work)? {
        return complex.absolute(work);
    }
    match numeric::sign(value, work)? {
        Some(sign) => Ok(if sign < 0 { value.negated() } else { value.clone() }),
        None => {
            let negated = value.negated();
            Ok(Quotient::function("abs", vec![value.clone().min(negated)]))
        }
    }
}

fn sign(value: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    let sign = match value.as_rational() {
        Some(number) => Some(number.signum().to_integer().to_i64().unwrap_or(0)),
        None => numeric::sign(value, work)?.map(i64::from),
    };
    Ok(sign.map_or_else(|| Quotient::function("sgn", vec![value.clone()]), Quotient::integer))
}

fn rounded(value: &Quotient, down: bool, work: &mut Work) -> Result<Quotient, String> {
    if let Some(number) = value.as_rational() {
        return Ok(Quotient::rational(if down { number.floor() } else { number.ceil() }));
    }
    Ok(match numeric::floor(value, work)? {
        Some(floor) => Quotient::rational(Rational::from(floor + u32::from(!down))),
        None => Quotient::function(if down { "floor" } else { "ceil" }, vec![value.clone()]),
    })
}

fn factorial(value: &Quotient) -> Result<Quotient, String> {
    match value.as_rational() {
        None => Ok(Quotient::function("factorial", vec![value.clone()])),
        Some(number) if !number.is_integer() || number.is_negative() => {
            Err("a factorial of what is no whole number".into())
        }
        Some(number) => Ok(match number.to_integer().to_u32().filter(|&whole| whole <= FACTORIAL_MAX) {
            Some(count) => Quotient::rational(Rational::from((1..=count).map(BigInt::from).product::<BigInt>())),
            None => Quotient::function("factorial", vec![value.clone()]),
        }),
    }
}

/// Every second whole number down to 1 or 2.
fn double_factorial(value: &Quotient) -> Result<Quotient, String> {
    let Some(number) = value.as_rational() else {
        return Ok(Quotient::function("double factorial", vec![value.clone()]));
    };
    let whole = Some(number.to_integer()).filter(|_| number.is_integer()).and_then(|whole| whole.to_u32());
    let whole = whole.filter(|whole| *whole <= FACTORIAL_MAX).ok_or("a double factorial that is not worked out")?;
    let product: BigInt = (1..=whole).rev().step_by(2).map(BigInt::from).product();
    Ok(Quotient::rational(Rational::from(product)))
}

/// In how many orders some of all can be chosen.
pub fn permutations(of: &Quotient, choose: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    binomial(of, choose, work)?.times(&factorial(choose)?, work)
}

/// A binomial coefficient: of numbers, of unknowns with few chosen or few left, or by factorials.
pub fn binomial(of: &Quotient, choose: &Quotient, work: &mut Work) -> Result<Quotient, String> {
    let whole = |number: &Quotient| number.as_rational().filter(Rational::is_integer).map(|number| number.to_integer());
    let rest = of.minus(choose, work)?;
    let fewer = match (whole(choose), whole(&rest)) {
        (Some(chosen), Some(rest)) => Some(chosen.min(rest)),
        (chosen, rest) => chosen.or(rest),
    };
    let max = if of.as_rational().is_some() { FACTORIAL_MAX } else { CHOSEN_MAX };
    match fewer {
        Some(fewer) if fewer.is_negative() && whole(of).is_some_and(|of| !of.is_negative()) => Ok(Quotient::integer(0)),
        Some(fewer) if fewer.to_u32().is_some_and(|fewer| fewer <= max) => {
            let mut product = Quotient::integer(1);
            for step in 0..fewer.to_i64().unwrap_or(0) {
                work.spend(2)?;
                let factor = of.minus(&Quotient::integer(step), work)?;
                let share = Quotient::rational(Rational::new(1.into(), (step + 1).into()));
                product = product.times(&factor, work)?.times(&share, work)?;
            }
            Ok(product)
        }
        _ => {
            let under = factorial(choose)?.times(&factorial(&rest)?, work)?;
            factorial(of)?.divided_by(&under, work)
        }
    }
}
