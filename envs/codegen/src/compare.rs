//! When a result is right: by the rules of EvalPlus and LiveCodeBench.

use azr_guest_sdk::value::{Integer, Value};

use crate::problem::Function;

/// Numpy's default, which EvalPlus takes beside its absolute tolerance.
const RELATIVE: f64 = 1e-7;
/// EvalPlus's absolute tolerance for floats where the data set gives none.
const FLOAT_ABSOLUTE: f64 = 1e-6;

/// Whether a solution's result agrees with the reference's (`evalplus/eval/__init__.py`, version 0.3.1).
pub fn agrees(function: &Function, input: &str, value: &Value, expected: &Value) -> Result<(), String> {
    let equal = equal(value, expected);
    let right = match function.task_id.as_str() {
        "HumanEval/32" => number(value).is_some_and(|x| polynomial(input, x).abs() <= function.atol),
        // Some inputs of these have several right results.
        "Mbpp/164" => true,
        "Mbpp/295" => equal || number(value) == Some(0.0),
        _ => {
            let atol = if function.atol == 0.0 && is_floats(expected) { FLOAT_ABSOLUTE } else { function.atol };
            equal || atol != 0.0 && same_type(value, expected) && close(value, expected, atol)
        }
    };
    if right { Ok(()) } else { Err("another result than the reference solution's".into()) }
}

/// Whether a result is the value that a test of LiveCodeBench has as JSON. A tuple passes for a list.
pub fn returned(value: &Value, output: &str) -> Result<(), String> {
    let expected = serde_json::from_str(output).map_err(|error| format!("its output is not JSON: {error}"))?;
    let value = match value {
        Value::Tuple(items) => &Value::List(items.clone()),
        value => value,
    };
    if equal(value, &from_json(expected)) { Ok(()) } else { Err("another result".into()) }
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
        Value::List(items) | Value::Tuple(items) => items.iter().all(|item| matches!(item, Value::Float(_))),
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

/// Of the coefficients that are the only argument, lowest first.
fn polynomial(input: &str, x: f64) -> f64 {
    let [coefficients]: [Vec<f64>; 1] =
        serde_json::from_str(input).unwrap_or_else(|error| panic!("HumanEval/32 has other inputs: {error}"));
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => match Integer::from_decimal(&number.to_string()) {
            Some(integer) => Value::Int(integer),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::Str(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(entries) => {
            Value::Dict(entries.into_iter().map(|(key, value)| (Value::Str(key), from_json(value))).collect())
        }
    }
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
