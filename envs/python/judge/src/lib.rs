//! The judge of the Python environment: deduction, abduction and induction over Python programs.
//!
//! A task is about a program with a function `f`. *Deduction* asks for the output of a call, *abduction* for arguments
//! that lead to an output, *induction* for the program behind pairs of arguments and outputs. The judge runs nothing
//! and evaluates nothing: programs run in executors of their own, arguments and outputs are literals that it parses,
//! and what comes back are encoded values that it compares.

mod attempt;
mod completion;
mod kind;
mod leak;
pub mod literal;
mod outcome;
mod problem;
mod prompt;
mod proposal;
pub mod repr;
mod settings;

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{
    Accepted, Attempt, Context, Description, Environment, Limits, Prompt, Proposal, Rejection, Report, Run, Task,
    Verdict,
};

use crate::kind::Kind;
use crate::literal::Arguments;
use crate::problem::Problem;
use crate::settings::Settings;

/// The environment.
pub struct Python;

impl Environment for Python {
    fn describe() -> Description {
        Description {
            name: "python".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            kinds: Kind::ALL.map(Kind::describe).into(),
            settings: settings::offered(),
            limits: Limits {
                // About a second of work; a trivial run takes less than a thousandth of it.
                run_fuel: 1_000_000_000,
                // An idle interpreter has 20 MiB; the rest is the program's.
                run_memory_max_bytes: 128 << 20,
                // A dozen values of the largest size that the executor returns.
                run_output_max_bytes: 1 << 20,
            },
            directories: Vec::new(),
        }
    }

    fn seeds(ctx: &Context) -> Vec<Task> {
        problem::seeds(ctx.style, &Settings::read(ctx)).iter().map(Problem::task).collect()
    }

    fn propose_prompt(ctx: &Context, kind: &str, references: &[Task]) -> Prompt {
        let references: Vec<Problem> = references.iter().map(Problem::read).collect();
        prompt::propose(ctx.style, &Settings::read(ctx), Kind::named(kind), &references)
    }

    fn solve_prompt(ctx: &Context, task: &Task) -> Prompt {
        prompt::solve(ctx.style, &Settings::read(ctx), &Problem::read(task))
    }

    /// The program.
    fn subject(task: &Task) -> String {
        Problem::read(task).program().to_owned()
    }

    fn plan_proposal(ctx: &Context, proposal: &Proposal) -> Result<Vec<Run>, Rejection> {
        Ok(proposal::Candidate::read(ctx, proposal)?.runs())
    }

    fn judge_proposal(ctx: &Context, proposal: &Proposal, reports: &[Report]) -> Result<Accepted, Rejection> {
        proposal::Candidate::read(ctx, proposal)?.judge(reports, &Settings::read(ctx))
    }

    fn plan_answer(ctx: &Context, attempt: &Attempt) -> Vec<Run> {
        attempt::plan(ctx.style, &Problem::read(&attempt.task), &attempt.completion)
    }

    fn judge_answer(ctx: &Context, attempt: &Attempt, reports: &[Report]) -> Verdict {
        attempt::judge(ctx.style, &Settings::read(ctx), &Problem::read(&attempt.task), &attempt.completion, reports)
    }

    fn plan_exec(program: &str, input: &str) -> Result<Run, Rejection> {
        let arguments = Arguments::parse(input).map_err(|error| proposal::not_a_value(&error))?;
        Ok(Run { executor: 0, program: program.into(), inputs: vec![arguments.encode()] })
    }

    fn show_value(encoded: &[u8]) -> String {
        match Value::decode(encoded) {
            Ok(value) => repr::repr(&value),
            Err(error) => error.to_string(),
        }
    }
}

azr_guest_sdk::export!(Python);
