//! What goes wrong outside the programs and outside the judge's conclusions. A fault never becomes a reward.

use std::{fmt, time::Duration};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};

use super::bindings::{Rejection, Verdict};

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

/// The process that made a call ended with it. Whose fault that is, shows when the call is made again.
#[derive(Clone, Debug)]
pub struct Died {
    pub call: &'static str,
    /// How it ended, or what it did that was the end of it.
    pub how: String,
}

impl fmt::Display for Died {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sandbox's process ended in `{}`: {}", self.call, self.how)
    }
}

impl std::error::Error for Died {}

/// Why a call came to no conclusion, as it is told where guests are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failed {
    Environment(String),
    /// By the watchdog.
    Stopped,
    Host(String),
}

impl Failed {
    pub(super) fn fault(self, call: &'static str, deadline: Duration) -> Fault {
        match self {
            Self::Environment(cause) => Fault::environment(call, cause),
            Self::Stopped => Fault::of_clock(call, deadline),
            Self::Host(why) => Fault::Host(anyhow!(why)),
        }
    }
}

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

    /// The watchdog fired: the machine is too slow or hung, which says nothing about the guest.
    pub(super) fn of_clock(call: &'static str, deadline: Duration) -> Self {
        Self::Host(Stopped { call, deadline_ms: deadline.as_millis() }.into())
    }

    pub fn is_environments(&self) -> bool {
        matches!(self, Self::Environment { .. })
    }

    /// The call, where the watchdog ended it or it ended its process.
    pub fn stopped(&self) -> Option<&'static str> {
        match self {
            Self::Environment { .. } => None,
            Self::Host(error) => match error.downcast_ref::<Died>() {
                Some(died) => Some(died.call),
                None => Some(error.downcast_ref::<Stopped>()?.call),
            },
        }
    }

    /// The same fault for another item of a batch that shared the failed run.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Environment { call, cause } => Self::Environment { call, cause: cause.clone() },
            Self::Host(error) => Self::Host(match (error.downcast_ref::<Stopped>(), error.downcast_ref::<Died>()) {
                (Some(stopped), _) => (*stopped).into(),
                (_, Some(died)) => died.clone().into(),
                (None, None) => anyhow!("{error:#}"),
            }),
        }
    }
}

/// No completion escapes its conclusion by breaking the judge. `broken` has the conclusion for a fault that a completion may
/// have made. It takes the place of the fault where the same item `without` its completion is judged; `without` is asked for
/// the items at some places, if there are any.
pub fn fail_closed<R, F, E>(
    judged: &mut [Result<R, F>],
    broken: impl Fn(&F) -> Option<R>,
    without: impl FnOnce(&[usize]) -> Result<Vec<Result<R, F>>, E>,
) -> Result<(), E> {
    let conclusion = |(place, result): (usize, &Result<R, F>)| Some((place, broken(result.as_ref().err()?)?));
    let (places, conclusions): (Vec<usize>, Vec<R>) = judged.iter().enumerate().filter_map(conclusion).unzip();
    if places.is_empty() {
        return Ok(());
    }
    for ((place, conclusion), without) in places.iter().zip(conclusions).zip(without(&places)?) {
        if without.is_ok() {
            judged[*place] = Ok(conclusion);
        }
    }
    Ok(())
}

/// What an attempt is that its judge fails for while it judges another one at the same task: wrong.
pub fn wrong_for_fault(fault: impl fmt::Display) -> Verdict {
    Verdict {
        score: 0.0,
        well_formed: false,
        answer: String::new(),
        reason: format!("there is no judging it: {fault}"),
    }
}

/// What a proposal is that its judge fails for while it judges another one: no task.
pub fn rejected_for_fault(fault: impl fmt::Display) -> Rejection {
    Rejection { code: "fault".into(), message: format!("there is no judging it: {fault}") }
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
