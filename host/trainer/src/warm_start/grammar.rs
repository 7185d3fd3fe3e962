//! `azr-host warm-start` without an environment.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use azr_config::{Dtype, Preset, language::Language};
use azr_host::cli::warm_start::grammar::FromGrammar;
use azr_policy::{Device, LoadOptions, Policy};
use azr_warm_start::{
    examination,
    scratch::{self, ScratchTraining},
};

use super::Display;
use crate::hub;

/// Proposals per kind in the file of held-out tasks.
const HELD_OUT_PROPOSALS: usize = 700;
/// What the embedded policy was made with.
const LESSONS: u64 = 140_000;

/// Prints what the policy of `--examine` reaches.
pub(super) fn examine(args: &FromGrammar, threads: usize) -> Result<()> {
    let dir = args.examine.as_deref().expect("the arguments require --out or --examine");
    report(&Policy::load(dir, &options(threads), &hub::base_model)?, args.language, args.programs)
}

/// Trains a policy and writes it to `out`.
pub(super) fn train(args: &FromGrammar, out: &Path, seed: u64, lessons: Option<u64>, threads: usize) -> Result<()> {
    let FromGrammar { language, think_share, .. } = *args;
    ensure!(think_share > 0.0 && think_share < 1.0, "think-share is {think_share}; it must be between 0 and 1");
    let lessons = lessons.unwrap_or(LESSONS);
    let mut display = Display::new(lessons)?;
    let training = ScratchTraining { language, seed, lessons, think_share };
    let policy = scratch::train(&training, &options(threads), |progress| display.show(progress, ""))?;
    write_held_out(out, language)?;
    display.finish(&policy, Preset::Tiny, out)?;
    report(&policy, language, args.programs)
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
