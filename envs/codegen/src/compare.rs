//! When a result is right: by the rules of EvalPlus and LiveCodeBench.

use azr_guest_sdk::value::{Integer, Value};
use coding_judge::json;

use crate::problem::Function;
use crate::sequence::Returned;

/// Numpy's default, which EvalPlus takes beside its absolute tolerance.
const RELATIVE: f64 = 1e-7;
/// EvalPlus's absolute tolerance for floats where the data set gives none.
const FLOAT_ABSOLUTE: f64 = 1e-6;

/// Compares a solution's results with the reference's, one after the other (`evalplus/eval/__init__.py`, version 0.3.1).
pub struct Comparison<'a> {
    function: &'a Function,
    /// From the first floats on, the tolerance of floats holds for all that follows in the same process.
    atol: f64,
}

impl<'a> Comparison<'a> {
    /// For the calls of one process.
    pub fn of(function: &'a Function) -> Comparison<'a> {
        Comparison { function, atol: function.atol }
    }

    pub fn agrees(&mut self, input: &str, result: &Returned, expected: &Returned) -> Result<(), String> {
        let right = match (result, expected) {
            // Some inputs of this have several right results.
            _ if self.function.task_id == "Mbpp/164" => true,
            (Returned::Value(value), Returned::Value(expected)) => self.values_agree(input, value, expected),
            (Returned::Digest(digest), Returned::Digest(expected)) => digest == expected,
            _ => false,
        };
        if right { Ok(()) } else { Err("another result than the reference solution's".into()) }
    }

    fn values_agree(&mut self, input: &str, value: &Value, expected: &Value) -> bool {
        let equal = equal(value, expected);
        let right = match self.function.task_id.as_str() {
            "HumanEval/32" => {
                return number(value).is_some_and(|x| polynomial(input, x).abs() <= self.function.atol);
            }
            // These have several right results, too.
            "Mbpp/295" => equal || number(value) == Some(0.0),
            "Mbpp/558" => equal || number(value).is_some_and(|value| Some(value) == digit_distance(input)),
            "Mbpp/581" => {
                let distance = number(value).zip(surface(input)).map(|(value, surface)| (value - surface).abs());
                equal || distance.is_some_and(|distance| distance <= self.atol)
            }
            _ => equal,
        };
        if self.atol == 0.0 && is_floats(expected) {
            self.atol = FLOAT_ABSOLUTE;
        }
        right || self.atol != 0.0 && same_type(value, expected) && close(value, expected, self.atol)
    }
}

/// Whether a result is the value that a test of LiveCodeBench has as JSON. A tuple passes for a list.
pub fn returned(value: &Value, output: &str) -> Result<(), String> {
    let expected = json::value(output).map_err(|why| format!("its output is not JSON: {why}"))?;
    let value = match value {
        Value::Tuple(items) => &Value::List(items.clone()),
        value => value,
    };
    if equal(value, &expected) { Ok(()) } else { Err("another result".into()) }
}

/// Whether a text is the output of a test of LiveCodeBench: line by line the same, or the same numbers, spaces around
/// lines and texts aside.
pub fn written(text: &str, output: &str) -> Result<(), String> {
    let lines = |text: &str| -> Vec<String> { text.trim().split('\n').map(|line| line.trim().to_owned()).collect() };
    let (written, wanted) = (lines(text), lines(output));
    if written.len() != wanted.len() {
        return Err("more or fewer lines of output".into());
    }
    let numbers = |line: &str| line.split_whitespace().map(decimal).collect::<Option<Vec<_>>>();
    let same = |written: &str, wanted: &str| {
        written == wanted || numbers(written).is_some_and(|written| Some(written) == numbers(wanted))
    };
    match (1..).zip(written.iter().zip(&wanted)).find(|(_, (written, wanted))| !same(written, wanted)) {
        None => Ok(()),
        Some((number, _)) => Err(format!("line {number} of the output is another one")),
    }
}

/// Python's `==`, to which `True`, `1` and `1.0` are the same.
pub fn equal(one: &Value, other: &Value) -> bool {
    same_numbers(one) == same_numbers(other)
}

/// A value in which equal numbers are of one type, and sets as well.
fn same_numbers(value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(same_numbers).collect();
    match value {
        Value::Bool(truth) => Value::Int(i64::from(*truth).into()),
        Value::Float(float) => whole(*float).unwrap_or(Value::Float(*float)),
        Value::Complex { real, imag } if *imag == 0.0 => same_numbers(&Value::Float(*real)),
        Value::List(items) => Value::List(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Set(items) | Value::FrozenSet(items) => Value::Set(all(items)),
        Value::Dict(entries) => {
            Value::Dict(entries.iter().map(|(key, value)| (same_numbers(key), same_numbers(value))).collect())
        }
        Value::None | Value::Int(_) | Value::Complex { .. } | Value::Str(_) | Value::Bytes(_) => value.clone(),
    }
}

fn whole(float: f64) -> Option<Value> {
    // Rust prints all digits of a float.
    let digits = (float.is_finite() && float.fract() == 0.0).then(|| format!("{:.0}", float + 0.0))?;
    Integer::from_decimal(&digits).map(Value::Int)
}

/// Whether EvalPlus takes a value for floats: a float, or a list or tuple of them.
fn is_floats(value: &Value) -> bool {
    match value {
        Value::Float(_) => true,
        Value::List(items) | Value::Tuple(items) => {
            !items.is_empty() && items.iter().all(|item| matches!(item, Value::Float(_)))
        }
        _ => false,
    }
}

fn same_type(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// `numpy.allclose` of numbers, and of lists and tuples of them.
fn close(value: &Value, expected: &Value, atol: f64) -> bool {
    match (value, expected) {
        (Value::List(items) | Value::Tuple(items), Value::List(wanted) | Value::Tuple(wanted)) => {
            items.len() == wanted.len() && items.iter().zip(wanted).all(|(item, wanted)| close(item, wanted, atol))
        }
        _ => match (number(value), number(expected)) {
            (Some(value), Some(expected)) => {
                // Within the tolerance of infinity would be everything.
                value == expected
                    || expected.is_finite() && (value - expected).abs() <= atol + RELATIVE * expected.abs()
            }
            _ => false,
        },
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Int(integer) => integer.decimal().parse().ok(),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

/// The numbers that are the arguments of a call.
fn numbers(input: &str) -> Option<Vec<Value>> {
    match json::value(input) {
        Ok(Value::List(arguments)) => Some(arguments),
        _ => None,
    }
}

/// The sum of the differences of two numbers' digits, the shorter one with zeros before it.
fn digit_distance(input: &str) -> Option<f64> {
    let numbers = numbers(input)?;
    let [Value::Int(one), Value::Int(other)] = numbers.as_slice() else { return None };
    let length = one.decimal().len().max(other.decimal().len());
    let digits = |number: &Integer| -> Option<Vec<u32>> {
        format!("{:0>length$}", number.decimal()).chars().map(|c| c.to_digit(10)).collect()
    };
    let differences = digits(one)?.into_iter().zip(digits(other)?).map(|(one, other)| one.abs_diff(other));
    Some(f64::from(differences.sum::<u32>()))
}

/// The surface of a pyramid with a square base, where the height is that of its apex.
fn surface(input: &str) -> Option<f64> {
    let numbers = numbers(input)?;
    let [base, height] = numbers.as_slice() else { return None };
    let (base, height) = (number(base)?, number(height)?);
    let slant = (base / 2.0 * (base / 2.0) + height * height).sqrt();
    Some((base * base + 4.0 * (base * slant) / 2.0).round_ties_even())
}

/// Of the coefficients that are the only argument, lowest first, added up as EvalPlus does: `c * math.pow(x, i)` one after
/// the other. Where terms cancel, another order comes to another sum.
fn polynomial(input: &str, x: f64) -> f64 {
    let coefficients = match json::value(input) {
        Ok(Value::List(arguments)) => match arguments.into_iter().next() {
            Some(Value::List(coefficients)) => coefficients,
            _ => panic!("HumanEval/32 has other inputs: {input}"),
        },
        _ => panic!("HumanEval/32 has other inputs: {input}"),
    };
    let terms =
        coefficients.iter().enumerate().map(|(i, coefficient)| number(coefficient).unwrap_or(f64::NAN) * power(x, i));
    terms.fold(0.0, |sum, term| sum + term)
}

/// `x` to the power of `exponent`, rounded once: in twice the digits of a float, as `pow` of a C library does.
fn power(x: f64, exponent: usize) -> f64 {
    let (mut high, mut low) = (1.0_f64, 0.0_f64);
    for _ in 0..exponent {
        let product = high * x;
        let rest = exact_rest(high, x, product) + low * x;
        high = product + rest;
        low = rest - (high - product);
        if !high.is_finite() {
            return product;
        }
    }
    high
}

/// What a product lost when it was rounded (Dekker's product).
fn exact_rest(a: f64, b: f64, product: f64) -> f64 {
    let halves = |x: f64| {
        let scaled = x * 134_217_729.0;
        let high = scaled - (scaled - x);
        (high, x - high)
    };
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
}

/// A number as Python's `Decimal` reads it, in the only spelling of its amount; infinities and NaN aside.
fn decimal(token: &str) -> Option<(bool, String, i64)> {
    let negative = token.starts_with('-');
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let exact = significant.trim_end_matches('0');
    if exact.is_empty() {
        return Some((false, String::new(), 0));
    }
    let exponent = i64::from(exponent) - fraction.len() as i64 + (significant.len() - exact.len()) as i64;
    Some((negative, exact.to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sum([c * math.pow(x, i) for i, c in enumerate(xs)])` in CPython 3.11 with glibc.
    #[test]
    fn a_polynomial_is_added_up_as_evalplus_does() {
        for (input, x, expected) in [
            ("[[9, -6, 20999, 2, 8, -4, -10, 26, 6, 5, -1, 8]]", -2.3440476479552648, -2.754997694864869e-06),
            ("[[2000000, 9, 8, -5, 2, 6, 9, -7, -9, 6, 16, -1]]", 16.33215896666758, 0.0),
            ("[[1, 2, 3]]", 0.1, 1.23),
        ] {
            assert_eq!(polynomial(input, x), expected, "{input}");
        }
    }
}
