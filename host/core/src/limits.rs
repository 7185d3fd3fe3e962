//! What an environment and its programs may use at most.
//!
//! The configuration embeds them as `[sandbox]`, where `sandbox.profile` chooses the whole set and other keys replace
//! single limits. Limits that nobody has a reason to change are constants beside the code that enforces them; SECURITY.md
//! lists both.

use serde::{Deserialize, Serialize};

/// Fuel that stands for a second of native CPython, wherever seconds of others become fuel or fuel is shown as seconds.
/// Programs differ (`tests/serve/fuel.py`: a median of 28 G, from 9 G where memory is all that counts to 35 G where
/// nothing but bytecode does).
pub const FUEL_PER_SECOND: u64 = 24_000_000_000;

/// The limits of an operator. Each protects the host; an environment may ask for less.
///
/// They are part of a run's setting, because a verdict may depend on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Whether components are compiled, and guests are, in confined processes.
    pub ring: Ring,
    /// What the limits are for; the others are this profile's where they are not named themselves.
    pub profile: Profile,
    /// Wasm fuel of a run. [`FUEL_PER_SECOND`] is about a second of native CPython; functions of a task take a few million.
    pub run_fuel_max: u64,
    /// Memory of a run, all linear memories together. CPython starts with 13 MiB.
    pub run_memory_max_bytes: u64,
    /// Bytes that a run may return. Answers are short.
    pub run_output_max_bytes: u32,
    /// Runs that a judge may plan for one completion. Induction with many inputs needs some twenty.
    pub runs_max: usize,
    /// Wasm fuel of one call of a judge. Judges parse and compare.
    pub judge_fuel: u64,
    /// Memory of one call of a judge, all linear memories together.
    pub judge_memory_max_bytes: u64,
    /// Bytes that one call of a judge may return or log: prompts and task bodies.
    pub judge_output_max_bytes: u32,
    /// When the watchdog stops a call. Far above what its fuel takes on a busy machine, because that is a host fault and
    /// never a verdict.
    pub deadline_ms: u64,
}

/// A second wall around guests and the compiler, beside the first one, which is wasmtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ring {
    /// As far as the kernel and the program can; what is missing is said.
    #[default]
    Auto,
    /// Or not at all.
    Require,
    /// Everything in the own process.
    Off,
}

/// A set of limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// For completions by the thousand, where a step waits for the slowest.
    #[default]
    Train,
    /// For published benchmarks, whose programs have seconds and whose tests of one program have a hundred megabytes, and
    /// where no step waits for it.
    Benchmark,
}

impl Limits {
    /// The limits of a profile.
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Train => Self {
                ring: Ring::Auto,
                profile,
                run_fuel_max: 10_000_000_000,
                run_memory_max_bytes: 256 << 20,
                run_output_max_bytes: 1 << 20,
                runs_max: 64,
                judge_fuel: 5_000_000_000,
                judge_memory_max_bytes: 256 << 20,
                judge_output_max_bytes: 16 << 20,
                deadline_ms: 120_000,
            },
            Profile::Benchmark => Self {
                ring: Ring::Auto,
                profile,
                run_fuel_max: 100_000_000_000,
                run_memory_max_bytes: 1 << 30,
                run_output_max_bytes: 16 << 20,
                runs_max: 64,
                judge_fuel: 100_000_000_000,
                judge_memory_max_bytes: 2 << 30,
                judge_output_max_bytes: 256 << 20,
                deadline_ms: 600_000,
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Profile::Train)
    }
}
