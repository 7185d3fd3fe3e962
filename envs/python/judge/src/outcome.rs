//! Reading the reports of runs.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Outcome, Rejection, Report};

/// Why a call came to no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoValue {
    /// A stable word, as rejections have it.
    pub code: &'static str,
    pub message: String,
}

impl NoValue {
    pub fn rejection(self) -> Rejection {
        Rejection { code: self.code.into(), message: self.message }
    }
}

/// The value of one outcome, if it is one.
pub fn value(outcome: &Outcome) -> Result<Value, NoValue> {
    let (code, message) = match outcome {
        // The executor is part of this environment: bytes that are no value are a fault.
        Outcome::Value(encoded) => return Ok(Value::decode(encoded).unwrap_or_else(|error| panic!("{error}"))),
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
    Err(NoValue { code, message })
}

/// The values of a run of so many calls, or why the first call without a value has none, with its index.
pub fn values(report: &Report, calls: usize) -> Result<Vec<Value>, (usize, NoValue)> {
    let values: Result<Vec<Value>, _> = report
        .outcomes
        .iter()
        .enumerate()
        .map(|(index, outcome)| value(outcome).map_err(|none| (index, none)))
        .collect();
    let values = values?;
    assert_eq!(values.len(), calls, "a run that met no obstacle has one outcome for each call");
    Ok(values)
}
