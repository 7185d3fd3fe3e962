//! Which policy, and where it computes.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use azr_config::{PolicyConfig, RunConfig};
use azr_core::launch::Launch;
use azr_host::cli::policy::PolicyArgs;
use azr_learner::memory::{Estimate, Plan};
use azr_policy::{Device, LoadOptions, Policy, embedded};

use crate::hub::{self, Hub};

/// The directory of a policy and its device.
#[derive(Clone, Debug)]
pub struct PolicySource {
    /// `None` is the embedded policy.
    pub dir: Option<PathBuf>,
    /// As `--device` names it; the CPU where it does not.
    pub device: Option<String>,
}

/// Replaces the name of a policy on the hub by the directory that it is fetched to.
pub fn fetch(args: &mut PolicyArgs) -> Result<()> {
    if let Some(named) = args.policy.as_mut().filter(|dir| !dir.is_dir()) {
        *named = Hub::from_env()?.fetch(&named.to_string_lossy().parse()?)?;
    }
    Ok(())
}

impl From<&PolicyArgs> for PolicySource {
    fn from(PolicyArgs { policy, device }: &PolicyArgs) -> Self {
        Self { dir: policy.clone(), device: device.clone() }
    }
}

impl PolicySource {
    /// The policy that an experiment was started with, by the name that its record has.
    pub fn recorded(name: &str, device: String) -> Self {
        Self { dir: (name != embedded::NAME).then(|| PathBuf::from(name)), device: Some(device) }
    }

    /// What the experiment record calls the policy.
    pub fn name(&self) -> String {
        self.dir.as_deref().map_or(embedded::NAME.to_owned(), |dir| dir.display().to_string())
    }

    /// What training the policy, or the one in `instead`, takes and what there is. Fails where the machine or the GPU can
    /// never hold it, or where the model does not know that many positions.
    pub fn plan_memory(&self, config: &RunConfig, instead: Option<&Path>) -> Result<Plan> {
        let (shape, lora) = Policy::shape(instead.or(self.dir.as_deref()), &hub::base_model)?;
        shape.check_positions(&config.sampling)?;
        let lora = lora.as_ref().or(config.policy.lora.of_rank());
        let device = self.device()?;
        let estimate = Estimate::new(&shape, config, lora, Launch::from_env()?.size, device);
        let memory = device.memory()?;
        if let Some(memory) = memory {
            estimate.check(config, lora, memory)?;
        }
        Ok(Plan { estimate, memory })
    }

    /// Where it computes.
    pub fn device(&self) -> Result<Device> {
        match self.device.as_deref().unwrap_or("cpu") {
            "cuda" => Device::cuda(Launch::from_env()?.local_rank),
            other => other.parse(),
        }
    }

    /// Loads the policy, from `instead` where one is given, with a fresh adapter where the configuration asks for one and the
    /// policy has none.
    pub fn load(&self, config: &RunConfig, instead: Option<&Path>) -> Result<Policy> {
        let device = self.device()?;
        let PolicyConfig { dtype, threads, lora } = &config.policy;
        let options = LoadOptions { device, dtype: Some(*dtype), threads: *threads };
        let dir = instead.or(self.dir.as_deref());
        let policy = match dir {
            Some(dir) => Policy::load(dir, &options, &hub::base_model)?,
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
