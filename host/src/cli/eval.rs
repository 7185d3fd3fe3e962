//! `azr-host eval`: pass@1 and pass@k on held-out tasks, or on published benchmarks.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

mod suites;

use super::{policy::PolicyArgs, sandbox::SandboxArgs};
use crate::{
    config::{Preset, RunConfig, Style},
    env_source::EnvSource,
    evaluation::{self, Estimate, KindScores, Protocol, pass_at_k},
    held_out::{self, Source},
    policy::embedded,
    session,
};

/// Measures a policy on held-out tasks, or on published benchmarks.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    azr-host eval --env envs/python.wasm --policy experiments/python-0001/checkpoints/step-000150/policy --samples 8\n  \
    azr-host eval --env envs/codegen.wasm --policy DIR --suite HumanEvalPlus.jsonl --suite MbppPlus.jsonl\n  \
    azr-host eval --env envs/math.wasm --policy DIR --suite MATH-500.jsonl --results math.jsonl\n\n\
    Suites are files of published benchmarks as they are. Which environment reads what:\n  \
    codegen  EvalPlus (HumanEvalPlus, MbppPlus), LiveCodeBench (code_generation_lite); HumanEval, MBPP with\n           \
             --set environments.codegen.asserts=accept\n  \
    python   CRUXEval, LiveCodeBench's code execution; --set environments.python.imported-kind=abduction for their inputs\n  \
    math     MATH, MATH-500, AIME, GSM8K")]
pub struct EvalArgs {
    /// The environment that judges.
    #[arg(long, value_name = "FILE|oci://…")]
    env: EnvSource,

    #[command(flatten)]
    policy: PolicyArgs,

    /// Held-out tasks as `env validate` prints them, or proposals {"kind", "completion"}, one JSON object per line
    /// [default: the tasks of the embedded policy; of another environment, tasks that it generates].
    #[arg(long, value_name = "FILE")]
    held_out: Option<PathBuf>,

    /// A published benchmark, one JSON object per line, in a format that the environment reads. Can be given several times.
    #[arg(long = "suite", value_name = "FILE", conflicts_with = "held_out")]
    suites: Vec<PathBuf>,

    /// Look at so many lines of each suite only.
    #[arg(long, value_name = "N", requires = "suites")]
    limit: Option<usize>,

    /// Write one JSON object for each task of the suites: how many attempts were right, the first one, and why it is right
    /// or wrong.
    #[arg(long, value_name = "FILE", requires = "suites")]
    results: Option<PathBuf>,

    /// Attempts per task. The table has pass@1 and pass@SAMPLES.
    #[arg(long, default_value_t = 1)]
    samples: usize,

    /// 0 is greedy [default: 1; of suites 0].
    #[arg(long)]
    temperature: Option<f32>,

    /// The setting for prompts and lengths [default: what azr-host.toml in the policy's directory names; otherwise
    /// paper].
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
    pub fn run(mut self) -> Result<()> {
        ensure!(self.samples > 0, "--samples is 0; it must be at least 1");
        ensure!(self.limit != Some(0), "--limit is 0; it must be at least 1");
        let protocol = self.protocol();
        ensure!(protocol.temperature >= 0.0, "--temperature is {}; it must not be negative", protocol.temperature);
        self.policy.fetch()?;
        if self.suites.is_empty() { self.on_held_out(protocol) } else { suites::run(self, protocol) }
    }

    fn protocol(&self) -> Protocol {
        let usual = if self.suites.is_empty() { 1.0 } else { 0.0 };
        Protocol { temperature: self.temperature.unwrap_or(usual), samples: self.samples }
    }

    fn on_held_out(self, protocol: Protocol) -> Result<()> {
        let preset = self.preset.map_or_else(|| self.policy.preset(), Ok)?;
        let config = RunConfig::resolve(preset, None, &self.overrides)?;
        let sandbox = self.sandbox.start(&config.sandbox)?;
        let mut arenas = session::load_arenas(&sandbox, &[self.env], &config)?;
        let source = match &self.held_out {
            Some(path) => Source::File(path),
            None if config.style == Style::Compact && arenas[0].name() == embedded::ENVIRONMENT => Source::Embedded,
            None => Source::Apart(&[]),
        };
        let tasks = held_out::gather(&arenas, 0, source, &config)?;
        let tasks = held_out::hold_out(&mut arenas, tasks, config.evaluation.tasks)?;
        ensure!(
            !tasks.is_empty(),
            "environment {} has no held-out tasks of its own; give --held-out FILE or --suite FILE",
            arenas[0].name()
        );
        let policy = self.policy.load(&config, None)?;
        let kinds = evaluation::evaluate(&arenas, &policy, &tasks, protocol, &config)?;
        let measured: BTreeMap<_, _> =
            kinds.into_iter().map(|(label, scores)| (label, Measured::of(&scores, protocol))).collect();
        if self.json {
            println!("{}", serde_json::to_string(&measured)?);
        } else {
            print_table(&measured.iter().collect::<Vec<_>>(), protocol.samples);
        }
        Ok(())
    }
}

impl Measured {
    fn of(scores: &KindScores, protocol: Protocol) -> Self {
        let pass = |k: usize| {
            let estimates = scores.right.iter().map(|&right| pass_at_k(scores.samples, right, k));
            Estimate::of(&estimates.collect::<Vec<_>>())
        };
        let (tasks, samples, temperature) = (scores.tasks, scores.samples, protocol.temperature);
        Self { tasks, samples, temperature, pass_at_1: pass(1), pass_at_k: pass(samples) }
    }
}

fn print_table(rows: &[(&String, &Measured)], samples: usize) {
    let percent =
        |Estimate { mean, standard_error }: Estimate| format!("{:.1}±{:.1} %", 100.0 * mean, 100.0 * standard_error);
    let last = if samples > 1 { format!("pass@{samples}") } else { String::new() };
    let width = rows.iter().map(|(label, _)| label.len() + 1).max().unwrap_or(0).max(24);
    println!("{:<width$}{:>8}{:>18}{last:>18}", "", "tasks", "pass@1");
    for (label, measured) in rows {
        let last = if samples > 1 { percent(measured.pass_at_k) } else { String::new() };
        println!("{label:<width$}{:>8}{:>18}{last:>18}", measured.tasks, percent(measured.pass_at_1));
    }
}
