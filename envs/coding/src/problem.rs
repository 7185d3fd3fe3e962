//! What the bodies of tasks hold.

use azr_guest_sdk::{Style, Task};
use serde::{Deserialize, Serialize};

use crate::Language;
use crate::kind::Kind;
use crate::settings::Settings;

/// A task of this environment, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Deduction(Call),
    Abduction(Call),
    Induction(Examples),
    /// Its output is the name of an exception, or [`NO_ERROR`].
    ErrorDeduction(Call),
}

/// The answer where no exception escapes. No exception of a language is called so.
pub const NO_ERROR: &str = "NoError";

/// One call of a program. Fields in alphabetical order, which is the canonical order of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The text between the parentheses of the call.
    pub input: String,
    /// The result, as the language prints it; for error deduction how the call ends.
    pub output: String,
    pub program: String,
}

/// Several calls of a program. Fields in alphabetical order, which is the canonical order of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    pub inputs: Vec<String>,
    /// A hint for the solver; empty if there is none.
    pub message: String,
    /// One for each input.
    pub outputs: Vec<String>,
    pub program: String,
}

impl Examples {
    fn shown_count(&self) -> usize {
        self.inputs.len().div_ceil(2)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inputs.iter().map(String::as_str).zip(self.outputs.iter().map(String::as_str))
    }

    /// The pairs that the solver sees.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs().take(self.shown_count())
    }

    /// The pairs that the solver's program is tested with.
    pub fn hidden(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs().skip(self.shown_count())
    }
}

impl Problem {
    /// Opens a task. The host hands back what this environment made, so anything else is a fault.
    pub fn read(task: &Task) -> Problem {
        let fail = |error: serde_json::Error| panic!("a body that is not of a task of kind {}: {error}", task.kind);
        match Kind::named(&task.kind) {
            Kind::Deduction => Problem::Deduction(serde_json::from_str(&task.body).unwrap_or_else(fail)),
            Kind::Abduction => Problem::Abduction(serde_json::from_str(&task.body).unwrap_or_else(fail)),
            Kind::ErrorDeduction => Problem::ErrorDeduction(serde_json::from_str(&task.body).unwrap_or_else(fail)),
            Kind::Induction => {
                let examples: Examples = serde_json::from_str(&task.body)
                    .unwrap_or_else(|error| panic!("not the body of an induction task: {error}"));
                assert_eq!(
                    examples.inputs.len(),
                    examples.outputs.len(),
                    "an induction task needs as many outputs as inputs"
                );
                Problem::Induction(examples)
            }
        }
    }

    pub fn task(&self) -> Task {
        let (kind, body) = match self {
            Problem::Deduction(call) => (Kind::Deduction, serde_json::to_string(call)),
            Problem::Abduction(call) => (Kind::Abduction, serde_json::to_string(call)),
            Problem::ErrorDeduction(call) => (Kind::ErrorDeduction, serde_json::to_string(call)),
            Problem::Induction(examples) => (Kind::Induction, serde_json::to_string(examples)),
        };
        Task { kind: kind.name().into(), body: body.expect("strings and lists of strings are always JSON") }
    }

    /// The call that it is about, if it is about one.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Problem::Deduction(call) | Problem::Abduction(call) | Problem::ErrorDeduction(call) => Some(call),
            Problem::Induction(_) => None,
        }
    }

    pub fn program(&self) -> &str {
        match self {
            Problem::Deduction(call) | Problem::Abduction(call) | Problem::ErrorDeduction(call) => &call.program,
            Problem::Induction(examples) => &examples.program,
        }
    }
}

/// What self-play starts from: the identity function, once for each kind.
pub fn seeds<L: Language>(style: Style, settings: &Settings) -> Vec<Problem> {
    let program = L::identity(style).to_owned();
    // Integers without end, after values of every type.
    let integers = (10..).map(|number: u32| number.to_string());
    let inputs: Vec<String> =
        L::SEED_INPUTS.iter().map(|input| input.to_string()).chain(integers).take(settings.induction_inputs).collect();
    let first = inputs[0].clone();
    let call = Call { input: first.clone(), output: first, program: program.clone() };
    let message = match style {
        Style::Instruct => "Write a function that returns its only argument as it is.",
        Style::Compact => "",
    };
    let examples = Examples { outputs: inputs.clone(), inputs, message: message.into(), program };
    let harmless = Call { output: NO_ERROR.into(), ..call.clone() };
    vec![
        Problem::Deduction(call.clone()),
        Problem::Abduction(call),
        Problem::Induction(examples),
        Problem::ErrorDeduction(harmless),
    ]
}
