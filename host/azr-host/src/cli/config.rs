//! The configuration: arguments of every command that uses a policy in environments.

use std::path::PathBuf;

use anyhow::Result;
use azr_config::{Algorithm, Preset, RunConfig};
use clap::Args;

use super::policy::PolicyArgs;

/// A preset, a file and single keys; later ones win.
#[derive(Args)]
pub struct ConfigArgs {
    /// The preset to start from [default: what azr-host.toml in the policy's directory names, as a warm start writes it;
    /// otherwise paper].
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,

    /// A TOML file with keys that replace the preset's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Replace one key, as in `--set update.learning-rate=1e-5`. May be repeated; wins over the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

impl ConfigArgs {
    /// The preset that was named, or else the one that is meant for the policy.
    pub fn preset(&self, policy: &PolicyArgs) -> Result<Preset> {
        self.preset.map_or_else(|| policy.preset(), Ok)
    }

    /// The whole configuration, with `keys` on top of all others.
    pub fn resolve(&self, policy: &PolicyArgs, keys: &[String]) -> Result<RunConfig> {
        self.resolve_with(policy, Algorithm::TrrPlusPlus, keys)
    }

    /// The same with the algorithm's keys on top of the preset's.
    pub fn resolve_with(&self, policy: &PolicyArgs, algorithm: Algorithm, keys: &[String]) -> Result<RunConfig> {
        let overrides = [&self.overrides, keys].concat();
        RunConfig::resolve_with(self.preset(policy)?, algorithm, self.config.as_deref(), &overrides)
    }
}
