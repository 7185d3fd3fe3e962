//! From a completion to a verdict.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Level, Report, Run, Verdict, log};
use coding_judge::completion::Read;
use coding_judge::outcome;

use crate::compare::{self, Comparison};
use crate::form::Form;
use crate::problem::{Asserts, Function, Method, Problem, Stdin};
use crate::published::Test;
use crate::sequence::{Returned, Sequence, VALUE_MAX_BYTES};

/// So many runs share the inputs of a task with a reference: a run costs little, but an endless loop costs all the fuel of
/// each. EvalPlus limits the time of all inputs together.
pub const RUNS: usize = 8;
/// So many runs share the inputs for the reference, which has no endless loop, and must not fail.
pub const REFERENCE_RUNS: usize = 24;
/// So many runs share the tests of a task, most of which have no more: LiveCodeBench limits the time of each test.
pub const TEST_RUNS: usize = 32;

pub fn plan(form: Form, problem: &Problem, completion: &str) -> Vec<Run> {
    let solution = form.solution(problem, completion).content;
    if solution.is_empty() {
        return Vec::new();
    }
    let source = match (form, problem) {
        (Form::EvalPlusChat | Form::EvalPlusBase, Problem::Function(Function { entry_point, .. })) => {
            format!("harness.definitions({}, {})", quoted(&solution), quoted(entry_point))
        }
        (Form::EvalPlusChat | Form::EvalPlusBase, _) => format!("harness.definitions({})", quoted(&solution)),
        _ => quoted(&solution),
    };
    match problem {
        Problem::Function(function) => {
            let runs = |source: &str, runs_max| {
                let program = program("function", source, Some(&function.task_id));
                function_calls(function, runs_max).runs(&program, &[&function.entry_point])
            };
            [runs(&source, RUNS), runs(&quoted(&function.reference), REFERENCE_RUNS)].concat()
        }
        Problem::Method(Method { entry_point, tests, .. }) => {
            let tests = unpacked(tests.read());
            method_calls(&tests).runs(&program("method", &source, None), &[entry_point])
        }
        Problem::Stdin(Stdin { tests, .. }) => {
            let tests = unpacked(tests.read());
            chunks(&tests).map(|tests| stdin_run(&solution, tests.iter().map(|test| &*test.input))).collect()
        }
        Problem::Asserts(Asserts { tests, .. }) => {
            vec![Run { executor: 0, program: program("asserts", &source, None), inputs: vec![text_argument(tests)] }]
        }
    }
}

fn function_calls(function: &Function, runs_max: usize) -> Sequence<'_> {
    let inputs = function.inputs.iter().map(String::as_str).collect();
    Sequence { inputs, begin_anew_at: function.base_count, runs_max }
}

fn method_calls(tests: &[Test]) -> Sequence<'_> {
    Sequence { inputs: tests.iter().map(|test| &*test.input).collect(), begin_anew_at: None, runs_max: TEST_RUNS }
}

/// A run of a program that reads its input and writes its output, once for each input.
pub fn stdin_run<'a>(solution: &str, inputs: impl IntoIterator<Item = &'a str>) -> Run {
    Run {
        executor: 0,
        program: program("stdin", &quoted(solution), None),
        inputs: inputs.into_iter().map(text_argument).collect(),
    }
}

/// The program that calls a solution, by one of the functions of `executor/harness.py`. `source` is an expression.
fn program(caller: &str, source: &str, task_id: Option<&str>) -> String {
    let more = task_id.map_or(String::new(), |task_id| format!(", {}", quoted(task_id)));
    format!("import harness\nf = harness.{caller}({source}, __builtins__{more})")
}

/// A text as JSON, which is the same text in Python.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is always JSON")
}

fn text_argument(text: &str) -> Vec<u8> {
    let arguments = Value::Tuple(vec![Value::Str(text.to_owned())]);
    Value::Tuple(vec![arguments, Value::Dict(Vec::new())]).encode()
}

/// Neighbours together: how the tests of a task are divided among runs.
fn chunks<T>(tests: &[T]) -> impl Iterator<Item = &[T]> {
    tests.chunks(tests.len().div_ceil(TEST_RUNS))
}

fn unpacked(tests: Result<Vec<Test>, String>) -> Vec<Test> {
    tests.unwrap_or_else(|why| panic!("the task's tests, which could be read when it was imported: {why}"))
}

pub fn judge(form: Form, problem: &Problem, completion: &str, reports: &[Report]) -> Verdict {
    let Read { content: answer, well_formed } = form.solution(problem, completion);
    let judged = match problem {
        _ if answer.is_empty() => Err("the answer has no program".into()),
        Problem::Function(function) => agrees(function, reports),
        Problem::Method(Method { tests, .. }) => returns(&unpacked(tests.read()), reports),
        Problem::Stdin(Stdin { tests, .. }) => writes(&unpacked(tests.read()), reports),
        Problem::Asserts(_) => result(&reports[0], 0).map(|_| ()),
    };
    let (score, reason) = match judged {
        Ok(()) => (1.0, "right".into()),
        Err(reason) => (0.0, reason),
    };
    Verdict { score, well_formed, answer, reason }
}

/// Whether the solution returns what the reference returns.
fn agrees(function: &Function, reports: &[Report]) -> Result<(), String> {
    let (of_solution, of_reference) = (function_calls(function, RUNS), function_calls(function, REFERENCE_RUNS));
    let (solution, reference) = reports.split_at(of_solution.run_count());
    let (mut solution, mut reference) = (of_solution.results(solution), of_reference.results(reference));
    if let Some((number, why)) = reference.first_failure() {
        at_fault(function, number, &why);
    }
    let mut comparison = Comparison::of(function);
    for (number, input) in (1..).zip(&function.inputs) {
        if function.base_count == Some(number - 1) {
            comparison = Comparison::of(function);
        }
        let expected = reference.next_call().unwrap_or_else(|why| at_fault(function, number, &why));
        solution
            .next_call()
            .and_then(|value| comparison.agrees(input, &value, &expected))
            .map_err(|why| format!("input {number}: {why}"))?;
    }
    Ok(())
}

/// The task itself cannot be judged. That is nothing an attempt could be blamed for, so it must not become a verdict.
fn at_fault(function: &Function, number: usize, why: &str) -> ! {
    let message = format!(
        "task {}: its reference solution cannot be run with input {number}: {why}; leave the line out, or grant more fuel and \
         memory",
        function.task_id
    );
    log(Level::Warn, &message);
    panic!("{message}")
}

/// Whether a function returns what the tests say.
fn returns(tests: &[Test], reports: &[Report]) -> Result<(), String> {
    let calls = method_calls(tests);
    let mut results = calls.results(reports);
    for (number, test) in (1..).zip(tests) {
        let compared = results.next_call().and_then(|returned| match returned {
            Returned::Value(value) => compare::returned(&value, &test.output),
            Returned::Digest(_) => Err("a result that is no plain value, or too large".into()),
        });
        compared.map_err(|why| format!("test {number}: {why}"))?;
    }
    Ok(())
}

/// Whether a program writes what the tests say.
fn writes(tests: &[Test], reports: &[Report]) -> Result<(), String> {
    let mut number = 0;
    for (tests, report) in chunks(tests).zip(reports) {
        for (index, test) in tests.iter().enumerate() {
            number += 1;
            let compared = result(report, index).and_then(|value| match value {
                Value::Str(written) => compare::written(&written, &test.output),
                // The interpreter belongs to the program.
                _ => Err("not a text".into()),
            });
            compared.map_err(|why| format!("test {number}: {why}"))?;
        }
    }
    Ok(())
}

/// What a call came to. A run ends with its first call without a value, which is the last one that is asked for.
fn result(report: &Report, index: usize) -> Result<Value, String> {
    let outcome = report.outcomes.get(index).ok_or("the program was not called")?;
    outcome::value_within(outcome, VALUE_MAX_BYTES).map_err(|none| none.message)
}
