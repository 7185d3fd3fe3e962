//! `azr-host warm-start`: trains the tiny policy from nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    config::Dtype,
    policy::{Device, LoadOptions, Policy},
    warm_start::{
        examination,
        training::{self, Training},
    },
};

/// Proposals per kind in the file of held-out tasks.
const HELD_OUT_PROPOSALS: usize = 700;

/// Train a tiny policy from nothing on programs drawn from a grammar
///
/// The policy learns to work through programs step by step, but seldom does so of its own accord: finding out that
/// it pays is left to self-play. The directory can be given to --policy; held-out.jsonl in it has proposals about
/// programs that the training never saw.
///
/// Example: azr-host warm-start --out my-policy --lessons 100000
#[derive(Args, Debug)]
pub struct WarmStartCommand {
    /// Where to write the policy: a new or empty directory
    #[arg(long, value_name = "DIR", required_unless_present = "examine")]
    out: Option<PathBuf>,
    /// Train nothing, only print what this policy reaches
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    examine: Option<PathBuf>,
    /// Decides the initial weights and every lesson
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lessons in all; the learning rate falls to zero at the last
    #[arg(long, default_value_t = 140_000)]
    lessons: u64,
    /// How often the policy should think before it answers, if it is not told to (0 to 1)
    #[arg(long, default_value_t = 0.1)]
    think_share: f64,
    /// Held-out programs of the examination at the end
    #[arg(long, default_value_t = 700)]
    programs: usize,
    /// CPU threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

impl WarmStartCommand {
    pub fn run(self) -> Result<()> {
        let options = LoadOptions { device: Device::Cpu, dtype: Some(Dtype::F32), threads: self.threads };
        let policy = match (&self.examine, &self.out) {
            (Some(dir), _) => Policy::load(dir, &options)?,
            (None, Some(out)) => self.train(out, &options)?,
            (None, None) => unreachable!("the arguments require one of them"),
        };
        report(&policy, self.programs)
    }

    /// Trains a policy and writes it to `out`.
    fn train(&self, out: &Path, options: &LoadOptions) -> Result<Policy> {
        let Self { seed, lessons, think_share, .. } = *self;
        // Before the training, so that a wrong name does not cost a quarter of an hour.
        fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
        ensure!(fs::read_dir(out)?.next().is_none(), "{} is not empty; name another directory", out.display());
        ensure!(think_share > 0.0 && think_share < 1.0, "think-share is {think_share}; it must lie between 0 and 1");
        let started = Instant::now();
        let bar = ProgressBar::with_draw_target(Some(lessons), ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} lessons, {eta} left, loss {msg}")?);
        let mut loss = 0.0;
        let policy = training::train(&Training { seed, lessons, think_share }, options, |progress| {
            // A mean over about fifty updates.
            loss += (progress.loss - loss) / 50f64.min(progress.updates as f64);
            bar.set_position(progress.lessons);
            bar.set_message(format!("{loss:.3}"));
        })?;
        bar.finish();
        policy.save(out)?;
        write_held_out(out)?;
        println!("{} after {:.0} minutes", out.display(), started.elapsed().as_secs_f64() / 60.0);
        Ok(policy)
    }
}

/// Prints what the policy reaches. The programs are not those of `held-out.jsonl`.
fn report(policy: &Policy, programs: usize) -> Result<()> {
    println!(
        "\n{programs} held-out programs                 solved                        by lines: 2   3   4   5   6"
    );
    for score in examination::examine(policy, examination::SEED, programs)? {
        println!("{score}");
    }
    Ok(())
}

fn write_held_out(dir: &Path) -> Result<()> {
    let path = dir.join("held-out.jsonl");
    fs::write(&path, examination::held_out_proposals(HELD_OUT_PROPOSALS))
        .with_context(|| format!("cannot write {}", path.display()))
}
