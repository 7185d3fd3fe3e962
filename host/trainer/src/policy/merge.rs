//! `azr-host policy merge`.

use anyhow::{Context as _, Result, ensure};
use azr_host::cli::policy::merge::Merge;
use azr_policy::{Device, LoadOptions, Policy};

use crate::hub;

/// Writes the adapter's base with the adapter added to it.
pub fn run(Merge { adapter, out }: &Merge) -> Result<()> {
    let options = LoadOptions { device: Device::Cpu, dtype: None, threads: 1 };
    let policy = Policy::load(adapter, &options, &hub::base_model)?;
    ensure!(policy.lora().is_some(), "{} is a whole policy already: it has no adapter", adapter.display());
    let empty = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    ensure!(empty || !out.exists(), "{} exists and is not an empty directory", out.display());
    policy.merged()?.save(out).with_context(|| format!("writing {}", out.display()))
}
