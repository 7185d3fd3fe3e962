//! Solve: the policy attempts tasks, some to estimate how hard new ones are, some to learn from.

use anyhow::Result;

use azr_core::{
    rng::Streams,
    sampling::{Completion, SampleRequest},
    task::Task,
};

use crate::{
    env_state::{EnvState, batched},
    stage::Stage,
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
    pub env: usize,
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
    pub env: usize,
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

/// Attempts every assignment, in order. A task whose prompt is too long for the policy is passed over.
pub fn solve(
    envs: &[EnvState],
    assignments: Vec<Assignment>,
    streams: Streams,
    stage: &mut Stage,
) -> Result<Vec<Attempted>> {
    let prompts = batched(
        envs,
        &assignments,
        |assignment| assignment.env,
        &mut stage.faults,
        |env, batch| env.environment.solve_prompts(&env.context, batch.iter().map(|assignment| &assignment.task)),
    )?;
    let mut requests = Vec::new();
    let mut attempted = Vec::new();
    for (assignment, prompt) in assignments.into_iter().zip(prompts) {
        let Ok(prompt) = prompt else { continue };
        let Some(tokens) = stage.encode(&prompt)? else { continue };
        for _ in 0..assignment.samples {
            let stream = streams.nth(requests.len());
            requests.push(SampleRequest { prompt: tokens.clone(), stop: prompt.stop.clone(), stream });
            attempted.push((assignment.clone(), tokens.clone()));
        }
    }
    let completions = stage.sample(&requests)?;
    let with_completion = |((assignment, prompt), completion)| {
        let Assignment { env, kind, task, aim, number, samples: _ } = assignment;
        Attempted { env, kind, task, aim, assignment: number, prompt, completion }
    };
    Ok(attempted.into_iter().zip(completions).map(with_completion).collect())
}
