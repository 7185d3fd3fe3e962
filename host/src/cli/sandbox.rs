//! How the sandbox runs on this machine: arguments that change no result.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{
    config::LimitsConfig,
    sandbox::{Sandbox, SandboxConfig},
};

/// Workers and cache.
#[derive(Args, Clone)]
pub struct SandboxArgs {
    /// Threads that run programs [default: one per core].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub workers: usize,

    /// Folder of compiled components; it must belong to you alone [default: azr-host in your cache folder].
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
}

impl SandboxArgs {
    /// Starts the sandbox with the limits of the setting.
    pub fn start(&self, limits: &LimitsConfig) -> Result<Sandbox> {
        let LimitsConfig { run_fuel_max, run_memory_max_bytes, run_output_max_bytes, runs_max } = *limits;
        Sandbox::new(&SandboxConfig {
            workers: self.workers,
            cache_dir: self.cache_dir.clone(),
            run_fuel_max,
            run_memory_max_bytes,
            run_output_max_bytes,
            runs_max,
            ..SandboxConfig::default()
        })
    }
}
