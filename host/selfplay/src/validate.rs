//! Validate: the environment decides which proposals are tasks, and new tasks enter the buffers.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    env_state::{EnvState, batched, judged},
    faults::{Cause, Faults},
    measures::Measured,
    propose::Proposed,
};
use azr_core::task::{Digest, Task};
use azr_sandbox::{Accepted, ExecutedRun, Judged, Rejection, rejected_for_fault};

/// What the environment and the buffers say about a proposal.
#[derive(Clone, Debug)]
pub enum Conclusion {
    Accepted {
        task: Task,
        well_formed: bool,
        novelty: Novelty,
        measures: Vec<Measured>,
    },
    Rejected(Rejection),
    /// Unknown. Not learned from.
    Fault(Cause),
}

/// How new an accepted task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Novelty {
    /// The first of its kind about its subject. It is in its buffer.
    Novel,
    /// Its kind has had its subject before, but not this task. It is in its buffer.
    Familiar,
    /// Its buffer held it already.
    Duplicate,
    /// About a held-out subject. Not learned from, in either role.
    HeldOut,
}

impl Novelty {
    /// Whether the task entered its buffer.
    pub fn is_new(self) -> bool {
        matches!(self, Self::Novel | Self::Familiar)
    }
}

impl Conclusion {
    /// The task, if it is one that may be learned from.
    pub fn task(&self) -> Option<&Task> {
        match self {
            Self::Accepted { novelty: Novelty::HeldOut, .. } | Self::Rejected(_) | Self::Fault(_) => None,
            Self::Accepted { task, .. } => Some(task),
        }
    }

    /// What the environment measured, where there is a task.
    pub fn measures(&self) -> &[Measured] {
        match self {
            Self::Accepted { measures, .. } => measures,
            Self::Rejected(_) | Self::Fault(_) => &[],
        }
    }

    /// How new the task is, where there is one.
    pub fn novelty(&self) -> Option<Novelty> {
        match self {
            Self::Accepted { novelty, .. } => Some(*novelty),
            Self::Rejected(_) | Self::Fault(_) => None,
        }
    }
}

/// A proposal and what became of it.
#[derive(Debug)]
pub struct Validated {
    pub proposed: Proposed,
    pub conclusion: Conclusion,
    pub runs: Vec<ExecutedRun>,
}

/// Judges every proposal and adds the new tasks to the buffers as found at `step`. A proposal that the judge fails for is
/// rejected if the judge does not fail for an empty one.
pub fn validate(
    envs: &mut [EnvState],
    proposed: Vec<Proposed>,
    step: u64,
    faults: &mut Faults,
) -> Result<Vec<Validated>> {
    let judged = judged(
        envs,
        &proposed,
        |proposed| (proposed.env, &proposed.completion.text),
        faults,
        |env, batch| {
            let proposal = |(proposed, completion): &&(&Proposed, &str)| azr_sandbox::Proposal {
                kind: env.kinds()[proposed.kind].name.clone(),
                references: proposed.references.clone(),
                completion: (*completion).to_owned(),
            };
            env.environment.validate(&env.context, &batch.iter().map(proposal).collect::<Vec<_>>())
        },
        |cause| Judged { conclusion: Err(rejected_for_fault(cause)), runs: Vec::new() },
    )?;
    let mut subjects = accepted_subjects(envs, &proposed, &judged, faults)?.into_iter();
    let mut conclude = |env: &mut EnvState, kind: usize, judged: Result<ProposalJudged, Cause>| {
        let Judged { conclusion, runs } = match judged {
            Ok(judged) => judged,
            Err(cause) => return (Conclusion::Fault(cause), Vec::new()),
        };
        let conclusion = match conclusion {
            Err(rejection) => Conclusion::Rejected(rejection),
            Ok(Accepted { task, well_formed, measures }) => {
                match subjects.next().expect("every accepted task has a subject") {
                    Ok(subject) => {
                        let task = Task::from(task);
                        let novelty = admit(env, &task, subject, step);
                        let measures = env.seen[kind].measure(measures);
                        Conclusion::Accepted { task, well_formed, novelty, measures }
                    }
                    // The completion made the task.
                    Err(cause) if cause.is_environments() => Conclusion::Rejected(rejected_for_fault(cause)),
                    Err(cause) => Conclusion::Fault(cause),
                }
            }
        };
        (conclusion, runs)
    };
    let judged = proposed.into_iter().zip(judged);
    let validated = judged.map(|(proposed, judged)| {
        let (conclusion, runs) = conclude(&mut envs[proposed.env], proposed.kind, judged);
        Validated { proposed, conclusion, runs }
    });
    Ok(validated.collect())
}

type ProposalJudged = Judged<Result<Accepted, Rejection>>;

/// What the accepted tasks are about, in order.
fn accepted_subjects(
    envs: &[EnvState],
    proposed: &[Proposed],
    judged: &[Result<ProposalJudged, Cause>],
    faults: &mut Faults,
) -> Result<Vec<Result<Digest, Cause>>> {
    let accepted = |(proposed, judged): (&Proposed, &Result<ProposalJudged, Cause>)| {
        let accepted = judged.as_ref().ok()?.conclusion.as_ref().ok()?;
        Some((proposed.env, Task::from(accepted.task.clone())))
    };
    let accepted: Vec<(usize, Task)> = proposed.iter().zip(judged).filter_map(accepted).collect();
    subjects(envs, &accepted, faults)
}

/// What each task of an environment, given by its index, is about.
pub fn subjects(envs: &[EnvState], tasks: &[(usize, Task)], faults: &mut Faults) -> Result<Vec<Result<Digest, Cause>>> {
    batched(
        envs,
        tasks,
        |(env, _)| *env,
        faults,
        |env, batch| env.environment.subjects(batch.iter().map(|(_, task)| task)),
    )
}

/// Puts a task into its buffer, unless it is held out or there already.
pub fn admit(env: &mut EnvState, task: &Task, subject: Digest, step: u64) -> Novelty {
    let kind = env.kind_index(&task.kind).expect("the sandbox checked that the kind exists");
    if env.held_out.contains(&subject) {
        Novelty::HeldOut
    } else if !env.buffers[kind].add(task.clone(), step) {
        Novelty::Duplicate
    } else if env.subjects[kind].insert(subject) {
        Novelty::Novel
    } else {
        Novelty::Familiar
    }
}
