//! From a solver's completion to a verdict.
//!
//! The right answer is in the judge's memory only: runs hold the program and arguments, never what they should come to.
//! They are made as when the task was validated, two calls in one instance: a program that could tell the one from the
//! other could show the solver another face than the judge.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Report, Run, Verdict};

use crate::completion::Field;
use crate::form::Form;
use crate::outcome::{self, NOT_DETERMINISTIC};
use crate::problem::{Call, Examples, NO_ERROR, Problem};
use crate::settings::{InductionScore, Settings};
use crate::{Arguments, Language, NotAValue};

pub fn plan<L: Language>(form: Form, problem: &Problem, completion: &str) -> Vec<Run> {
    match problem {
        Problem::Deduction(_) | Problem::ErrorDeduction(_) => Vec::new(),
        Problem::Abduction(call) => {
            let answer = form.answered_value::<L>(call, completion, Field::Input).content;
            abduction_run::<L>(form, call, &answer).into_iter().collect()
        }
        Problem::Induction(examples) => {
            let program = form.answered_program::<L>(completion).content;
            if program.is_empty() {
                return Vec::new();
            }
            examples.hidden().map(|(input, _)| run(&program, &gold_arguments::<L>(input))).collect()
        }
    }
}

fn run(program: &str, arguments: &Arguments) -> Run {
    Run { executor: 0, program: program.to_owned(), inputs: vec![arguments.encode(); 2] }
}

/// The run of a program with an answer as its arguments.
fn abduction_run<L: Language>(form: Form, call: &Call, answer: &str) -> Result<Run, NotAValue> {
    read_arguments::<L>(form, answer).map(|arguments| run(&call.program, &arguments)).or_else(|none| match form {
        // Where nobody is paid for it: the functions share an interpreter with the program.
        Form::CruxEval(_) => {
            let program = L::with_functions(&call.program, bare_arguments(answer)).ok_or(none)?;
            Ok(run(&program, &Arguments { positional: Vec::new(), keyword: Vec::new() }))
        }
        Form::Own(_) | Form::Brief => Err(none),
    })
}

pub fn judge<L: Language>(
    form: Form,
    settings: &Settings,
    problem: &Problem,
    completion: &str,
    reports: &[Report],
) -> Verdict {
    let (answer, (score, reason)) = match problem {
        Problem::Deduction(call) => {
            let answer = form.answered_value::<L>(call, completion, Field::Output);
            let judged = deduced::<L>(form, call, &answer.content);
            (answer, judged)
        }
        Problem::Abduction(call) => {
            let answer = form.answered_value::<L>(call, completion, Field::Input);
            let judged = abduced::<L>(form, call, &answer.content, reports);
            (answer, judged)
        }
        Problem::Induction(examples) => {
            let answer = form.answered_program::<L>(completion);
            let judged = induced::<L>(examples, &answer.content, reports, settings);
            (answer, judged)
        }
        Problem::ErrorDeduction(call) => {
            let answer = form.answered_value::<L>(call, completion, Field::Output);
            let judged = error_deduced::<L>(call, &answer.content);
            (answer, judged)
        }
    };
    Verdict { score, well_formed: answer.well_formed, answer: answer.content, reason }
}

fn deduced<L: Language>(form: Form, call: &Call, answer: &str) -> (f64, String) {
    match read_value::<L>(form, answer) {
        Ok(value) if value == gold_value::<L>(&call.output) => right(),
        Ok(_) => wrong("the output is another value"),
        Err(error) => wrong(format!("the answer is not a {} literal: {error}", L::WORDING.language)),
    }
}

fn error_deduced<L: Language>(call: &Call, answer: &str) -> (f64, String) {
    if answer == call.output {
        right()
    } else if answer == NO_ERROR || L::EXCEPTIONS.contains(&answer) {
        wrong("the call ends otherwise")
    } else {
        wrong("the answer is not the name of an exception that may be asked for")
    }
}

fn abduced<L: Language>(form: Form, call: &Call, answer: &str, reports: &[Report]) -> (f64, String) {
    if let Err(error) = abduction_run::<L>(form, call, answer) {
        return wrong(format!("the answer is not a list of {} literals: {error}", L::WORDING.language));
    }
    let [report] = reports else { panic!("one report for the planned run") };
    match returned::<L>(report) {
        Ok(value) if value == gold_value::<L>(&call.output) => right(),
        Ok(value) => wrong(format!("with this input f returns {}", shortened::<L>(&value))),
        Err(why) => wrong(format!("with this input: {why}")),
    }
}

fn induced<L: Language>(examples: &Examples, program: &str, reports: &[Report], settings: &Settings) -> (f64, String) {
    if program.is_empty() {
        return wrong("the answer has no program");
    }
    let hidden: Vec<&str> = examples.hidden().map(|(_, output)| output).collect();
    assert_eq!(reports.len(), hidden.len(), "one report for each hidden input");
    let mut right_count = 0_usize;
    let mut first_failure = None;
    for (index, (report, output)) in reports.iter().zip(&hidden).enumerate() {
        let failure = match returned::<L>(report) {
            Ok(value) if value == gold_value::<L>(output) => {
                right_count += 1;
                continue;
            }
            Ok(_) => "another output".to_owned(),
            Err(why) => why,
        };
        first_failure = first_failure.or(Some(format!("hidden input {}: {failure}", index + 1)));
    }
    let Some(failure) = first_failure else { return right() };
    let score = match settings.induction_score {
        InductionScore::All => 0.0,
        InductionScore::Fraction => right_count as f64 / hidden.len() as f64,
    };
    (score, format!("right for {right_count} of {} hidden inputs; {failure}", hidden.len()))
}

/// What a run returned, or why it returned nothing.
fn returned<L: Language>(report: &Report) -> Result<Value, String> {
    outcome::called_twice::<L>(report).map_err(|none| match none.code {
        // One of the two results may be the right answer.
        NOT_DETERMINISTIC => "the same call came to different results".to_owned(),
        _ => none.message,
    })
}

/// The value of a deduction answer. CRUXEval puts it behind `assert … ==`, where it may be an expression, and a comma ends it.
fn read_value<L: Language>(form: Form, answer: &str) -> Result<Value, NotAValue> {
    if let Form::CruxEval(_) = form
        && let Ok(Arguments { positional, keyword }) = L::evaluate_arguments(answer)
        && keyword.is_empty()
        && let Some(first) = positional.into_iter().next()
    {
        return Ok(first);
    }
    L::parse(answer)
}

/// The arguments of an abduction answer, with or without the call around them.
fn read_arguments<L: Language>(form: Form, answer: &str) -> Result<Arguments, NotAValue> {
    let arguments = bare_arguments(answer);
    match form {
        Form::CruxEval(_) => L::evaluate_arguments(arguments),
        Form::Own(_) | Form::Brief => L::parse_arguments(arguments),
    }
}

fn bare_arguments(answer: &str) -> &str {
    answer.trim().strip_prefix("f(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(answer)
}

/// A task's own value. It was printed by the language, which reads it back.
fn gold_value<L: Language>(text: &str) -> Value {
    L::parse(text).unwrap_or_else(|error| panic!("the task's output is not a value: {error}"))
}

fn gold_arguments<L: Language>(text: &str) -> Arguments {
    L::parse_arguments(text).unwrap_or_else(|error| panic!("the task's input is not a list of values: {error}"))
}

fn shortened<L: Language>(value: &Value) -> String {
    const CHARS: usize = 200;
    let text = L::print(value);
    if text.chars().count() <= CHARS { text } else { text.chars().take(CHARS).chain("…".chars()).collect() }
}

fn right() -> (f64, String) {
    (1.0, "right".to_owned())
}

fn wrong(reason: impl Into<String>) -> (f64, String) {
    (0.0, reason.into())
}
