//! `azr-host replay`: judges a finished run again.

use std::{path::PathBuf, time::Instant};

use anyhow::{Result, ensure};
use clap::Args;

use azr_core::terminal;
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use azr_experiment::replay::{Changes, Mismatches, Replay, Standard};

/// Plan, run and judge every row of an experiment's ledger again
///
/// Everything must equal what was recorded: the planned runs, their outcomes and fuel, the verdict, the reward.
/// Anything else is a mismatch, and the exit code 1. Rows after the last checkpoint are left out; a running experiment
/// can be replayed.
///
/// With another environment file, or other settings, the run is graded again by those instead, and what would have
/// changed is listed.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    azr-host replay experiments/python-0001\n  \
    azr-host replay experiments/python-0001 --env newer/python.wasm\n  \
    azr-host replay experiments/python-0001 --set reward.rejected=-1.0")]
pub struct ReplayCommand {
    /// The experiment's directory
    dir: PathBuf,

    /// An environment in place of the recorded one of its name. May be repeated
    #[arg(long = "env", value_name = "FILE|oci://…")]
    envs: Vec<EnvSource>,

    /// Replace one key of the experiment's configuration. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,

    /// One JSON object instead of text
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    sandbox: SandboxArgs,
}

impl ReplayCommand {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        let mut replay = Replay::load(&self.dir, &self.envs, &self.overrides, &self.sandbox)?;
        match replay.standard() {
            Standard::Recorded => {
                let mut found = Mismatches::default();
                replay.run(|row| found.add(&row))?;
                if self.json {
                    println!("{}", terminal::json(&serde_json::to_string(&found)?))
                } else {
                    print_mismatches(&found, start)
                }
                let Mismatches { rows, mismatched_rows, not_judged_now, .. } = found;
                ensure!(mismatched_rows == 0, "{mismatched_rows} of {rows} rows differ from what was recorded");
                ensure!(not_judged_now == 0, "the host failed to judge {not_judged_now} of {rows} rows");
            }
            Standard::Other => {
                let mut found = Changes::default();
                replay.run(|row| found.add(&row))?;
                if self.json {
                    println!("{}", terminal::json(&serde_json::to_string(&found)?))
                } else {
                    print_changes(&found, start)
                }
            }
        }
        Ok(())
    }
}

fn print_mismatches(found: &Mismatches, start: Instant) {
    for example in &found.examples {
        println!("{}", terminal::line(example));
    }
    let told = found.examples.len();
    if found.mismatched_rows > told {
        println!("… and {} more rows", found.mismatched_rows - told);
    }
    if found.not_judged_then > 0 {
        println!("{} rows hold nothing to compare with: the host had failed to judge them", found.not_judged_then);
    }
    let differences = found.differences.iter().map(|(what, rows)| format!("{what} in {rows}")).collect::<Vec<_>>();
    let result =
        if found.none() { "no mismatch".to_owned() } else { format!("mismatches: {}", differences.join(", ")) };
    println!(
        "replayed {} rows with {} runs in {:.1} s: {result}",
        found.rows,
        found.runs,
        start.elapsed().as_secs_f64()
    );
}

fn print_changes(found: &Changes, start: Instant) {
    for (label, group) in &found.groups {
        let mean = |sum: f64| sum / group.rewarded.max(1) as f64;
        println!(
            "{label}: {} of {} rewards change, mean {:.3} → {:.3}; runs differ in {} rows, details only in {}",
            group.rewards,
            group.rows,
            mean(group.reward_sum_then),
            mean(group.reward_sum_now),
            group.runs,
            group.details
        );
        for (change, rows) in &group.conclusions {
            println!("  {rows:>7}  {}", terminal::line(change));
        }
    }
    for example in &found.examples {
        println!("{}", terminal::line(example));
    }
    let changed: usize = found.groups.values().flat_map(|group| group.conclusions.values()).sum();
    let rewards: usize = found.groups.values().map(|group| group.rewards).sum();
    println!(
        "graded {} rows again in {:.1} s: {changed} conclusions and {rewards} rewards change",
        found.rows,
        start.elapsed().as_secs_f64()
    );
}
