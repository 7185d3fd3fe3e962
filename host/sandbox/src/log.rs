//! What judges tell the operator.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{
    guard::{Guard, Guards},
    wasi::Stdio,
};
use azr_core::terminal;

/// Lines that one call may log. Arbitrary: enough to debug a judge with.
const CALL_LINES_MAX: usize = 64;
/// Bytes that one call may log, after escaping.
const CALL_BYTES_MAX: usize = 16 << 10;
/// Lines that wait for the operator. A judge is called thousands of times in a step.
const WAITING_LINES_MAX: usize = 1024;

/// One line from a judge, safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub level: Level,
    /// The export that was running.
    pub call: &'static str,
    /// Control characters are escaped.
    pub message: String,
}

/// How much a line matters to the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    Debug,
    Info,
    Warn,
}

impl From<Stdio> for Level {
    fn from(channel: Stdio) -> Self {
        match channel {
            Stdio::Stdout => Self::Info,
            Stdio::Stderr => Self::Warn,
        }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
        };
        write!(f, "{level}: {}: {}", self.call, self.message)
    }
}

/// What one call logged.
pub(super) struct CallLog {
    call: &'static str,
    lines: Vec<LogLine>,
    bytes: usize,
    dropped: u64,
    guards: Guards,
}

impl CallLog {
    pub(super) fn new(call: &'static str, guards: Guards) -> Self {
        Self { call, lines: Vec::new(), bytes: 0, dropped: 0, guards }
    }

    pub(super) fn emit(&mut self, level: Level, message: &str) {
        // Escaping makes a byte at most ten, so a message that cannot fit is dropped before it is escaped.
        let room = self.guards.limit(Guard::LogSize, CALL_BYTES_MAX) - self.bytes;
        let fits = self.lines.len() < self.guards.limit(Guard::LogSize, CALL_LINES_MAX) && message.len() <= room;
        let message = match fits {
            true if self.guards.have(Guard::LogEscapes) => terminal::line(message),
            true => message.to_owned(),
            false => String::new(),
        };
        if !fits || message.len() > room {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.bytes += message.len();
        self.lines.push(LogLine { level, call: self.call, message });
    }

    /// What the call said last: of a judge that panicked, why.
    pub(super) fn last(&self) -> Option<String> {
        Some(self.lines.last()?.message.clone())
    }
}

/// What one call logged, as it crosses from where the guest is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Logged {
    lines: Vec<(Level, String)>,
    dropped: u64,
}

impl From<CallLog> for Logged {
    fn from(CallLog { call: _, lines, bytes: _, dropped, guards: _ }: CallLog) -> Self {
        Self { lines: lines.into_iter().map(|line| (line.level, line.message)).collect(), dropped }
    }
}

/// What an environment logged and nobody has taken yet.
#[derive(Default)]
pub(super) struct Log {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<LogLine>,
    dropped: u64,
}

impl Log {
    /// Keeps what a call logged, within the limits of a call: another process has told it.
    pub(super) fn take(&self, call: &'static str, logged: Logged, guards: Guards) {
        if logged.lines.is_empty() && logged.dropped == 0 {
            return;
        }
        let mut told = CallLog { dropped: logged.dropped, ..CallLog::new(call, guards) };
        logged.lines.iter().for_each(|(level, message)| told.emit(*level, message));
        let CallLog { call: _, lines, bytes: _, dropped, guards: _ } = told;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.dropped = waiting.dropped.saturating_add(dropped);
        for line in lines {
            match waiting.lines.len() < WAITING_LINES_MAX {
                true => waiting.lines.push_back(line),
                false => waiting.dropped = waiting.dropped.saturating_add(1),
            }
        }
    }

    /// The lines since the last time, and how many more there were.
    pub(super) fn drain(&self) -> (Vec<LogLine>, u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        (waiting.lines.drain(..).collect(), std::mem::take(&mut waiting.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_bytes_of_a_call_are_capped_and_counted() {
        let mut call = CallLog::new("seeds", Guards::ALL);
        for _ in 0..CALL_LINES_MAX + 5 {
            call.emit(Level::Info, "x");
        }
        assert_eq!((call.lines.len(), call.dropped), (CALL_LINES_MAX, 5));

        let mut call = CallLog::new("seeds", Guards::ALL);
        call.emit(Level::Info, &"x".repeat(CALL_BYTES_MAX));
        call.emit(Level::Info, "one more");
        assert_eq!((call.lines.len(), call.dropped), (1, 1));

        let mut call = CallLog::new("seeds", Guards::ALL);
        call.emit(Level::Info, &"\0".repeat(CALL_BYTES_MAX));
        assert_eq!((call.lines.len(), call.dropped), (0, 1), "escaping made the message larger than the cap");
    }
}
