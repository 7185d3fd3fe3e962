//! The host's side of `wit/`: the only place where the boundary's types are generated.
//!
//! The two worlds are bound in two modules that share one set of types. Conversions to the host's own types destructure
//! every field, so that a change of the boundary breaks the build here.

use super::request::{Attempt, Proposal};
use azr_core::task::Task;

mod environment_world {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "environment",
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

mod executor_world {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "executor",
        with: { "azr:env/types": super::environment_world::azr::env::types },
    });
}

pub use environment_world::azr::env::types::{
    Accepted, Amount, Context, Measure, Message, Outcome, Prompt, Rejection, Report, Run, Setting, Speaker, Style,
    Thrown, Verdict,
};
pub use environment_world::exports::azr::env::judge::{
    Demonstration, Description, Expectation, Kind, Limits as RunLimits, OfferedSetting,
};

pub(super) use environment_world::EnvironmentPre as JudgePre;
pub(super) use environment_world::azr::env::types;
pub(super) use environment_world::azr::env::{files, log};
pub(super) use environment_world::exports::azr::env::judge::{Completed, Example, Guest as JudgeExports};
pub(super) use executor_world::{Executor as ExecutorInstance, ExecutorPre};

impl From<types::Task> for Task {
    fn from(types::Task { kind, body }: types::Task) -> Self {
        Self { kind: kind.into(), body: body.into() }
    }
}

impl From<&Task> for types::Task {
    fn from(Task { kind, body }: &Task) -> Self {
        Self { kind: kind.to_string(), body: body.to_string() }
    }
}

impl From<&Proposal> for types::Proposal {
    fn from(Proposal { kind, references, completion }: &Proposal) -> Self {
        let references = references.iter().map(types::Task::from).collect();
        Self { kind: kind.clone(), references, completion: completion.clone() }
    }
}

impl From<types::Proposal> for Proposal {
    fn from(types::Proposal { kind, references, completion }: types::Proposal) -> Self {
        Self { kind, references: references.into_iter().map(Task::from).collect(), completion }
    }
}

impl From<&Attempt> for types::Attempt {
    fn from(Attempt { task, completion }: &Attempt) -> Self {
        Self { task: task.into(), completion: completion.clone() }
    }
}

impl From<types::Attempt> for Attempt {
    fn from(types::Attempt { task, completion }: types::Attempt) -> Self {
        Self { task: task.into(), completion }
    }
}
