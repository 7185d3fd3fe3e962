//! Which policy, on which device: arguments that training and evaluation share.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::{
    config::{PolicyConfig, Preset},
    hub::Hub,
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
        self.policy.as_deref().map_or("embedded".to_owned(), |dir| dir.display().to_string())
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

    /// Loads the policy, from `instead` where one is given.
    pub fn load(&self, config: &PolicyConfig, instead: Option<&Path>) -> Result<Policy> {
        let device = match self.device.as_deref().unwrap_or("cpu") {
            "cuda" => Device::Cuda(Launch::from_env()?.local_rank),
            other => other.parse()?,
        };
        let PolicyConfig { dtype, threads } = *config;
        let options = LoadOptions { device, dtype: Some(dtype), threads };
        match instead.or(self.policy.as_deref()) {
            Some(dir) => Policy::load(dir, &options),
            None => embedded::policy(&options),
        }
    }
}
