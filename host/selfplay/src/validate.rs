//! Validate: the environment decides which proposals are tasks, and new tasks enter the buffers.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    arena::{Arena, batched},
    faults::{Cause, Faults},
    measures::Measured,
    propose::Proposed,
};
use azr_core::task::{Digest, Task};
use azr_sandbox::{Accepted, ExecutedRun, Judged, Rejection};

/// What the environment and the buffers say about a proposal.
#[derive(Clone, Debug)]
pub enum Conclusion {
    Accepted {
        task: Task,
        well_formed: bool,
        standing: Standing,
        measures: Vec<Measured>,
    },
    Rejected(Rejection),
    /// Nobody knows. Not learned from.
    Fault(Cause),
}

/// How an accepted task stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The first of its kind about its subject. It is in its buffer.
    Novel,
    /// Its kind has had its subject before, but not this task. It is in its buffer.
    Familiar,
    /// Its buffer held it already.
    Duplicate,
    /// About a held-out subject. Not learned from, in either role.
    HeldOut,
}

impl Standing {
    /// Whether the task entered its buffer.
    pub fn is_new(self) -> bool {
        matches!(self, Self::Novel | Self::Familiar)
    }
}

impl Conclusion {
    /// The task, if it is one that may be learned from.
    pub fn task(&self) -> Option<&Task> {
        match self {
            Self::Accepted { standing: Standing::HeldOut, .. } | Self::Rejected(_) | Self::Fault(_) => None,
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

    /// How the task stands, where there is one.
    pub fn standing(&self) -> Option<Standing> {
        match self {
            Self::Accepted { standing, .. } => Some(*standing),
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

/// Judges every proposal and adds the new tasks to the buffers as found at `step`.
pub fn validate(
    arenas: &mut [Arena],
    proposed: Vec<Proposed>,
    step: u64,
    faults: &mut Faults,
) -> Result<Vec<Validated>> {
    let judged = batched(
        arenas,
        &proposed,
        |proposed| proposed.arena,
        faults,
        |arena, batch| {
            let proposal = |proposed: &&Proposed| azr_sandbox::Proposal {
                kind: arena.kinds()[proposed.kind].name.clone(),
                references: proposed.references.clone(),
                completion: proposed.completion.text.clone(),
            };
            arena.environment.validate(&arena.context, &batch.iter().map(proposal).collect::<Vec<_>>())
        },
    )?;
    let mut subjects = accepted_subjects(arenas, &proposed, &judged, faults)?.into_iter();
    let mut conclude = |arena: &mut Arena, kind: usize, judged: Result<ProposalJudged, Cause>| {
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
                        let standing = admit(arena, &task, subject, step);
                        let measures = arena.seen[kind].measure(measures);
                        Conclusion::Accepted { task, well_formed, standing, measures }
                    }
                    Err(cause) => Conclusion::Fault(cause),
                }
            }
        };
        (conclusion, runs)
    };
    let judged = proposed.into_iter().zip(judged);
    let validated = judged.map(|(proposed, judged)| {
        let (conclusion, runs) = conclude(&mut arenas[proposed.arena], proposed.kind, judged);
        Validated { proposed, conclusion, runs }
    });
    Ok(validated.collect())
}

type ProposalJudged = Judged<Result<Accepted, Rejection>>;

/// What the accepted tasks are about, in order.
fn accepted_subjects(
    arenas: &[Arena],
    proposed: &[Proposed],
    judged: &[Result<ProposalJudged, Cause>],
    faults: &mut Faults,
) -> Result<Vec<Result<Digest, Cause>>> {
    let accepted = |(proposed, judged): (&Proposed, &Result<ProposalJudged, Cause>)| {
        let accepted = judged.as_ref().ok()?.conclusion.as_ref().ok()?;
        Some((proposed.arena, Task::from(accepted.task.clone())))
    };
    let accepted: Vec<(usize, Task)> = proposed.iter().zip(judged).filter_map(accepted).collect();
    subjects(arenas, &accepted, faults)
}

/// What each task of an environment, given by its index, is about.
pub fn subjects(arenas: &[Arena], tasks: &[(usize, Task)], faults: &mut Faults) -> Result<Vec<Result<Digest, Cause>>> {
    batched(
        arenas,
        tasks,
        |(arena, _)| *arena,
        faults,
        |arena, batch| {
            let tasks: Vec<Task> = batch.iter().map(|(_, task)| task.clone()).collect();
            arena.environment.subjects(&tasks)
        },
    )
}

/// Puts a task into its buffer, unless it is held out or there already.
pub fn admit(arena: &mut Arena, task: &Task, subject: Digest, step: u64) -> Standing {
    let kind = arena.kind_index(&task.kind).expect("the sandbox checked that the kind exists");
    if arena.held_out.contains(&subject) {
        Standing::HeldOut
    } else if !arena.buffers[kind].add(task.clone(), step) {
        Standing::Duplicate
    } else if arena.subjects[kind].insert(subject) {
        Standing::Novel
    } else {
        Standing::Familiar
    }
}
