//! `azr-host warm-start`: makes a policy that self-play can start from.

mod environments;
mod grammar;

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, Result, ensure};
use azr_config::Preset;
use azr_host::cli::warm_start::WarmStartCommand;
use azr_policy::Policy;
use azr_warm_start::training::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Trains a policy, or examines one.
pub fn run(command: WarmStartCommand) -> Result<()> {
    let WarmStartCommand { out, seed, lessons, threads, grammar, environments } = command;
    match out {
        None => grammar::examine(&grammar, threads),
        Some(out) => {
            // Before the training, so that a wrong name does not cost a quarter of an hour.
            fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
            ensure!(fs::read_dir(&out)?.next().is_none(), "{} is not empty; name another directory", out.display());
            if environments.envs.is_empty() {
                grammar::train(&grammar, &out, seed, lessons, threads)
            } else {
                environments::train(environments, &out, seed, lessons, threads)
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
