//! What a judge is asked about.

use azr_core::task::Task;

/// A proposer's completion, and what it was asked.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub kind: String,
    /// The tasks that the prompt showed.
    pub references: Vec<Task>,
    pub completion: String,
}

/// A solver's completion for one task.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub task: Task,
    pub completion: String,
}

/// A part of the endless sequence of generated tasks that a seed names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequencePart {
    pub kind: String,
    pub seed: u64,
    pub first: u64,
    pub count: u32,
}
