//! `azr-host eval`: pass@1 and pass@k on held-out tasks.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Serialize;

use super::{policy::PolicyArgs, sandbox::SandboxArgs};
use crate::{
    config::{Preset, RunConfig, Style},
    env_source::EnvSource,
    evaluation::{self, Estimate, KindScores, Protocol, pass_at_k},
    held_out::{self, Source},
    policy::embedded,
    session,
};

/// Measures a policy on held-out tasks.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    azr-host eval --env envs/python.wasm --policy experiments/python-0001/checkpoints/step-000150/policy --samples 8")]
pub struct EvalArgs {
    /// The environment that judges.
    #[arg(long, value_name = "FILE|oci://…")]
    env: EnvSource,

    #[command(flatten)]
    policy: PolicyArgs,

    /// Held-out tasks as `env validate` prints them, or proposals {"kind", "completion"}, one JSON object per line
    /// [default: the tasks of the embedded policy; of another environment, tasks that it generates].
    #[arg(long, value_name = "FILE")]
    tasks: Option<PathBuf>,

    /// Attempts per task. The table has pass@1 and pass@SAMPLES.
    #[arg(long, default_value_t = 1)]
    samples: usize,

    /// 0 is greedy.
    #[arg(long, default_value_t = 1.0)]
    temperature: f32,

    /// The setting for prompts and lengths [default: tiny without --tasks, paper with it].
    #[arg(long, value_enum)]
    preset: Option<Preset>,

    /// Replace one key of the setting.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,

    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    sandbox: SandboxArgs,
}

/// What is measured for one kind.
#[derive(Serialize)]
struct Measured {
    tasks: usize,
    samples: usize,
    temperature: f32,
    pass_at_1: Estimate,
    pass_at_k: Estimate,
}

impl EvalArgs {
    /// Measures and prints.
    pub fn run(self) -> Result<()> {
        ensure!(self.samples > 0, "--samples is 0; it must be at least 1");
        ensure!(self.temperature >= 0.0, "--temperature is {}; it must not be negative", self.temperature);
        let preset = self.preset.unwrap_or(if self.tasks.is_some() { Preset::Paper } else { Preset::Tiny });
        let config = RunConfig::resolve(preset, None, &self.overrides)?;
        let sandbox = self.sandbox.start(&config.sandbox)?;
        let mut arenas = session::load_arenas(&sandbox, &[self.env], &config)?;
        let source = match &self.tasks {
            Some(path) => Source::File(path),
            None if config.style == Style::Compact && arenas[0].name() == embedded::ENVIRONMENT => Source::Embedded,
            None => Source::Apart(&[]),
        };
        let tasks = held_out::gather(&arenas, 0, source, &config)?;
        let tasks = held_out::hold_out(&mut arenas, tasks, config.evaluation.tasks)?;
        ensure!(
            !tasks.is_empty(),
            "environment {} has no held-out tasks of its own; give --tasks FILE",
            arenas[0].name()
        );
        let policy = self.policy.load(&config, None)?;
        let protocol = Protocol { temperature: self.temperature, samples: self.samples };
        let kinds = evaluation::evaluate(&arenas, &policy, &tasks, protocol, &config)?;
        let measured = kinds.into_iter().map(|(label, scores)| (label, Measured::of(&scores, self.temperature)));
        let measured: Vec<(String, Measured)> = measured.collect();
        if self.json {
            let object: serde_json::Map<_, _> = measured
                .iter()
                .map(|(label, measured)| Ok((label.clone(), serde_json::to_value(measured)?)))
                .collect::<Result<_>>()
                .context("a measurement is plain data")?;
            println!("{}", serde_json::Value::Object(object));
        } else {
            print_table(&measured, self.samples);
        }
        Ok(())
    }
}

impl Measured {
    fn of(scores: &KindScores, temperature: f32) -> Self {
        let pass = |k: usize| {
            let estimates = scores.right.iter().map(|&right| pass_at_k(scores.samples, right, k));
            Estimate::of(&estimates.collect::<Vec<_>>())
        };
        let (tasks, samples) = (scores.tasks, scores.samples);
        Self { tasks, samples, temperature, pass_at_1: pass(1), pass_at_k: pass(samples) }
    }
}

fn print_table(measured: &[(String, Measured)], samples: usize) {
    let percent =
        |Estimate { mean, standard_error }: Estimate| format!("{:.1}±{:.1} %", 100.0 * mean, 100.0 * standard_error);
    let last = if samples > 1 { format!("pass@{samples}") } else { String::new() };
    println!("{:<24}{:>8}{:>18}{last:>18}", "", "tasks", "pass@1");
    for (label, measured) in measured {
        let last = if samples > 1 { percent(measured.pass_at_k) } else { String::new() };
        println!("{label:<24}{:>8}{:>18}{last:>18}", measured.tasks, percent(measured.pass_at_1));
    }
}
