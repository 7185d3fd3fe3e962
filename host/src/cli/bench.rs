//! `azr-host bench`: throughput on this machine.

mod policy;
mod sandbox;

use anyhow::Result;
use clap::Subcommand;

/// Measure throughput on this machine.
#[derive(Subcommand)]
pub enum BenchCommand {
    /// Run trivial programs in fresh sandboxes, and beside them without isolation.
    ///
    /// Example: azr-host bench sandbox envs/python.wasm
    Sandbox(sandbox::SandboxBench),
    /// Sample and learn with a policy, in tokens per second.
    ///
    /// Example: azr-host bench policy --policy DIR
    Policy(policy::BenchPolicy),
}

impl BenchCommand {
    /// Measures.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Sandbox(bench) => bench.run(),
            Self::Policy(bench) => bench.run(),
        }
    }
}
