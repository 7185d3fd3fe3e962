//! Code generation: programming problems of published benchmarks, judged by running the solution.
//!
//! # Data sets
//!
//! A line is a problem in one of the formats in which they are published; further keys are not looked at.
//!
//! | keys | kind | data sets |
//! |---|---|---|
//! | `prompt`, `entry_point`, `canonical_solution`, `base_input`, perhaps `plus_input` and `atol` | function | HumanEvalPlus.jsonl and MbppPlus.jsonl of EvalPlus |
//! | `question_content`, `starter_code`, `public_test_cases`, `private_test_cases`, `metadata` | stdin, or method where `metadata` has a `func_name` | LiveCodeBench, code_generation_lite |
//! | `prompt`, `entry_point`, `test` | asserts | HumanEval; the Hugging Face edition of HumanEval+ |
//! | `text` or `prompt`, `test_list`, perhaps `test` | asserts | MBPP; the Hugging Face edition of MBPP+ |
//! | `inputs` and `outputs` as lists, perhaps `fn_name`; or an object of these, perhaps as text, in `input_output` or in `reward_model.ground_truth`; the question in `question`, `problem` or `prompt` | stdin, or method where there is a `fn_name` | APPS, TACO; rows of veRL and PRIME |
//!
//! Lines are JSON as Python writes it: with `NaN` and `Infinity`, integers of any size, and floats to their last bit.
//!
//! A line is refused where its tests cannot tell a right solution from a wrong one: without a single assertion that is made,
//! as in unittest's classes, with empty outputs only, with arguments and results that are no JSON, or in another language.
//!
//! # How a solution is judged
//!
//! A solution runs alone and is given inputs only. What it returns or prints is compared here, by the rules of the
//! benchmarks: with the results of the reference solution, which runs in other sandboxes (function), or with the outputs of
//! the tests, which are in no sandbox (method, stdin). There is nothing to forge.
//!
//! It is different with *asserts*: there the assertions, expected results and all, run in the interpreter of the solution,
//! which can see and change them. Such a verdict is worth something as long as nobody is paid for it, so these lines are
//! refused unless the setting `asserts` accepts them.
//!
//! A reference solution that fails is the line's fault: judging an attempt at it is a fault of the environment, which says
//! which task and why, and no verdict.
//!
//! | | benchmark | here |
//! |---|---|---|
//! | time | EvalPlus: per input, 4 to 8 times that of the reference, at most a minute together; LiveCodeBench: 6 or 60 s per test | fuel: 100 G in each run, 24 G being about a second of native CPython; inputs of a function share [`attempt::RUNS`] runs (the reference's [`attempt::REFERENCE_RUNS`]), tests [`attempt::TEST_RUNS`]. Where the first of them is out of fuel, the others are not made: the solution is wrong whatever they come to |
//! | process | EvalPlus: one for a data set's own inputs and one for those that it added; LiveCodeBench: one for all tests, with one `Solution` | the same where a solution has a place to keep something in, a global list or a cache, say ([`sequence`]); then all calls share the fuel of one run. Programs with standard input are loaded anew for each test, as in LiveCodeBench |
//! | recursion | EvalPlus: CPython's limit of 1,000, of which its own frames take some thirty; LiveCodeBench: 50,000 | the same |
//! | modules | those of the machine | all of the standard library that is Python or in this build: `executor/modules.py` has the list, with a reason for each that is left out |
//! | clocks | the machine's | begin at 2024-01-01 and advance a millisecond with each reading |
//! | entropy | the machine's | the same in every run |
//! | files | the machine's | standard input and outputs in all their forms, by name and descriptor; no others |
//! | threads | run beside each other | do all their work when they are started |
//! | large results | as they are | of a function beyond some 500 kB in a run, integers over 4,300 digits and some other types as a digest, without tolerance for floats; of a method 16 MiB |
//! | NaN | equal to nothing | equal to itself |
//! | recursion through C, as in `lru_cache` | some ten thousand deep | some thousand |
//! | words | 64 bits | `sys.maxsize` and `hash` are those of 64 bits, and numbers beyond 32 bits are counted where they must be; the order of a set of tuples or floats is that of 32-bit hashes |
//! | last digits | glibc's | `sin`, `cos`, `tan`, `atan`, `log10` and others differ in the last digit for some arguments. `HumanEval/32` has inputs for which its own solution, Newton's method, then finds no zero |

pub mod attempt;
pub mod compare;
mod examples;
pub mod form;
mod import;
pub mod problem;
mod prompt;
pub mod published;
mod rows;
pub mod sequence;
pub mod settings;

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{
    Attempt, Context, Description, Environment, Example, Limits, Prompt, Rejection, Report, Run, Task, Verdict, kind,
};

use crate::form::Form;
use crate::problem::{KINDS, Problem};
use crate::settings::Settings;

/// The environment.
pub struct Codegen;

impl Environment for Codegen {
    fn describe() -> Description {
        Description {
            name: "codegen".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            kinds: KINDS.map(|(name, asks)| kind(name, asks)).into(),
            settings: settings::offered(),
            limits: Limits {
                // Four seconds of native CPython. LiveCodeBench's inputs are made for limits of a few seconds.
                run_fuel: 100_000_000_000,
                run_memory_max_bytes: 1 << 30,
                // Outputs of several tests, of which the executor returns 16 MiB each.
                run_output_max_bytes: 64 << 20,
            },
            directories: Vec::new(),
        }
    }

    fn import_task(ctx: &Context, line: &str) -> Result<Task, Rejection> {
        Ok(import::problem(line, &Settings::read(ctx))?.task())
    }

    fn examples(ctx: &Context) -> Vec<Example> {
        examples::examples(ctx)
    }

    fn solve_prompt(ctx: &Context, task: &Task) -> Prompt {
        let problem = Problem::read(task);
        let published = Form::of(ctx, &problem).published_prompt(&problem);
        published.unwrap_or_else(|| prompt::solve(ctx.style, &Settings::read(ctx), &problem))
    }

    /// The question: another test of it does not make another problem.
    fn subject(task: &Task) -> String {
        Problem::read(task).question().to_owned()
    }

    fn plan_answer(ctx: &Context, attempt: &Attempt) -> Vec<Run> {
        let problem = Problem::read(&attempt.task);
        attempt::plan(Form::of(ctx, &problem), &problem, &attempt.completion)
    }

    fn judge_answer(ctx: &Context, attempt: &Attempt, reports: &[Report]) -> Verdict {
        let problem = Problem::read(&attempt.task);
        attempt::judge(Form::of(ctx, &problem), &problem, &attempt.completion, reports)
    }

    /// What a program writes for an input.
    fn plan_exec(program: &str, input: &str) -> Result<Run, Rejection> {
        Ok(attempt::stdin_run(program, [input]))
    }

    fn show_value(encoded: &[u8]) -> String {
        match Value::decode(encoded) {
            Ok(Value::Str(text)) => text,
            Ok(value) => format!("{value:?}"),
            Err(error) => error.to_string(),
        }
    }
}

azr_guest_sdk::export!(Codegen);
