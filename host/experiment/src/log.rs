//! The files of an experiment that only grow.

use serde::{Deserialize, Serialize};

/// A file that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    Metrics,
    Evaluations,
    Ledger,
    Tasks,
    /// What judges logged for the operator.
    Judge,
    Events,
}

impl Log {
    pub(crate) const ALL: [Self; 6] =
        [Self::Metrics, Self::Evaluations, Self::Ledger, Self::Tasks, Self::Judge, Self::Events];

    /// Within the experiment directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics.jsonl",
            Self::Evaluations => "evaluations.jsonl",
            Self::Ledger => "ledger.jsonl",
            Self::Tasks => "tasks.jsonl",
            Self::Judge => "judge.jsonl",
            Self::Events => "events.out.tfevents.0.azr-host",
        }
    }
}
