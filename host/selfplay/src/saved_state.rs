//! What of self-play a checkpoint keeps beside policy, optimiser and buffers, so that no log has to be read again for it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use azr_config::FaultsConfig;
use serde::{Deserialize, Serialize};

use crate::{
    env_state::EnvState,
    faults::{Breaker, Tallies, Tally},
    measures::Seen,
};

/// By names, because positions are those of one process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedState {
    /// The steps that the breaker has in view, by environment.
    faults: Vec<BTreeMap<String, Tally>>,
    environments: BTreeMap<String, SavedEnv>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedEnv {
    in_play: bool,
    /// Texts of measures, by kind.
    seen: BTreeMap<String, Seen>,
}

impl SavedState {
    pub fn new(envs: &[EnvState], breaker: &Breaker) -> Self {
        let named = |tallies: &Tallies| {
            tallies.iter().map(|(&env, tally)| (envs[env].name().to_owned(), tally.clone())).collect()
        };
        let saved = |env: &EnvState| {
            let kinds = env.kinds().iter().map(|kind| kind.name.clone());
            let seen = kinds.zip(env.seen.iter().cloned()).collect();
            (env.name().to_owned(), SavedEnv { in_play: env.in_play, seen })
        };
        Self { faults: breaker.window().map(named).collect(), environments: envs.iter().map(saved).collect() }
    }

    /// Puts the environments into this state and returns the breaker.
    pub fn restore(mut self, envs: &mut [EnvState], config: &FaultsConfig) -> Result<Breaker> {
        let position = |name: &str| envs.iter().position(|env| env.name() == name);
        let steps = self
            .faults
            .into_iter()
            .map(|step| step.into_iter().filter_map(|(name, tally)| Some((position(&name)?, tally))).collect());
        let breaker = Breaker::resumed(config, steps.collect::<Vec<Tallies>>());
        for env in envs {
            let saved = self.environments.remove(env.name());
            let SavedEnv { in_play, mut seen } =
                saved.with_context(|| format!("the checkpoint says nothing about environment {}", env.name()))?;
            env.in_play = in_play;
            for kind in 0..env.seen.len() {
                env.seen[kind] = seen.remove(&env.kinds()[kind].name).unwrap_or_default();
            }
        }
        Ok(breaker)
    }
}
