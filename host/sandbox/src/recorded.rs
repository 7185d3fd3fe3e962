//! Runs as logs and answers tell them: enough to compare with when they are made again.

use serde::{Deserialize, Serialize};

use super::{
    bindings::{Outcome, Thrown},
    conclude::ExecutedRun,
    outcome::shortened,
};
use azr_core::task::Digest;

/// A run and its outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRow {
    pub executor: u32,
    pub outcomes: Vec<OutcomeRow>,
    pub fuel: u64,
}

/// An outcome, with texts shortened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeRow {
    /// The encoded result, which is text for most values.
    Value(String),
    /// An encoded result that is not text, in hexadecimal.
    ValueHex(String),
    /// Name and message.
    Thrown(String, String),
    Refused(String),
    Unsupported(String),
    OutOfFuel,
    OutOfMemory,
    StackOverflow,
    Crashed(String),
}

impl From<&Outcome> for OutcomeRow {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Value(value) => match std::str::from_utf8(value) {
                Ok(text) => Self::Value(shortened(text)),
                Err(_) => {
                    Self::ValueHex(shortened(&value.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
                }
            },
            Outcome::Thrown(Thrown { name, message }) => Self::Thrown(shortened(name), shortened(message)),
            Outcome::Refused(reason) => Self::Refused(shortened(reason)),
            Outcome::Unsupported(reason) => Self::Unsupported(shortened(reason)),
            Outcome::OutOfFuel => Self::OutOfFuel,
            Outcome::OutOfMemory => Self::OutOfMemory,
            Outcome::StackOverflow => Self::StackOverflow,
            Outcome::Crashed(name) => Self::Crashed(shortened(name)),
        }
    }
}

/// The digest of executor, program and inputs of all runs, each with its length before it.
pub fn plan_digest(runs: &[ExecutedRun]) -> Option<Digest> {
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part);
    };
    for ExecutedRun { run, .. } in runs {
        put(&run.executor.to_le_bytes());
        put(run.program.as_bytes());
        put(&(run.inputs.len() as u64).to_le_bytes());
        run.inputs.iter().for_each(|input| put(input));
    }
    (!runs.is_empty()).then(|| Digest::of(bytes))
}

/// What each run came to.
pub fn run_rows(runs: &[ExecutedRun]) -> Vec<RunRow> {
    let row = |ExecutedRun { run, report }: &ExecutedRun| RunRow {
        executor: run.executor,
        outcomes: report.outcomes.iter().map(OutcomeRow::from).collect(),
        fuel: report.fuel,
    };
    runs.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::{Report, Run};

    #[test]
    fn outcomes_are_compact_and_different_ones_stay_different() {
        let row = |outcome: &Outcome| serde_json::to_string(&OutcomeRow::from(outcome)).unwrap();
        assert_eq!(row(&Outcome::Value(b"l1:i3;".to_vec())), r#"{"value":"l1:i3;"}"#);
        assert_eq!(row(&Outcome::Value(vec![0xff, 0x0a])), r#"{"value-hex":"ff0a"}"#);
        assert_eq!(row(&Outcome::OutOfFuel), r#""out-of-fuel""#);
        let thrown = Outcome::Thrown(Thrown { name: "ValueError".into(), message: "no".into() });
        assert_eq!(row(&thrown), r#"{"thrown":["ValueError","no"]}"#);
        let long = |end: &str| row(&Outcome::Value(format!("{}{end}", "é".repeat(1_000_000)).into_bytes()));
        assert!(long("a").len() < 1200 && long("a") != long("b"));
    }

    #[test]
    fn a_plan_is_told_from_any_other() {
        let run = |executor, program: &str, inputs: &[&str]| ExecutedRun {
            run: Run {
                executor,
                program: program.into(),
                inputs: inputs.iter().map(|i| i.as_bytes().to_vec()).collect(),
            },
            report: Report { outcomes: Vec::new(), fuel: 0 },
        };
        let plans = [
            plan_digest(&[run(0, "p", &["ab", "c"])]),
            plan_digest(&[run(0, "p", &["a", "bc"])]),
            plan_digest(&[run(0, "p", &["abc"])]),
            plan_digest(&[run(1, "p", &["abc"])]),
            plan_digest(&[run(0, "p", &[]), run(0, "p", &[])]),
            plan_digest(&[run(0, "p", &[])]),
            plan_digest(&[]),
        ];
        for (i, one) in plans.iter().enumerate() {
            assert!(plans[i + 1..].iter().all(|other| other != one), "{i}");
        }
    }
}
