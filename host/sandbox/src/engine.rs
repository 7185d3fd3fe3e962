//! The two wasmtime engines and the thread that keeps their clocks.

use std::{
    fmt,
    str::FromStr,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig, Strategy,
    VariableOperatorCost,
};

use super::{
    guard::{Guard, Guards},
    limiter::{INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX},
};

/// A chain of half a million objects that is freed at once: each takes up to 500 bytes, because CPython, which would take
/// chains apart when its stack runs low, sees another stack in wasm. Only what a program uses is ever mapped. Deep recursion
/// in Python ends in a RecursionError long before.
const EXECUTOR_STACK_BYTES: usize = 256 << 20;
/// Judges parse; they do not interpret.
const JUDGE_STACK_BYTES: usize = 2 << 20;
/// Room for the host's own frames on the stack of a thread that calls guests.
const HOST_STACK_BYTES: usize = 4 << 20;
/// CPython's snapshot is 12 MiB today. Above this size copy-on-write is silently given up and a start costs 20 ms.
const SNAPSHOT_MAX_BYTES: u64 = 64 << 20;
/// Pages of a pooled memory that stay mapped between two runs; a trivial program touches about 1 MiB of CPython's 13 MiB.
/// 64 MiB measured the same.
const KEEP_RESIDENT_BYTES: usize = 16 << 20;
/// How precisely the watchdog fires. Nothing depends on it.
const TICK: Duration = Duration::from_millis(50);

/// The engine that judges run in.
pub(super) fn judge_engine(guards: Guards) -> Result<Engine> {
    Engine::new(&judge_config(guards)).map_err(Error::from).context("cannot set up the judges' wasm engine")
}

/// The engine of one judge that is called by one thread, with memory for a call kept ready where the machine allows.
/// There is none where it does not: [`judge_engine`] does as well.
pub(super) fn ready_judge_engine(memory_max_bytes: u64, guards: Guards) -> Option<Engine> {
    pooled(judge_config(guards), 1, memory_max_bytes, guards)
}

/// The engine that programs run in, with memory for `slots` of them at a time kept ready where the machine allows.
pub(super) fn executor_engine(slots: u32, memory_max_bytes: u64, guards: Guards) -> Result<Engine> {
    let config = executor_config(guards);
    match pooled(config.clone(), slots, memory_max_bytes, guards) {
        Some(engine) => Ok(engine),
        None => Engine::new(&config).map_err(Error::from).context("cannot set up the executors' wasm engine"),
    }
}

/// No pool where the kernel cannot tell which pages a run wrote (before Linux 6.7; each run would clear the whole range) or
/// where the address space is too small (`ulimit -v`): guests then run from fresh mappings. Nor where a guard is missing,
/// for the pool would stand in for it.
fn pooled(mut config: Config, slots: u32, memory_max_bytes: u64, guards: Guards) -> Option<Engine> {
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(slots, memory_max_bytes)));
    (guards == Guards::ALL).then(|| Engine::new(&config).ok()).flatten()
}

/// What code for judges depends on.
fn judge_config(guards: Guards) -> Config {
    let mut config = smallest(guards);
    config.max_wasm_stack(stack_bytes(JUDGE_STACK_BYTES, guards));
    config
}

/// What code for executors depends on.
fn executor_config(guards: Guards) -> Config {
    let mut config = smallest(guards);
    // Calls are synchronous and run on the workers' stacks, but wasmtime wants its stacks for futures no smaller.
    let stack_bytes = stack_bytes(EXECUTOR_STACK_BYTES, guards);
    config
        .max_wasm_stack(stack_bytes)
        .async_stack_size(stack_bytes)
        .memory_guaranteed_dense_image_size(SNAPSHOT_MAX_BYTES);
    // Nobody reads where in the interpreter a program trapped.
    config.wasm_backtrace_max_frames(None);
    config
}

/// What an engine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineKind {
    Judges,
    Executors,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Judges => "judges",
            Self::Executors => "executors",
        })
    }
}

impl FromStr for EngineKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::Judges, Self::Executors]
            .into_iter()
            .find(|kind| kind.to_string() == name)
            .with_context(|| format!("{name:?} is no kind of engine"))
    }
}

/// An engine that compiles for those of its kind and runs nothing.
pub(super) fn compiling_engine(kind: EngineKind, guards: Guards) -> Result<Engine> {
    match kind {
        EngineKind::Judges => judge_engine(guards),
        EngineKind::Executors => {
            Engine::new(&executor_config(guards)).map_err(Error::from).context("cannot set up a wasm engine")
        }
    }
}

/// An engine to start executors in once, when they are packed.
pub(super) fn snapshot_engine() -> Result<Engine> {
    Engine::new(&smallest(Guards::ALL)).map_err(Error::from).context("cannot set up a wasm engine")
}

/// What instructions cost in fuel: one each, except where one takes as long as many. Else a component could run for days
/// within its fuel. Costs are those of the slowest case, as far as programs do not pay for it: a load that misses every
/// cache takes as long as two hundred instructions and costs one, because loads are what interpreters do.
fn operator_cost() -> OperatorCost {
    let variable = VariableOperatorCost { memory_grow_per_page: 100, ..VariableOperatorCost::new() };
    OperatorCost {
        // A loop asks for fuel and time whenever it begins, which empty loops would get for nothing.
        Loop: 1,
        RefFunc: 100,
        MemoryGrow: 200,
        MemoryFill: 50,
        MemoryCopy: 50,
        MemoryInit: 50,
        DataDrop: 50,
        TableGrow: 100,
        TableFill: 50,
        TableCopy: 50,
        TableInit: 50,
        ElemDrop: 50,
        // As long as numbers may be denormal.
        F32Div: 5,
        F64Div: 5,
        F32Sqrt: 10,
        F64Sqrt: 10,
        F32Mul: 5,
        F64Mul: 5,
        F32Add: 5,
        F64Add: 5,
        F32Sub: 5,
        F64Sub: 5,
        F32x4Div: 20,
        F64x2Div: 20,
        F32x4Sqrt: 20,
        F64x2Sqrt: 20,
        variable,
        ..OperatorCost::new()
    }
}

/// Stack of a thread that calls guests.
pub(super) fn thread_stack_bytes(guards: Guards) -> usize {
    stack_bytes(EXECUTOR_STACK_BYTES, guards) + HOST_STACK_BYTES
}

/// A guest without any limit would end the process, and a test of the limit with it; so it gets eight times as much.
fn stack_bytes(limit: usize, guards: Guards) -> usize {
    if guards.have(Guard::Stack) { limit } else { 8 * limit }
}

/// Everything that environments do not need is off: most of wasmtime's security record lies in those parts. Threads,
/// garbage collection, exceptions and component-model async are not even compiled into this host.
fn smallest(guards: Guards) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .consume_fuel(true)
        .epoch_interruption(true)
        // NaN bits would differ between machines.
        .cranelift_nan_canonicalization(true)
        .concurrency_support(false)
        .memory_init_cow(true)
        .operator_cost(operator_cost());
    if guards.have(Guard::Features) {
        config
            .wasm_memory64(false)
            .wasm_relaxed_simd(false)
            .wasm_tail_call(false)
            .wasm_multi_memory(false)
            .wasm_wide_arithmetic(false)
            .wasm_custom_page_sizes(false);
    }
    config
}

/// Sized so that the limiter refuses first: what a guest may have does not depend on the allocator.
fn pool(slots: u32, memory_max_bytes: u64) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let count = |per_slot: usize| slots * u32::try_from(per_slot).expect("limits of one component are small");
    pool.total_component_instances(slots)
        .total_core_instances(count(INSTANCES_MAX))
        .total_memories(count(MEMORIES_MAX))
        .total_tables(count(TABLES_MAX))
        // For futures, of which there are none.
        .total_stacks(1)
        .max_core_instances_per_component(count(INSTANCES_MAX) / slots)
        .max_memories_per_component(count(MEMORIES_MAX) / slots)
        .max_tables_per_component(count(TABLES_MAX) / slots)
        .max_tables_per_module(count(TABLES_MAX) / slots)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(usize::try_from(memory_max_bytes).unwrap_or(usize::MAX));
    // As published, wasmtime leaves a written page as it is that the kernel has swapped out, for the next run to read.
    if cfg!(wasmtime_changed) {
        pool.linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
            .table_keep_resident(TABLE_ELEMENTS_MAX * size_of::<usize>())
            .pagemap_scan(Enabled::Yes);
    }
    pool
}

/// Ticks the engines' epochs by elapsed time, so that a deadline in ticks is one in time even when this thread is
/// starved. It guards against a hang that fuel does not see; it never decides about a program.
pub(super) struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(super) fn start(engines: [Engine; 2]) -> Result<Self> {
        let (stop, stopped) = channel();
        let tick = move || {
            let start = Instant::now();
            let mut ticked = 0;
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let due = ticks(start.elapsed());
                for _ in ticked..due {
                    engines.iter().for_each(Engine::increment_epoch);
                }
                ticked = due;
            }
        };
        let thread = std::thread::Builder::new().name("watchdog".into()).spawn(tick).context("no watchdog thread")?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its loop cannot panic, and nothing is left to do about it here.
            let _ = thread.join();
        }
    }
}

/// Whole ticks in `time`.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX)
}

/// The epoch deadline for `time`: never early, at most two ticks late. The next tick may come at once, hence one more
/// than the time rounded up.
pub(super) fn deadline_ticks(time: Duration) -> u64 {
    // Added to the current epoch by wasmtime, so it must leave room.
    ticks(time).min(u64::MAX / 2) + 2
}
