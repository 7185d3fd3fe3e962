//! `azr-host bench policy`: how fast a policy samples and learns.

use std::path::Path;

use anyhow::{Context as _, Result};
use azr_config::{Preset, RunConfig};
use azr_core::training::Rollout;
use azr_host::cli::bench::policy::BenchPolicy;
use azr_learner::bench::{BenchPlan, BenchReport, bench};
use azr_policy::Policy;
use serde_json::json;

use crate::policy_source::{self, PolicySource};

/// Measures and prints.
pub fn run(mut args: BenchPolicy) -> Result<()> {
    policy_source::fetch(&mut args.policy)?;
    let config = RunConfig::resolve(Preset::Tiny, None, &args.overrides)?;
    let mut policy = PolicySource::from(&args.policy).load(&config, None)?;
    let plan = BenchPlan {
        batches: args.batches,
        prompt_tokens: args.prompt_tokens,
        completion_tokens: args.completion_tokens,
        repeats: args.repeats,
    };
    let report = bench(&mut policy, &config, &plan)?;
    if let Some(dir) = &args.keep {
        keep(dir, &report, &policy)?;
    }
    if args.json {
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
