//! What the bodies of tasks hold.

use azr_guest_sdk::Task;
use serde::{Deserialize, Serialize};

use crate::published::PublishedTests;

/// A task of this environment, opened.
#[derive(Clone, Debug)]
pub enum Problem {
    Function(Function),
    Method(Method),
    Stdin(Stdin),
    Asserts(Asserts),
}

/// A function that must return what a reference solution returns. Fields in alphabetical order, which is the canonical
/// order of the body; so below.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Absolute tolerance for floats; 0 for EvalPlus's own.
    pub atol: f64,
    /// So many inputs are those of the original data set: EvalPlus makes the calls with the others in a second process. None
    /// where all are made in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_count: Option<usize>,
    pub entry_point: String,
    /// The arguments of each call: a list as JSON, as it was published.
    pub inputs: Vec<String>,
    pub question: String,
    pub reference: String,
    /// Of the data set. Some have inputs or comparisons of their own.
    pub task_id: String,
}

/// A method of a class `Solution`, or a function, that must return what the tests say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    pub entry_point: String,
    pub question: String,
    pub starter_code: String,
    pub tests: PublishedTests,
}

/// A program that must write to its output what the tests say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stdin {
    pub question: String,
    pub tests: PublishedTests,
}

/// Definitions with which a program of assertions must run to its end, in the same interpreter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asserts {
    pub question: String,
    pub tests: String,
}

/// Each kind, with what it asks.
pub const KINDS: [(&str, &str); 4] = [
    ("function", "Write a function that returns what a reference solution returns."),
    ("method", "Complete a class or function, so that calls of it return what they should."),
    ("stdin", "Write a program that reads its input and writes the right output."),
    ("asserts", "Write a function that passes a program of assertions, which it could tamper with."),
];

impl Problem {
    /// Opens a task. The host hands back what this environment made, so anything else is a fault.
    pub fn read(task: &Task) -> Problem {
        let opened = match task.kind.as_str() {
            "function" => serde_json::from_str(&task.body).map(Problem::Function),
            "method" => serde_json::from_str(&task.body).map(Problem::Method),
            "stdin" => serde_json::from_str(&task.body).map(Problem::Stdin),
            "asserts" => serde_json::from_str(&task.body).map(Problem::Asserts),
            other => panic!("{other} is not a kind of this environment"),
        };
        opened.unwrap_or_else(|error| panic!("not the body of a task of kind {}: {error}", task.kind))
    }

    pub fn task(&self) -> Task {
        let body = match self {
            Problem::Function(function) => serde_json::to_string(function),
            Problem::Method(method) => serde_json::to_string(method),
            Problem::Stdin(stdin) => serde_json::to_string(stdin),
            Problem::Asserts(asserts) => serde_json::to_string(asserts),
        };
        Task { kind: self.kind().into(), body: body.expect("texts and finite numbers are always JSON") }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Problem::Function(_) => "function",
            Problem::Method(_) => "method",
            Problem::Stdin(_) => "stdin",
            Problem::Asserts(_) => "asserts",
        }
    }

    pub fn question(&self) -> &str {
        match self {
            Problem::Function(Function { question, .. })
            | Problem::Method(Method { question, .. })
            | Problem::Stdin(Stdin { question, .. })
            | Problem::Asserts(Asserts { question, .. }) => question,
        }
    }
}
