//! Published benchmarks: `azr-host eval --suite FILE`.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use azr_core::{gather::Alone, terminal};
use azr_env::results;
use azr_experiment::session::env_states;
use azr_host::cli::eval::{EvalArgs, PromptProtocol};

use super::{Measured, print_table, protocol as prompts};
use crate::{
    policy_source::PolicySource,
    progress::{Waiting, suite_bar},
};
use azr_selfplay::{
    evaluation::Protocol,
    suite::{Refused, Suite, TaskResult},
};

/// What is measured of one suite.
#[derive(Serialize)]
struct MeasuredSuite {
    /// Whose prompts asked.
    protocol: String,
    lines: usize,
    /// Lines that are no tasks.
    refused: Vec<Refused>,
    /// By `<environment>/<kind>`.
    kinds: BTreeMap<String, Measured>,
}

/// Measures and prints.
pub fn run(mut args: EvalArgs, protocol: Protocol) -> Result<()> {
    // What the operator says about the length of completions holds, whatever the protocol.
    let limited = args.config.overrides.iter().any(|pair| pair.starts_with("sampling.completion-max-tokens"));
    args.config.overrides.insert(0, "sandbox.profile=benchmark".to_owned());
    let mut config = args.config.resolve(&args.policy, &[])?;
    let sandbox = args.sandbox.start(&config.sandbox)?;
    let environment = args.env.load(&sandbox)?;
    let asked = prompts::choose(&mut config, environment.description(), args.protocol, PromptProtocol::Published)?;
    let envs = env_states(vec![environment], &config)?;
    let mut suites: Vec<Suite> = Vec::new();
    for path in &args.suites {
        let suite = Suite::import(path, &args.map, &envs, 0, args.limit.unwrap_or(usize::MAX))?;
        ensure!(suites.iter().all(|other| other.name != suite.name), "two suites are called {}", suite.name);
        tell_refused(&suite, path, envs[0].name());
        suites.push(suite);
    }
    let mut results = args.results.map(|path| Results::create(path, &args.suites)).transpose()?;
    let policy = PolicySource::from(&args.policy).load(&config, None)?;
    let mut measured = BTreeMap::new();
    for suite in suites {
        let mut config = config.clone();
        if !limited {
            let limits = suite.kinds().filter_map(|kind| prompts::completion_max_tokens(&config, envs[0].name(), kind));
            config.sampling.completion_max_tokens = limits.max().unwrap_or(config.sampling.completion_max_tokens);
        }
        let bar = suite_bar(&suite.name, suite.tasks());
        let waiting = Waiting::beside(bar.clone(), Arc::clone(&policy.meter));
        let report = |result: TaskResult| {
            bar.inc(1);
            results.as_mut().map_or(Ok(()), |results| results.write(&result))
        };
        let kinds = suite.measure(&envs, (&policy, &Alone), protocol, &config, report)?;
        drop(waiting);
        bar.finish_and_clear();
        let kinds = kinds.into_iter().map(|(label, scores)| (label, Measured::of(&scores, protocol))).collect();
        let (protocol, lines) = (asked.clone(), suite.lines());
        measured.insert(suite.name.clone(), MeasuredSuite { protocol, lines, refused: suite.refused, kinds });
    }
    if args.json {
        println!("{}", terminal::json(&serde_json::to_string(&measured)?));
        return Ok(());
    }
    let labels = |(name, suite): (&String, &MeasuredSuite)| -> Vec<String> {
        suite.kinds.keys().map(|kind| format!("{name} {kind}")).collect()
    };
    let labels: Vec<String> = measured.iter().flat_map(labels).collect();
    let rows = measured.values().flat_map(|suite| suite.kinds.values());
    print_table(&asked, &labels.iter().zip(rows).collect::<Vec<_>>(), protocol.samples);
    Ok(())
}

/// Says which lines of a suite are not measured, so that nobody takes the rest for all of it.
fn tell_refused(suite: &Suite, path: &Path, environment: &str) {
    if suite.refused.is_empty() {
        return;
    }
    let (refused, lines) = (suite.refused.len(), suite.lines());
    eprintln!("{}: {refused} of {lines} lines are no tasks of environment {environment}:", path.display());
    for Refused { line, code, message } in &suite.refused {
        eprintln!("  line {line}: {code}: {}", terminal::line(message));
    }
}

/// The file of `--results`.
struct Results {
    path: PathBuf,
    file: File,
}

impl Results {
    fn create(path: PathBuf, suites: &[PathBuf]) -> Result<Self> {
        let file = results::create(&path, suites.iter().map(PathBuf::as_path))?;
        Ok(Self { path, file })
    }

    /// Appends a line, at once: whoever interrupts the measurement keeps what was measured.
    fn write(&mut self, result: &TaskResult) -> Result<()> {
        let line = serde_json::to_string(result).expect("a result is plain data");
        writeln!(self.file, "{line}").with_context(|| format!("cannot write the results {}", self.path.display()))
    }
}
