//! What goes wrong outside the programs and outside the judge's conclusions. A fault never becomes a reward.

use std::fmt;

use anyhow::anyhow;

/// The watchdog ended a call. Whose fault that is, shows when the call is made again.
#[derive(Clone, Copy, Debug)]
pub struct Stopped {
    pub call: &'static str,
    pub deadline_ms: u128,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, deadline_ms } = self;
        write!(
            f,
            "`{call}` was still running after {deadline_ms} ms, when the watchdog stopped it; raise sandbox.deadline-ms on \
             a slow machine"
        )
    }
}

impl std::error::Error for Stopped {}

/// A call that came to no conclusion.
#[derive(Debug)]
pub enum Fault {
    /// A component trapped, used up its budget or broke its contract.
    Environment {
        /// The export that was called.
        call: &'static str,
        /// What it did.
        cause: String,
    },
    /// Ours: the watchdog, a panicking worker, a machine without memory.
    Host(anyhow::Error),
}

impl Fault {
    pub(super) fn environment(call: &'static str, cause: impl Into<String>) -> Self {
        Self::Environment { call, cause: cause.into() }
    }

    /// The call, where the watchdog ended it.
    pub fn stopped(&self) -> Option<&'static str> {
        match self {
            Self::Environment { .. } => None,
            Self::Host(error) => Some(error.downcast_ref::<Stopped>()?.call),
        }
    }

    /// The same fault for another item of a batch that shared the failed run.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Environment { call, cause } => Self::Environment { call, cause: cause.clone() },
            Self::Host(error) => Self::Host(match error.downcast_ref::<Stopped>() {
                Some(stopped) => (*stopped).into(),
                None => anyhow!("{error:#}"),
            }),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment { call, cause } => write!(f, "environment fault in `{call}`: {cause}"),
            Self::Host(error) => write!(f, "host fault: {error:#}"),
        }
    }
}

impl std::error::Error for Fault {}
