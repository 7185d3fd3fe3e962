//! Calls that the benchmarks make one after the other in one process, divided among runs.
//!
//! Each run makes its share of the calls in an interpreter of its own, so that an input has more fuel the fewer it shares
//! it with. That comes to the same as one process as long as no call finds what an earlier one left. The harness in the
//! executor looks whether the solution has a place for that (`executor/keeping.py`); where it has, the first run makes all
//! calls, with its last call, and the others make none.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Outcome, Report, Run};
use coding_judge::outcome;

/// Longest encoding of what a call returns: the executor's own limit and some room for what the harness adds.
pub const VALUE_MAX_BYTES: usize = (16 << 20) + 1024;

/// Calls of one function, in order.
pub struct Sequence<'a> {
    pub inputs: Vec<&'a str>,
    /// Index of the first call of a second process.
    pub begin_anew_at: Option<usize>,
    pub runs_max: usize,
}

/// What a call returned.
#[derive(Clone, Debug)]
pub enum Returned {
    Value(Value),
    /// Of what is too large to be sent, or no plain value. Equal for equal results.
    Digest(String),
}

impl Sequence<'_> {
    /// One run for each share of the inputs. `more` are further arguments of each call.
    pub fn runs(&self, program: &str, more: &[&str]) -> Vec<Run> {
        let share = self.share();
        let run = |(number, inputs): (usize, &[&str])| {
            let call = |(index, input): (usize, &&str)| {
                let place = match number {
                    0 if self.begin_anew_at == Some(index) => "anew",
                    0 => "first",
                    _ => "other",
                };
                arguments(place, text(input), more)
            };
            let mut calls: Vec<Vec<u8>> = inputs.iter().enumerate().map(call).collect();
            if number == 0 && self.inputs.len() > share {
                calls.push(arguments("later", Value::List(self.later(share)), more));
            }
            Run { executor: 0, program: program.to_owned(), inputs: calls }
        };
        self.inputs.chunks(share).enumerate().map(run).collect()
    }

    /// The inputs of the other runs, with a mark where a process begins.
    fn later(&self, share: usize) -> Vec<Value> {
        let marked = |(index, input): (usize, &&str)| {
            let mark = (self.begin_anew_at == Some(index)).then_some(Value::None);
            mark.into_iter().chain([text(input)])
        };
        self.inputs.iter().enumerate().skip(share).flat_map(marked).collect()
    }

    fn share(&self) -> usize {
        self.inputs.len().div_ceil(self.runs_max)
    }

    pub fn run_count(&self) -> usize {
        self.inputs.len().div_ceil(self.share())
    }

    pub fn results<'a>(&self, reports: &'a [Report]) -> Results<'a> {
        Results { share: self.share(), reports, index: 0, later: None }
    }
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

fn arguments(place: &str, input: Value, more: &[&str]) -> Vec<u8> {
    let arguments = [text(place), input].into_iter().chain(more.iter().map(|more| text(more)));
    Value::Tuple(vec![Value::Tuple(arguments.collect()), Value::Dict(Vec::new())]).encode()
}

/// What the calls came to, one after the other.
pub struct Results<'a> {
    share: usize,
    reports: &'a [Report],
    index: usize,
    /// What the first run's last call returned, once it has been asked for.
    later: Option<Vec<Value>>,
}

impl Results<'_> {
    /// What the next call came to. After a failure there is nothing more to ask for.
    pub fn next_call(&mut self) -> Result<Returned, String> {
        let index = self.index;
        self.index += 1;
        let report = &self.reports[index / self.share];
        let Value::Tuple(parts) = value(report, index % self.share)? else { return Err(foreign()) };
        match parts.is_empty() {
            true => self.later(index.checked_sub(self.share).ok_or_else(foreign)?),
            false => returned(parts),
        }
    }

    /// The number of the first call that came to nothing, and why.
    pub fn first_failure(&mut self) -> Option<(usize, String)> {
        let failed = |(number, report): (usize, &Report)| {
            let index = report.outcomes.iter().position(|outcome| !matches!(outcome, Outcome::Value(_)))?;
            Some((number * self.share + index + 1, value(report, index).err()?))
        };
        let failed = self.reports.iter().enumerate().find_map(failed);
        let first_makes_all =
            || matches!(value(self.reports.get(1)?, 0), Ok(Value::Tuple(parts)) if parts.is_empty()).then_some(());
        failed.or_else(|| {
            first_makes_all()?;
            let results = self.read_later().ok()?;
            let failure = results.iter().position(|result| matches!(result, Value::Str(_)))?;
            Some((self.share + failure + 1, self.later(failure).err()?))
        })
    }

    /// The result of a call that the first run made for another.
    fn later(&mut self, index: usize) -> Result<Returned, String> {
        match self.read_later()?.get(index) {
            Some(Value::Tuple(parts)) => returned(parts.clone()),
            Some(Value::Str(failure)) => Err(failure.chars().take(1000).collect()),
            _ => Err(foreign()),
        }
    }

    fn read_later(&mut self) -> Result<&[Value], String> {
        if self.later.is_none() {
            let Value::List(results) = value(&self.reports[0], self.share)? else { return Err(foreign()) };
            self.later = Some(results);
        }
        Ok(self.later.as_deref().unwrap_or_default())
    }
}

fn returned(mut parts: Vec<Value>) -> Result<Returned, String> {
    match (parts.len(), parts.pop()) {
        (1, Some(value)) => Ok(Returned::Value(value)),
        (2, Some(Value::Str(digest))) => Ok(Returned::Digest(digest)),
        _ => Err(foreign()),
    }
}

/// The interpreter belongs to the program, which can return what it likes.
fn foreign() -> String {
    "the program returned what no call returns".into()
}

fn value(report: &Report, index: usize) -> Result<Value, String> {
    let outcome = report.outcomes.get(index).ok_or("the program was not called")?;
    outcome::value_within(outcome, VALUE_MAX_BYTES).map_err(|none| none.message)
}
