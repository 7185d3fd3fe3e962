//! `azr-host warm-start --env FILE`.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use super::Display;
use crate::{
    cli::{PolicyArgs, SandboxArgs},
    config::{Preset, RunConfig},
    data_set::DataSet,
    env_source::EnvSource,
    evaluation::KindScores,
    session,
    warm_start::{
        environments::{self, Refused, Trained, Training},
        training,
    },
};

/// Some minutes for the embedded policy; with `--until-solved` it is seldom the end.
const LESSONS: u64 = 40_000;

/// What a policy learns from, and how.
#[derive(Args)]
#[command(next_help_heading = "With --env")]
pub(super) struct FromEnvironments {
    /// An environment: a component file, or oci://host/name@sha256:… Repeat for several
    #[arg(long = "env", value_name = "FILE|oci://…")]
    envs: Vec<EnvSource>,
    /// End when this share of the policy's sampled attempts is right, of each kind, at tasks that are no lessons
    #[arg(long, value_name = "SHARE")]
    until_solved: Option<f64>,
    /// At its highest [default: 3e-3 for the embedded policy and its siblings, 1e-5 with the preset paper]
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// A data set to learn from beside generated tasks: as for training
    #[arg(long = "tasks", value_name = "[NAME=]FILE")]
    tasks: Vec<String>,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The setting that the policy will be trained with: its style of prompts, lengths and settings of environments
    /// count [default: what azr-host.toml in the policy's directory names; otherwise paper]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// A TOML file with keys that replace the preset's
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Replace one key of the setting
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

impl FromEnvironments {
    pub(super) fn is_empty(&self) -> bool {
        self.envs.is_empty()
    }

    /// Trains a policy and writes it to `out`.
    pub(super) fn train(self, out: &Path, seed: u64, lessons: Option<u64>, threads: usize) -> Result<()> {
        let Self { envs, until_solved, learning_rate, tasks, mut policy, preset, config, mut overrides, sandbox } =
            self;
        policy.fetch()?;
        if let Some(share) = until_solved {
            ensure!(share > 0.0 && share <= 1.0, "--until-solved is {share}; it must lie between 0 and 1");
        }
        let preset = preset.map_or_else(|| policy.preset(), Ok)?;
        overrides.extend([format!("seed={seed}"), format!("policy.threads={threads}")]);
        let config = RunConfig::resolve(preset, config.as_deref(), &overrides)?;
        let mut update = training::update_config(preset)?;
        if let Some(rate) = learning_rate {
            ensure!(rate > 0.0 && rate.is_finite(), "--learning-rate is {rate}; it must be above 0");
            update.muon_learning_rate *= rate / update.learning_rate;
            update.learning_rate = rate;
        }
        let mut arenas = session::load_arenas(&sandbox.start(&config.sandbox)?, &envs, &config)?;
        let data_sets = tasks.iter().map(|argument| DataSet::named(argument, &arenas)).collect::<Result<Vec<_>>>()?;
        let given = environments::gather(&mut arenas, &data_sets, &config)?;
        let policy = policy.load(&config, None)?;
        let training = Training { lessons: lessons.unwrap_or(LESSONS), until_solved, update };
        let mut display = Display::new(training.lessons)?;
        let trained = environments::train(&policy, &arenas, given, &config, &training, |progress, solved| {
            let rates = solved.values().map(|scores| format!("{:.0} %", 100.0 * scores.solve_rate));
            let rates: Vec<String> = rates.collect();
            let solved = if rates.is_empty() { String::new() } else { format!(", solves {}", rates.join(", ")) };
            display.show(progress, &solved);
        })?;
        let kinds: usize = arenas.iter().map(|arena| arena.environment.description().kinds.len()).sum();
        let preset = if kinds == 1 && preset == Preset::Tiny { Preset::Single } else { preset };
        display.finish(&policy, preset, out)?;
        report(&trained);
        println!("\nTo train it: azr-host --env {} --policy {}", envs[0], out.display());
        Ok(())
    }
}

fn report(Trained { lessons, solved, refused }: &Trained) {
    println!("{lessons} lessons; sampled attempts at tasks that were none:");
    for (label, KindScores { tasks, solve_rate, standard_error, .. }) in solved {
        println!("  {label:<24} {:.1} ± {:.1} % of {tasks}", 100.0 * solve_rate, 100.0 * standard_error);
    }
    if let Refused { count, first: Some(first) } = refused {
        println!("{count} demonstrations were not learned; the first: {first}");
    }
}
