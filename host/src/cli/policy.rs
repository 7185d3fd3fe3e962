//! Which policy, on which device: arguments that training and evaluation share. And `azr-host policy`.

mod memory;
mod merge;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::{
    config::{PolicyConfig, Preset, RunConfig},
    hub::Hub,
    memory::{Estimate, Plan},
    policy::{Device, LoadOptions, Policy, embedded},
    ranks::Launch,
};

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
    /// What the experiment record calls the policy.
    pub fn name(&self) -> String {
        self.policy.as_deref().map_or(embedded::NAME.to_owned(), |dir| dir.display().to_string())
    }

    /// Fetches a policy that is named as on the hub; from then on its directory is meant.
    pub fn fetch(&mut self) -> Result<()> {
        if let Some(named) = self.policy.as_mut().filter(|dir| !dir.is_dir()) {
            *named = Hub::from_env()?.fetch(&named.to_string_lossy().parse()?)?;
        }
        Ok(())
    }

    /// The preset that is meant for the policy.
    pub fn preset(&self) -> Result<Preset> {
        self.policy.as_deref().map_or(Ok(Preset::Tiny), Preset::of_policy)
    }

    /// What training the policy, or the one in `instead`, takes and what there is. Fails where the machine or the card can
    /// never hold it.
    pub fn plan_memory(&self, config: &RunConfig, instead: Option<&Path>) -> Result<Plan> {
        let (shape, lora) = Policy::shape(instead.or(self.policy.as_deref()))?;
        let lora = lora.as_ref().or(config.policy.lora.of_rank());
        let estimate = Estimate::new(&shape, config, lora, Launch::from_env()?.size);
        let memory = self.device()?.memory()?;
        if let Some(memory) = memory {
            estimate.check(config, lora, memory)?;
        }
        Ok(Plan { estimate, memory })
    }

    fn device(&self) -> Result<Device> {
        match self.device.as_deref().unwrap_or("cpu") {
            "cuda" => Device::cuda(Launch::from_env()?.local_rank),
            other => other.parse(),
        }
    }

    /// Loads the policy, from `instead` where one is given, with a fresh adapter where the setting asks for one and the
    /// policy has none.
    pub fn load(&self, config: &RunConfig, instead: Option<&Path>) -> Result<Policy> {
        let device = self.device()?;
        let PolicyConfig { dtype, threads, lora } = &config.policy;
        let options = LoadOptions { device, dtype: Some(*dtype), threads: *threads };
        let dir = instead.or(self.policy.as_deref());
        let policy = match dir {
            Some(dir) => Policy::load(dir, &options)?,
            None => embedded::policy(&options)?,
        };
        let Some(lora) = lora.of_rank() else { return Ok(policy) };
        let Some(own) = policy.lora() else {
            let base = match dir {
                Some(dir) => std::path::absolute(dir)?.display().to_string(),
                None => embedded::NAME.to_owned(),
            };
            return policy.with_fresh_adapter(lora, base, config.seed);
        };
        ensure!(
            own == lora,
            "the policy has an adapter already, and policy.lora asks for another; leave policy.lora.rank at 0 to go on with \
             the one it has, or make it part of the weights first: azr-host policy merge"
        );
        Ok(policy)
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

impl PolicyCommand {
    /// Does what the command line asks for.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Merge(merge) => merge.run(),
            Self::Memory(plan) => plan.run(),
        }
    }
}
