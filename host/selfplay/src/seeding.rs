//! Seeding: before the first update, proposals are collected until there is something to learn from.

use anyhow::Result;

use crate::{
    env_state::EnvState,
    propose::{Wanted, propose},
    stage::Stage,
    validate::{Validated, validate},
};

/// One batch of proposals for every kind that has fewer than `seeding.tasks` and is not generated; empty when none has.
pub fn collect_proposals(envs: &mut [EnvState], stage: &mut Stage) -> Result<Vec<Validated>> {
    let wanted: Vec<Wanted> = proposable(envs)
        .filter(|&(env, kind)| !envs[env].kinds()[kind].generated)
        .filter(|&(env, kind)| envs[env].buffers[kind].len() < stage.config.seeding.tasks)
        .map(|(env, kind)| Wanted { env, kind, count: stage.config.propose.batch })
        .collect();
    let proposed = propose(envs, &wanted, stage)?;
    validate(envs, proposed, 0, &mut stage.faults)
}

/// The step whose random numbers the given round of seeding uses, which counts from 0. Seeding has no step of its own:
/// its rounds use the numbers of steps that no run reaches.
pub fn step_of_round(round: usize) -> u64 {
    u64::from(u32::MAX) - round as u64
}

/// Every kind that the policy may propose tasks of.
pub fn proposable(envs: &[EnvState]) -> impl Iterator<Item = (usize, usize)> {
    envs.iter().enumerate().filter(|(_, env)| env.in_play).flat_map(|(index, env)| {
        let kinds = env.playing().filter(|(_, kind)| kind.proposable);
        kinds.map(move |(kind, _)| (index, kind))
    })
}
