//! One run of an untrusted program: a fresh store, a fresh interpreter, its own budget.

#[cfg(feature = "test-guards")]
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wasmtime::{Store, Trap};
use wasmtime_wasi::I32Exit;

use super::{
    bindings::{ExecutorInstance, ExecutorPre, Outcome, Report, Run, RunLimits},
    calls::{ExecutorCall, Ran},
    engine::deadline_ticks,
    fault::Failed,
    files::GuestFiles,
    guard::{Guard, Guards},
    judge::HANDLES_MAX,
    limiter::Limiter,
    outcome::{bytes, shortened},
    returned,
    wasi::{self, UsesWasi, Wasi},
};

/// What a run leaves behind: its memory, which is cleared when this is dropped. Nobody needs to wait for that.
pub(super) struct Left {
    _store: Store<RunGuest>,
}

/// Calls one of an environment's executors.
pub(super) fn call(
    executors: &[Executor],
    call: &ExecutorCall<'_>,
    deadline: Duration,
) -> Result<(Report, Option<Left>), Failed> {
    let ExecutorCall { executor, run, limits } = call;
    let Some(executor) = executors.get(*executor as usize) else {
        return Err(Failed::Host(format!("no executor {executor} was loaded")));
    };
    match run {
        Some(run) => executor.execute(run, limits, deadline),
        None => executor.try_start(limits, deadline).map(|report| (report, None)),
    }
}

/// What the host keeps for an executor's instance.
pub(super) struct RunGuest {
    limiter: Limiter,
    wasi: Wasi,
}

impl UsesWasi for RunGuest {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

/// A loaded executor.
pub(super) struct Executor {
    pre: ExecutorPre<RunGuest>,
    uses_wasi: bool,
    guards: Guards,
    /// The last run's, where [`Guard::FreshInstances`] is missing.
    #[cfg(feature = "test-guards")]
    last: Mutex<Option<(Store<RunGuest>, ExecutorInstance)>>,
}

impl Executor {
    pub(super) fn new(pre: ExecutorPre<RunGuest>, uses_wasi: bool, guards: Guards) -> Self {
        Self {
            pre,
            uses_wasi,
            guards,
            #[cfg(feature = "test-guards")]
            last: Mutex::default(),
        }
    }

    /// Runs a program under the limits.
    fn execute(&self, run: &Run, limits: &RunLimits, deadline: Duration) -> Result<(Report, Option<Left>), Failed> {
        let (mut store, started) = self.start(self.seed(run), limits, deadline).map_err(failed)?;
        let result = match &started {
            Ok(executor) => executor.azr_env_execution().call_execute(&mut store, &run.program, &run.inputs),
            Err(error) => match error.downcast_ref::<Trap>() {
                Some(trap) => Err((*trap).into()),
                // It started when it was loaded, with the same limits: whatever is missing now, the machine does not have.
                None => return Err(Failed::Host(format!("an executor does not start any more: {error:#}"))),
            },
        };
        let fuel_left = store.get_fuel().map_err(failed)?;
        let outcomes = match result {
            Ok(outcomes) => match self.check(&outcomes, run.inputs.len()) {
                Ok(()) => within(outcomes, self.guards.limit(Guard::Output, limits.run_output_max_bytes as usize)),
                Err(what) => vec![Outcome::Crashed(format!("the executor returned {what}"))],
            },
            Err(error) => vec![ended(&error, store.data())?],
        };
        let report = Report { outcomes, fuel: limits.run_fuel - fuel_left };
        #[cfg(feature = "test-guards")]
        if !self.guards.have(Guard::FreshInstances) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = started.ok().map(|executor| (store, executor));
            return Ok((report, None));
        }
        Ok((report, Some(Left { _store: store })))
    }

    /// Instantiates once, so that an executor that cannot start is found when it is loaded.
    fn try_start(&self, limits: &RunLimits, deadline: Duration) -> Ran {
        self.start(Vec::new(), limits, deadline).and_then(|(_, started)| started).map_err(failed)?;
        Ok(Report { outcomes: Vec::new(), fuel: 0 })
    }

    /// A program finds the same random numbers whenever it runs with the same inputs; another finds others.
    fn seed(&self, Run { executor: _, program, inputs }: &Run) -> Vec<u8> {
        match self.uses_wasi {
            true => [program.as_bytes(), &inputs.concat()].concat(),
            false => Vec::new(),
        }
    }

    /// A fresh instance in a fresh store.
    fn start(&self, seed: Vec<u8>, limits: &RunLimits, deadline: Duration) -> wasmtime::Result<Started> {
        #[cfg(feature = "test-guards")]
        if !self.guards.have(Guard::FreshInstances)
            && let Some((store, executor)) = self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            return Ok((store, Ok(executor)));
        }
        let mut store = self.store(seed, limits, deadline)?;
        let executor = self.pre.instantiate(&mut store);
        Ok((store, executor))
    }

    fn check(&self, outcomes: &[Outcome], calls: usize) -> Result<(), String> {
        match returned::outcomes(outcomes, calls) {
            Err(what) if self.guards.have(Guard::Returned) => Err(what),
            _ => Ok(()),
        }
    }

    fn store(&self, seed: Vec<u8>, limits: &RunLimits, deadline: Duration) -> wasmtime::Result<Store<RunGuest>> {
        let limiter = Limiter::new(limits.run_memory_max_bytes, self.guards);
        let wasi = Wasi::new(seed, GuestFiles::none(), self.guards);
        let mut store = Store::new(self.pre.engine(), RunGuest { limiter, wasi });
        store.limiter(|guest| &mut guest.limiter);
        store.set_fuel(limits.run_fuel)?;
        store.set_epoch_deadline(deadline_ticks(deadline));
        // Honest results are smaller than the run's memory. The limit on results is applied to what was returned, for
        // there it is an outcome; this one stops lists that repeat a part of the memory.
        let crossing = usize::try_from(limits.run_memory_max_bytes).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(self.guards.limit(Guard::Crossing, crossing));
        let handles_max = if self.uses_wasi { wasi::HANDLES_MAX } else { HANDLES_MAX };
        store.set_max_component_handles(self.guards.limit(Guard::Handles, handles_max));
        if self.uses_wasi {
            wasi::charge(&mut store);
        }
        Ok(store)
    }
}

fn failed(error: wasmtime::Error) -> Failed {
    Failed::Host(format!("{error:#}"))
}

/// The store of an instance, and the instance if it came up.
type Started = (Store<RunGuest>, wasmtime::Result<ExecutorInstance>);

/// What an executor's error says about the program. Once it is called, its interpreter belongs to the program: whatever
/// comes out of it, a broken contract included, is what the program did. As a fault, it would be a way to have a wrong
/// answer dropped, and to stop the experiment.
fn ended(error: &wasmtime::Error, guest: &RunGuest) -> Result<Outcome, Failed> {
    let RunGuest { limiter, wasi } = guest;
    let crashed = |how: String| {
        // What it wrote before tells why.
        let written = shortened(&wasi.output.text());
        Outcome::Crashed(if written.is_empty() { how } else { format!("{how}: {written}") })
    };
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return Ok(crashed(format!("exit {code}")));
    }
    let Some(trap) = error.downcast_ref::<Trap>() else {
        return Ok(Outcome::Crashed("the executor broke its contract".into()));
    };
    match trap {
        Trap::OutOfFuel => Ok(Outcome::OutOfFuel),
        Trap::StackOverflow => Ok(Outcome::StackOverflow),
        Trap::Interrupt => Err(Failed::Stopped),
        _ if limiter.refused() => Ok(Outcome::OutOfMemory),
        trap => Ok(crashed(name(*trap))),
    }
}

/// A short name for a trap: these words reach judges and ledgers.
fn name(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "unreachable".into(),
        Trap::MemoryOutOfBounds => "memory-out-of-bounds".into(),
        Trap::TableOutOfBounds => "table-out-of-bounds".into(),
        Trap::IndirectCallToNull => "indirect-call-to-null".into(),
        Trap::BadSignature => "bad-signature".into(),
        Trap::IntegerOverflow => "integer-overflow".into(),
        Trap::IntegerDivisionByZero => "integer-division-by-zero".into(),
        Trap::BadConversionToInteger => "bad-conversion-to-integer".into(),
        other => other.to_string(),
    }
}

/// Whether a report of `calls` calls can be of what [`call`] makes of them: it may come from another process.
pub(super) fn fits(outcomes: &[Outcome], calls: usize, max_bytes: usize, guards: Guards) -> bool {
    // What a run is told of its last outcome, where that is the host's.
    const SAID_MAX_BYTES: usize = 4 << 10;
    let (last, values) = match outcomes.split_last() {
        Some((Outcome::Value(_), _)) | None => (0, outcomes),
        Some((last, values)) => (bytes(last), values),
    };
    let bytes: usize = values.iter().map(bytes).fold(0, usize::saturating_add);
    let ended = values.len() < outcomes.len();
    values.iter().all(|outcome| matches!(outcome, Outcome::Value(_)))
        && (if ended { outcomes.len() <= calls.max(1) } else { outcomes.len() == calls })
        && bytes <= guards.limit(Guard::Output, max_bytes)
        && last <= guards.limit(Guard::Output, max_bytes.max(SAID_MAX_BYTES))
}

/// The outcomes up to the first with which the run returns more than it may. That one says so instead.
fn within(mut outcomes: Vec<Outcome>, max_bytes: usize) -> Vec<Outcome> {
    let mut total = 0;
    let too_large = outcomes.iter().position(|outcome| {
        total += bytes(outcome);
        total > max_bytes
    });
    if let Some(index) = too_large {
        outcomes.truncate(index);
        outcomes.push(Outcome::Unsupported(format!("result larger than {max_bytes} bytes")));
    }
    outcomes
}
