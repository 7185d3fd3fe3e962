//! `azr-env score`: pass@k of generations that were made elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    thread::ScopedJoinHandle,
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use crate::{calls, env_source::EnvSource, results, sandbox_args::SandboxArgs};
use azr_core::{
    limits::{Limits, Profile},
    task::Task,
};
use azr_dataset::{Fields, Line, Mapped};
use azr_sandbox::{Attempt, Context, Environment, Fault, Judged, Style, Verdict};

#[derive(Args)]
pub struct Score {
    /// The environment that judges: a .wasm file, or oci://host/name.
    file: EnvSource,
    /// The published suite, in the environment's own format: JSON lines, also compressed by gzip, or Parquet.
    #[arg(long, value_name = "FILE")]
    suite: PathBuf,
    /// Give a field of every line of the suite another name as well: NEW=OLD, where OLD may lead into objects and lists,
    /// as in answer=reward_model.ground_truth. May be repeated.
    #[arg(long, value_name = "NEW=OLD")]
    map: Vec<Mapped>,
    /// The completions: JSON lines, also compressed by gzip, or Parquet.
    #[arg(long, value_name = "FILE")]
    completions: PathBuf,
    /// Write what became of every completion, as JSON lines.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Which pass@k to print, of those for which every task has enough completions.
    #[arg(long, value_name = "K", value_delimiter = ',', default_values_t = [1, 10, 100],
          value_parser = clap::value_parser!(u32).range(1..))]
    k: Vec<u32>,
    /// A setting of the environment, such as inputs=base for HumanEval and MBPP without the inputs that EvalPlus added.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| format!("{text:?} is not KEY=VALUE"))
}

/// Completions that are judged together; results are written in between.
const AT_ONCE: usize = 128;
/// Such portions at once: while one waits for its slowest program, the next keep the workers busy.
const PORTIONS: usize = 3;

/// The tasks of a suite by their ids, and the ids of lines that are none.
#[derive(Default)]
struct Suite {
    lines: usize,
    tasks: BTreeMap<String, SuiteTask>,
    refused: BTreeSet<String>,
}

/// A task of the suite, and how a completion of it becomes a program.
struct SuiteTask {
    task: Task,
    /// What a `completion` continues, where the suite is one of code to complete.
    prompt: Option<String>,
}

/// What became of a completion: a line of the results.
#[derive(Serialize)]
struct Scored<'a> {
    task_id: &'a str,
    /// Among the completions of the task, from 0.
    sample: u32,
    score: f64,
    reason: &'a str,
    fuel: u64,
}

/// How many completions of a task there are, and how many of them are right.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    samples: u32,
    right: u32,
}

#[derive(Serialize)]
struct Summary {
    suite: String,
    lines: usize,
    /// Lines of the suite that are no tasks of the environment, and whose completions are left out.
    refused: usize,
    tasks: usize,
    /// Tasks without a completion, which pass@k leaves out.
    without_completions: usize,
    completions: u32,
    /// Completions without a verdict, for which the environment or this host is to blame.
    faults: usize,
    pass_at: BTreeMap<u32, Estimate>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Estimate {
    mean: f64,
    /// Over tasks.
    standard_error: f64,
}

impl Score {
    pub(super) fn run(self) -> Result<()> {
        let env = self.file.load(&self.sandbox.start(&Limits::of(Profile::Benchmark))?)?;
        let ctx = env.context(Style::Instruct, &self.settings)?;
        let suite = suite(&env, &ctx, &self.suite, &self.map)?;
        // All lines are looked at before any work is done for the first.
        let total = azr_dataset::open(&self.completions)?
            .map(|line| read(line?, &self.completions, &suite).map(|read| usize::from(read.is_some())))
            .sum::<Result<usize>>()?;
        let read_files = [&*self.suite, &*self.completions];
        let results = self.results.as_deref().map(|path| results::create(path, read_files));
        let mut counted = Counted {
            tallies: BTreeMap::new(),
            faults: 0,
            results: results.transpose()?.map(BufWriter::new),
            bar: progress(total),
        };
        std::thread::scope(|scope| {
            let mut judging = VecDeque::new();
            let mut lines = azr_dataset::open(&self.completions)?.peekable();
            while lines.peek().is_some() {
                let read = lines
                    .by_ref()
                    .take(AT_ONCE)
                    .filter_map(|line| line.and_then(|line| read(line, &self.completions, &suite)).transpose());
                let (ids, attempts): (Vec<&str>, Vec<Attempt>) = read.collect::<Result<Vec<_>>>()?.into_iter().unzip();
                if judging.len() == PORTIONS {
                    judging.pop_front().map_or(Ok(()), |first| counted.add(joined(first)))?;
                }
                let (env, ctx) = (&env, &ctx);
                let judge =
                    move || ids.into_iter().zip(calls::judge_attempts(env, ctx, &attempts)).collect::<Portion>();
                judging.push_back(scope.spawn(judge));
            }
            judging.into_iter().try_for_each(|portion| counted.add(joined(portion)))
        })?;
        let Counted { tallies, faults, bar, .. } = counted;
        bar.finish_and_clear();
        let completions = tallies.values().map(|tally| tally.samples).sum();
        ensure!(completions > 0, "{} holds no completion that could be judged", self.completions.display());
        let Suite { lines, tasks, .. } = &suite;
        let summary = Summary {
            suite: azr_dataset::name(&self.suite),
            lines: *lines,
            refused: lines - tasks.len(),
            tasks: tasks.len(),
            without_completions: tasks.len() - tallies.len(),
            completions,
            faults,
            pass_at: pass_at(&self.k, &tallies),
        };
        match self.json {
            true => println!("{}", serde_json::to_string(&summary)?),
            false => print(&summary),
        }
        ensure!(faults == 0, "{faults} completions have no verdict; the lines above say why");
        Ok(())
    }
}

fn suite(env: &Environment, ctx: &Context, path: &Path, map: &[Mapped]) -> Result<Suite> {
    let mut suite = Suite::default();
    for line in azr_dataset::open_mapped(path, map)? {
        let Line { number, text } = line?;
        let place = || format!("{}, line {number}", path.display());
        let fields = Fields::read(&text);
        let prompt = fields.as_ref().ok().and_then(prompt);
        let id = fields.map(|fields| fields.ids().first().map_or_else(|| number.to_string(), name));
        let imported = env.import_tasks(ctx, &[text]).pop().expect("one task for one line").with_context(place)?;
        suite.lines += 1;
        match imported {
            Ok(task) => {
                let id = id.with_context(place)?;
                let twice = suite.tasks.insert(id.clone(), SuiteTask { task, prompt });
                ensure!(twice.is_none(), "{}: a second task {id:?}; each needs an id of its own", place());
            }
            Err(rejection) => {
                // A line that cannot be read has no id.
                suite.refused.extend(id);
                eprintln!("{}: {}: {}", place(), rejection.code, rejection.message);
            }
        }
    }
    ensure!(suite.lines > 0, "{} holds no lines", path.display());
    ensure!(!suite.tasks.is_empty(), "{}: no line is a task of environment {}", path.display(), env.description().name);
    Ok(suite)
}

/// The program that a line gives the beginning of, where the suite is one of code to complete.
fn prompt(fields: &Fields) -> Option<String> {
    fields.raw("entry_point").and_then(|_| fields.text("prompt").ok()?)
}

/// An id as completions name it.
fn name(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a line of the completions holds, as an answer.
fn completion(fields: &Fields, prompt: Option<&str>) -> Result<String> {
    match (fields.text("solution")?, fields.text("completion")?, prompt) {
        (Some(solution), _, _) => Ok(fenced(&solution)),
        (None, Some(completion), Some(prompt)) => Ok(fenced(&(prompt.to_owned() + &completion))),
        (None, Some(completion), None) => Ok(completion),
        (None, None, _) => {
            let names: Vec<&str> = fields.names().collect();
            bail!("there is neither a solution nor a completion; the line has: {}", names.join(", "))
        }
    }
}

/// A program as an answer, in a block that nothing in it can close.
fn fenced(program: &str) -> String {
    let longest = program.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}python\n{program}\n{fence}")
}

/// Completions by the ids of their tasks, and what became of them.
type Portion<'a> = Vec<(&'a str, Result<Judged<Verdict>, Fault>)>;

fn joined<'a>(portion: ScopedJoinHandle<'_, Portion<'a>>) -> Portion<'a> {
    portion.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn progress(completions: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos} of {len} completions  {elapsed} gone, {eta} left");
    ProgressBar::new(completions as u64).with_style(style.expect("the template is valid"))
}

/// A line of the completions: the id of its task, and the attempt; none where the suite's line is no task.
fn read<'a>(line: Line, path: &Path, suite: &'a Suite) -> Result<Option<(&'a str, Attempt)>> {
    let Line { number, text } = line;
    read_text(&text, suite).with_context(|| format!("{}, line {number}", path.display()))
}

fn read_text<'a>(text: &str, Suite { tasks, refused, .. }: &'a Suite) -> Result<Option<(&'a str, Attempt)>> {
    let fields = Fields::read(text)?;
    // Completions may have ids of their own beside those of their tasks.
    let ids: Vec<String> = fields.ids().iter().map(name).collect();
    let Some((id, SuiteTask { task, prompt })) = ids.iter().find_map(|id| tasks.get_key_value(id)) else {
        ensure!(!ids.is_empty(), "there is no task_id");
        let like = tasks.keys().next().map_or("", String::as_str);
        let is_refused = ids.iter().any(|id| refused.contains(id));
        ensure!(is_refused, "the suite has no task {:?}; its ids are like {like:?}", ids[0]);
        return Ok(None);
    };
    Ok(Some((id, Attempt { task: task.clone(), completion: completion(&fields, prompt.as_deref())? })))
}

/// What has been judged so far.
struct Counted<'a> {
    tallies: BTreeMap<&'a str, Tally>,
    faults: usize,
    results: Option<BufWriter<File>>,
    bar: ProgressBar,
}

impl<'a> Counted<'a> {
    /// Counts and writes the results of a portion.
    fn add(&mut self, portion: Portion<'a>) -> Result<()> {
        self.bar.inc(portion.len() as u64);
        for (id, judged) in portion {
            let Judged { conclusion: Verdict { score, reason, .. }, runs } = match judged {
                Ok(judged) => judged,
                Err(fault) => {
                    self.bar.suspend(|| eprintln!("{id}: {fault}"));
                    self.faults += 1;
                    continue;
                }
            };
            let tally = self.tallies.entry(id).or_default();
            if let Some(results) = &mut self.results {
                let scored =
                    Scored { task_id: id, sample: tally.samples, score, reason: &reason, fuel: calls::fuel(&runs) };
                serde_json::to_writer(&mut *results, &scored)?;
                writeln!(results)?;
            }
            tally.samples += 1;
            tally.right += u32::from(score >= 1.0);
        }
        self.results.as_mut().map_or(Ok(()), Write::flush)?;
        Ok(())
    }
}

/// Means over tasks and their standard errors, for each k of which all tasks have enough completions.
fn pass_at(ks: &[u32], tallies: &BTreeMap<&str, Tally>) -> BTreeMap<u32, Estimate> {
    let enough = tallies.values().map(|tally| tally.samples).min().unwrap_or(0);
    let ks = ks.iter().filter(|k| (1..=enough).contains(*k));
    ks.map(|k| (*k, estimate(&tallies.values().map(|tally| unbiased(*tally, *k)).collect::<Vec<_>>()))).collect()
}

/// The chance that k of the completions, drawn without putting back, hold a right one: 1 - C(n - c, k) / C(n, k) (Chen
/// et al. 2021, arXiv:2107.03374, equation 1).
fn unbiased(Tally { samples, right }: Tally, k: u32) -> f64 {
    1.0 - (0..k)
        .map(|drawn| f64::from((samples - right).saturating_sub(drawn)) / f64::from(samples - drawn))
        .product::<f64>()
}

fn estimate(values: &[f64]) -> Estimate {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let standard_error = if values.len() > 1 { (squares / (count - 1.0) / count).sqrt() } else { 0.0 };
    Estimate { mean, standard_error }
}

fn print(summary: &Summary) {
    let Summary { suite, lines, refused, tasks, without_completions, completions, faults: _, pass_at } = summary;
    println!("{suite}: {completions} completions of {} tasks", tasks - without_completions);
    if *refused > 0 {
        println!("  {refused} of {lines} lines of the suite are no tasks; their completions are left out");
    }
    if *without_completions > 0 {
        println!("  {without_completions} tasks have no completion and are left out");
    }
    if pass_at.is_empty() {
        println!("  no pass@k, for a task has fewer completions than --k asks for");
    }
    for (k, Estimate { mean, standard_error }) in pass_at {
        println!("  pass@{k:<3} {:5.1} \u{b1} {:.1} %", 100.0 * mean, 100.0 * standard_error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `estimate_pass_at_k` of OpenAI's human_eval/evaluation.py:
    /// `[round(1 - np.prod(1 - k / np.arange(n - c + 1, n + 1)), 10) if n - c >= k else 1.0 for n, c, k in …]`
    #[test]
    fn pass_at_k_is_the_published_estimator() {
        for ((samples, right, k), expected) in [
            ((10, 3, 1), 0.3),
            ((10, 3, 5), 0.916_666_666_7),
            ((200, 7, 100), 0.992_991_117_2),
            ((5, 4, 2), 1.0),
            ((5, 0, 5), 0.0),
        ] {
            let value = unbiased(Tally { samples, right }, k);
            assert!((value - expected).abs() < 1e-9, "{samples} {right} {k}: {value}");
        }
    }

    /// `statistics.stdev([0, 1, 1, 0.5]) / 2`
    #[test]
    fn standard_errors_are_over_tasks() {
        let Estimate { mean, standard_error } = estimate(&[0.0, 1.0, 1.0, 0.5]);
        assert_eq!(mean, 0.625);
        assert!((standard_error - 0.239_356_776_939_084_15).abs() < 1e-12, "{standard_error}");
    }

    fn read_completion(line: &str, prompt: Option<&str>) -> Result<String> {
        completion(&Fields::read(line)?, prompt)
    }

    #[test]
    fn completions_may_stand_beside_what_python_writes() {
        for (line, expected) in [
            (r#"{"completion": "NaN", "logprob": -Infinity, "scores": [NaN]}"#, "NaN"),
            (r#"{"completion": "a", "completion": "b", "solution": null, "seed": 1e999}"#, "b"),
            (r#"{"completion": "a \ud83d"}"#, "a \u{fffd}"),
            (r#"{"completion": "a", "solution": "x"}"#, "```python\nx\n```"),
        ] {
            assert_eq!(read_completion(line, None).unwrap(), expected, "{line}");
        }
        assert_eq!(read_completion(r#"{"completion": "b"}"#, Some("a")).unwrap(), "```python\nab\n```");
    }

    #[test]
    fn what_is_no_completion_is_said_with_its_key() {
        for (line, expected) in [
            (r#"{"task_id": 1, "completion": ["a"]}"#, "\"completion\" is [\"a\"], wanted a text"),
            (r#"{"task_id": 1, "solution": 5, "completion": "a"}"#, "\"solution\" is 5, wanted a text"),
            (
                r#"{"task_id": 1, "text": "a"}"#,
                "there is neither a solution nor a completion; the line has: task_id, text",
            ),
        ] {
            assert_eq!(read_completion(line, None).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_program_cannot_close_the_block_it_stands_in() {
        assert_eq!(fenced("x = '```'"), "````python\nx = '```'\n````");
        assert_eq!(fenced("x"), "```python\nx\n```");
    }
}
