//! From a completion to a verdict.

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{Report, Run, Style, Verdict};
use coding_judge::completion::{Read, program_in};
use coding_judge::outcome;

use crate::compare;
use crate::problem::{Asserts, Function, Method, Problem, Stdin};
use crate::published::Test;

/// So many runs share the inputs of a task: a run costs little, but an endless loop costs all the fuel of each.
pub const RUNS: usize = 8;

const LABELS: &[&str] = &["python", "python3", "py"];

fn answer(style: Style, completion: &str) -> Read<String> {
    program_in(style, completion, LABELS)
}

pub fn plan(style: Style, problem: &Problem, completion: &str) -> Vec<Run> {
    let solution = answer(style, completion).content;
    if solution.is_empty() {
        return Vec::new();
    }
    match problem {
        Problem::Function(Function { entry_point, inputs, reference, task_id, .. }) => {
            let call = |input: &String| arguments([input, entry_point, task_id]);
            let calls: Vec<Vec<u8>> = inputs.iter().map(call).collect();
            let runs = |source: &str| -> Vec<Run> {
                chunks(&calls).map(|calls| run(FUNCTION, source, calls.to_vec())).collect()
            };
            [runs(&solution), runs(reference)].concat()
        }
        Problem::Method(Method { entry_point, tests, .. }) => {
            let call = |test: &Test| arguments([&test.input, entry_point]);
            let calls: Vec<Vec<u8>> = unpacked(tests.read()).iter().map(call).collect();
            chunks(&calls).map(|calls| run(METHOD, &solution, calls.to_vec())).collect()
        }
        Problem::Stdin(Stdin { tests, .. }) => {
            let tests = unpacked(tests.read());
            chunks(&tests).map(|tests| stdin_run(&solution, tests.iter().map(|test| &*test.input))).collect()
        }
        Problem::Asserts(Asserts { tests, .. }) => vec![run(ASSERTS, &solution, vec![arguments([tests])])],
    }
}

/// A run of a program that reads its input and writes its output, once for each input.
pub fn stdin_run<'a>(program: &str, inputs: impl IntoIterator<Item = &'a str>) -> Run {
    run(STDIN, program, inputs.into_iter().map(|input| arguments([input])).collect())
}

/// What calls a solution, and whether LiveCodeBench's imports stand before it.
struct Caller {
    program: &'static str,
    prepared: &'static str,
}

const FUNCTION: Caller = Caller { program: include_str!("programs/function.py"), prepared: "False" };
const METHOD: Caller = Caller { program: include_str!("programs/method.py"), prepared: "True" };
const STDIN: Caller = Caller { program: include_str!("programs/stdin.py"), prepared: "True" };
const ASSERTS: Caller = Caller { program: include_str!("programs/asserts.py"), prepared: "False" };

fn run(caller: Caller, source: &str, inputs: Vec<Vec<u8>>) -> Run {
    let Caller { program, prepared } = caller;
    // A text as JSON is the same text in Python.
    let source = serde_json::to_string(source).expect("a text is always JSON");
    let solution = include_str!("programs/solution.py");
    Run { executor: 0, program: format!("SOURCE = {source}\nPREPARED = {prepared}\n{solution}\n{program}"), inputs }
}

/// The arguments of one call, as the executor takes them.
fn arguments<const COUNT: usize>(texts: [impl AsRef<str>; COUNT]) -> Vec<u8> {
    let texts = texts.into_iter().map(|text| Value::Str(text.as_ref().to_owned()));
    Value::Tuple(vec![Value::Tuple(texts.collect()), Value::Dict(Vec::new())]).encode()
}

/// Neighbours together: how the inputs of a task are divided among runs.
fn chunks<T>(inputs: &[T]) -> impl Iterator<Item = &[T]> {
    inputs.chunks(inputs.len().div_ceil(RUNS))
}

fn unpacked(tests: Result<Vec<Test>, String>) -> Vec<Test> {
    tests.unwrap_or_else(|why| panic!("the task's tests, which could be read when it was imported: {why}"))
}

pub fn judge(style: Style, problem: &Problem, completion: &str, reports: &[Report]) -> Verdict {
    let Read { content: answer, well_formed } = answer(style, completion);
    let judged = match problem {
        _ if answer.is_empty() => Err("the answer has no program".into()),
        Problem::Function(function) => agrees(function, reports),
        Problem::Method(Method { tests, .. }) => passes(&unpacked(tests.read()), reports, compare::returned),
        Problem::Stdin(Stdin { tests, .. }) => {
            passes(&unpacked(tests.read()), reports, |value, output| match value {
                Value::Str(written) => compare::written(written, output),
                // The interpreter belongs to the program.
                _ => Err("not a text".into()),
            })
        }
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
    let (solution, reference) = reports.split_at(reports.len() / 2);
    let mut number = 0;
    for (inputs, (solution, reference)) in chunks(&function.inputs).zip(solution.iter().zip(reference)) {
        for (index, input) in inputs.iter().enumerate() {
            number += 1;
            let expected = result(reference, index)
                .map_err(|why| format!("the reference solution cannot be run with input {number}: {why}"))?;
            result(solution, index)
                .and_then(|value| compare::agrees(function, input, &value, &expected))
                .map_err(|why| format!("input {number}: {why}"))?;
        }
    }
    Ok(())
}

fn passes(
    tests: &[Test],
    reports: &[Report],
    compare: impl Fn(&Value, &str) -> Result<(), String>,
) -> Result<(), String> {
    let mut number = 0;
    for (tests, report) in chunks(tests).zip(reports) {
        for (index, test) in tests.iter().enumerate() {
            number += 1;
            result(report, index)
                .and_then(|value| compare(&value, &test.output))
                .map_err(|why| format!("test {number}: {why}"))?;
        }
    }
    Ok(())
}

/// What a call came to. A run ends with its first call without a value, which is the last one that is asked for.
fn result(report: &Report, index: usize) -> Result<Value, String> {
    let outcome = report.outcomes.get(index).ok_or("the program was not called")?;
    outcome::value(outcome).map_err(|none| none.message)
}
