//! `azr-host policy`: adapters and memory.

mod memory;
mod merge;

use anyhow::Result;
use azr_host::cli::policy::PolicyCommand;

/// Does what the command asks for.
pub fn run(command: &PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::Merge(merge) => merge::run(merge),
        PolicyCommand::Memory(plan) => memory::run(plan),
    }
}
