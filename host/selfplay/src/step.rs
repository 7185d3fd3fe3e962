//! Self-play: the step that is repeated.
//!
//! propose → validate → solve → verify → reward → advantage → update, after the Absolute Zero Reasoner
//! (arXiv:2505.03335, algorithm 1). As in the paper's algorithm, and unlike its code, the solver of a step already
//! gets the tasks that were proposed in the same step. Before it, environments generate tasks of the kinds that they
//! make themselves. Where no kind can be proposed, what is left is plain reinforcement learning with verifiable rewards.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;

use azr_config::{Control, RewardConfig, RunConfig};
use azr_core::{
    gather::Gather,
    rng::{Purpose, StepRng, Streams},
    role::Role,
    sampling::{Completion, Sampler},
    stopwatch::Stopwatch,
    training::{Mismatch, Rollout, Trainer, UpdateMetrics},
};

use crate::{
    advantage::{Rewarded, advantages},
    assign::{assign, assign_others},
    env_state::{EnvState, Group},
    faults::{Breaker, Tallies},
    generate::{Seeded, generate},
    propose::{Proposed, Wanted, propose},
    reward::{ProposalOutcome, Repeats, proposer_reward, solver_reward},
    seeding::proposable,
    solve::{Aim, Attempted, solve},
    stage::Stage,
    validate::{Conclusion, Novelty, Validated, validate},
    verify::{Verified, verify},
};

/// The policy, its learner and the environments they play in.
pub struct SelfPlay<P, T> {
    pub config: RunConfig,
    pub envs: Vec<EnvState>,
    pub policy: P,
    pub learner: T,
    pub breaker: Breaker,
    pub gather: Box<dyn Gather>,
}

/// Everything that happened in a step.
pub struct Step {
    pub step: u64,
    /// Tasks that the environments made and that entered the buffers.
    pub generated: Vec<Seeded>,
    pub validated: Vec<Validated>,
    pub verified: Vec<Verified>,
    pub rewards: Rewards,
    /// One per optimiser update; none when nothing was rewarded.
    pub updates: Vec<UpdateMetrics>,
    /// Only where the configuration weighs tokens by importance.
    pub mismatch: Option<Mismatch>,
    pub faults: Tallies,
    /// Environments that the breaker dropped after this step.
    pub dropped: Vec<usize>,
    pub timing: Stopwatch,
    /// What this rank sent to others.
    pub sent_bytes: u64,
}

/// What proposals and attempts are worth. A pure function of the configuration and what was concluded.
pub struct Rewards {
    /// The fraction of right attempts at each proposal's task.
    pub solve_rates: Vec<Option<f64>>,
    /// One per proposal: none if nothing was learned from it.
    pub proposers: Vec<Option<f64>>,
    /// One per attempt: none if nothing was learned from it.
    pub solvers: Vec<Option<f64>>,
}

impl<P: Sampler, T: Trainer<P>> SelfPlay<P, T> {
    /// One step of training. `step` counts from 1.
    pub fn step(&mut self, step: u64) -> Result<Step> {
        let config = &self.config;
        let sent_before = self.gather.sent_bytes();
        let mut timing = Stopwatch::start();
        let mut stage = Stage::new(config, &self.policy, &*self.gather, step);

        let generated = generate(&mut self.envs, config, step, &mut stage.faults)?;
        timing.lap("generate");

        let wanted = wanted(&self.envs, config.propose.batch);
        let proposed = propose(&self.envs, &wanted, &mut stage)?;
        timing.lap("propose");

        let validated = validate(&mut self.envs, proposed, step, &mut stage.faults)?;
        timing.lap("validate");

        let mut verified = Vec::new();
        let mut assignments = assign(&self.envs, config, &validated, stage.rng);
        let mut uninformative = HashSet::new();
        for round in 1..=config.solve.rounds_max {
            let streams = Streams { rng: stage.rng, purpose: Purpose::Solve, first: verified.len() };
            let attempted = solve(&self.envs, std::mem::take(&mut assignments), streams, &mut stage)?;
            timing.lap("solve");

            verified.extend(verify(&self.envs, attempted, &mut stage.faults)?);
            timing.lap("verify");
            if config.solve.rounds_max > 1 {
                uninformative = evenly_rewarded(&config.reward, &verified);
                assignments = assign_others(&self.envs, &config.solve, &verified, &uninformative, stage.rng, round);
            }
        }
        let Stage { rng, faults, .. } = stage;
        let faults = faults.into_tallies();
        let dropped = break_circuit(&mut self.breaker, &mut self.envs, &faults)?;

        let rewards = rewards(config, &validated, &verified);
        let mut rollouts = rollouts(&validated, &verified, &rewards, &uninformative);
        if config.control == Control::Shuffle {
            shuffle_rewards(&mut rollouts, rng);
        }
        let rewarded: Vec<Rewarded<Group>> = rollouts.iter().map(|(rewarded, _)| *rewarded).collect();
        let mut batch: Vec<Rollout> = rollouts.into_iter().map(|(_, rollout)| rollout).collect();
        let advantages = advantages(&config.advantage, &rewarded);
        for ((rollout, rewarded), advantage) in batch.iter_mut().zip(&rewarded).zip(advantages) {
            let (weight, kl_coefficient) = match rewarded.group.role {
                Role::Proposer => (config.propose.weight, config.propose.kl_coefficient),
                Role::Solver => (1.0, config.solve.kl_coefficient),
            };
            rollout.advantage = (weight * advantage) as f32;
            rollout.kl_coefficient = kl_coefficient as f32;
        }
        let mismatch = self.learner.prepare(&self.policy, &mut batch)?;
        let updates = self.update(batch, step)?;
        timing.lap("update");
        let sent_bytes = self.gather.sent_bytes() - sent_before;
        Ok(Step {
            step,
            generated,
            validated,
            verified,
            rewards,
            updates,
            mismatch,
            faults,
            dropped,
            timing,
            sent_bytes,
        })
    }

    /// The step's updates: `epochs` passes in `minibatches` equal parts, each pass in another order.
    fn update(&mut self, mut batch: Vec<Rollout>, step: u64) -> Result<Vec<UpdateMetrics>> {
        let config = &self.config.update;
        let learning_rate = config.learning_rate_at(step, self.config.steps);
        let rng = StepRng { seed: self.config.seed, step };
        let mut updates = Vec::new();
        for epoch in 0..config.epochs {
            rng.stream(Purpose::Update, epoch).draws().shuffle(&mut batch);
            for minibatch in minibatches(&batch, config.minibatches) {
                updates.push(self.learner.update(&self.policy, minibatch, learning_rate)?);
            }
        }
        Ok(updates)
    }
}

/// `count` parts whose sizes differ by one at most; fewer where there are fewer rollouts.
fn minibatches<T>(batch: &[T], count: usize) -> impl Iterator<Item = &[T]> {
    let end = move |part: usize| batch.len() * part / count;
    (0..count).map(move |part| &batch[end(part)..end(part + 1)]).filter(|part| !part.is_empty())
}

fn wanted(envs: &[EnvState], batch: usize) -> Vec<Wanted> {
    proposable(envs).map(|(env, kind)| Wanted { env, kind, count: envs[env].weighted(batch) }).collect()
}

/// The rewards of proposals and of the attempts at their tasks and others.
pub fn rewards(config: &RunConfig, validated: &[Validated], verified: &[Verified]) -> Rewards {
    let RunConfig { propose, learnability, reward, .. } = config;
    let solve_rates = solve_rates(verified, validated.len());
    let proposer = |(validated, &solve_rate): (&Validated, &Option<f64>)| {
        let outcome = proposal_outcome(&validated.conclusion, solve_rate)?;
        (propose.weight > 0.0).then(|| proposer_reward(reward, outcome))
    };
    let solver = |verified: &Verified| {
        let verdict = verified.verdict.as_ref().ok()?;
        let trained = verified.attempted.aim == Aim::Training || learnability.train;
        trained.then(|| solver_reward(reward, verdict.score, verdict.well_formed))
    };
    let proposers = validated.iter().zip(&solve_rates).map(proposer).collect();
    Rewards { proposers, solvers: verified.iter().map(solver).collect(), solve_rates }
}

/// Takes environments with too many faults out of play, and returns them.
pub fn break_circuit(breaker: &mut Breaker, envs: &mut [EnvState], step: &Tallies) -> Result<Vec<usize>> {
    let in_play = envs.iter().enumerate().filter(|(_, env)| env.in_play);
    let in_play: Vec<(usize, &str)> = in_play.map(|(index, env)| (index, env.name())).collect();
    let dropped = breaker.note(step, &in_play)?;
    for &env in &dropped {
        envs[env].in_play = false;
    }
    Ok(dropped)
}

/// The fraction of right attempts at each proposal's task; none where there was no attempt.
fn solve_rates(verified: &[Verified], proposals: usize) -> Vec<Option<f64>> {
    let mut counts = vec![(0, 0); proposals];
    for verified in verified {
        if let (Aim::Learnability { proposal }, Some(solved)) = (verified.attempted.aim, verified.solved()) {
            counts[proposal].0 += usize::from(solved);
            counts[proposal].1 += 1;
        }
    }
    counts.into_iter().map(|(solved, all)| (all > 0).then(|| solved as f64 / all as f64)).collect()
}

/// What the reward ladder makes of a conclusion; none if nothing is learned from it.
fn proposal_outcome(conclusion: &Conclusion, solve_rate: Option<f64>) -> Option<ProposalOutcome<'_>> {
    let (well_formed, novelty, measures) = match conclusion {
        Conclusion::Fault(_) => return None,
        Conclusion::Rejected(_) => return Some(ProposalOutcome::Rejected),
        Conclusion::Accepted { well_formed, novelty, measures, task: _ } => (well_formed, novelty, measures),
    };
    let repeats = match novelty {
        Novelty::HeldOut => return None,
        Novelty::Novel => Repeats::Nothing,
        Novelty::Familiar => Repeats::Subject,
        Novelty::Duplicate => Repeats::Task,
    };
    Some(match well_formed {
        true => ProposalOutcome::Task { solve_rate, repeats, measures },
        false => ProposalOutcome::Malformed,
    })
}

/// Every rewarded completion with its group; advantage and KL coefficient are still to be filled in.
fn rollouts(
    validated: &[Validated],
    verified: &[Verified],
    rewards: &Rewards,
    uninformative: &HashSet<usize>,
) -> Vec<(Rewarded<Group>, Rollout)> {
    let rollout = |group, task, reward, prompt: &[u32], completion: &Completion| {
        let rollout = Rollout {
            prompt: prompt.to_vec(),
            completion: completion.tokens.clone(),
            old_logprobs: completion.logprobs.clone(),
            advantage: 0.0,
            importance: Vec::new(),
            start_logprobs: Vec::new(),
            kl_coefficient: 0.0,
        };
        (Rewarded { group, task, reward, tokens: completion.tokens.len() }, rollout)
    };
    let proposer = validated.iter().zip(&rewards.proposers).filter_map(|(validated, &reward)| {
        let Proposed { env, kind, prompt, completion, .. } = &validated.proposed;
        let group = Group { env: *env, kind: *kind, role: Role::Proposer };
        Some(rollout(group, None, reward?, prompt, completion))
    });
    let informative = verified.iter().zip(&rewards.solvers);
    let informative = informative.filter(|(verified, _)| !uninformative.contains(&verified.attempted.assignment));
    let solver = informative.filter_map(|(verified, &reward)| {
        let Attempted { env, kind, assignment, prompt, completion, .. } = &verified.attempted;
        let group = Group { env: *env, kind: *kind, role: Role::Solver };
        Some(rollout(group, Some(*assignment), reward?, prompt, completion))
    });
    proposer.chain(solver).collect()
}

/// The assignments for training whose attempts all got the same reward: compared with each other, they teach nothing.
fn evenly_rewarded(config: &RewardConfig, verified: &[Verified]) -> HashSet<usize> {
    let mut rewards: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for Verified { attempted, verdict, .. } in
        verified.iter().filter(|verified| verified.attempted.aim == Aim::Training)
    {
        let rewarded = rewards.entry(attempted.assignment).or_default();
        rewarded.extend(verdict.as_ref().ok().map(|verdict| solver_reward(config, verdict.score, verdict.well_formed)));
    }
    let even = |rewards: &[f64]| rewards.iter().all(|reward| *reward == rewards[0]);
    rewards.into_iter().filter(|(_, rewards)| even(rewards)).map(|(assignment, _)| assignment).collect()
}

/// Shuffles rewards within each group, so that their distribution stays and their meaning goes.
fn shuffle_rewards(rollouts: &mut [(Rewarded<Group>, Rollout)], rng: StepRng) {
    let mut draws = rng.stream(Purpose::Shuffle, 0).draws();
    let mut groups: Vec<Group> = rollouts.iter().map(|(rewarded, _)| rewarded.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let members: Vec<usize> = (0..rollouts.len()).filter(|&i| rollouts[i].0.group == group).collect();
        let mut rewards: Vec<f64> = members.iter().map(|&i| rollouts[i].0.reward).collect();
        draws.shuffle(&mut rewards);
        for (i, reward) in members.into_iter().zip(rewards) {
            rollouts[i].0.reward = reward;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minibatches_are_as_many_as_asked_for_and_about_equal() {
        let sizes = |rollouts: usize, count| -> Vec<usize> {
            minibatches(&vec![(); rollouts], count).map(<[()]>::len).collect()
        };
        assert_eq!(sizes(9, 4), [2, 2, 2, 3]);
        assert_eq!(sizes(8, 4), [2, 2, 2, 2]);
        assert_eq!(sizes(2, 4), [1, 1]);
        assert!(sizes(0, 4).is_empty());
    }
}
