//! What a command that calls one environment is told about it.

use anyhow::Result;
use clap::Args;

use azr_config::{Preset, RunConfig};
use azr_sandbox::{Environment, Sandbox};

use crate::{env_source::EnvSource, sandbox_args::SandboxArgs};

/// An environment, and what it may use.
#[derive(Args)]
pub struct Load {
    /// The environment: a .wasm file made by `azr-env pack`, or oci://host/name with a tag or a digest.
    pub(crate) file: EnvSource,
    #[command(flatten)]
    sandbox: SandboxArgs,
    /// Wasm fuel per run, at most: the same as --set sandbox.run-fuel-max=N.
    #[arg(long)]
    run_fuel_max: Option<u64>,
    /// Memory per run, at most: the same as --set sandbox.run-memory-max-bytes=N.
    #[arg(long)]
    run_memory_max_bytes: Option<u64>,
    /// A limit, as a run's configuration has it, such as sandbox.profile=benchmark or sandbox.deadline-ms=600_000.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl Load {
    /// Loads it.
    ///
    /// # Errors
    ///
    /// If a limit is none, or the file cannot be read or is no environment.
    pub fn load(self) -> Result<Environment> {
        self.load_into(|sandbox| sandbox)
    }

    /// Loads it into a sandbox that `adapt` prepares.
    pub(crate) fn load_into(self, adapt: impl FnOnce(Sandbox) -> Sandbox) -> Result<Environment> {
        let Self { file, sandbox, run_fuel_max, run_memory_max_bytes, overrides } = self;
        let mut limits = RunConfig::resolve(Preset::Paper, None, &overrides)?.sandbox;
        limits.run_fuel_max = run_fuel_max.unwrap_or(limits.run_fuel_max);
        limits.run_memory_max_bytes = run_memory_max_bytes.unwrap_or(limits.run_memory_max_bytes);
        file.load(&adapt(sandbox.start(&limits)?))
    }
}
