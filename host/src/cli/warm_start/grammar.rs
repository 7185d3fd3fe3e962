//! `azr-host warm-start` without an environment.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use super::Display;
use crate::{
    config::{Dtype, Preset},
    policy::{Device, LoadOptions, Policy},
    warm_start::{
        examination,
        language::Language,
        scratch::{self, Training},
    },
};

/// Proposals per kind in the file of held-out tasks.
const HELD_OUT_PROPOSALS: usize = 700;
/// What the embedded policy was made with.
const LESSONS: u64 = 140_000;

/// What a policy learns from programs, and how it is examined.
#[derive(Args)]
pub(super) struct FromGrammar {
    /// Train nothing, only print what this policy reaches
    #[arg(long, value_name = "DIR", help_heading = "Without --env")]
    examine: Option<PathBuf>,
    /// What the programs are written in
    #[arg(long, value_enum, default_value_t, help_heading = "Without --env")]
    language: Language,
    /// How often the policy should think before it answers, if it is not told to (0 to 1)
    #[arg(long, default_value_t = 0.1, help_heading = "Without --env")]
    think_share: f64,
    /// Held-out programs of the examination at the end
    #[arg(long, default_value_t = 700, help_heading = "Without --env")]
    programs: usize,
}

impl FromGrammar {
    /// Prints what the policy of `--examine` reaches.
    pub(super) fn examine(&self, threads: usize) -> Result<()> {
        let dir = self.examine.as_deref().expect("the arguments require --out or --examine");
        report(&Policy::load(dir, &options(threads))?, self.language, self.programs)
    }

    /// Trains a policy and writes it to `out`.
    pub(super) fn train(&self, out: &Path, seed: u64, lessons: Option<u64>, threads: usize) -> Result<()> {
        let Self { language, think_share, .. } = *self;
        ensure!(think_share > 0.0 && think_share < 1.0, "think-share is {think_share}; it must lie between 0 and 1");
        let lessons = lessons.unwrap_or(LESSONS);
        let mut display = Display::new(lessons)?;
        let training = Training { language, seed, lessons, think_share };
        let policy = scratch::train(&training, &options(threads), |progress| display.show(progress, ""))?;
        write_held_out(out, language)?;
        display.finish(&policy, Preset::Tiny, out)?;
        report(&policy, language, self.programs)
    }
}

fn options(threads: usize) -> LoadOptions {
    LoadOptions { device: Device::Cpu, dtype: Some(Dtype::F32), threads }
}

/// Prints what the policy reaches. The programs are not those of `held-out.jsonl`.
fn report(policy: &Policy, language: Language, programs: usize) -> Result<()> {
    println!(
        "\n{programs} held-out programs                 solved                        by lines: 2   3   4   5   6"
    );
    for score in examination::examine(policy, language, examination::SEED, programs)? {
        println!("{score}");
    }
    Ok(())
}

fn write_held_out(dir: &Path, language: Language) -> Result<()> {
    let path = dir.join("held-out.jsonl");
    fs::write(&path, examination::held_out_proposals(language, HELD_OUT_PROPOSALS))
        .with_context(|| format!("cannot write {}", path.display()))
}
