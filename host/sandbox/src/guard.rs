//! The sandbox's protections by name. Builds for tests take one out and see that something
//! notices; nothing else can.

use serde::{Deserialize, Serialize};

/// One protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    /// Fuel ends calls.
    Fuel,
    /// The watchdog ends calls that fuel does not.
    Watchdog,
    /// All memories of a store share one limit.
    Memory,
    /// All tables of a store share one limit.
    Tables,
    /// Instances, memories and tables of a store are counted.
    Counts,
    /// Guests have less stack than the threads that they run on.
    Stack,
    /// Each run has an instance of its own.
    FreshInstances,
    /// Handles of a store are counted.
    Handles,
    /// Bytes that cross in a call are counted.
    Crossing,
    /// What a run returns is capped.
    Output,
    /// What guests return is checked.
    Returned,
    /// What a judge logs is capped.
    LogSize,
    /// What a judge logs is escaped.
    LogEscapes,
    /// What the host does for a guest is paid for in fuel.
    Prices,
    /// Only granted imports are linked.
    Imports,
    /// Proposals of wasm that environments do not need are off.
    Features,
    /// Components that would take long to compile are refused.
    CompileSize,
    /// Compiling has a deadline.
    CompileTime,
    /// Compiled code is read from files of our own only.
    CacheOwner,
    /// Compiled code is what was written.
    CacheDigest,
    /// Of a process of its own: everything that it gives up.
    Confinement,
    /// … paths, ports and signals, by Landlock.
    Paths,
    /// … all system calls but those of computing, by seccomp.
    SystemCalls,
    /// … memory, files and processes, by limits of the process.
    ProcessLimits,
}

/// The protections that a sandbox has: all of them, except where a test was built to take one out. Without the feature
/// `test-guards` this is nothing at run time, and no code asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guards {
    #[cfg(any(test, feature = "test-guards"))]
    missing: Option<Guard>,
}

#[cfg(any(test, feature = "test-guards"))]
impl Guards {
    pub const ALL: Self = Self { missing: None };

    /// For tests: shows that one of them fails without this guard.
    pub fn without(guard: Guard) -> Self {
        Self { missing: Some(guard) }
    }

    pub(super) fn have(self, guard: Guard) -> bool {
        self.missing != Some(guard)
    }
}

#[cfg(not(any(test, feature = "test-guards")))]
impl Guards {
    pub const ALL: Self = Self {};

    pub(super) const fn have(self, _: Guard) -> bool {
        true
    }
}

impl Guards {
    /// `limit`, if it is in force.
    pub(super) fn limit(self, guard: Guard, limit: usize) -> usize {
        if self.have(guard) { limit } else { usize::MAX }
    }
}
