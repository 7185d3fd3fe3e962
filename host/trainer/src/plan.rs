//! `azr-host plan`: memory and time of a step on this machine, and settings that fit it.

use anyhow::{Result, ensure};
use azr_config::RunConfig;
use azr_host::cli::plan::PlanArgs;
use azr_learner::{
    bench::{BenchPlan, bench},
    memory::{Estimate, gib},
};
use azr_policy::Policy;

use crate::{
    hub,
    policy_source::{self, PolicySource},
};

/// Enough rows that a step of sampling costs what it costs in training, few enough that measuring takes seconds.
const MEASURED_ROWS: usize = 8;
const MEASURED_TOKENS: usize = 32;

/// What saves memory, in the order in which it costs little else.
const SAVINGS: [&str; 7] = [
    "update.micro-batch-max-tokens=8192",
    "sampling.rows-max=16",
    "update.moments=8-bit",
    "policy.lora.rank=16",
    "sampling.completion-max-tokens=1024",
    "update.micro-batch-max-tokens=2048",
    "sampling.rows-max=4",
];

/// Computes, measures and prints.
pub fn run(mut args: PlanArgs) -> Result<()> {
    ensure!(args.kinds > 0 && args.completion_tokens > 0, "--kinds and --completion-tokens must be at least 1");
    policy_source::fetch(&mut args.policy)?;
    let source = PolicySource::from(&args.policy);
    let (settings, config) = fitting(&args, &source)?;
    let work = Work::of(&config, &args);
    let measured = BenchPlan {
        batches: vec![MEASURED_ROWS.min(config.sampling.rows_max)],
        prompt_tokens: args.prompt_tokens.min(config.sampling.prompt_max_tokens),
        completion_tokens: MEASURED_TOKENS,
        repeats: 1,
    };
    let report = bench(&mut source.load(&config, None)?, &config, &measured)?;
    let rate = |what: &str| report.rows.iter().find(|row| row.what == what).map_or(f64::NAN, |row| row.tokens_per_s);
    let (sampling, learning) = (rate("sample"), rate("learn"));
    let seconds = work.sampled as f64 / sampling + work.learned as f64 / learning;
    println!("sampling     {sampling:.0} tokens/s, {} a step at most", work.sampled);
    println!("learning     {learning:.0} tokens/s, {} a step", work.learned);
    println!("a step       {:.1} minutes at most, with {}", seconds / 60.0, work.batches);
    let settings = within(&config, settings, seconds / 60.0, args.minutes);
    println!("\nSettings for steps of {} minutes on this machine:\n", args.minutes);
    let set: String = settings.iter().map(|pair| format!(" --set {pair}")).collect();
    let named = args.policy.policy.map_or(String::new(), |dir| format!(" --policy {}", dir.display()));
    println!("azr-host --env envs/python.wasm{named}{}{set}", preset_flag(args.config.preset));
    Ok(())
}

fn preset_flag(preset: Option<azr_config::Preset>) -> String {
    use clap::ValueEnum as _;
    let value = preset.and_then(|preset| preset.to_possible_value());
    value.map_or(String::new(), |value| format!(" --preset {}", value.get_name()))
}

/// The settings with as many savings as it takes to fit into memory, and what they come to.
fn fitting(args: &PlanArgs, source: &PolicySource) -> Result<(Vec<String>, RunConfig)> {
    let (shape, lora) = Policy::shape(source.dir.as_deref(), &hub::base_model)?;
    let device = source.device()?;
    let memory = device.memory()?;
    let mut settings = Vec::new();
    let mut savings = SAVINGS.iter().filter(|saving| {
        let key = saving.split('=').next().unwrap_or("");
        !args.config.overrides.iter().any(|pair| pair.starts_with(key))
    });
    loop {
        let config = args.config.resolve(&args.policy, &settings)?;
        let adapter = lora.as_ref().or(config.policy.lora.of_rank());
        let estimate = Estimate::new(&shape, &config, adapter, 1, device);
        let Some(memory) = memory.filter(|memory| estimate.total() > memory.total) else {
            println!("memory       at most {:.1} GiB: {estimate}", gib(estimate.total()));
            return Ok(([&args.config.overrides[..], &settings].concat(), config));
        };
        match savings.next() {
            Some(saving) => settings.push((*saving).to_owned()),
            None => estimate.check(&config, adapter, memory)?,
        }
    }
}

/// What a step does at most.
struct Work {
    sampled: usize,
    learned: usize,
    batches: String,
}

impl Work {
    fn of(config: &RunConfig, args: &PlanArgs) -> Self {
        let RunConfig { propose, learnability, solve, sampling, .. } = config;
        let completion = args.completion_tokens.min(sampling.completion_max_tokens);
        let proposals = args.kinds * propose.batch;
        let attempts = args.kinds * solve.batch * solve.samples;
        let estimating = proposals * learnability.samples;
        let proposals_learned = if propose.weight > 0.0 { proposals } else { 0 };
        let learned = proposals_learned + attempts + if learnability.train { estimating } else { 0 };
        Self {
            sampled: (proposals + estimating + attempts) * completion,
            learned: learned * (args.prompt_tokens.min(sampling.prompt_max_tokens) + completion),
            batches: format!("{proposals} proposals, {estimating} attempts at them and {attempts} at other tasks"),
        }
    }
}

/// The settings with batches so much smaller that a step takes no longer than wanted.
fn within(config: &RunConfig, mut settings: Vec<String>, minutes: f64, wanted: f64) -> Vec<String> {
    if minutes > wanted {
        let smaller = |batch: usize| ((batch as f64 * wanted / minutes) as usize).max(1);
        settings.push(format!("propose.batch={}", smaller(config.propose.batch)));
        settings.push(format!("solve.batch={}", smaller(config.solve.batch)));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_config::Preset;

    #[test]
    fn batches_shrink_with_the_time_that_there_is() {
        let config = RunConfig::resolve(Preset::Paper, None, &[]).unwrap();
        let settings = |minutes| within(&config, vec!["seed=2".into()], minutes, 5.0);
        assert_eq!(settings(4.0), ["seed=2"]);
        assert_eq!(settings(40.0), ["seed=2", "propose.batch=8", "solve.batch=8"]);
        assert_eq!(settings(4000.0), ["seed=2", "propose.batch=1", "solve.batch=1"]);
    }
}
