//! Who writes a completion.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who wrote a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Proposer,
    Solver,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proposer => "proposer",
            Self::Solver => "solver",
        })
    }
}
