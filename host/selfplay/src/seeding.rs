//! Seeding: before the first update, proposals are collected until there is something to learn from.

use anyhow::Result;

use crate::{
    arena::Arena,
    propose::{Wanted, propose},
    stage::Stage,
    validate::{Validated, validate},
};

/// One batch of proposals for every kind that has fewer than `seeding.tasks` and is not generated; empty when none has.
pub fn collect_proposals(arenas: &mut [Arena], stage: &mut Stage) -> Result<Vec<Validated>> {
    let wanted: Vec<Wanted> = proposable(arenas)
        .filter(|&(arena, kind)| !arenas[arena].kinds()[kind].generated)
        .filter(|&(arena, kind)| arenas[arena].buffers[kind].len() < stage.config.seeding.tasks)
        .map(|(arena, kind)| Wanted { arena, kind, count: stage.config.propose.batch })
        .collect();
    let proposed = propose(arenas, &wanted, stage)?;
    validate(arenas, proposed, 0, &mut stage.faults)
}

/// The step whose random numbers the given round of seeding uses, which counts from 0. Seeding has no step of its own:
/// its rounds use the numbers of steps that no run reaches.
pub fn step_of_round(round: usize) -> u64 {
    u64::from(u32::MAX) - round as u64
}

/// Every kind that the policy may propose tasks of.
pub fn proposable(arenas: &[Arena]) -> impl Iterator<Item = (usize, usize)> {
    arenas.iter().enumerate().filter(|(_, arena)| arena.in_play).flat_map(|(index, arena)| {
        let kinds = arena.playing().filter(|(_, kind)| kind.proposable);
        kinds.map(move |(kind, _)| (index, kind))
    })
}
