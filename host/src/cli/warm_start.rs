//! `azr-host warm-start`: makes a policy that self-play can start from.

mod environments;
mod grammar;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{config::Preset, policy::Policy, warm_start::training::Progress};

use environments::FromEnvironments;
use grammar::FromGrammar;

/// Prepare a policy for self-play: from nothing by programs of a grammar, or with --env by demonstrations.
///
/// Without --env a tiny policy learns from nothing to work through programs step by step, but seldom does so of its own
/// accord: finding out that it pays is left to self-play. held-out.jsonl in its directory has proposals about programs
/// that the training never saw.
///
/// With --env a policy learns from environments that demonstrate their tasks, before it trains on them by reward: one
/// that never solves a task has nothing to be rewarded for. --until-solved leaves most of the learning to the training.
/// Tasks that a training with the same seed holds out are no lessons.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    azr-host warm-start --out my-policy --lessons 100000\n  \
    azr-host warm-start --language javascript --out js-policy\n  \
    azr-host warm-start --env envs/countdown.wasm --until-solved 0.2 --out countdown-policy")]
#[command(group = ArgGroup::new("with_env").multiple(true).requires("envs").args([
    "until_solved", "learning_rate", "tasks", "policy", "device", "preset", "config", "overrides", "workers", "cache_dir",
    "grants",
]))]
#[command(group = ArgGroup::new("without_env").multiple(true).conflicts_with("envs").args([
    "examine", "language", "think_share", "programs",
]))]
pub struct WarmStartCommand {
    /// Where to write the policy: a new or empty directory
    #[arg(long, value_name = "DIR", required_unless_present = "examine", conflicts_with = "examine")]
    out: Option<PathBuf>,
    /// Decides every lesson, and initial weights
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lessons at most; the learning rate falls to zero at the last [default: 140000 of the grammar, 40000 of
    /// environments]
    #[arg(long)]
    lessons: Option<u64>,
    /// CPU threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[command(flatten)]
    grammar: FromGrammar,
    #[command(flatten)]
    environments: FromEnvironments,
}

impl WarmStartCommand {
    pub fn run(self) -> Result<()> {
        let Self { out, seed, lessons, threads, grammar, environments } = self;
        match out {
            None => grammar.examine(threads),
            Some(out) => {
                // Before the training, so that a wrong name does not cost a quarter of an hour.
                fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
                ensure!(fs::read_dir(&out)?.next().is_none(), "{} is not empty; name another directory", out.display());
                if environments.is_empty() {
                    grammar.train(&out, seed, lessons, threads)
                } else {
                    environments.train(&out, seed, lessons, threads)
                }
            }
        }
    }
}

/// Updates between two lines of a log, where there is no terminal for a bar.
const UPDATES_PER_LINE: u64 = 64;

/// Shows how far a training is.
struct Display {
    bar: ProgressBar,
    loss: f64,
    started: Instant,
}

impl Display {
    fn new(lessons: u64) -> Result<Self> {
        let bar = ProgressBar::with_draw_target(Some(lessons), ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} lessons, {eta} left, loss {msg}")?);
        Ok(Self { bar, loss: 0.0, started: Instant::now() })
    }

    /// Shows a mean over the losses of about fifty updates, and what else there is to say.
    fn show(&mut self, progress: Progress, more: &str) {
        self.loss += (progress.loss - self.loss) / 50f64.min(progress.updates as f64);
        self.bar.set_position(progress.lessons);
        self.bar.set_message(format!("{:.3}{more}", self.loss));
        if self.bar.is_hidden() && progress.updates.is_multiple_of(UPDATES_PER_LINE) {
            eprintln!("{} lessons, loss {:.3}{more}", progress.lessons, self.loss);
        }
    }

    /// Writes the policy down, and which preset to train it with.
    fn finish(self, policy: &Policy, preset: Preset, out: &Path) -> Result<()> {
        self.bar.finish();
        policy.save(out)?;
        preset.write_into(out)?;
        println!("{} after {:.1} minutes", out.display(), self.started.elapsed().as_secs_f64() / 60.0);
        Ok(())
    }
}
