//! `azr-host policy memory`.

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    config::{Preset, RunConfig},
    memory::{Estimate, Memory, gib},
    policy::Policy,
};

#[derive(Args)]
pub struct MemoryPlan {
    /// A policy's directory; its config.json is enough.
    policy: PathBuf,

    /// The setting to start from.
    #[arg(long, value_enum, default_value_t = Preset::Paper)]
    preset: Preset,

    /// A TOML file with keys that replace the preset's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Replace one key, as in `--set policy.lora.rank=32`. May be repeated; wins over the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,

    /// What there is, as 80GB or 79.6GiB; with it, a run that does not fit is an error.
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory: Option<u64>,

    /// Train with so many processes, and say what each of them takes.
    #[arg(long, value_name = "N", default_value = "1")]
    ranks: NonZeroUsize,

    /// One JSON object with bytes instead of a table.
    #[arg(long)]
    json: bool,
}

impl MemoryPlan {
    pub(super) fn run(self) -> Result<()> {
        let config = RunConfig::resolve(self.preset, self.config.as_deref(), &self.overrides)?;
        let (shape, lora) = Policy::shape(Some(&self.policy))?;
        let lora = lora.as_ref().or(config.policy.lora.of_rank());
        let estimate = Estimate::new(&shape, &config, lora, self.ranks.get());
        if self.json {
            println!("{}", serde_json::to_string(&estimate)?);
        } else {
            print(&estimate);
        }
        match self.memory {
            Some(total) => estimate.check(&config, lora, Memory { total, free: total }),
            None => Ok(()),
        }
    }
}

fn print(estimate: &Estimate) {
    let &Estimate { weights, dropped, optimizer, gradients, activations, logits, cache, prefill, draw, process } =
        estimate;
    let rows = [
        ("weights", weights, "always"),
        ("optimizer", optimizer, "always"),
        ("process", process, "always"),
        ("gradients", gradients, "learning"),
        ("activations", activations, "learning"),
        ("logits", logits, "learning"),
        ("dropped", dropped, "weights that are not there while learning"),
        ("cache", cache, "sampling"),
        ("prefill", prefill, "sampling"),
        ("draw", draw, "sampling"),
    ];
    for (what, bytes, when) in rows {
        println!("{what:<12}{:>8.2} GiB  {when}", gib(bytes));
    }
    println!("{:<12}{:>8.2} GiB", "at most", gib(estimate.total()));
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
