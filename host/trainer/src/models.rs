//! The policy and the learner of a session, as libtorch computes them.

use std::{path::Path, sync::Arc};

use anyhow::Result;
use azr_config::RunConfig;
use azr_core::meter::Meter;
use azr_experiment::session::Models;
use azr_learner::Learner;
use azr_policy::Policy;
use azr_ranks::Ranks;

use crate::policy_source::PolicySource;

/// A policy of `source`, of which each of `ranks` has a copy.
pub struct TorchModels<'a> {
    pub source: PolicySource,
    pub ranks: &'a Ranks,
    /// Raised as the policy samples.
    pub meter: Arc<Meter>,
}

impl Models for TorchModels<'_> {
    type Policy = Policy;
    type Learner = Learner;

    fn name(&self) -> String {
        self.source.name()
    }

    fn device(&self) -> String {
        self.source.device.clone().unwrap_or_else(|| "cpu".to_owned())
    }

    fn plan(&self, config: &RunConfig, saved: Option<&Path>) -> Result<String> {
        Ok(self.source.plan_memory(config, saved)?.to_string())
    }

    fn policy(&self, config: &RunConfig, saved: Option<&Path>) -> Result<Policy> {
        let mut policy = self.source.load(config, saved)?.on(self.ranks)?;
        policy.meter = Arc::clone(&self.meter);
        Ok(policy)
    }

    fn learner(&self, config: &RunConfig, policy: &Policy, start_policy: Option<&Path>) -> Result<Learner> {
        let learner = Learner::new(policy, &config.update, &config.sampling)?;
        match start_policy {
            Some(start) => Ok(learner.with_start_policy(self.policy(config, Some(start))?)),
            None => Ok(learner),
        }
    }

    fn save(&self, policy: &Policy, folder: &Path) -> Result<()> {
        policy.save(folder)
    }
}
