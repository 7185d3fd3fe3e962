//! What an environment implements.

use std::marker::PhantomData;

use crate::bindings::exports::azr::env::judge::Guest;
use crate::{
    Accepted, Context, Description, Kind, Level, OfferedSetting, Prompt, Rejection, Report, Run, Task, Verdict, value,
};

/// A proposer's completion and what it was asked for. Not yet trusted.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// One of the kinds of the description.
    pub kind: String,
    /// The tasks that the proposer was shown.
    pub references: Vec<Task>,
    /// What the policy wrote, without the prefill of the prompt and without the stop string.
    pub completion: String,
}

/// A solver's completion and the task it was asked to solve.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The task, with its answer.
    pub task: Task,
    /// What the policy wrote, without the prefill of the prompt and without the stop string.
    pub completion: String,
}

/// A verifiable environment. The defaults are those of an environment that poses its own tasks and runs no programs.
pub trait Environment {
    /// Says what this environment is.
    fn describe() -> Description;

    /// The tasks that training starts from.
    fn seeds(ctx: &Context) -> Vec<Task>;

    /// Asks the policy for a new task. Called for proposable kinds only.
    fn propose_prompt(_ctx: &Context, kind: &str, _references: &[Task]) -> Prompt {
        panic!("tasks of kind {kind} are not proposed");
    }

    /// Asks the policy to solve a task. Must not reveal its answer.
    fn solve_prompt(ctx: &Context, task: &Task) -> Prompt;

    /// What a task is about: tasks of equal subject never stand on both sides of a held-out split. By default every task
    /// is a subject of its own.
    fn subject(task: &Task) -> String {
        task.body.clone()
    }

    /// Which programs must run to know whether a completion is a task. One report for each comes to
    /// [`Environment::judge_proposal`].
    fn plan_proposal(_ctx: &Context, _proposal: &Proposal) -> Result<Vec<Run>, Rejection> {
        Ok(Vec::new())
    }

    /// Whether a completion is a task.
    fn judge_proposal(_ctx: &Context, proposal: &Proposal, _reports: &[Report]) -> Result<Accepted, Rejection> {
        panic!("tasks of kind {} are not proposed", proposal.kind);
    }

    /// Which programs must run to judge an attempt. One report for each comes to [`Environment::judge_answer`]. The
    /// right answer must not be part of a run.
    fn plan_answer(_ctx: &Context, _attempt: &Attempt) -> Vec<Run> {
        Vec::new()
    }

    /// Judges an attempt.
    fn judge_answer(ctx: &Context, attempt: &Attempt, reports: &[Report]) -> Verdict;

    /// The run that a person means by a program and the text of its arguments.
    fn plan_exec(_program: &str, _input: &str) -> Result<Run, Rejection> {
        Err(Rejection { code: "no-executor".into(), message: "this environment runs no programs".into() })
    }

    /// An encoded value as a person would write it.
    fn show_value(encoded: &[u8]) -> String {
        match value::Value::decode(encoded) {
            Ok(value) => format!("{value:?}"),
            Err(error) => error.to_string(),
        }
    }
}

/// A kind of task that only the environment itself poses. Change the fields for one that is proposed.
pub fn kind(name: &str, asks: &str) -> Kind {
    Kind { name: name.into(), asks: asks.into(), proposable: false, references_from: Vec::new(), references_max: 0 }
}

/// A setting that the operator may change.
pub fn setting(name: &str, default: &str, meaning: &str) -> OfferedSetting {
    OfferedSetting { name: name.into(), meaning: meaning.into(), default: default.into() }
}

/// Tells the operator something. Outside of a component, where there is no operator, it goes to standard error.
pub fn log(level: Level, message: &str) {
    if cfg!(target_family = "wasm") {
        crate::bindings::azr::env::log::emit(level, message);
    } else {
        eprintln!("{level:?}: {message}");
    }
}

/// Connects an [`Environment`] to the generated bindings. Named by [`crate::export!`] only.
#[doc(hidden)]
pub struct Exported<E>(PhantomData<E>);

impl<E: Environment> Guest for Exported<E> {
    fn describe() -> Description {
        E::describe()
    }

    fn seeds(ctx: Context) -> Vec<Task> {
        E::seeds(&ctx)
    }

    fn propose_prompt(ctx: Context, kind: String, references: Vec<Task>) -> Prompt {
        E::propose_prompt(&ctx, &kind, &references)
    }

    fn solve_prompt(ctx: Context, task: Task) -> Prompt {
        E::solve_prompt(&ctx, &task)
    }

    fn subject(task: Task) -> String {
        E::subject(&task)
    }

    fn plan_proposal(
        ctx: Context,
        kind: String,
        references: Vec<Task>,
        completion: String,
    ) -> Result<Vec<Run>, Rejection> {
        E::plan_proposal(&ctx, &Proposal { kind, references, completion })
    }

    fn judge_proposal(
        ctx: Context,
        kind: String,
        references: Vec<Task>,
        completion: String,
        reports: Vec<Report>,
    ) -> Result<Accepted, Rejection> {
        E::judge_proposal(&ctx, &Proposal { kind, references, completion }, &reports)
    }

    fn plan_answer(ctx: Context, task: Task, completion: String) -> Vec<Run> {
        E::plan_answer(&ctx, &Attempt { task, completion })
    }

    fn judge_answer(ctx: Context, task: Task, completion: String, reports: Vec<Report>) -> Verdict {
        E::judge_answer(&ctx, &Attempt { task, completion }, &reports)
    }

    fn plan_exec(program: String, input: String) -> Result<Run, Rejection> {
        E::plan_exec(&program, &input)
    }

    fn show_value(value: Vec<u8>) -> String {
        E::show_value(&value)
    }
}
