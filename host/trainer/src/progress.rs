//! What a person sees while a run goes on. Progress goes to stderr, the final table to stdout.

mod waiting;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    os::fd::AsRawFd as _,
    path::Path,
    sync::Arc,
};

use anyhow::{Result, ensure};
use azr_core::meter::Meter;
use indicatif::{ProgressBar, ProgressStyle};

use azr_core::terminal;
use azr_experiment::{
    log::Log,
    metrics::{GroupMetrics, StepMetrics},
    observer::Observer,
    record::Experiment,
    session::{COOLER, START},
};
use azr_selfplay::{
    data_set::DataSetRecord,
    env_state::EnvState,
    evaluation::{Estimate, Evaluation, KindScores, Protocol},
    faults::Tally,
    step::Step,
    validate::Novelty,
};

pub use waiting::Waiting;

/// Lines of a sample that are shown while a run goes on.
const SAMPLE_MAX_LINES: usize = 12;

/// Steps between two samples of what the policy writes.
const SAMPLE_EVERY_STEPS: u64 = 10;

/// A bar for the tasks of a suite.
pub fn suite_bar(name: &str, tasks: usize) -> ProgressBar {
    let template = "{bar:24} {prefix} task {pos}/{len}  {elapsed} gone, {eta} left  {msg}";
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    ProgressBar::new(tasks as u64).with_style(style).with_prefix(name.to_owned())
}

/// A progress bar with lines above it.
pub struct Progress {
    bar: ProgressBar,
    _waiting: Waiting,
}

impl Progress {
    /// A bar for the steps of a run, whose policy raises `meter`.
    pub fn new(meter: Arc<Meter>) -> Self {
        let bar = ProgressBar::no_length();
        let template = "{bar:24} step {pos}/{len}  {elapsed} gone, {eta} left  {msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        Self { _waiting: Waiting::beside(bar.clone(), meter), bar }
    }

    fn say(&self, line: String) {
        let line = terminal::lines(&line);
        if self.bar.is_hidden() { eprintln!("{line}") } else { self.bar.println(line) }
    }
}

impl Observer for Progress {
    fn follows(&self, printed: &File) -> Result<()> {
        for stream in [libc::STDOUT_FILENO, libc::STDERR_FILENO] {
            // SAFETY: both are open descriptors.
            let copied = unsafe { libc::dup2(printed.as_raw_fd(), stream) };
            ensure!(copied >= 0, "cannot print into a log file: {}", std::io::Error::last_os_error());
        }
        Ok(())
    }

    fn loaded(&self, experiment: &Experiment, plan: &str, path: &Path) {
        for env in &experiment.environments {
            let executors: Vec<String> = env.fingerprint.executors.iter().map(|digest| digest.short()).collect();
            let executors = if executors.is_empty() { "none".to_owned() } else { executors.join(", ") };
            let (name, version, digest) = (&env.name, &env.version, env.fingerprint.environment.short());
            self.say(format!("environment  {name} {version}  sha256 {digest}  kinds {}", env.kinds.join(", ")));
            self.say(format!("             executors {executors}"));
        }
        for DataSetRecord { env, path, digest, map: _, tasks } in &experiment.data_sets {
            self.say(format!("data set     {}  sha256 {}  {tasks} tasks for {env}", path.display(), digest.short()));
        }
        self.say(format!("policy       {} on {}", experiment.policy, experiment.device));
        self.say(format!("memory       {plan}"));
        self.say(format!("experiment   {}  seed {}", path.display(), experiment.seed));
    }

    fn seeding(&self, envs: &[EnvState], wanted: usize) {
        let fill = |env: &EnvState| -> Vec<String> {
            let fill = |kind| format!("{} {}/{wanted}", env.label(kind), env.buffers[kind].len().min(wanted));
            env.playing().map(|(kind, _)| fill(kind)).collect()
        };
        let fills: Vec<String> = envs.iter().flat_map(fill).collect();
        self.say(format!("collecting first tasks: {}", fills.join(", ")));
    }

    fn measuring(&self, name: &str, protocol: Protocol) {
        self.bar.set_message(format!("measuring the {name} policy on held-out tasks, {}", mode(protocol.temperature)));
        self.bar.tick();
    }

    fn dropped(&self, name: &str, faults: &Tally) {
        self.say(format!("environment {name} is dropped for its faults: {}", causes(faults)));
    }

    fn measured(&self, evaluations: &[Evaluation]) {
        for evaluation in evaluations {
            let kind = |(label, scores): (&String, &KindScores)| {
                format!("{label} {}", percent(scores.solve_rate, scores.standard_error))
            };
            let kinds: Vec<String> = evaluation.kinds.iter().map(kind).collect();
            self.say(format!(
                "held-out     {}, {}: {}",
                evaluation.name,
                mode(evaluation.temperature),
                kinds.join("  ")
            ));
        }
        self.bar.set_message("");
    }

    fn begin(&self, done: u64, steps: u64) {
        self.bar.set_length(steps);
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    fn step(&self, envs: &[EnvState], step: &Step, metrics: &StepMetrics, logged: usize) {
        self.say(step_line(metrics, logged));
        for &env in &step.dropped {
            let name = envs[env].name();
            self.dropped(name, &metrics.faults[name]);
        }
        if step.step % SAMPLE_EVERY_STEPS == 1 {
            sample_lines(envs, step).into_iter().for_each(|line| self.say(line));
        }
        self.bar.set_position(step.step);
    }

    fn stopped(&self, done: u64, path: &Path) {
        self.bar.abandon();
        eprintln!("stopped after step {done}; continue with: azr-host --resume {}", path.display());
    }

    fn finished(&self, evaluations: &[Evaluation], faults: &BTreeMap<String, Tally>, logged: usize, path: &Path) {
        self.bar.finish_and_clear();
        if !evaluations.is_empty() {
            print!("{}", held_out_table(evaluations));
        }
        for (name, tally) in faults.iter().filter(|(_, tally)| tally.faults() + tally.retried > 0) {
            println!(
                "environment {name}: {} of {} calls failed and were not rewarded ({} of them the host's faults, {} calls \
                 made again): {}",
                tally.faults(),
                tally.calls,
                tally.host,
                tally.retried,
                terminal::line(&causes(tally)),
            );
        }
        if logged > 0 {
            println!("The judges logged {logged} lines: {}", path.join(Log::Judge.file_name()).display());
        }
        println!("The experiment is in {0}; look at it with: azr-host report {0}", path.display());
    }
}

/// Causes of faults, the most frequent first.
fn causes(tally: &Tally) -> String {
    let mut causes: Vec<(&String, &usize)> = tally.causes.iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let causes: Vec<String> = causes.into_iter().map(|(cause, count)| format!("{cause} ({count})")).collect();
    causes.join("; ")
}

fn mode(temperature: f32) -> String {
    if temperature == 0.0 { "greedy".to_owned() } else { format!("T={temperature}") }
}

fn percent(rate: f64, standard_error: f64) -> String {
    format!("{:.1}±{:.1} %", 100.0 * rate, 100.0 * standard_error)
}

/// `step 12  reward: propose -0.31, solve +0.12 | solved: deduction 41 %, … | valid 78 %, novel 60 % | …`. What a step did
/// not have, such as proposals, is left out.
fn step_line(metrics: &StepMetrics, logged: usize) -> String {
    let mut rewards = (Vec::new(), Vec::new());
    let mut solved = Vec::new();
    let mut valid = Vec::new();
    let mut novel = Vec::new();
    let mut think = Vec::new();
    let environments: BTreeSet<&str> = metrics.buffer.keys().filter_map(|label| label.split('/').next()).collect();
    for (label, group) in &metrics.groups {
        match group {
            GroupMetrics::Proposer(group) => {
                rewards.0.extend(group.all.reward_mean);
                valid.push(group.own.valid);
                novel.push(group.own.novel);
            }
            GroupMetrics::Solver(group) => {
                rewards.1.extend(group.all.reward_mean);
                think.extend(group.own.think_share);
                let kind = label.trim_end_matches("/solver");
                let kind = if environments.len() > 1 { kind } else { kind.split('/').nth(1).unwrap_or(kind) };
                solved.extend(group.own.solve_rate.map(|rate| format!("{kind} {:.0} %", 100.0 * rate)));
            }
        }
    }
    let mean = azr_selfplay::evaluation::mean;
    let reward = |what, values: &[f64]| mean(values).map(|mean| format!("{what} {mean:+.2}"));
    let share = |what, values: &[f64]| mean(values).map(|mean| format!("{what} {:.0} %", 100.0 * mean));
    let listed = |parts: &[Option<String>]| parts.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let rewards = listed(&[reward("propose", &rewards.0), reward("solve", &rewards.1)]);
    let shares = listed(&[share("valid", &valid), share("novel", &novel), share("thinking", &think)]);
    let said = match metrics.sampling.completions {
        0 => "no prompt was found that is within sampling.prompt-max-tokens".to_owned(),
        _ => format!("reward: {rewards} | solved: {} | {shares}", solved.join(", ")),
    };
    let counted = |count: usize, what: &str| if count > 0 { format!(", {count} {what}") } else { String::new() };
    let faults = counted(metrics.sandbox.faults, "faults");
    let logged = counted(logged, "lines in judge.jsonl");
    format!(
        "step {:>4}  {said} | {:.0} tokens/s, {:.0} runs/s, {:.1} s{faults}{logged}",
        metrics.step, metrics.timing["tokens_per_s"], metrics.timing["runs_per_s"], metrics.timing["step_s"],
    )
}

/// A proposal that became a task, and an attempt, each with what was made of it.
fn sample_lines(envs: &[EnvState], step: &Step) -> Vec<String> {
    let mut lines = Vec::new();
    let new = step.validated.iter().position(|v| v.conclusion.novelty().is_some_and(Novelty::is_new));
    if let Some(i) = new {
        let proposed = &step.validated[i].proposed;
        let rate = step.rewards.solve_rates[i]
            .map_or("not attempted".to_owned(), |rate| format!("solved {:.0} %", 100.0 * rate));
        let label = envs[proposed.env].label(proposed.kind);
        lines.push(format!("  a {label} proposal, {rate}:"));
        lines.extend(quoted(&proposed.completion.text, SAMPLE_MAX_LINES));
    }
    if let Some((verified, verdict)) = step.verified.iter().find_map(|v| Some((v, v.verdict.as_ref().ok()?))) {
        let label = envs[verified.attempted.env].label(verified.attempted.kind);
        lines.push(format!("  a {label} attempt, score {} ({}):", verdict.score, terminal::line(&verdict.reason)));
        lines.extend(quoted(&verified.attempted.completion.text, SAMPLE_MAX_LINES));
    }
    lines
}

/// A policy's text, indented, shortened and without characters that a terminal would obey.
pub fn quoted(text: &str, lines_max: usize) -> Vec<String> {
    let beginning = |line: &str| terminal::line(&line.chars().take(160).collect::<String>());
    text.lines().take(lines_max).map(|line| format!("    | {}", beginning(line))).collect()
}

/// Start and end, sampled and greedy, and what a lower temperature alone would have done.
fn held_out_table(evaluations: &[Evaluation]) -> String {
    let find =
        |name: &str, temperature: f32| evaluations.iter().find(|e| e.name == name && e.temperature == temperature);
    let (Some(cooler), Some(last)) = (find(START, COOLER.temperature), evaluations.last()) else {
        return String::new();
    };
    let name = &last.name;
    let mut table =
        format!("{:<22}{:>16}{:>16}{:>24}{:>16}\n", "held-out solve rate", "start", name, "difference", "thinking");
    for (temperature, meaning) in [(1.0, "sampled, T=1"), (0.0, "greedy")] {
        let (Some(start), Some(end)) = (find(START, temperature), find(name, temperature)) else { continue };
        table += &format!("{meaning}\n");
        for (label, scores) in &end.kinds {
            let Some(before) = start.kinds.get(label) else { continue };
            table += &row(label, before, scores);
        }
    }
    table += &format!("start policy, merely sampled at T={}\n", COOLER.temperature);
    for (label, scores) in &cooler.kinds {
        let rate = percent(scores.solve_rate, scores.standard_error);
        table += &format!("  {label:<20}{rate:>16}\n");
    }
    table += "A sampled gain that a lower temperature also gives is sharpening; a greedy gain is not. Where the share of\n\
              attempts that think rises with it, the policy has learned to work a task out before it answers.\n";
    table
}

fn row(label: &str, before: &KindScores, after: &KindScores) -> String {
    let difference = after.paired_difference.map_or(String::new(), |Estimate { mean, standard_error }| {
        format!("{:+.1}±{:.1} ({:+.1} s.e.)", 100.0 * mean, 100.0 * standard_error, mean / standard_error.max(1e-9))
    });
    let rate = |scores: &KindScores| percent(scores.solve_rate, scores.standard_error);
    let thinking = format!("{:.0} → {:.0} %", 100.0 * before.think_share, 100.0 * after.think_share);
    format!("  {label:<20}{:>16}{:>16}{difference:>24}{thinking:>16}\n", rate(before), rate(after))
}
