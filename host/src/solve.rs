//! Solve: the policy attempts tasks, some to estimate how hard new ones are, some to learn from.

use std::collections::HashSet;

use anyhow::Result;

use crate::{
    arena::{Arena, batched},
    config::{LearnabilityConfig, SamplingConfig, SolveConfig},
    faults::Faults,
    policy::{Completion, Policy, SampleRequest},
    prompt,
    propose::Proposed,
    rng::{Purpose, StepRng, Streams},
    task::{Digest, Task},
    validate::Validated,
    verify::Verified,
};

/// Why a task is attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To estimate the solve rate of the proposal at this position.
    Learnability { proposal: usize },
    /// To learn from.
    Training,
    /// To measure the policy on the task at this position.
    Evaluation { task: usize },
}

/// A task to attempt.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Index of the environment.
    pub arena: usize,
    /// Index of the task's kind within its environment.
    pub kind: usize,
    pub task: Task,
    pub aim: Aim,
    /// Its own among those of a step.
    pub number: usize,
    /// How many independent attempts.
    pub samples: usize,
}

/// One solver completion for one task.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// Index of the environment.
    pub arena: usize,
    /// Index of the task's kind within its environment.
    pub kind: usize,
    pub task: Task,
    pub aim: Aim,
    /// The number of its assignment.
    pub assignment: usize,
    pub prompt: Vec<u32>,
    pub completion: Completion,
}

impl Attempted {
    /// Whether the policy reasoned before it answered.
    pub fn thinks(&self) -> bool {
        self.completion.text.contains("</think>")
    }
}

/// The tasks of a step: every new one `learnability.samples` times, then for each kind a batch from its buffer
/// `solve.samples` times.
pub fn assign(
    arenas: &[Arena],
    learnability: &LearnabilityConfig,
    config: &SolveConfig,
    validated: &[Validated],
    rng: StepRng,
) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    for (proposal, validated) in validated.iter().enumerate() {
        if let Some(task) = validated.conclusion.task() {
            let aim = Aim::Learnability { proposal };
            let Proposed { arena, kind, .. } = validated.proposed;
            let (number, samples) = (assignments.len(), learnability.samples);
            assignments.push(Assignment { arena, kind, task: task.clone(), aim, number, samples });
        }
    }
    let mut draws = rng.stream(Purpose::SolverTasks, 0).draws();
    for (index, arena) in arenas.iter().enumerate().filter(|(_, arena)| arena.in_play) {
        let config = SolveConfig { batch: arena.weighted(config.batch), ..config.clone() };
        for (kind, buffer) in arena.buffers.iter().enumerate() {
            for task in buffer.draw(&config, rng.step, &mut draws) {
                let (number, samples) = (assignments.len(), config.samples);
                assignments.push(Assignment { arena: index, kind, task, aim: Aim::Training, number, samples });
            }
        }
    }
    assignments
}

/// Tasks in place of those that taught nothing, none of them attempted for training in this step before.
pub fn assign_others(
    arenas: &[Arena],
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
    for (index, arena) in arenas.iter().enumerate().filter(|(_, arena)| arena.in_play) {
        for (kind, buffer) in arena.buffers.iter().enumerate() {
            let own = || training().filter(|attempted| (attempted.arena, attempted.kind) == (index, kind));
            let informative: HashSet<usize> = own().map(|attempted| attempted.assignment).collect();
            let missing = arena.weighted(config.batch).saturating_sub(informative.difference(uninformative).count());
            let tried: HashSet<Digest> = own().map(|attempted| attempted.task.id()).collect();
            for task in buffer.draw_others(missing, &tried, &mut draws) {
                let (number, samples) = (next, config.samples);
                assignments.push(Assignment { arena: index, kind, task, aim: Aim::Training, number, samples });
                next += 1;
            }
        }
    }
    assignments
}

/// Attempts every assignment, in order. A task whose prompt is too long for the policy is passed over.
pub fn solve(
    arenas: &[Arena],
    policy: &Policy,
    sampling: &SamplingConfig,
    assignments: Vec<Assignment>,
    streams: Streams,
    faults: &mut Faults,
) -> Result<Vec<Attempted>> {
    let prompts = batched(
        arenas,
        &assignments,
        |assignment| assignment.arena,
        faults,
        |arena, batch| {
            let tasks: Vec<Task> = batch.iter().map(|assignment| assignment.task.clone()).collect();
            arena.environment.solve_prompts(&arena.context, &tasks)
        },
    )?;
    let mut requests = Vec::new();
    let mut attempted = Vec::new();
    for (assignment, prompt) in assignments.into_iter().zip(prompts) {
        let Ok(prompt) = prompt else { continue };
        let tokens = prompt::encode(policy, &prompt)?;
        if tokens.len() > sampling.prompt_max_tokens {
            continue;
        }
        for _ in 0..assignment.samples {
            let stream = streams.nth(requests.len());
            requests.push(SampleRequest { prompt: tokens.clone(), stop: prompt.stop.clone(), stream });
            attempted.push((assignment.clone(), tokens.clone()));
        }
    }
    let completions = policy.sample(&requests, &sampling.into())?;
    let with_completion = |((assignment, prompt), completion)| {
        let Assignment { arena, kind, task, aim, number, samples: _ } = assignment;
        Attempted { arena, kind, task, aim, assignment: number, prompt, completion }
    };
    Ok(attempted.into_iter().zip(completions).map(with_completion).collect())
}
