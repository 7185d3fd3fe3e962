//! `azr-host policy merge`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::policy::{Device, LoadOptions, Policy};

#[derive(Args)]
pub struct Merge {
    /// A directory with an adapter, as a checkpoint's policy/ is one, or as PEFT saves it.
    adapter: PathBuf,
    /// Where to write the whole policy: a new or empty directory.
    out: PathBuf,
}

impl Merge {
    pub(super) fn run(self) -> Result<()> {
        let Self { adapter, out } = self;
        let options = LoadOptions { device: Device::Cpu, dtype: None, threads: 1 };
        let policy = Policy::load(&adapter, &options)?;
        ensure!(policy.lora().is_some(), "{} is a whole policy already: it has no adapter", adapter.display());
        let empty = std::fs::read_dir(&out).is_ok_and(|mut entries| entries.next().is_none());
        ensure!(empty || !out.exists(), "{} exists and is not an empty directory", out.display());
        policy.merged()?.save(&out).with_context(|| format!("writing {}", out.display()))
    }
}
