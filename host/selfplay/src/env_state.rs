//! An environment in self-play: the component, its settings and the tasks found so far.

use std::collections::HashSet;

use anyhow::{Result, bail};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    buffer::Buffer,
    faults::{Cause, Faults, with_retries},
    fingerprint::EnvFingerprint,
    measures::Seen,
};
use azr_config::{RunConfig, Style};
use azr_core::{
    rng::Draws,
    role::Role,
    task::{Digest, Task},
};
use azr_sandbox::{Context, Description, Environment, Fault, Kind, Rejection, fail_closed};

/// Rollouts that share a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Index of the environment.
    pub env: usize,
    /// Index of the kind within its environment.
    pub kind: usize,
    pub role: Role,
}

/// One environment and what self-play has found in it.
pub struct EnvState {
    pub environment: Environment,
    pub context: Context,
    /// One buffer per kind, in the order of the description.
    pub buffers: Vec<Buffer>,
    /// Subjects of all tasks ever accepted, by kind, for novelty.
    pub subjects: Vec<HashSet<Digest>>,
    /// Texts of measures, by kind.
    pub seen: Vec<Seen>,
    /// Subjects of held-out tasks, which must not be learned from.
    pub held_out: HashSet<Digest>,
    /// What its verdicts depend on besides their subjects.
    fingerprint: EnvFingerprint,
    /// First digits of its digest, which every row of the ledger has.
    fingerprint_short: String,
    /// Which of its kinds tasks are proposed and generated of.
    playing: Vec<bool>,
    /// How many times the configured batches it gets.
    weight: f64,
    /// False once the breaker dropped it: nothing is proposed, solved or measured any more.
    pub in_play: bool,
}

impl EnvState {
    /// An env without tasks.
    pub fn new(environment: Environment, config: &RunConfig) -> Result<Self> {
        let style = match config.style {
            Style::Instruct => azr_sandbox::Style::Instruct,
            Style::Compact => azr_sandbox::Style::Compact,
        };
        let settings = config.environments.get(&environment.description().name);
        let settings: Vec<(String, String)> =
            settings.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let context = environment.context(style, &settings)?;
        let playing = playing(environment.description(), config)?;
        let kinds = playing.len();
        let (buffers, subjects) = (vec![Buffer::new(config.buffer.capacity); kinds], vec![HashSet::new(); kinds]);
        let seen = vec![Seen::default(); kinds];
        let fingerprint = EnvFingerprint::new(config, &environment);
        let weight = config.env_weights.get(&environment.description().name).copied().unwrap_or(1.0);
        let held_out = HashSet::new();
        Ok(Self {
            environment,
            context,
            buffers,
            subjects,
            seen,
            held_out,
            fingerprint_short: fingerprint.digest().short(),
            fingerprint,
            playing,
            weight,
            in_play: true,
        })
    }

    /// What its verdicts depend on besides their subjects.
    pub fn fingerprint(&self) -> &EnvFingerprint {
        &self.fingerprint
    }

    /// First digits of the digest of that.
    pub fn fingerprint_short(&self) -> &str {
        &self.fingerprint_short
    }

    /// Goes by a fingerprint that was recorded.
    pub fn adopt(&mut self, fingerprint: EnvFingerprint) {
        self.fingerprint_short = fingerprint.digest().short();
        self.fingerprint = fingerprint;
    }

    /// The environment's name.
    pub fn name(&self) -> &str {
        &self.environment.description().name
    }

    /// The environment's kinds.
    pub fn kinds(&self) -> &[Kind] {
        &self.environment.description().kinds
    }

    /// The kinds that tasks are proposed and generated of, with their positions.
    pub fn playing(&self) -> impl Iterator<Item = (usize, &Kind)> {
        self.kinds().iter().enumerate().filter(|(kind, _)| self.playing[*kind])
    }

    /// The position of the kind called `name`.
    pub fn kind_index(&self, name: &str) -> Option<usize> {
        self.kinds().iter().position(|kind| kind.name == name)
    }

    /// `<environment>/<kind>`.
    pub fn label(&self, kind: usize) -> String {
        format!("{}/{}", self.name(), self.kinds()[kind].name)
    }

    /// What each line of a data set describes.
    pub fn import_tasks(&self, lines: &[String]) -> Vec<Result<Result<Task, Rejection>, Cause>> {
        with_retries(lines, |lines| self.environment.import_tasks(&self.context, lines.iter().copied()))
    }

    /// The environment's own first tasks.
    pub fn seeds(&self) -> Result<Vec<Task>, Cause> {
        let mut seeds = with_retries(&[()], |_| vec![self.environment.seeds(&self.context)]);
        seeds.pop().expect("one answer to one call")
    }

    /// What each of `tasks` is about.
    pub fn subjects_of(&self, tasks: &[Task]) -> Result<Vec<Digest>> {
        let subjects = with_retries(tasks, |tasks| self.environment.subjects(tasks.iter().copied()));
        Ok(subjects.into_iter().collect::<Result<_, Cause>>()?)
    }

    /// The environment's size of a configured batch.
    pub fn weighted(&self, batch: usize) -> usize {
        (batch as f64 * self.weight).round() as usize
    }

    /// At most `count` distinct tasks to show to a proposer of `kind`, drawn uniformly.
    pub fn references(&self, kind: usize, count: usize, draws: &mut Draws) -> Vec<Task> {
        let kind = &self.kinds()[kind];
        let sources = kind.references_from.iter().filter_map(|name| self.kind_index(name));
        let tasks: Vec<&Task> = sources.flat_map(|source| self.buffers[source].tasks()).collect();
        let chosen = draws.distinct(count.min(kind.references_max as usize), tasks.len());
        chosen.into_iter().map(|i| tasks[i].clone()).collect()
    }
}

/// Whether each kind of an environment is in play.
fn playing(Description { name, kinds, .. }: &Description, config: &RunConfig) -> Result<Vec<bool>> {
    let Some(wanted) = config.kinds.get(name) else {
        return Ok(vec![true; kinds.len()]);
    };
    if let Some(unknown) = wanted.iter().find(|wanted| kinds.iter().all(|kind| kind.name != **wanted)) {
        let names: Vec<&str> = kinds.iter().map(|kind| &*kind.name).collect();
        bail!("kinds.{name} has {unknown:?}, which is none of the environment's kinds: {}", names.join(", "));
    }
    Ok(kinds.iter().map(|kind| wanted.contains(&kind.name)).collect())
}

/// Hands every item to its environment and gives the results in item order. Each environment gets its items in one
/// batch, so that their runs spread over all workers.
pub fn batched<T, R: Serialize + DeserializeOwned>(
    envs: &[EnvState],
    items: &[T],
    env_of: impl Fn(&T) -> usize,
    faults: &mut Faults,
    call: impl Fn(&EnvState, &[&T]) -> Vec<Result<R, Fault>>,
) -> Result<Vec<Result<R, Cause>>> {
    let mut results: Vec<Option<Result<R, Cause>>> = items.iter().map(|_| None).collect();
    for (index, env) in envs.iter().enumerate() {
        let mine: Vec<usize> = (0..items.len()).filter(|&i| env_of(&items[i]) == index).collect();
        if mine.is_empty() {
            continue;
        }
        let batch: Vec<&T> = mine.iter().map(|&i| &items[i]).collect();
        let answers =
            faults.calls(index, &batch, |batch| call(env, &batch.iter().copied().copied().collect::<Vec<_>>()))?;
        for (i, result) in mine.into_iter().zip(answers) {
            results[i] = Some(result);
        }
    }
    Ok(results.into_iter().map(|result| result.expect("every item belongs to an env")).collect())
}

/// As [`batched`], of items with completions. Where the judge fails for a completion, and does not fail for an empty one in its
/// place, the conclusion is the one for `broken` judges; the fault stays counted.
pub fn judged<T, R: Serialize + DeserializeOwned>(
    envs: &[EnvState],
    items: &[T],
    parts_of: impl Fn(&T) -> (usize, &str),
    faults: &mut Faults,
    judge: impl Fn(&EnvState, &[&(&T, &str)]) -> Vec<Result<R, Fault>>,
    broken: impl Fn(&Cause) -> R,
) -> Result<Vec<Result<R, Cause>>> {
    let env_of = |(item, _): &(&T, &str)| parts_of(item).0;
    let completed: Vec<(&T, &str)> = items.iter().map(|item| (item, parts_of(item).1)).collect();
    let mut judged = batched(envs, &completed, env_of, faults, &judge)?;
    fail_closed(
        &mut judged,
        |cause| cause.is_environments().then(|| broken(cause)),
        |failed| {
            let empty: Vec<(&T, &str)> = failed.iter().map(|&place| (&items[place], "")).collect();
            batched(envs, &empty, env_of, &mut faults.uncounted(), &judge)
        },
    )?;
    Ok(judged)
}
