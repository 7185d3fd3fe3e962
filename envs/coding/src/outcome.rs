//! Reading the reports of runs.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Outcome, Rejection, Report};

use crate::Language;

/// The code of a call that does not come to the same value every time.
pub const NOT_DETERMINISTIC: &str = "not-deterministic";
/// Longest encoding of a value: the executors' own limit, which a program can lift in its interpreter. Judging a value takes
/// some ten times its length in memory, and the judge keeps no more than a few.
const VALUE_MAX_BYTES: usize = 64 << 10;
/// What programs say is for a person. Longer texts say no more, and the host takes them for a fault.
const MESSAGE_MAX_CHARS: usize = 1000;

/// Why a call came to no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoValue {
    /// A stable word, as rejections have it.
    pub code: &'static str,
    pub message: String,
}

impl NoValue {
    pub fn new(code: &'static str, message: impl AsRef<str>) -> NoValue {
        NoValue { code, message: message.as_ref().chars().take(MESSAGE_MAX_CHARS).collect() }
    }

    /// Of a call that was made several times; `both` names two of its results.
    pub fn not_deterministic(both: &str) -> NoValue {
        NoValue::new(NOT_DETERMINISTIC, format!("the same call came to different results: {both}"))
    }

    pub fn rejection(self) -> Rejection {
        Rejection { code: self.code.into(), message: self.message }
    }
}

/// The value of one outcome, if it is one.
pub fn value(outcome: &Outcome) -> Result<Value, NoValue> {
    value_within(outcome, VALUE_MAX_BYTES)
}

/// The value of one outcome, if it is one of at most so many encoded bytes.
pub fn value_within(outcome: &Outcome, max_bytes: usize) -> Result<Value, NoValue> {
    let (code, message) = match outcome {
        Outcome::Value(encoded) if encoded.len() > max_bytes => {
            let message = format!("f returned a value of {} encoded bytes, limit is {max_bytes}", encoded.len());
            ("unsupported-value", message)
        }
        Outcome::Value(encoded) => match Value::decode(encoded) {
            Ok(value) => return Ok(value),
            // The interpreter belongs to the program, which can make it return any bytes.
            Err(error) => ("unsupported-value", error.to_string()),
        },
        Outcome::Thrown(thrown) if thrown.message.is_empty() => {
            ("thrown", format!("the program raised {}", thrown.name))
        }
        Outcome::Thrown(thrown) => ("thrown", format!("the program raised {}: {}", thrown.name, thrown.message)),
        Outcome::Refused(reason) => ("refused", reason.clone()),
        Outcome::Unsupported(reason) => ("unsupported-value", format!("f returned {reason}")),
        Outcome::OutOfFuel => ("out-of-fuel", "the program runs too long".to_owned()),
        Outcome::OutOfMemory => ("out-of-memory", "the program needs too much memory".to_owned()),
        Outcome::StackOverflow => ("stack-overflow", "the program nests too deep".to_owned()),
        Outcome::Crashed(trap) => ("crashed", format!("the program crashed the interpreter: {trap}")),
    };
    Err(NoValue::new(code, message))
}

/// The value of a call that was made twice in one instance.
pub fn called_twice<L: Language>(report: &Report) -> Result<Value, NoValue> {
    let mut values = values(report, 2).map_err(|(index, none)| match index {
        0 => none,
        _ => NoValue::not_deterministic(&format!("a value, and when called again: {}", none.message)),
    })?;
    let (second, first) = (values.pop(), values.pop());
    match (first, second) {
        (Some(first), Some(second)) if first == second => Ok(first),
        (Some(first), Some(second)) => {
            let both = format!("{} and, when called again, {}", L::print(&first), L::print(&second));
            Err(NoValue::not_deterministic(&both))
        }
        _ => unreachable!("two calls have two values"),
    }
}

/// How a call ended, for error deduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Value(Value),
    /// The exception's name, one of the language's.
    Exception(&'static str),
}

/// How a call ended that was made `calls` times in one instance; an exception ends the instance.
pub fn ending<L: Language>(report: &Report, calls: usize) -> Result<Ending, NoValue> {
    let Some(Outcome::Thrown(thrown)) = report.outcomes.first() else {
        let value = match calls {
            2 => called_twice::<L>(report)?,
            _ => values(report, calls).map_err(|(_, none)| none)?.remove(0),
        };
        return Ok(Ending::Value(value));
    };
    match L::EXCEPTIONS.iter().find(|name| **name == thrown.name) {
        Some(name) => Ok(Ending::Exception(name)),
        None => Err(NoValue::new(
            "other-exception",
            format!("{} is none of the exceptions that may be asked for: {}", thrown.name, L::EXCEPTIONS.join(", ")),
        )),
    }
}

/// The values of a run of so many calls, or why the first call without a value has none, with its index.
pub fn values(report: &Report, calls: usize) -> Result<Vec<Value>, (usize, NoValue)> {
    let values =
        report.outcomes.iter().enumerate().map(|(index, outcome)| value(outcome).map_err(|none| (index, none)));
    let values: Vec<Value> = values.collect::<Result<_, _>>()?;
    assert_eq!(values.len(), calls, "a run that met no obstacle has one outcome for each call");
    Ok(values)
}
