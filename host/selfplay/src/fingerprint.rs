//! What verdicts depend on besides their subjects.

use std::collections::BTreeMap;

use azr_config::RunConfig;
use azr_core::task::Digest;
use azr_sandbox::{Environment, RunLimits};
use serde::{Deserialize, Serialize};

/// What the verdicts of an environment depend on besides their subjects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvFingerprint {
    /// Of azr-host, which sets the limits of judge calls.
    pub host: String,
    /// The wasm engine, which sets how much fuel an instruction takes.
    pub engine: String,
    /// Of `config.toml` as it is written.
    pub config: Digest,
    /// Of the environment's file.
    pub environment: Digest,
    pub executors: Vec<Digest>,
    /// What a run may use, after the operator's grants.
    pub limits: RunLimits,
    /// Of the content of the directories that the judge reads, by name.
    pub directories: BTreeMap<String, Digest>,
}

impl EnvFingerprint {
    /// The fingerprint of an environment under a configuration, in this build.
    pub fn new(config: &RunConfig, environment: &Environment) -> Self {
        Self {
            host: env!("CARGO_PKG_VERSION").to_owned(),
            engine: azr_sandbox::ENGINE.to_owned(),
            config: Digest::of(config.to_toml()),
            environment: environment.digest(),
            executors: environment.executor_digests().to_vec(),
            limits: *environment.limits(),
            directories: environment.directories().iter().map(|each| (each.name.clone(), each.digest)).collect(),
        }
    }

    /// Whether the operator granted the same.
    pub fn same_grants(&self, other: &Self) -> bool {
        (self.limits, &self.directories) == (other.limits, &other.directories)
    }

    /// Of all of them: what rows refer to, by its first digits.
    pub fn digest(&self) -> Digest {
        Digest::of(serde_json::to_vec(self).expect("a fingerprint is plain data"))
    }
}
