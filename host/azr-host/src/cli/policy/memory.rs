//! `azr-host policy memory`.

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::{Result, bail};
use azr_config::Preset;
use clap::Args;

#[derive(Args)]
pub struct MemoryPlan {
    /// A policy's directory; its config.json is enough.
    pub policy: PathBuf,

    /// The preset to start from.
    #[arg(long, value_enum, default_value_t = Preset::Paper)]
    pub preset: Preset,

    /// A TOML file with keys that replace the preset's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Replace one key, as in `--set policy.lora.rank=32`. May be repeated; wins over the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,

    /// Where the policy computes.
    #[arg(long, value_parser = ["cpu", "cuda"], default_value = "cpu")]
    pub device: String,

    /// What there is, as 80GB or 79.6GiB; with it, a run that does not fit is an error.
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub memory: Option<u64>,

    /// Train with this many processes, and say what each of them takes.
    #[arg(long, value_name = "N", default_value = "1")]
    pub ranks: NonZeroUsize,

    /// One JSON object with bytes instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `80GB` or `79.6GiB` in bytes.
fn bytes(text: &str) -> Result<u64> {
    let units = [("GiB", (1u64 << 30) as f64), ("GB", 1e9)];
    for (unit, size) in units {
        if let Some(number) = text.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok()) {
            return Ok((number * size) as u64);
        }
    }
    bail!("{text:?} is not a size; write 80GB or 79.6GiB")
}
