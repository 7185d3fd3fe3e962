//! `azr-host eval`: pass@1 and pass@k on held-out tasks, or on published benchmarks.

mod protocol;
mod suites;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use azr_config::Style;
use azr_core::{gather::Alone, launch::Launch};
use azr_experiment::session::env_states;
use azr_host::cli::eval::{EvalArgs, PromptProtocol};
use azr_policy::embedded;
use azr_selfplay::{
    evaluation::{self, Estimate, KindScores, Protocol, pass_at_k},
    held_out::{self, Source},
};
use serde::Serialize;

use crate::policy_source::{self, PolicySource};

/// What is measured for one kind.
#[derive(Serialize)]
struct Measured {
    tasks: usize,
    samples: usize,
    temperature: f32,
    pass_at_1: Estimate,
    pass_at_k: Estimate,
}

/// Measures and prints.
pub fn run(mut args: EvalArgs) -> Result<()> {
    let ranks = Launch::from_env()?.size;
    ensure!(
        ranks == 1,
        "eval runs in one process, but a launcher started {ranks} (RANK, WORLD_SIZE); start it without one"
    );
    ensure!(args.samples > 0, "--samples is 0; it must be at least 1");
    ensure!(args.limit != Some(0), "--limit is 0; it must be at least 1");
    let usual = if args.suites.is_empty() { 1.0 } else { 0.0 };
    let protocol = Protocol { temperature: args.temperature.unwrap_or(usual), samples: args.samples };
    ensure!(protocol.temperature >= 0.0, "--temperature is {}; it must not be negative", protocol.temperature);
    policy_source::fetch(&mut args.policy)?;
    if args.suites.is_empty() { on_held_out(args, protocol) } else { suites::run(args, protocol) }
}

fn on_held_out(args: EvalArgs, protocol: Protocol) -> Result<()> {
    let mut config = args.config.resolve(&args.policy, &[])?;
    let sandbox = args.sandbox.start(&config.sandbox)?;
    let environment = args.env.load(&sandbox)?;
    let asked = protocol::choose(&mut config, environment.description(), args.protocol, PromptProtocol::Azr)?;
    let mut envs = env_states(vec![environment], &config)?;
    let source = match &args.held_out {
        Some(path) => Source::File(path),
        None if config.style == Style::Compact && envs[0].name() == embedded::ENVIRONMENT => {
            Source::Embedded(embedded::HELD_OUT)
        }
        None => Source::Apart(&[]),
    };
    let tasks = held_out::held_out_tasks(&envs, 0, source, &config)?;
    let tasks = held_out::hold_out(&mut envs, tasks, config.evaluation.tasks)?;
    ensure!(
        !tasks.is_empty(),
        "environment {} has no held-out tasks of its own; give --held-out FILE or --suite FILE",
        envs[0].name()
    );
    let policy = PolicySource::from(&args.policy).load(&config, None)?;
    let (kinds, faults) = evaluation::evaluate(&envs, (&policy, &Alone), &tasks, protocol, &config)?;
    evaluation::check(&faults, &envs, &config.faults)?;
    let measured: BTreeMap<_, _> =
        kinds.into_iter().map(|(label, scores)| (label, Measured::of(&scores, protocol))).collect();
    if args.json {
        println!("{}", serde_json::to_string(&measured)?);
    } else {
        print_table(&asked, &measured.iter().collect::<Vec<_>>(), protocol.samples);
    }
    Ok(())
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

fn print_table(asked: &str, rows: &[(&String, &Measured)], samples: usize) {
    let percent =
        |Estimate { mean, standard_error }: Estimate| format!("{:.1}±{:.1} %", 100.0 * mean, 100.0 * standard_error);
    let last = if samples > 1 { format!("pass@{samples}") } else { String::new() };
    let width = rows.iter().map(|(label, _)| label.len() + 1).max().unwrap_or(0).max(24);
    println!("{:<width$}{:>8}{:>18}{last:>18}", format!("protocol {asked}"), "tasks", "pass@1");
    for (label, measured) in rows {
        let last = if samples > 1 { percent(measured.pass_at_k) } else { String::new() };
        println!("{label:<width$}{:>8}{:>18}{last:>18}", measured.tasks, percent(measured.pass_at_1));
    }
}
