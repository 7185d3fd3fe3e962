//! How the sandbox runs on this machine, and what the operator grants.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use azr_core::{launch::local_ranks, limits::Limits};
use azr_sandbox::{Grants, Sandbox, SandboxConfig};

/// Workers, cache and grants.
#[derive(Args, Clone)]
pub struct SandboxArgs {
    /// Threads that run programs [default: one per core, shared with other ranks on this machine].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub workers: usize,

    /// Folder of compiled components; it must belong to you alone [default: azr-host in your cache folder].
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,

    /// What single environments may use, and which directories they may read; `azr-env inspect` shows the effect.
    #[arg(long, value_name = "FILE")]
    pub grants: Option<PathBuf>,
}

impl SandboxArgs {
    /// Starts the sandbox with the limits of the configuration.
    pub fn start(&self, limits: &Limits) -> Result<Sandbox> {
        Sandbox::new(&self.config(limits)?)
    }

    /// A sandbox with these limits.
    pub fn config(&self, limits: &Limits) -> Result<SandboxConfig> {
        let Self { workers, cache_dir, grants } = self.clone();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = if workers == 0 { (cores / local_ranks()?).max(1) } else { workers };
        let grants = grants.map_or_else(|| Ok(Grants::default()), |path| Grants::read(&path))?;
        Ok(SandboxConfig { workers, cache_dir, grants, limits: limits.clone() })
    }
}
