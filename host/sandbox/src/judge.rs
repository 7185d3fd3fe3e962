//! Calls of the judge where it is: each in a fresh store, so that nothing is kept from one to the next.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::{Store, Trap};
use wasmtime_wasi::I32Exit;

use super::{
    bindings::{JudgePre, files, log, types},
    calls::{DESCRIBE, JudgeCall, Returned},
    engine::deadline_ticks,
    fault::Failed,
    files::GuestFiles,
    guard::{Guard, Guards},
    limiter::Limiter,
    log::{CallLog, Level, Logged},
    wasi::{self, UsesWasi, Wasi},
};

/// Our worlds have no resources; handles are for whatever wasmtime counts itself.
pub(super) const HANDLES_MAX: usize = 16;

/// What one call of a judge may use. It protects the host; a judge within reason never notices.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Budget {
    pub(super) fuel: u64,
    pub(super) memory_max_bytes: u64,
    /// Bytes that one call may return or log.
    pub(super) output_max_bytes: usize,
    pub(super) runs_max: usize,
    pub(super) deadline: Duration,
    pub(super) guards: Guards,
}

/// What the host keeps for a judge's instance.
pub(super) struct Guest {
    limiter: Limiter,
    log: CallLog,
    wasi: Wasi,
}

impl UsesWasi for Guest {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

impl types::Host for Guest {}

impl log::Host for Guest {
    fn emit(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
        };
        self.log.emit(level, &message);
    }
}

impl files::Host for Guest {
    fn read(&mut self, directory: String, path: String) -> Result<Vec<u8>, String> {
        self.wasi.files.read(&directory, &path)
    }

    fn names(&mut self, directory: String, path: String) -> Result<Vec<String>, String> {
        self.wasi.files.names(&directory, &path)
    }
}

/// A loaded judge.
pub(super) struct Judge {
    pre: JudgePre<Guest>,
    budget: Budget,
    uses_wasi: bool,
}

/// What came of a call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Called {
    pub(super) returned: Result<Returned, Failed>,
    pub(super) logged: Logged,
    pub(super) fuel: u64,
}

impl Judge {
    pub(super) fn new(pre: JudgePre<Guest>, uses_wasi: bool, budget: Budget) -> Self {
        Self { pre, budget, uses_wasi }
    }

    /// Makes a call, which may read `files`.
    pub(super) fn call(&self, call: &JudgeCall<'_>, files: GuestFiles) -> Called {
        self.try_call(call, files).unwrap_or_else(|error| Called {
            returned: Err(Failed::Host(format!("{error:#}"))),
            logged: Logged::default(),
            fuel: 0,
        })
    }

    fn try_call(&self, call: &JudgeCall<'_>, files: GuestFiles) -> wasmtime::Result<Called> {
        let name = call.name();
        let mut store = self.store(name, files)?;
        let started = self.pre.instantiate(&mut store);
        // It started for `describe`, with the same limits: whatever is missing now, the machine does not have.
        if let Err(error) = &started
            && !error.is::<Trap>()
            && !store.data().limiter.refused()
            && name != DESCRIBE
        {
            return Err(wasmtime::format_err!("a judge does not start any more: {error:#}"));
        }
        let result = started.and_then(|judge| call.make(judge.azr_env_judge(), &mut store));
        let fuel = self.budget.fuel.saturating_sub(store.get_fuel()?);
        let Guest { limiter, mut log, wasi } = store.into_data();
        for (channel, line) in wasi.output.lines() {
            log.emit(channel.into(), &line);
        }
        let returned = result.map_err(|error| self.failed(&error, &limiter, log.last()));
        Ok(Called { returned, logged: log.into(), fuel })
    }

    fn store(&self, call: &'static str, files: GuestFiles) -> wasmtime::Result<Store<Guest>> {
        let Budget { fuel, memory_max_bytes, output_max_bytes, runs_max: _, deadline, guards } = self.budget;
        let limiter = Limiter::new(memory_max_bytes, guards);
        let wasi = Wasi::new(call, files, guards);
        let guest = Guest { limiter, log: CallLog::new(call, guards), wasi };
        let mut store = Store::new(self.pre.engine(), guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_fuel(fuel)?;
        store.set_epoch_deadline(deadline_ticks(deadline));
        store.set_hostcall_fuel(guards.limit(Guard::Crossing, output_max_bytes));
        let handles_max = if self.uses_wasi { wasi::HANDLES_MAX } else { HANDLES_MAX };
        store.set_max_component_handles(guards.limit(Guard::Handles, handles_max));
        if self.uses_wasi {
            wasi::charge(&mut store);
        }
        Ok(store)
    }

    /// A judge that ends in an error is at fault, except where the clock ended it.
    fn failed(&self, error: &wasmtime::Error, limiter: &Limiter, last_words: Option<String>) -> Failed {
        let Budget { fuel, memory_max_bytes, output_max_bytes, runs_max: _, deadline: _, guards: _ } = self.budget;
        Failed::Environment(match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => return Failed::Stopped,
            Some(Trap::OutOfFuel) => format!("the judge used more than {fuel} fuel, the limit of a call"),
            _ if limiter.refused() => {
                format!("the judge wanted more than {memory_max_bytes} bytes of memory, the limit")
            }
            Some(trap) => match last_words {
                Some(last_words) => format!("the judge trapped: {last_words} ({trap})"),
                None => format!("the judge trapped: {trap}"),
            },
            None if let Some(I32Exit(code)) = error.downcast_ref() => match last_words {
                Some(last_words) => format!("the judge exited with {code}: {last_words}"),
                None => format!("the judge exited with {code}"),
            },
            // What wasmtime reports beside traps is data that does not fit its type, or too much of it.
            None => format!("the judge broke its contract (at most {output_max_bytes} bytes may cross): {error:#}"),
        })
    }
}
