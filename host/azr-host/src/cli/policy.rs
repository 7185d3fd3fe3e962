//! Which policy, on which device: arguments that training and evaluation share. And `azr-host policy`.

pub mod memory;
pub mod merge;

use std::path::PathBuf;

use anyhow::Result;
use azr_config::Preset;
use clap::{Args, Subcommand};

/// The policy and where it runs.
#[derive(Args, Clone)]
pub struct PolicyArgs {
    /// A Hugging Face directory (config.json, tokenizer.json, *.safetensors), or the name of a model on the hub, as in
    /// Qwen/Qwen2.5-Coder-3B, with @REVISION for a certain one [default: the embedded policy].
    #[arg(long, value_name = "DIR|OWNER/NAME")]
    pub policy: Option<PathBuf>,

    /// Where the policy computes: cpu, cuda or cuda:N [default: cpu]. With several ranks, cuda is the GPU of the local rank.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
}

impl PolicyArgs {
    /// The preset that is meant for the policy.
    pub fn preset(&self) -> Result<Preset> {
        self.policy.as_deref().map_or(Ok(Preset::Tiny), Preset::of_policy)
    }
}

/// Work with policies.
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Add an adapter to the weights that it was trained beside, and write the whole policy.
    ///
    /// Example: azr-host policy merge experiments/python-0001/checkpoints/step-000100/policy merged
    Merge(merge::Merge),
    /// Say how much memory training a policy takes, from its config.json alone.
    ///
    /// Example: azr-host policy memory DIR --set policy.lora.rank=32 --memory 80GB
    Memory(memory::MemoryPlan),
}
