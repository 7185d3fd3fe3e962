//! `azr-host bench`: throughput on this machine.

pub mod policy;
mod sandbox;
mod start;

use anyhow::Result;
use clap::Subcommand;

/// Measure throughput on this machine.
#[derive(Subcommand)]
pub enum BenchCommand {
    /// Run trivial programs, which are Python, JavaScript or SQL, in fresh sandboxes, and beside them without isolation.
    ///
    /// Example: azr-host bench sandbox envs/python.wasm
    Sandbox(sandbox::SandboxBench),
    /// Time from a new environment file to its first verdict, with a warm cache.
    ///
    /// Example: azr-host bench start envs/python.wasm
    Start(start::BenchStart),
    /// Sample and learn with a policy, in tokens per second.
    ///
    /// Example: azr-host bench policy --policy DIR
    Policy(policy::BenchPolicy),
}

impl BenchCommand {
    /// Measures what needs no policy; returns the rest.
    pub fn run(self) -> Result<Option<policy::BenchPolicy>> {
        match self {
            Self::Sandbox(bench) => bench.run().map(|()| None),
            Self::Start(bench) => bench.run().map(|()| None),
            Self::Policy(bench) => Ok(Some(bench)),
        }
    }
}
