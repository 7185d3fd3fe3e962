//! `azr-host bench policy`: how fast a policy samples and learns.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use crate::{
    cli::PolicyArgs,
    config::{Preset, RunConfig},
    policy::{
        Policy,
        bench::{BenchPlan, BenchReport, bench},
    },
    update::Rollout,
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

    /// Keep what was computed, so that another implementation can compute it again: the last batch, its log-probabilities
    /// and its loss in DIR/update.json, the policy after the last update in DIR/policy. With --repeats 0 and one batch that
    /// is one update from the weights as they were.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
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
        let report = bench(&mut policy, &config, &plan)?;
        if let Some(dir) = &self.keep {
            keep(dir, &report, &policy)?;
        }
        if self.json {
            println!("{}", json!({ "copy_bytes_per_s": report.copy_bytes_per_s }));
            for row in &report.rows {
                println!("{}", serde_json::to_string(row)?);
            }
            return Ok(());
        }
        println!("memory copies: {:.1} GB/s\n", report.copy_bytes_per_s / 1e9);
        println!("{:<8}{:>8}{:>16}{:>20}{:>12}", "", "batch", "tokens/s", "tokens/CPU-s", "roofline");
        for row in &report.rows {
            let roofline = row.roofline.map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share));
            println!(
                "{:<8}{:>8}{:>16.0}{:>20.0}{roofline:>12}",
                row.what, row.batch, row.tokens_per_s, row.tokens_per_cpu_s
            );
        }
        Ok(())
    }
}

fn keep(dir: &Path, report: &BenchReport, policy: &Policy) -> Result<()> {
    let rollout = |rollout: &Rollout| {
        json!({
            "prompt": rollout.prompt,
            "completion": rollout.completion,
            "old_logprobs": rollout.old_logprobs,
            "advantage": rollout.advantage,
        })
    };
    let update = json!({
        "loss": report.last_update.map(|update| update.loss),
        "gradient_norm": report.last_update.map(|update| update.gradient_norm),
        "rollouts": report.rollouts.iter().map(rollout).collect::<Vec<_>>(),
    });
    policy.save(&dir.join("policy"))?;
    let path = dir.join("update.json");
    std::fs::write(&path, serde_json::to_vec(&update)?).with_context(|| format!("cannot write {}", path.display()))
}
