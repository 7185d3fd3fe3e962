//! The sandbox: loads environments and executes programs, and is the only code that knows wasmtime.
//!
//! An environment is one file: a judge component and the executors that it plans runs for. Every call of the judge and
//! every run of a program happens in a fresh instance in a store of its own, so that nothing is kept, nothing leaks from
//! one program to the next, and a trap ends one call and nothing else. Expected answers reach the judge only; a program
//! gets its source and its inputs.
//!
//! # Covered
//! - **Access**: an executor is given no imports, a judge only the log, and files to read where the operator grants a
//!   directory by name. Anything else is refused at load by name, and so are other versions of `wit/`.
//! - **Time**: fuel, which is the same on every machine, ends every call. A watchdog thread ends what fuel would not, and
//!   that is a host fault: the clock never decides about a program.
//! - **Memory**: one limiter sums all memories and tables of a store, initial sizes included; instances, memories, tables
//!   and handles are counted; the stack is bounded. A refused growth is -1 to the guest, as on a real machine.
//! - **What guests return**: bytes that may cross, then lengths, names, kinds, scores and executor numbers are checked
//!   before anything believes them. Log lines are capped and escaped.
//! - **Compiling**: components with too much code are refused before they are compiled, and compiling has a deadline.
//! - **Compiled code**: comes from this host only. Its cache is one user's own, files that others could have written or
//!   that changed are compiled again, and a compiled file in place of an environment is refused.
//! - **Which fault is whose**: outcomes are data, a judge's trap is an environment fault, ours are host faults. Results
//!   keep the order of their requests and do not depend on the number of workers.
//!
//! # Not covered
//! - Defects of wasmtime and Cranelift: the smallest feature set leaves less of them to reach, no more. Run hostile
//!   environments under a user account that has nothing to lose.
//! - Side channels between programs on one machine.
//! - The memory of compiling a component: only its size is bounded.
//! - A machine that cannot give the memory that a run was granted: the program sees a refusal, as from its limit.
//! - A judge that is wrong on purpose: it can falsify the rewards of its own environment, and of no other.
pub mod bindings;
mod cache;
mod compile;
mod compiler;
mod engine;
mod environment;
mod executor;
mod fault;
mod files;
mod grants;
mod guard;
mod judge;
mod limiter;
mod link;
mod log;
mod outcome;
mod package;
mod recorded;
mod request;
mod returned;
mod ring;
mod shape;
mod snapshot;
mod workers;
mod world;

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Error, Result, anyhow};
use wasmtime::{Engine, component::Component};

use self::{
    cache::{Cache, Origin},
    compile::Compiling,
    engine::{EngineKind, Watchdog},
    environment::Loaded,
    executor::Executor,
    judge::{Budget, Judge, Recorder},
    log::Log,
    package::Package,
    workers::Workers,
};
use azr_core::{limits::Limits, task::Digest};

#[cfg(feature = "test-guards")]
pub use self::guard::{Guard, Guards};
#[cfg(not(feature = "test-guards"))]
use self::guard::{Guard, Guards};

pub use self::{
    bindings::{
        Accepted, Amount, Context, Demonstration, Description, Expectation, Kind, Measure, Message, OfferedSetting,
        Outcome, Prompt, Rejection, Report, Run, RunLimits, Setting, Speaker, Style, Thrown, Verdict,
    },
    compiler::{compile_with, serve_if_asked},
    environment::{Environment, Example, Examples, ExecutedRun, Judged},
    fault::{Fault, Stopped},
    grants::{Directory, Grants},
    judge::CallFuel,
    log::{Level, LogLine},
    outcome::shortened,
    package::{FILE_MAX_BYTES, pack, read},
    recorded::{OutcomeRow, RunRow, plan_digest, run_rows},
    request::{Attempt, Proposal, SequencePart},
    world::JUDGE,
};

/// The engine, in whose instructions fuel is counted.
pub const ENGINE: &str = concat!("wasmtime ", env!("WASMTIME_VERSION"));

/// A compilation may take so many times as long as a call: CPython takes a quarter of a minute on two idle cores.
const COMPILE_DEADLINES: u32 = 5;

/// How the sandbox runs on this machine, and what the operator grants. An environment's own limits count where they are
/// lower.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxConfig {
    /// Threads that call guests; 0 means one per core.
    pub workers: usize,
    /// Folder of compiled components; by default `azr-host` in the user's cache folder. It must be closed to others.
    pub cache_dir: Option<PathBuf>,
    pub limits: Limits,
    /// What single environments get beyond that, or less.
    pub grants: Grants,
}

/// The engines, the cache and the workers that all environments of a process share.
pub struct Sandbox {
    judges: Engine,
    executors: Engine,
    cache: Cache,
    workers: Arc<Workers>,
    watchdog: Arc<Watchdog>,
    config: SandboxConfig,
    /// Whether judges record what they use.
    records: bool,
    guards: Guards,
}

impl Sandbox {
    /// Sets up the engines and starts the workers.
    pub fn new(config: &SandboxConfig) -> Result<Self> {
        Self::with(config, Guards::ALL)
    }

    /// A sandbox with some of its protections.
    #[cfg(feature = "test-guards")]
    pub fn guarded(config: &SandboxConfig, guards: Guards) -> Result<Self> {
        Self::with(config, guards)
    }

    /// Also keeps what each call of a judge uses, until it is taken from the environment.
    pub fn record(self) -> Self {
        Self { records: true, ..self }
    }

    fn with(config: &SandboxConfig, guards: Guards) -> Result<Self> {
        let count = match config.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let slots = u32::try_from(count).context("too many sandbox workers")?;
        let judges = engine::judge_engine(guards)?;
        let executors = engine::executor_engine(slots, config.limits.run_memory_max_bytes, guards)?;
        let folder = config.cache_dir.clone().map_or_else(cache::default_folder, Ok)?;
        Ok(Self {
            cache: Cache::open(&folder, guards)?,
            workers: Arc::new(Workers::start(count, engine::thread_stack_bytes(guards))?),
            watchdog: Arc::new(Watchdog::start([judges.clone(), executors.clone()])?),
            judges,
            executors,
            config: config.clone(),
            records: false,
            guards,
        })
    }

    /// Where what can be compiled or fetched again is kept: a folder of this user alone.
    pub fn cache_folder(&self) -> &Path {
        self.cache.folder()
    }

    /// Loads an environment: reads the file once, compiles it or finds it in the cache, and starts each part once.
    pub fn load(&self, path: &Path) -> Result<Environment> {
        self.load_bytes(&package::read(path)?, path.display())
    }

    /// Loads an environment from the bytes of its file, which messages call `name`.
    pub fn load_bytes(&self, file: &[u8], name: impl Display) -> Result<Environment> {
        let package = Package::parse(file).with_context(|| format!("{name} is not an environment"))?;
        self.start(&package, &name).with_context(|| format!("cannot load environment {name}"))
    }

    fn start(&self, package: &Package, name: &impl Display) -> Result<Environment> {
        let compiled = self.compile(package, name)?;
        let [(judge, _), executors @ ..] = &*compiled else {
            unreachable!("the judge is compiled first");
        };
        let log = Arc::new(Log::default());
        let deadline = self.call_deadline();
        let grants = &self.config.grants;
        let judge_pre = world::judge(&self.judges, judge, self.guards).context("its judge does not fit")?;
        let imports = world::imports(&self.judges, judge);
        let judge =
            Judge::new(judge_pre, self.budget(deadline), Arc::clone(&log), self.records.then(Recorder::default));
        let executors = executors
            .iter()
            .enumerate()
            .map(|(index, (executor, _))| {
                let pre = world::executor(&self.executors, executor, self.guards)
                    .with_context(|| format!("its executor {index} does not fit"))?;
                Ok(Executor::new(pre, self.guards))
            })
            .collect::<Result<Vec<_>>>()?;
        // Only now, so that a file that is refused leaves nothing behind.
        for ((_, engine, wasm), (component, origin)) in self.parts(package).zip(&compiled) {
            if *origin == Origin::Compiled {
                self.cache.keep(engine, wasm, component);
            }
        }
        let (judge, description) = self.describe(judge, executors.len())?;
        let granted = grants.limits(&description.name, &self.limits_max());
        let limits = grants::smaller(&description.limits, &granted);
        let limits = RunLimits { run_fuel: self.fuel(limits.run_fuel), ..limits };
        let (directories, files) = grants.directories(&description)?;
        let judge = judge.grant(files);
        let executors = self.try_start(executors, limits, deadline)?;
        Ok(Environment::new(Loaded {
            digest: package.digest,
            executor_digests: package.executors.iter().map(Digest::of).collect(),
            imports,
            description,
            granted,
            limits,
            directories,
            deadline,
            judge,
            executors,
            log,
            workers: Arc::clone(&self.workers),
            _watchdog: Arc::clone(&self.watchdog),
        }))
    }

    /// The judge, then the executors, each with the engine that it runs in.
    fn parts<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = (EngineKind, &'a Engine, &'a Vec<u8>)> {
        let executor = |executor| (EngineKind::Executors, &self.executors, executor);
        std::iter::once((EngineKind::Judges, &self.judges, &package.judge))
            .chain(package.executors.iter().map(executor))
    }

    /// All parts, each on a thread of its own.
    fn compile(&self, package: &Package, name: &impl Display) -> Result<Vec<(Component, Origin)>> {
        let ring = self.config.limits.ring;
        let deadline = COMPILE_DEADLINES * Duration::from_millis(self.config.limits.deadline_ms);
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .parts(package)
                .map(|(kind, engine, wasm)| {
                    scope.spawn(move || self.cache.component(engine, wasm, Compiling { kind, ring, deadline }))
                })
                .collect();
            threads
                .into_iter()
                .enumerate()
                .map(|(index, thread)| {
                    let compiled = thread.join().map_err(|_| anyhow!("the compiler panicked"))?;
                    let part = || {
                        if index == 0 { "judge".into() } else { format!("executor {}", index - 1) }
                    };
                    let (component, origin) = compiled.with_context(|| format!("its {} does not compile", part()))?;
                    if origin == Origin::Compiled && index > 0 {
                        tracing::info!("compiled {} of {name}; the next start is faster", part());
                    }
                    Ok((component, origin))
                })
                .collect()
        })
    }

    fn describe(&self, judge: Judge, executors: usize) -> Result<(Judge, Description)> {
        let mut described = self.workers.map(vec![judge], move |judge| {
            let description = judge.describe(executors)?;
            Ok((judge, description))
        });
        Ok(described.pop().expect("one result for one item")?)
    }

    /// A program must find an interpreter that starts; one that does not would make every run a fault.
    fn try_start(&self, executors: Vec<Executor>, limits: RunLimits, deadline: Duration) -> Result<Vec<Executor>> {
        let started = self.workers.map(executors, move |executor| {
            let started = executor.try_start(&limits, deadline);
            Ok(started.map(|()| executor))
        });
        let context = |index| {
            let RunLimits { run_fuel, run_memory_max_bytes, run_output_max_bytes: _ } = limits;
            format!(
                "its executor {index} does not start with {run_memory_max_bytes} bytes of memory and {run_fuel} fuel"
            )
        };
        let started = started.into_iter().enumerate();
        started.map(|(index, started)| started?.map_err(Error::from).with_context(|| context(index))).collect()
    }

    /// When the watchdog stops a call.
    fn call_deadline(&self) -> Duration {
        match self.guards.have(Guard::Watchdog) {
            true => Duration::from_millis(self.config.limits.deadline_ms),
            false => Duration::MAX,
        }
    }

    /// What runs of any environment may use.
    fn limits_max(&self) -> RunLimits {
        RunLimits {
            run_fuel: self.config.limits.run_fuel_max,
            run_memory_max_bytes: self.config.limits.run_memory_max_bytes,
            run_output_max_bytes: self.config.limits.run_output_max_bytes,
        }
    }

    fn budget(&self, deadline: Duration) -> Budget {
        Budget {
            fuel: self.fuel(self.config.limits.judge_fuel),
            memory_max_bytes: self.config.limits.judge_memory_max_bytes,
            output_max_bytes: self.config.limits.judge_output_max_bytes as usize,
            runs_max: self.config.limits.runs_max,
            deadline,
            guards: self.guards,
        }
    }

    fn fuel(&self, limit: u64) -> u64 {
        if self.guards.have(Guard::Fuel) { limit } else { u64::MAX }
    }
}
