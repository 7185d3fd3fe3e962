//! Generate: tasks that are not proposed. Environments have first tasks, and make tasks of some kinds themselves, as
//! many as are wanted.
//!
//! Generated tasks have a number in an endless sequence that the experiment's seed names. Which numbers a step gets
//! follows from the configuration, so that a resumed run needs no state.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    env_state::EnvState,
    faults::{Cause, Faults, with_retries},
    validate::{admit, subjects},
};
use azr_config::RunConfig;
use azr_core::{
    rng::{Purpose, Stream},
    task::{Digest, Task},
};
use azr_sandbox::SequencePart;

/// A task that was not proposed and entered its buffer.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// Index of the environment.
    pub env: usize,
    pub task: Task,
    pub origin: Origin,
}

/// Where a task came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The environment's first tasks.
    Seed,
    /// The environment, which makes tasks of its kind.
    Generated,
    DataSet,
    /// The policy.
    Proposed,
}

/// Fresh tasks of every generated kind, in their buffers as found at `step`: numbers 0 to `seeding.tasks` before the
/// first step, then `generate.batch` at each.
pub fn generate(envs: &mut [EnvState], config: &RunConfig, step: u64, faults: &mut Faults) -> Result<Vec<Seeded>> {
    let seed = sequence(config, Purpose::Generate);
    let mut tasks = Vec::new();
    for (index, env) in envs.iter().enumerate().filter(|(_, env)| env.in_play) {
        let (seeding, batch) = (config.seeding.tasks, env.weighted(config.generate.batch));
        let (first, count) = match step {
            0 => (0, seeding),
            _ => (seeding as u64 + (step - 1) * batch as u64, batch),
        };
        let count = u32::try_from(count).expect("fewer than 2^32 tasks in a step");
        let kinds = env.playing().filter(|(_, kind)| kind.generated);
        let parts: Vec<_> =
            kinds.map(|(_, kind)| SequencePart { kind: kind.name.clone(), seed, first, count }).collect();
        let made = faults.calls(index, &parts, |parts| {
            parts.iter().map(|part| env.environment.generate(&env.context, part)).collect()
        })?;
        tasks.extend(made.into_iter().flatten().flatten().map(|task| (index, task)));
    }
    let subjects = subjects(envs, &tasks, faults)?.into_iter();
    let known = tasks.into_iter().zip(subjects).filter_map(|((env, task), subject)| Some((env, task, subject.ok()?)));
    Ok(insert(envs, known, step, Origin::Generated))
}

/// The first `evaluation.generated` tasks of each generated kind in the sequence that is held out.
pub fn generate_held_out(env: &EnvState, config: &RunConfig) -> Result<Vec<Task>, Cause> {
    let seed = sequence(config, Purpose::HeldOut);
    let count = u32::try_from(config.evaluation.generated).expect("fewer than 2^32 held-out tasks");
    let kinds = env.playing().filter(|(_, kind)| kind.generated);
    let parts: Vec<_> =
        kinds.map(|(_, kind)| SequencePart { kind: kind.name.clone(), seed, first: 0, count }).collect();
    let tasks =
        with_retries(&parts, |parts| parts.iter().map(|part| env.environment.generate(&env.context, part)).collect());
    Ok(tasks.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

/// The seed of a sequence of generated tasks.
pub fn sequence(config: &RunConfig, purpose: Purpose) -> u64 {
    Stream::new(config.seed, purpose, 0, 0).bits(0)
}

/// The environments' own first tasks, in their buffers.
pub fn seed_tasks(envs: &mut [EnvState]) -> Result<Vec<Seeded>> {
    let mut seeds = Vec::new();
    for (index, env) in envs.iter().enumerate() {
        let mut tasks = env.seeds()?;
        tasks.retain(|task| env.playing().any(|(_, kind)| *kind.name == *task.kind));
        let subjects = env.subjects_of(&tasks)?;
        seeds.extend(tasks.into_iter().zip(subjects).map(|(task, subject)| (index, task, subject)));
    }
    Ok(insert(envs, seeds, 0, Origin::Seed))
}

/// Puts tasks of environments, each with its subject, into their buffers. Returns those that entered: neither held out
/// nor there already.
pub fn insert(
    envs: &mut [EnvState],
    tasks: impl IntoIterator<Item = (usize, Task, Digest)>,
    step: u64,
    origin: Origin,
) -> Vec<Seeded> {
    let entered = |(env, task, subject): (usize, Task, Digest)| {
        let novelty = admit(&mut envs[env], &task, subject, step);
        novelty.is_new().then_some(Seeded { env, task, origin })
    };
    tasks.into_iter().filter_map(entered).collect()
}
