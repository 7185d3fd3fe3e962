//! Who writes a completion.

use serde::{Deserialize, Serialize};

/// Who wrote a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Proposer,
    Solver,
}
