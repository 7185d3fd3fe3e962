//! Replay: every row of a ledger is planned, run and judged again, and compared with what was recorded.
//!
//! The rows go through the same stages as in training, with the recorded completions in place of the policy: buffers
//! fill in the order they did, so that what is new, familiar or a duplicate, solve rates and rewards come out again.
//! With another judge or other settings the same gives what would have changed.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fs::File,
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    ledger::{self, Concluded, LedgerRow, Purpose, TaskRow},
    log::Log,
    record::{self, Experiment, Recorded},
};
use azr_config::RunConfig;
use azr_core::{
    gather::Alone,
    role::Role,
    sampling::{Completion, Finish},
    task::{Digest, Task},
};
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use azr_selfplay::{
    env_state::EnvState,
    faults::{Cause, Faults, Whose},
    generate::Origin,
    held_out,
    propose::Proposed,
    solve::{Aim, Attempted},
    step,
    validate::{Conclusion, Validated, admit, subjects, validate},
    verify::{Verified, verify},
};

mod changes;
mod mismatches;

pub use changes::Changes;
pub use mismatches::Mismatches;

/// Rows judged together: enough to keep many workers busy, and a few megabytes.
const BATCH_ROWS: usize = 2048;

/// An experiment with its environments, ready to be judged again.
pub struct Replay {
    recorded: Recorded,
    config: RunConfig,
    envs: Vec<EnvState>,
    tasks: Tasks,
    standard: Standard,
}

/// What rows are measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// The experiment's own environments and settings: nothing may differ.
    Recorded,
    /// Others: differences are what was asked for.
    Other,
}

/// A row as it was and as it comes out now.
pub struct Compared {
    /// Line of the ledger, from 1.
    pub line: usize,
    pub recorded: LedgerRow,
    pub now: LedgerRow,
}

impl Replay {
    /// Loads an experiment. `sources` replace recorded environments of the same name, `overrides` are `KEY=VALUE` pairs for
    /// its configuration.
    pub fn load(dir: &Path, sources: &[EnvSource], overrides: &[String], sandbox: &SandboxArgs) -> Result<Self> {
        let recorded = Recorded::open(dir)?;
        let config = recorded.config.with(overrides)?;
        let sandbox = sandbox.start(&config.sandbox)?;
        let load = |source: &EnvSource| EnvState::new(source.load(&sandbox)?, &config);
        let given = sources.iter().map(load).collect::<Result<_>>()?;
        let mut envs = envs(&recorded.experiment, given, load)?;
        let mut standard = if config == recorded.config { Standard::Recorded } else { Standard::Other };
        for (env, record) in envs.iter_mut().zip(&recorded.experiment.environments) {
            if env.environment.digest() != record.fingerprint.environment {
                ensure!(
                    !sources.is_empty(),
                    "{} is another environment than the experiment's: {} instead of {}; give the experiment's file with \
                     --env, or this one to see what it changes",
                    record.source,
                    env.environment.digest().short(),
                    record.fingerprint.environment.short()
                );
                standard = Standard::Other;
            }
        }
        if standard == Standard::Recorded {
            adopt_fingerprints(&recorded, &mut envs)?;
        }
        let held_out = held_out::read(&record::held_out(dir)?, &envs)?;
        held_out::hold_out(&mut envs, held_out, config.evaluation.tasks)?;
        let tasks = Tasks::index(&recorded)?;
        Ok(Self { recorded, config, envs, tasks, standard })
    }

    /// What the rows are measured by.
    pub fn standard(&self) -> Standard {
        self.standard
    }

    /// Judges every row again, in order within proposals and within attempts of a batch.
    pub fn run(&mut self, mut visit: impl FnMut(Compared)) -> Result<()> {
        let bar = ProgressBar::new(self.recorded.bytes(Log::Ledger));
        let template = "{bar:24} {bytes} of {total_bytes}  {elapsed} gone, {eta} left";
        bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        let mut batch: Vec<(usize, LedgerRow)> = Vec::new();
        for (number, line) in self.recorded.lines(Log::Ledger)?.enumerate() {
            let (begin, line) = line?;
            let row: LedgerRow =
                serde_json::from_str(&line).with_context(|| format!("ledger.jsonl, line {}", number + 1))?;
            // The attempts of a step belong to its proposals; first tasks are proposed without attempts.
            let divisible = batch.last().is_none_or(|(_, last)| last.step != row.step || row.purpose == Purpose::Seed);
            if batch.len() >= BATCH_ROWS && divisible {
                self.judge(std::mem::take(&mut batch))?.into_iter().for_each(&mut visit);
                bar.set_position(begin);
            }
            batch.push((number + 1, row));
        }
        self.judge(batch)?.into_iter().for_each(&mut visit);
        bar.finish_and_clear();
        Ok(())
    }

    fn judge(&mut self, batch: Vec<(usize, LedgerRow)>) -> Result<Vec<Compared>> {
        let (proposals, attempts): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(_, row)| row.role == Role::Proposer);
        let mut first_of_step: BTreeMap<u64, usize> = BTreeMap::new();
        for (position, (_, row)) in proposals.iter().enumerate() {
            first_of_step.entry(row.step).or_insert(position);
        }
        let at = |line: usize| format!("ledger.jsonl, line {line}");
        let proposed = proposals.iter().map(|(line, row)| self.proposed(row).with_context(|| at(*line)));
        let mut proposed = proposed.collect::<Result<Vec<_>>>()?.into_iter();
        let attempted = attempts.iter().map(|(line, row)| {
            let position =
                row.proposal.map(|proposal| first_of_step.get(&row.step).map_or(0, |first| first + proposal));
            let known =
                position.is_none_or(|position| proposals.get(position).is_some_and(|(_, p)| p.step == row.step));
            ensure!(known, "{}: its proposal is not in the ledger", at(*line));
            self.attempted(row, position).with_context(|| at(*line))
        });
        let attempted = attempted.collect::<Result<Vec<_>>>()?;

        let mut validated = Vec::new();
        for rows in proposals.chunk_by(|(_, one), (_, next)| one.step == next.step) {
            let step = rows[0].1.step;
            self.insert(step)?;
            let (Self { envs, .. }, faults) = (&mut *self, &mut Faults::new(&Alone));
            validated.extend(unless_unknown(
                proposed.by_ref().take(rows.len()).collect(),
                rows,
                |proposed| validate(envs, proposed, step, faults),
                |proposed, cause| Validated { proposed, conclusion: Conclusion::Fault(cause), runs: Vec::new() },
            )?);
        }
        let (Self { envs, config, .. }, faults) = (self, &mut Faults::new(&Alone));
        let verified = unless_unknown(
            attempted,
            &attempts,
            |attempted| verify(envs, attempted, faults),
            |attempted, cause| Verified { attempted, verdict: Err(cause), runs: Vec::new() },
        )?;
        let rewards = step::rewards(config, &validated, &verified);

        let mut compared = Vec::new();
        for (((line, recorded), validated), reward) in proposals.into_iter().zip(&validated).zip(rewards.proposers) {
            // A task that is one only now was never attempted, so its reward is unknown.
            let was_task = matches!(recorded.conclusion, Concluded::Accepted { .. });
            let known = recorded.purpose != Purpose::Seed && (was_task || validated.conclusion.task().is_none());
            let reward = reward.filter(|_| known);
            let now = ledger::proposal_row(envs, validated, recorded.step, recorded.purpose, reward);
            compared.push(Compared { line, recorded, now });
        }
        for (((line, recorded), verified), reward) in attempts.into_iter().zip(&verified).zip(rewards.solvers) {
            let now = ledger::attempt_row(envs, verified, recorded.step, reward);
            compared.push(Compared { line, now: LedgerRow { proposal: recorded.proposal, ..now }, recorded });
        }
        Ok(compared)
    }

    /// Puts the tasks that were not proposed into the buffers, as far as they were there before the proposals of `step`.
    fn insert(&mut self, step: u64) -> Result<()> {
        let (Self { envs, tasks, .. }, faults) = (self, &mut Faults::new(&Alone));
        loop {
            let rows = tasks.take_given(step)?;
            if rows.is_empty() {
                return Ok(());
            }
            let place = |row: &TaskRow| {
                let env = envs.iter().position(|env| env.name() == row.env);
                Ok((env.with_context(|| format!("environment {:?} is not loaded", row.env))?, row.task()?))
            };
            let placed = rows.iter().map(place).collect::<Result<Vec<_>>>()?;
            let subjects = subjects(envs, &placed, faults)?;
            for (((env, task), subject), row) in placed.iter().zip(subjects).zip(rows) {
                let subject =
                    subject.map_err(|Cause { cause, .. }| anyhow!("the subject of task {}: {cause}", row.id))?;
                admit(&mut envs[*env], task, subject, row.step);
            }
        }
    }

    fn proposed(&mut self, row: &LedgerRow) -> Result<Proposed> {
        let (env, kind) = self.place(row)?;
        let references = row.references.iter().map(|id| self.tasks.get(*id)).collect::<Result<_>>()?;
        Ok(Proposed { env, kind, references, prompt: Vec::new(), completion: completion(row) })
    }

    fn attempted(&mut self, row: &LedgerRow, proposal: Option<usize>) -> Result<Attempted> {
        let (env, kind) = self.place(row)?;
        let task = self.tasks.get(row.task.context("an attempt without a task")?)?;
        let aim = proposal.map_or(Aim::Training, |proposal| Aim::Learnability { proposal });
        Ok(Attempted { env, kind, task, aim, assignment: 0, prompt: Vec::new(), completion: completion(row) })
    }

    fn place(&self, row: &LedgerRow) -> Result<(usize, usize)> {
        let env = self.envs.iter().position(|env| env.name() == row.env);
        let env = env.with_context(|| format!("environment {:?} is not loaded", row.env))?;
        let kind = self.envs[env].kind_index(&row.kind);
        Ok((env, kind.with_context(|| format!("environment {} has no kind {:?}", row.env, row.kind))?))
    }
}

/// The experiment's environments in their order, given ones in place of recorded ones of their name.
fn envs(
    experiment: &Experiment,
    given: Vec<EnvState>,
    load: impl Fn(&EnvSource) -> Result<EnvState>,
) -> Result<Vec<EnvState>> {
    let mut given: BTreeMap<String, EnvState> = given.into_iter().map(|env| (env.name().to_owned(), env)).collect();
    let records = experiment.environments.iter();
    let envs = records.map(|record| given.remove(&record.name).map_or_else(|| load(&record.source), Ok));
    let envs = envs.collect::<Result<_>>()?;
    if let Some(name) = given.keys().next() {
        let names: Vec<&str> = experiment.environments.iter().map(|record| &*record.name).collect();
        bail!("the experiment has no environment {name:?}; it has: {}", names.join(", "));
    }
    Ok(envs)
}

/// Rows name the terms that were recorded, so those must be whole, and are taken over where this build differs.
fn adopt_fingerprints(recorded: &Recorded, envs: &mut [EnvState]) -> Result<()> {
    for (env, record) in envs.iter_mut().zip(&recorded.experiment.environments) {
        let (was, is) = (&record.fingerprint, env.fingerprint());
        ensure!(
            was.digest() == record.fingerprint_digest && was.config == is.config,
            "config.toml or the terms in experiment.json are not those that the experiment was started with"
        );
        if (&was.host, &was.engine) != (&is.host, &is.engine) {
            tracing::warn!(
                "recorded by azr-host {} with {}, replayed by {} with {}; other engines count fuel differently",
                was.host,
                was.engine,
                is.host,
                is.engine
            );
        }
        if !was.same_grants(is) {
            tracing::warn!("{} was recorded with other --grants: limits or directories differ", record.name);
        }
        env.adopt(record.fingerprint.clone());
    }
    Ok(())
}

/// Judges items, except those whose recorded row says that the host failed: their verdict is unknown.
fn unless_unknown<T, R>(
    items: Vec<T>,
    rows: &[(usize, LedgerRow)],
    judge: impl FnOnce(Vec<T>) -> Result<Vec<R>>,
    unknown: impl Fn(T, Cause) -> R,
) -> Result<Vec<R>> {
    let mut known = Vec::new();
    let places: Vec<Option<R>> = items
        .into_iter()
        .zip(rows)
        .map(|(item, (_, row))| match &row.conclusion {
            Concluded::Fault(cause) if cause.whose == Whose::Host => Some(unknown(item, cause.clone())),
            _ => {
                known.push(item);
                None
            }
        })
        .collect();
    let mut judged = judge(known)?.into_iter();
    let judged = |place: Option<R>| place.unwrap_or_else(|| judged.next().expect("one result per item"));
    Ok(places.into_iter().map(judged).collect())
}

fn completion(row: &LedgerRow) -> Completion {
    Completion { tokens: Vec::new(), logprobs: Vec::new(), text: row.completion.clone(), finish: Finish::Stop }
}

/// The tasks of an experiment by their place in `tasks.jsonl`, so that they need not fit in memory.
struct Tasks {
    file: BufReader<File>,
    places: HashMap<Digest, u64>,
    /// Tasks that were not proposed, in order: the step of each and its line.
    given: VecDeque<(u64, u64)>,
}

impl Tasks {
    fn index(recorded: &Recorded) -> Result<Self> {
        let (mut places, mut given) = (HashMap::new(), VecDeque::new());
        for line in recorded.lines(Log::Tasks)? {
            let (begin, line) = line?;
            let TaskRow { id, step, origin, .. } = serde_json::from_str(&line).context("tasks.jsonl is damaged")?;
            places.insert(id, begin);
            if origin != Origin::Proposed {
                given.push_back((step, begin));
            }
        }
        Ok(Self { file: BufReader::new(recorded.file(Log::Tasks)?), places, given })
    }

    fn get(&mut self, id: Digest) -> Result<Task> {
        let begin = *self.places.get(&id).with_context(|| format!("task {id} is not in tasks.jsonl"))?;
        self.row(begin)?.task()
    }

    /// The next tasks that were not proposed and were there before the proposals of `step`, in order; empty when there
    /// are no more.
    fn take_given(&mut self, step: u64) -> Result<Vec<TaskRow<'static>>> {
        let mut rows = Vec::new();
        while rows.len() < BATCH_ROWS
            && let Some((_, begin)) = self.given.pop_front_if(|(given, _)| *given <= step)
        {
            rows.push(self.row(begin)?);
        }
        Ok(rows)
    }

    fn row(&mut self, begin: u64) -> Result<TaskRow<'static>> {
        self.file.seek(SeekFrom::Start(begin))?;
        let mut line = String::new();
        self.file.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}
