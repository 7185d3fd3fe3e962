//! What an environment implements.
//!
//! Implement [`Environment`] on an empty type, and hand it to [`export!`](crate::export):
//!
//! ```
//! use azr_guest_sdk::{Attempt, Context, Description, Environment, NO_RUNS, Prompt, Report, Task, Verdict, kind, prompt};
//!
//! struct Doubling;
//!
//! impl Environment for Doubling {
//!     fn describe() -> Description {
//!         Description {
//!             name: "doubling".into(),
//!             version: "0.1.0".into(),
//!             kinds: vec![kind("double", "Double a number.")],
//!             settings: vec![],
//!             limits: NO_RUNS,
//!             directories: vec![],
//!         }
//!     }
//!
//!     fn seeds(_: &Context) -> Vec<Task> {
//!         (1..100).map(|number| Task { kind: "double".into(), body: number.to_string() }).collect()
//!     }
//!
//!     fn solve_prompt(_: &Context, task: &Task) -> Prompt {
//!         prompt::question(format!("What is twice {}? Answer with the number.", task.body))
//!     }
//!
//!     fn judge_answer(_: &Context, attempt: &Attempt, _: &[Report]) -> Verdict {
//!         let answer = attempt.completion.trim().to_owned();
//!         let right = answer.parse::<i64>().ok() == attempt.task.body.parse::<i64>().ok().map(|number| number * 2);
//!         Verdict { score: f64::from(u8::from(right)), well_formed: true, answer, reason: String::new() }
//!     }
//! }
//!
//! azr_guest_sdk::export!(Doubling);
//! # fn main() {
//! # let task = Task { kind: "double".into(), body: "4".into() };
//! # let ctx = Context { style: azr_guest_sdk::Style::Compact, settings: vec![] };
//! # let right = Attempt { task: task.clone(), completion: " 8\n".into() };
//! # assert_eq!(Doubling::judge_answer(&ctx, &right, &[]).score, 1.0);
//! # let wrong = Attempt { task, completion: "9".into() };
//! # assert_eq!(Doubling::judge_answer(&ctx, &wrong, &[]).score, 0.0);
//! # }
//! ```

use std::marker::PhantomData;

use crate::bindings::exports::azr::env::judge::Guest;
use crate::{
    Accepted, Attempt, Context, Demonstration, Description, Example, Kind, Level, Limits, OfferedSetting, Prompt,
    Proposal, Rejection, Report, Run, Task, Verdict, value,
};

/// A verifiable environment. The defaults are those of an environment that poses its own tasks and runs no programs.
pub trait Environment {
    /// Says what this environment is.
    fn describe() -> Description;

    /// The tasks that training starts from.
    fn seeds(_ctx: &Context) -> Vec<Task> {
        Vec::new()
    }

    /// Tasks number `first` and following of the endless sequence that `seed` names, `count` of them. Called for
    /// generated kinds only. [`Rng::new`](crate::Rng::new) takes a seed and a number.
    fn generate(_ctx: &Context, kind: &str, _seed: u64, _first: u64, _count: u32) -> Vec<Task> {
        panic!("tasks of kind {kind} are not generated");
    }

    /// The task that one line of a data set describes.
    fn import_task(_ctx: &Context, _line: &str) -> Result<Task, Rejection> {
        Err(rejection("no-datasets", "this environment takes no tasks from data sets"))
    }

    /// Completions that show what the judge must see through: `azr-env check` compares its conclusions with them.
    fn examples(_ctx: &Context) -> Vec<Example> {
        Vec::new()
    }

    /// Right completions about a task, for a policy that has to learn what is wanted first.
    fn demonstrate(_ctx: &Context, _task: &Task) -> Demonstration {
        Demonstration { attempt: None, proposal: None }
    }

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
        Err(rejection("no-executor", "this environment runs no programs"))
    }

    /// An encoded value as a person would write it.
    fn show_value(encoded: &[u8]) -> String {
        match value::Value::decode(encoded) {
            Ok(value) => format!("{value:?}"),
            Err(error) => error.to_string(),
        }
    }
}

/// A kind of task that is in the seeds or in data sets. Change the fields for one that is proposed or generated.
pub fn kind(name: &str, asks: &str) -> Kind {
    Kind {
        name: name.into(),
        asks: asks.into(),
        proposable: false,
        generated: false,
        references_from: Vec::new(),
        references_max: 0,
    }
}

/// Why something is not a task: a stable word, and a sentence for a person.
pub fn rejection(code: &str, message: impl Into<String>) -> Rejection {
    Rejection { code: code.into(), message: message.into() }
}

/// The limits of an environment that runs no programs.
pub const NO_RUNS: Limits = Limits { run_fuel: 0, run_memory_max_bytes: 0, run_output_max_bytes: 0 };

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
        telling(|| E::describe())
    }

    fn seeds(ctx: Context) -> Vec<Task> {
        telling(|| E::seeds(&ctx))
    }

    fn generate(ctx: Context, kind: String, seed: u64, first: u64, count: u32) -> Vec<Task> {
        telling(|| E::generate(&ctx, &kind, seed, first, count))
    }

    fn import_task(ctx: Context, line: String) -> Result<Task, Rejection> {
        telling(|| E::import_task(&ctx, &line))
    }

    fn examples(ctx: Context) -> Vec<Example> {
        telling(|| E::examples(&ctx))
    }

    fn demonstrate(ctx: Context, task: Task) -> Demonstration {
        telling(|| E::demonstrate(&ctx, &task))
    }

    fn propose_prompt(ctx: Context, kind: String, references: Vec<Task>) -> Prompt {
        telling(|| E::propose_prompt(&ctx, &kind, &references))
    }

    fn solve_prompt(ctx: Context, task: Task) -> Prompt {
        telling(|| E::solve_prompt(&ctx, &task))
    }

    fn subject(task: Task) -> String {
        telling(|| E::subject(&task))
    }

    fn plan_proposal(ctx: Context, proposal: Proposal) -> Result<Vec<Run>, Rejection> {
        telling(|| E::plan_proposal(&ctx, &proposal))
    }

    fn judge_proposal(ctx: Context, proposal: Proposal, reports: Vec<Report>) -> Result<Accepted, Rejection> {
        telling(|| E::judge_proposal(&ctx, &proposal, &reports))
    }

    fn plan_answer(ctx: Context, attempt: Attempt) -> Vec<Run> {
        telling(|| E::plan_answer(&ctx, &attempt))
    }

    fn judge_answer(ctx: Context, attempt: Attempt, reports: Vec<Report>) -> Verdict {
        telling(|| E::judge_answer(&ctx, &attempt, &reports))
    }

    fn plan_exec(program: String, input: String) -> Result<Run, Rejection> {
        telling(|| E::plan_exec(&program, &input))
    }

    fn show_value(value: Vec<u8>) -> String {
        telling(|| E::show_value(&value))
    }
}

/// A panic ends in a trap, which does not say why; the log does.
fn telling<R>(call: impl FnOnce() -> R) -> R {
    std::panic::set_hook(Box::new(|panic| log(Level::Warn, &panic.to_string().replace('\n', " "))));
    call()
}
