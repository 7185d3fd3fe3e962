//! The sandbox: loads environments and executes programs, and is the only code that knows wasmtime.
//!
//! An environment is one file: a judge component and the executors that it plans runs for. Every call of the judge and
//! every run of a program happens in a fresh instance in a store of its own, so that nothing is kept, nothing leaks from
//! one program to the next, and a trap ends one call and nothing else. Expected answers reach the judge only; a program
//! gets its source and its inputs.
//!
//! # Covered
//! - **Access**: an executor is given no imports but a WASI that holds nothing of this machine, a judge also the log, and
//!   files to read where the operator grants a directory by name. Anything else is refused at load by name, and so are
//!   other versions of `wit/`.
//! - **Time**: fuel, which is the same on every machine, ends every call. A watchdog thread ends what fuel would not, and
//!   that is a host fault: the clock never decides about a program.
//! - **Memory**: one limiter sums all memories and tables of a store, initial sizes included; instances, memories, tables
//!   and handles are counted; the stack is bounded. A refused growth is -1 to the guest, as on a real machine.
//! - **What guests return**: bytes that may cross, then lengths, names, kinds, scores and executor numbers are checked
//!   before anything believes them. Log lines are capped and escaped.
//! - **Compiling**: components with too much code are refused before they are compiled, and compiling has a deadline.
//! - **Holes in the engine**: guests and the compiler are in processes that can reach nothing, and whose answers are checked
//!   like a guest's. One that dies or hangs is replaced.
//! - **Compiled code**: comes from this host only. Its cache is one user's own, files that others could have written or
//!   that changed are compiled again, and a compiled file in place of an environment is refused.
//! - **Which fault is whose**: outcomes are data, a judge's trap is an environment fault, ours are host faults. Results
//!   keep the order of their requests and do not depend on the number of workers.
//!
//! # Not covered
//! - A defect of wasmtime together with one of the kernel; with the ring off, of wasmtime alone.
//! - Side channels between programs on one machine.
//! - A machine that cannot give the memory that a run was granted: the program sees a refusal, as from its limit.
//! - A judge that is wrong on purpose: it can falsify the rewards of its own environment, and of no other.
pub mod bindings;
mod agenda;
mod cache;
mod calls;
mod cancel;
mod client;
mod code;
mod compile;
mod compiler;
mod conclude;
mod confined;
mod engine;
mod errand;
mod environment;
#[cfg(any(test, feature = "test-guards"))]
mod escape;
mod executor;
mod fault;
mod files;
mod found;
mod grants;
mod guard;
mod guests;
mod judge;
mod limiter;
mod link;
mod log;
mod outcome;
mod package;
mod processes;
mod recorded;
mod request;
mod returned;
mod ring;
mod room;
mod shape;
mod snapshot;
mod wasi;
mod wire;
mod worker;
mod workers;
mod world;

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Error, Result, anyhow};
use wasmtime::Engine;

use self::{
    cache::{Cache, Origin},
    client::{ExecutorsClient, JudgeClient, Recorder, Whereabouts},
    code::Code,
    compile::Compiling,
    engine::{EngineKind, Watchdog},
    environment::Loaded,
    files::Files,
    guests::Role,
    judge::Budget,
    log::Log,
    package::Package,
    processes::{Bounds, Processes},
    workers::Workers,
};
use azr_core::{limits::Limits, task::Digest};

#[cfg(not(feature = "test-guards"))]
use self::guard::{Guard, Guards};
#[cfg(feature = "test-guards")]
pub use self::{
    confined::confine_in_test,
    errand::serve_in_test,
    guard::{Guard, Guards},
};

pub use self::{
    bindings::{
        Accepted, Amount, Context, Demonstration, Description, Expectation, Kind, Measure, Message, OfferedSetting,
        Outcome, Prompt, Rejection, Report, Run, RunLimits, Setting, Speaker, Style, Thrown, Verdict,
    },
    cancel::Cancel,
    client::CallFuel,
    conclude::ExecutedRun,
    confined::confine_with,
    environment::{Environment, Example, Examples, Judged},
    errand::serve_if_asked,
    fault::{Died, Fault, Stopped, fail_closed, rejected_for_fault, wrong_for_fault},
    grants::{Directory, Grants},
    log::{Level, LogLine},
    outcome::shortened,
    package::{FILE_MAX_BYTES, pack, read, stopping_at_out_of_fuel},
    recorded::{OutcomeRow, RunRow, plan_digest, run_rows},
    request::{Attempt, Proposal, SequencePart},
    wasi::wasi_gives,
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
    /// Of this process. Where guests are in others, these only name what is compiled for them.
    judges: Engine,
    executors: Engine,
    cache: Cache,
    workers: Arc<Workers>,
    /// Where guests are in this process.
    watchdog: Option<Arc<Watchdog>>,
    config: SandboxConfig,
    /// Whether judges record what they use.
    records: bool,
    guards: Guards,
}

/// What calls go to, and what it imports.
struct Linked {
    judge: JudgeClient,
    executors: ExecutorsClient,
    imports: Vec<String>,
    /// Of each executor.
    executor_imports: Vec<Vec<String>>,
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
        let away = confined::available(config.limits.ring)?;
        if away {
            // Two sockets for each worker and environment.
            ring::raise_open_files()?;
        }
        let judges = engine::judge_engine(guards)?;
        let executors = match away {
            true => engine::compiling_engine(EngineKind::Executors, guards)?,
            false => engine::executor_engine(slots, config.limits.run_memory_max_bytes, guards)?,
        };
        let watchdog = (!away).then(|| Watchdog::start([judges.clone(), executors.clone()]).map(Arc::new));
        let folder = config.cache_dir.clone().map_or_else(cache::default_folder, Ok)?;
        Ok(Self {
            cache: Cache::open(&folder, guards)?,
            workers: Arc::new(Workers::start(count, engine::thread_stack_bytes(guards))?),
            watchdog: watchdog.transpose()?,
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
    pub fn load_bytes(&self, file: &[u8], name: impl Display + Sync) -> Result<Environment> {
        let package = Package::parse(file).with_context(|| format!("{name} is not an environment"))?;
        self.start(&package, &name).with_context(|| format!("cannot load environment {name}"))
    }

    fn start(&self, package: &Package, name: &(impl Display + Sync)) -> Result<Environment> {
        let compiled = self.compile(package, name)?;
        let log = Arc::new(Log::default());
        let Linked { judge, executors, imports, executor_imports } = self.link(&compiled, &log)?;
        // Only now, so that a file that is refused leaves nothing behind.
        for ((_, engine, wasm), (code, origin)) in self.parts(package).zip(&compiled) {
            if *origin == Origin::Compiled {
                self.cache.keep(engine, wasm, code);
            }
        }
        drop(compiled);
        let packed = package.executors.len();
        let (description, judge) = self.on_a_worker(|| Ok((judge.describe(packed)?, judge)))?;
        let granted = self.config.grants.limits(&description.name, &self.limits_max());
        let limits = grants::smaller(&description.limits, &granted);
        let limits = RunLimits { run_fuel: self.fuel(limits.run_fuel), ..limits };
        let (directories, files) = self.config.grants.directories(&description)?;
        self.try_start(&executors, packed, limits)?;
        Ok(Environment::new(Loaded {
            digest: package.digest,
            stops_at_out_of_fuel: package.stops_at_out_of_fuel,
            executor_digests: package.executors.iter().map(Digest::of).collect(),
            imports,
            executor_imports,
            description,
            granted,
            limits,
            directories,
            judge: JudgeClient { files, ..judge },
            executors,
            log,
            workers: Arc::clone(&self.workers),
            _watchdog: self.watchdog.clone(),
        }))
    }

    /// The judge, then the executors, each with the engine that it is compiled for.
    fn parts<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = (EngineKind, &'a Engine, &'a Vec<u8>)> {
        let executor = |executor| (EngineKind::Executors, &self.executors, executor);
        std::iter::once((EngineKind::Judges, &self.judges, &package.judge))
            .chain(package.executors.iter().map(executor))
    }

    /// All parts, each on a thread of its own.
    fn compile(&self, package: &Package, name: &(impl Display + Sync)) -> Result<Vec<(Vec<u8>, Origin)>> {
        let ring = self.config.limits.ring;
        let deadline = COMPILE_DEADLINES * Duration::from_millis(self.config.limits.deadline_ms);
        std::thread::scope(|scope| {
            let part = |index| if index == 0 { "judge".into() } else { format!("executor {}", index - 1) };
            let threads: Vec<_> = self
                .parts(package)
                .enumerate()
                .map(|(index, (kind, engine, wasm))| {
                    let begins = move || match index {
                        0 => {}
                        _ => tracing::info!("compiling {} of {name}; the next start is faster", part(index)),
                    };
                    scope.spawn(move || self.cache.code(engine, wasm, Compiling { kind, ring, deadline }, begins))
                })
                .collect();
            threads
                .into_iter()
                .enumerate()
                .map(|(index, thread)| {
                    let compiled = thread.join().map_err(|_| anyhow!("the compiler panicked"))?;
                    compiled.with_context(|| format!("its {} does not compile", part(index)))
                })
                .collect()
        })
    }

    /// The judge and the executors, here or in processes of their own.
    fn link(&self, compiled: &[(Vec<u8>, Origin)], log: &Arc<Log>) -> Result<Linked> {
        let mut codes = compiled.iter().map(|(code, _)| Code::new(code)).collect::<Result<Vec<_>>>()?;
        let executor_codes = codes.split_off(1);
        let (deadline, guards) = (self.call_deadline(), self.guards);
        let budget = self.budget(deadline);
        let (judge, executors, imports, executor_imports) = match self.watchdog {
            Some(_) => {
                let judge = codes[0].component(&self.judges)?;
                let executors = executor_codes.iter().enumerate().map(|(index, code)| {
                    code.component(&self.executors).with_context(|| format!("its executor {index} does not fit"))
                });
                let (judge, imports) = guests::judge(&self.judges, &judge, budget, guards)?;
                let (executors, executor_imports) =
                    guests::executors(&self.executors, &executors.collect::<Result<Vec<_>>>()?, guards)?;
                (Whereabouts::Here(judge), Whereabouts::Here(executors), imports, executor_imports)
            }
            None => {
                let Limits { ring, run_memory_max_bytes, run_output_max_bytes, .. } = self.config.limits;
                // The sandbox's clock ends a call, and its process.
                let role = Role::Judge(Budget { deadline: Duration::MAX, ..budget });
                let (memory_max_bytes, output_max_bytes) = (budget.memory_max_bytes, budget.output_max_bytes as u64);
                let bounds = Bounds { ring, memory_max_bytes, output_max_bytes, deadline };
                let of_runs = Bounds {
                    memory_max_bytes: run_memory_max_bytes,
                    output_max_bytes: run_output_max_bytes.into(),
                    ..bounds
                };
                // A process ends with the thread that started it, so one starts it that lasts.
                self.on_a_worker(|| {
                    let (judge, imports) = Processes::start(role, guards, codes, bounds).map_err(Fault::Host)?;
                    if executor_codes.is_empty() {
                        return Ok((
                            Whereabouts::Away(judge),
                            Whereabouts::Here(Vec::new()),
                            imports.concat(),
                            Vec::new(),
                        ));
                    }
                    let executors =
                        Processes::start(Role::Executors(run_memory_max_bytes), guards, executor_codes, of_runs);
                    let (executors, executor_imports) = executors.map_err(Fault::Host)?;
                    Ok((Whereabouts::Away(judge), Whereabouts::Away(executors), imports.concat(), executor_imports))
                })?
            }
        };
        let recorder = self.records.then(Recorder::default);
        let judge = JudgeClient { place: judge, budget, files: Files::default(), log: Arc::clone(log), recorder };
        let executors = ExecutorsClient { place: executors, guards, deadline };
        Ok(Linked { judge, executors, imports, executor_imports })
    }

    /// Guests need the workers' large stacks, and processes a thread that outlives them.
    fn on_a_worker<R: Send>(&self, f: impl FnOnce() -> Result<R, Fault> + Send) -> Result<R> {
        let mut done = self.workers.map([f], |f| f());
        done.pop().expect("one result for one item").map_err(without_class)
    }

    /// A program must find an interpreter that starts; one that does not would make every run a fault.
    fn try_start(&self, executors: &ExecutorsClient, packed: usize, limits: RunLimits) -> Result<()> {
        let started = self
            .workers
            .map(0..packed, |index| executors.try_start(u32::try_from(index).expect("sections are counted"), &limits));
        let context = |index| {
            let RunLimits { run_fuel, run_memory_max_bytes, run_output_max_bytes: _ } = limits;
            format!(
                "its executor {index} does not start with {run_memory_max_bytes} bytes of memory and {run_fuel} fuel"
            )
        };
        for (index, started) in started.into_iter().enumerate() {
            started.map_err(without_class).with_context(|| context(index))?;
        }
        Ok(())
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

/// What went wrong while something is loaded, which nobody counts.
fn without_class(fault: Fault) -> Error {
    match fault {
        Fault::Host(error) => error,
        Fault::Environment { .. } => fault.into(),
    }
}
