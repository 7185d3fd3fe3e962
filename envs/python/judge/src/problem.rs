//! What the bodies of tasks hold.

use azr_guest_sdk::{Style, Task};
use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::settings::Settings;

/// A task of this environment, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Deduction(Call),
    Abduction(Call),
    Induction(Examples),
}

/// One call of a program. Fields in alphabetical order, which is the canonical order of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The text between the parentheses of the call.
    pub input: String,
    /// The result, as `repr` prints it.
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
            Problem::Induction(examples) => (Kind::Induction, serde_json::to_string(examples)),
        };
        Task { kind: kind.name().into(), body: body.expect("strings and lists of strings are always JSON") }
    }

    pub fn program(&self) -> &str {
        match self {
            Problem::Deduction(call) | Problem::Abduction(call) => &call.program,
            Problem::Induction(examples) => &examples.program,
        }
    }
}

/// What self-play starts from: the identity function, once for each kind.
pub fn seeds(style: Style, settings: &Settings) -> Vec<Problem> {
    let program = identity(style).to_owned();
    let call = Call { input: "'Hello world'".into(), output: "'Hello world'".into(), program: program.clone() };
    let inputs: Vec<String> = mixed_inputs().take(settings.induction_inputs).collect();
    let message = match style {
        Style::Instruct => "Write a function that returns its only argument as it is.",
        Style::Compact => "",
    };
    let examples = Examples { outputs: inputs.clone(), inputs, message: message.into(), program };
    vec![Problem::Deduction(call.clone()), Problem::Abduction(call), Problem::Induction(examples)]
}

/// The program of the seeds, indented as the style does.
pub fn identity(style: Style) -> &'static str {
    match style {
        Style::Instruct => "def f(a):\n    return a",
        Style::Compact => "def f(a):\n return a",
    }
}

/// Values of every type, then integers without end.
fn mixed_inputs() -> impl Iterator<Item = String> {
    let of_every_type = [
        "'Hello world'",
        "1",
        "{'a': 1, 'b': 2}",
        "(1.1, 1.2, 1.3)",
        "'[[1, 0], [0, 0]]'",
        "1001101100010001",
        "[3, 1, 2]",
        "None",
        "True",
        "2.5",
        "'a b'",
        "{1, 2}",
    ];
    of_every_type.into_iter().map(String::from).chain((10..).map(|number: u32| number.to_string()))
}
