//! `azr-host bench policy`: how fast a policy samples and learns.

use anyhow::Result;
use clap::Args;

use crate::{
    cli::PolicyArgs,
    config::{Preset, RunConfig},
    policy::bench::{BenchPlan, bench},
};

/// Sample completions of full length, and take updates on them.
#[derive(Args)]
pub struct BenchPolicy {
    #[command(flatten)]
    policy: PolicyArgs,

    /// Numbers of sequences at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    batches: Vec<usize>,

    #[arg(long, default_value_t = 32)]
    prompt_tokens: usize,

    #[arg(long, default_value_t = 64)]
    completion_tokens: usize,

    /// Each figure is the best of so many.
    #[arg(long, default_value_t = 3)]
    repeats: usize,

    /// Replace one key of the setting, as in `--set policy.threads=1`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,

    /// One JSON object per figure instead of a table.
    #[arg(long)]
    json: bool,
}

impl BenchPolicy {
    /// Measures and prints.
    pub fn run(mut self) -> Result<()> {
        self.policy.fetch()?;
        let config = RunConfig::resolve(Preset::Tiny, None, &self.overrides)?;
        let mut policy = self.policy.load(&config, None)?;
        let plan = BenchPlan {
            batches: self.batches,
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            repeats: self.repeats,
        };
        let rows = bench(&mut policy, &config, &plan)?;
        if self.json {
            for row in &rows {
                println!("{}", serde_json::to_string(row)?);
            }
            return Ok(());
        }
        println!("{:<8}{:>8}{:>16}{:>20}", "", "batch", "tokens/s", "tokens/CPU-s");
        for row in &rows {
            println!("{:<8}{:>8}{:>16.0}{:>20.0}", row.what, row.batch, row.tokens_per_s, row.tokens_per_cpu_s);
        }
        Ok(())
    }
}
