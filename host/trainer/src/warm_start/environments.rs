//! `azr-host warm-start --env FILE`.

use std::path::Path;

use anyhow::{Result, ensure};
use azr_config::Preset;
use azr_experiment::session::load_envs;
use azr_host::cli::warm_start::environments::FromEnvironments;
use azr_selfplay::{data_set::DataSet, evaluation::KindScores};
use azr_warm_start::{
    environments::{self, Refused, Trained, Training},
    training,
};

use super::Display;
use crate::policy_source::{self, PolicySource};

/// Some minutes for the embedded policy; with `--until-solved` it is seldom the end.
const LESSONS: u64 = 40_000;

/// Trains a policy and writes it to `out`.
pub(super) fn train(args: FromEnvironments, out: &Path, seed: u64, lessons: Option<u64>, threads: usize) -> Result<()> {
    let FromEnvironments { envs: sources, until_solved, learning_rate, tasks, map, mut policy, config, sandbox } = args;
    policy_source::fetch(&mut policy)?;
    if let Some(share) = until_solved {
        ensure!(share > 0.0 && share <= 1.0, "--until-solved is {share}; it must be between 0 and 1");
    }
    let preset = config.preset(&policy)?;
    let config = config.resolve(&policy, &[format!("seed={seed}"), format!("policy.threads={threads}")])?;
    let mut update = training::update_config(preset)?;
    if let Some(rate) = learning_rate {
        ensure!(rate > 0.0 && rate.is_finite(), "--learning-rate is {rate}; it must be above 0");
        update.muon_learning_rate *= rate / update.learning_rate;
        update.learning_rate = rate;
    }
    let mut envs = load_envs(&sandbox.start(&config.sandbox)?, &sources, &config)?;
    let data_sets = tasks.iter().map(|argument| DataSet::named(argument, &map, &envs)).collect::<Result<Vec<_>>>()?;
    let given = environments::given(&mut envs, &data_sets, &config)?;
    let policy = PolicySource::from(&policy).load(&config, None)?;
    let training = Training { lessons: lessons.unwrap_or(LESSONS), until_solved, update };
    let mut display = Display::new(training.lessons)?;
    let trained = environments::train(&policy, &envs, given, &config, &training, |progress, solved| {
        let rates = solved.values().map(|scores| format!("{:.0} %", 100.0 * scores.solve_rate));
        let rates: Vec<String> = rates.collect();
        let solved = if rates.is_empty() { String::new() } else { format!(", solves {}", rates.join(", ")) };
        display.show(progress, &solved);
    })?;
    let kinds: usize = envs.iter().map(|env| env.environment.description().kinds.len()).sum();
    let preset = if kinds == 1 && preset == Preset::Tiny { Preset::Single } else { preset };
    display.finish(&policy, preset, out)?;
    report(&trained);
    println!("\nTo train it: azr-host --env {} --policy {}", sources[0], out.display());
    Ok(())
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
