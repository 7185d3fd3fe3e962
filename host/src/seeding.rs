//! Seeding: before the first update, proposals are collected until there is something to learn from.

use anyhow::Result;

use crate::{
    arena::Arena,
    config::RunConfig,
    faults::Faults,
    policy::Policy,
    propose::{Wanted, propose},
    rng::StepRng,
    validate::{Validated, validate},
};

/// One batch of proposals for every kind that has fewer than `seeding.tasks` and is not generated; empty when none has.
/// `round` counts from 0 and tells the batches' random numbers apart.
pub fn gather(
    arenas: &mut [Arena],
    policy: &Policy,
    config: &RunConfig,
    round: usize,
    faults: &mut Faults,
) -> Result<Vec<Validated>> {
    let wanted: Vec<Wanted> = proposable(arenas)
        .filter(|&(arena, kind)| !arenas[arena].kinds()[kind].generated)
        .filter(|&(arena, kind)| arenas[arena].buffers[kind].len() < config.seeding.tasks)
        .map(|(arena, kind)| Wanted { arena, kind, count: config.propose.batch })
        .collect();
    // Seeding has no step of its own: its rounds use the numbers of steps that no run reaches.
    let rng = StepRng { seed: config.seed, step: u64::from(u32::MAX) - round as u64 };
    let proposed = propose(arenas, policy, &config.propose, &config.sampling, &wanted, rng, faults)?;
    validate(arenas, proposed, 0, faults)
}

/// Every kind that the policy may propose tasks of.
pub fn proposable(arenas: &[Arena]) -> impl Iterator<Item = (usize, usize)> {
    arenas.iter().enumerate().filter(|(_, arena)| arena.in_play).flat_map(|(index, arena)| {
        let kinds = arena.playing().filter(|(_, kind)| kind.proposable);
        kinds.map(move |(kind, _)| (index, kind))
    })
}
