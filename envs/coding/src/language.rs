//! What the judge has to be told about a language.

use std::fmt;

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Limits, Style};

use crate::examples::{Raising, Sample};

/// A programming language whose programs an executor runs.
pub trait Language {
    /// Of the environment.
    const NAME: &'static str;
    /// Of the environment, semver.
    const VERSION: &'static str;
    /// Whether there are benchmarks about programs of this language, whose own prompts the setting `protocol` chooses.
    const HAS_BENCHMARKS: bool = false;
    /// What a run may use.
    const LIMITS: Limits;
    const WORDING: Wording;
    /// Labels of fences that hold programs. A fence without a label does too.
    const PROGRAM_LABELS: &'static [&'static str];
    /// What begins a comment that ends with its line.
    const COMMENT: &'static str;
    /// The executor that repeats the calls of a proposal, last to first. Another one than the first where equal programs
    /// can come to different results in different executors.
    const SECOND_EXECUTOR: u32;
    /// Arguments of every type, as [`Language::print`] prints them: what self-play starts from.
    const SEED_INPUTS: &'static [&'static str];
    /// Programs whose results are known.
    const SAMPLES: &'static [Sample];
    /// Programs whose exceptions are known.
    const RAISING: &'static [Raising];
    /// A program that measures the text of a program. Its result is a tuple: cognitive complexity divided by 15, a mix of
    /// Halstead's metrics, and the syntax tree as compact JSON in ASCII. Not every language has one.
    const MEASURING: Option<&'static str>;
    /// A program that checks whether the text of a program builds on functions, given the list of their names. Its result
    /// is a tuple of two texts: the names that `f` does not call, and those that the program defines anew.
    const COMPOSITION: Option<&'static str>;
    /// The exceptions that error deduction asks for, by their names: those of the language itself, without those that tell
    /// of the limits or surroundings of a run.
    const EXCEPTIONS: &'static [&'static str];

    /// A program whose `f` returns its only argument.
    fn identity(style: Style) -> &'static str;

    /// Reads one literal. Evaluates nothing.
    fn parse(text: &str) -> Result<Value, NotAValue>;

    /// Reads the literals between the parentheses of a call.
    fn parse_arguments(text: &str) -> Result<Arguments, NotAValue>;

    /// Reads the arguments of a call where a task is made: expressions as well, as far as the judge can compute them. A
    /// task keeps the literals of their values.
    fn evaluate_arguments(text: &str) -> Result<Arguments, NotAValue> {
        Self::parse_arguments(text)
    }

    /// A program whose function `f` is called `name`, for others to build on; none of a program that is more than a function.
    fn renamed(program: &str, name: &str) -> Option<String>;

    /// A program whose `f`, called without arguments, calls that of another program with arguments of which some are
    /// functions; none where they are not. A function has no literal, so an interpreter must make it.
    fn with_functions(_program: &str, _arguments: &str) -> Option<String> {
        None
    }

    /// The parameters of the program's `f`; none where they cannot be read from its text.
    fn parameters(_program: &str) -> Option<Vec<Parameter>> {
        None
    }

    /// The literal of a value. A value of which [`Language::parse`] reads something else cannot be part of a task.
    fn print(value: &Value) -> String;
}

/// What prompts in English say about the language.
pub struct Wording {
    pub language: &'static str,
    /// Of the fences that a program is asked in.
    pub label: &'static str,
    /// What a program must be, for whoever writes one: lines of a list.
    pub code_rules: &'static str,
    /// What a definition of `f` begins with, up to its parameters.
    pub opening: &'static str,
    /// What stands before a call that is compared with its result, and between the two.
    pub assertion: &'static str,
    pub equals: &'static str,
    /// Of a program with one argument.
    pub frame: &'static str,
    /// How a result is to be written, after "Give the result".
    pub how_to_print: &'static str,
    /// What error deduction calls an exception, with examples of them.
    pub exceptions: &'static str,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub passing: Passing,
    /// What it is bound to where no argument is passed, or what stands for that; none where one must be.
    pub default: Option<Value>,
}

/// How the argument of a parameter is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    Position,
    PositionOrKeyword,
    Keyword,
    /// All further positional arguments.
    Rest,
    /// All further keyword arguments.
    OtherKeywords,
}

/// The arguments of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    pub positional: Vec<Value>,
    /// In the order they were written; no name twice. Not every language has them.
    pub keyword: Vec<(String, Value)>,
}

impl Arguments {
    pub fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.keyword.is_empty()
    }

    /// What the executor takes for one call: a tuple of the positional tuple and the keyword dict.
    pub fn encode(&self) -> Vec<u8> {
        self.as_value().encode()
    }

    /// Equal for equal calls, whatever the order of the keywords.
    pub fn canonical(&self) -> Vec<u8> {
        self.as_value().canonical()
    }

    /// As they stand between the parentheses of the call.
    pub fn print<L: Language>(&self) -> String {
        let mut parts: Vec<String> = self.positional.iter().map(L::print).collect();
        parts.extend(self.keyword.iter().map(|(name, value)| format!("{name}={}", L::print(value))));
        parts.join(", ")
    }

    /// A tuple of the positional tuple and the keyword dict.
    pub fn as_value(&self) -> Value {
        let keyword = self.keyword.iter().map(|(name, value)| (Value::Str(name.clone()), value.clone()));
        Value::Tuple(vec![Value::Tuple(self.positional.clone()), Value::Dict(keyword.collect())])
    }
}

/// Why a text is not a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAValue {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub reason: String,
}

impl NotAValue {
    /// At a byte offset of the text.
    pub fn new(text: &str, at: usize, reason: impl Into<String>) -> NotAValue {
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        NotAValue {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            reason: reason.into(),
        }
    }

    /// Names what stands at a byte offset of the text instead of what should.
    pub fn unexpected(text: &str, at: usize, wanted: &str) -> NotAValue {
        let rest = &text[at..];
        let found: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').take(30).collect();
        let found = match (found.is_empty(), rest.chars().next()) {
            (false, _) => format!("`{found}`"),
            (true, Some(c)) => format!("`{}`", c.escape_debug()),
            (true, None) => "the end".to_owned(),
        };
        NotAValue::new(text, at, format!("expected {wanted}, found {found}"))
    }
}

impl fmt::Display for NotAValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}
