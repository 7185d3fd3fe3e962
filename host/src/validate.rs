//! Validate: the environment decides which proposals are tasks, and new tasks enter the buffers.

use crate::{
    arena::{Arena, batched},
    faults::Faults,
    propose::Proposed,
    sandbox::{self, Accepted, ExecutedRun, Judged, Rejection},
    task::{Digest, Task},
};

/// What the environment and the buffers say about a proposal.
#[derive(Clone, Debug)]
pub enum Conclusion {
    /// A task that is now in its buffer. `novel`: no earlier task of its kind had its subject.
    New {
        task: Task,
        well_formed: bool,
        novel: bool,
    },
    /// A task that its buffer holds already.
    Duplicate {
        task: Task,
        well_formed: bool,
    },
    /// A task about a held-out subject. Not learned from, in either role.
    HeldOut,
    Rejected(Rejection),
    /// Nobody knows. Not learned from.
    Fault,
}

impl Conclusion {
    /// The task, if it is one that may be learned from.
    pub fn task(&self) -> Option<&Task> {
        match self {
            Self::New { task, .. } | Self::Duplicate { task, .. } => Some(task),
            Self::HeldOut | Self::Rejected(_) | Self::Fault => None,
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
pub fn validate(arenas: &mut [Arena], proposed: Vec<Proposed>, step: u64, faults: &mut Faults) -> Vec<Validated> {
    let judged = batched(
        arenas,
        &proposed,
        |proposed| proposed.arena,
        |arena, batch| {
            let proposal = |proposed: &Proposed| sandbox::Proposal {
                kind: arena.kinds()[proposed.kind].name.clone(),
                references: proposed.references.clone(),
                completion: proposed.completion.text.clone(),
            };
            arena.environment.validate(&arena.context, &batch.into_iter().map(proposal).collect::<Vec<_>>())
        },
    );
    let judged: Vec<Option<ProposalJudged>> = judged.into_iter().map(|judged| faults.note(judged)).collect();
    let mut subjects = subjects(arenas, &proposed, &judged).into_iter();
    let conclude = |(proposed, judged): (Proposed, Option<ProposalJudged>)| {
        let (conclusion, runs) = match judged {
            None => (Conclusion::Fault, Vec::new()),
            Some(Judged { conclusion: Err(rejection), runs }) => (Conclusion::Rejected(rejection), runs),
            Some(Judged { conclusion: Ok(accepted), runs }) => {
                let subject = subjects.next().expect("every accepted task has a subject");
                let subject = faults.note(subject);
                (subject.map_or(Conclusion::Fault, |s| admit(&mut arenas[proposed.arena], accepted, s, step)), runs)
            }
        };
        Validated { proposed, conclusion, runs }
    };
    proposed.into_iter().zip(judged).map(conclude).collect()
}

type ProposalJudged = Judged<Result<Accepted, Rejection>>;

/// What the accepted tasks are about, in order.
fn subjects(
    arenas: &[Arena],
    proposed: &[Proposed],
    judged: &[Option<ProposalJudged>],
) -> Vec<Result<Digest, sandbox::Fault>> {
    let accepted = |(proposed, judged): (&Proposed, &Option<ProposalJudged>)| {
        let accepted = judged.as_ref()?.conclusion.as_ref().ok()?;
        Some((proposed.arena, Task::from(accepted.task.clone())))
    };
    let accepted: Vec<(usize, Task)> = proposed.iter().zip(judged).filter_map(accepted).collect();
    batched(
        arenas,
        &accepted,
        |(arena, _)| *arena,
        |arena, batch| {
            let tasks: Vec<Task> = batch.into_iter().map(|(_, task)| task.clone()).collect();
            arena.environment.subjects(&tasks)
        },
    )
}

/// Puts an accepted task into its buffer, unless it is held out or there already.
fn admit(arena: &mut Arena, accepted: Accepted, subject: Digest, step: u64) -> Conclusion {
    let Accepted { task, well_formed } = accepted;
    let task = Task::from(task);
    if arena.held_out.contains(&subject) {
        return Conclusion::HeldOut;
    }
    let kind = arena.kind_index(&task.kind).expect("the sandbox checked that the kind exists");
    if !arena.buffers[kind].add(task.clone(), step) {
        return Conclusion::Duplicate { task, well_formed };
    }
    Conclusion::New { task, well_formed, novel: arena.subjects[kind].insert(subject) }
}
