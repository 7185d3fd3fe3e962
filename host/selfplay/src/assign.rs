//! Assign: which tasks the solver gets.

use std::collections::{HashMap, HashSet};

use azr_config::{RunConfig, SolveConfig};
use azr_core::{
    rng::{Purpose, StepRng},
    task::{Digest, Task},
};

use crate::{
    env_state::EnvState,
    propose::Proposed,
    solve::{Aim, Assignment},
    validate::Validated,
    verify::Verified,
};

/// The tasks of a step: every new one `learnability.samples` times, then for each kind a batch from its buffer
/// `solve.samples` times.
pub fn assign(
    envs: &[EnvState],
    RunConfig { learnability, solve: config, .. }: &RunConfig,
    validated: &[Validated],
    rng: StepRng,
) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    for (proposal, validated) in validated.iter().enumerate() {
        if let Some(task) = validated.conclusion.task() {
            let aim = Aim::Learnability { proposal };
            let Proposed { env, kind, .. } = validated.proposed;
            let (number, samples) = (assignments.len(), learnability.samples);
            assignments.push(Assignment { env, kind, task: task.clone(), aim, number, samples });
        }
    }
    let mut draws = rng.stream(Purpose::SolverTasks, 0).draws();
    for (index, env) in envs.iter().enumerate().filter(|(_, env)| env.in_play) {
        let config = SolveConfig { batch: env.weighted(config.batch), ..config.clone() };
        for (kind, buffer) in env.buffers.iter().enumerate() {
            for task in buffer.draw(&config, rng.step, &mut draws) {
                let (number, samples) = (assignments.len(), config.samples);
                assignments.push(Assignment { env: index, kind, task, aim: Aim::Training, number, samples });
            }
        }
    }
    assignments
}

/// Tasks in place of those that taught nothing, none of them attempted for training in this step before.
pub fn assign_others(
    envs: &[EnvState],
    config: &SolveConfig,
    verified: &[Verified],
    uninformative: &HashSet<usize>,
    rng: StepRng,
    round: usize,
) -> Vec<Assignment> {
    let training = || verified.iter().map(|verified| &verified.attempted).filter(|other| other.aim == Aim::Training);
    let mut next = verified.iter().map(|verified| verified.attempted.assignment + 1).max().unwrap_or(0);
    let mut draws = rng.stream(Purpose::SolverTasks, round).draws();
    let mut assignments = Vec::new();
    for (index, env) in envs.iter().enumerate().filter(|(_, env)| env.in_play) {
        for (kind, buffer) in env.buffers.iter().enumerate() {
            let own = || training().filter(|attempted| (attempted.env, attempted.kind) == (index, kind));
            let attempted: HashMap<usize, &Task> =
                own().map(|attempted| (attempted.assignment, &attempted.task)).collect();
            let informative = attempted.keys().filter(|assignment| !uninformative.contains(assignment)).count();
            let missing = env.weighted(config.batch).saturating_sub(informative);
            let tried: HashSet<Digest> = attempted.values().map(|task| task.id()).collect();
            for task in buffer.draw_others(missing, &tried, &mut draws) {
                let (number, samples) = (next, config.samples);
                assignments.push(Assignment { env: index, kind, task, aim: Aim::Training, number, samples });
                next += 1;
            }
        }
    }
    assignments
}
