//! A judge of coding tasks: deduction, abduction, induction and error deduction over programs of any [`Language`].
//!
//! A task is about a program with a function `f`. *Deduction* asks for the output of a call, *abduction* for arguments
//! that lead to an output, *induction* for the program behind pairs of arguments and outputs, *error deduction* for the
//! exception that a call ends in, if any. The judge runs nothing and evaluates nothing: programs run in executors of their
//! own, arguments and outputs are literals that it parses, and what comes back are encoded values that it compares.
//!
//! An environment implements [`Language`] and exports [`Judge`] of it. The modules are open to the tests of languages.

pub mod attempt;
mod binding;
pub mod completion;
mod composite;
mod examples;
pub mod form;
mod import;
pub mod json;
pub mod kind;
mod language;
mod leak;
pub mod literal;
mod measures;
pub mod outcome;
pub mod problem;
pub mod prompt;
pub mod proposal;
pub mod settings;
mod similarity;

use std::marker::PhantomData;

use azr_guest_sdk::value::Value;
use azr_guest_sdk::{
    Accepted, Attempt, Context, Description, Environment, Example, Prompt, Proposal, Rejection, Report, Run, Task,
    Verdict,
};

pub use crate::examples::{Raising, Sample};
pub use crate::language::{Arguments, Language, NotAValue, Parameter, Passing, Wording};

use crate::form::Form;
use crate::kind::Kind;
use crate::problem::Problem;
use crate::proposal::Candidate;
use crate::settings::Settings;

/// The environment of a language.
pub struct Judge<L>(PhantomData<L>);

impl<L: Language> Environment for Judge<L> {
    fn describe() -> Description {
        Description {
            name: L::NAME.into(),
            version: L::VERSION.into(),
            kinds: Kind::ALL.map(Kind::describe).into(),
            settings: settings::offered::<L>(),
            limits: L::LIMITS,
            directories: Vec::new(),
        }
    }

    fn seeds(ctx: &Context) -> Vec<Task> {
        problem::seeds::<L>(ctx.style, &Settings::read(ctx)).iter().map(Problem::task).collect()
    }

    fn import_task(ctx: &Context, line: &str) -> Result<Task, Rejection> {
        Ok(import::problem::<L>(line, &Settings::read(ctx))?.task())
    }

    fn examples(ctx: &Context) -> Vec<Example> {
        examples::examples::<L>(ctx)
    }

    fn propose_prompt(ctx: &Context, kind: &str, references: &[Task]) -> Prompt {
        let references: Vec<Problem> = references.iter().map(Problem::read).collect();
        prompt::propose::<L>(ctx.style, &Settings::read(ctx), Kind::named(kind), &references)
    }

    fn solve_prompt(ctx: &Context, task: &Task) -> Prompt {
        let problem = Problem::read(task);
        let published = Form::of(ctx, &problem).published_prompt(&problem);
        published.unwrap_or_else(|| prompt::solve::<L>(ctx.style, &Settings::read(ctx), &problem))
    }

    /// The program.
    fn subject(task: &Task) -> String {
        Problem::read(task).program().to_owned()
    }

    fn plan_proposal(ctx: &Context, proposal: &Proposal) -> Result<Vec<Run>, Rejection> {
        Ok(Candidate::read::<L>(ctx, proposal)?.runs::<L>())
    }

    fn judge_proposal(ctx: &Context, proposal: &Proposal, reports: &[Report]) -> Result<Accepted, Rejection> {
        Candidate::read::<L>(ctx, proposal)?.judge::<L>(reports, &Settings::read(ctx))
    }

    fn plan_answer(ctx: &Context, attempt: &Attempt) -> Vec<Run> {
        let problem = Problem::read(&attempt.task);
        attempt::plan::<L>(Form::of(ctx, &problem), &problem, &attempt.completion)
    }

    fn judge_answer(ctx: &Context, attempt: &Attempt, reports: &[Report]) -> Verdict {
        let problem = Problem::read(&attempt.task);
        attempt::judge::<L>(Form::of(ctx, &problem), &Settings::read(ctx), &problem, &attempt.completion, reports)
    }

    fn plan_exec(program: &str, input: &str) -> Result<Run, Rejection> {
        let arguments = L::evaluate_arguments(input).map_err(|error| proposal::not_a_value::<L>(&error))?;
        Ok(Run { executor: 0, program: program.into(), inputs: vec![arguments.encode()] })
    }

    fn show_value(encoded: &[u8]) -> String {
        match Value::decode(encoded) {
            Ok(value) => L::print(&value),
            Err(error) => error.to_string(),
        }
    }
}
