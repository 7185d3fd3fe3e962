//! Held-out tasks: fixed before training, measured, and never trained on, nor are others about their subjects.
//!
//! Those of an environment come from a file of tasks or proposals. Without one they are generated tasks of a sequence of
//! their own, and the part of the data sets whose subjects a hash picks. An experiment keeps them in `held-out.jsonl`.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    data_set::DataSet,
    env_state::EnvState,
    faults::{Cause, with_retries},
    generate::generate_held_out,
};
use azr_config::RunConfig;
use azr_core::task::{Digest, Task, WrittenTask};
use azr_sandbox::{Accepted, Judged, Proposal, Rejection};

/// A fixed task of one environment.
#[derive(Clone, Debug)]
pub struct HeldOutTask {
    /// Index of the environment.
    pub env: usize,
    /// Index of the task's kind within its environment.
    pub kind: usize,
    pub task: Task,
}

/// Where the held-out tasks of an environment come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A file of tasks or proposals.
    File(&'a Path),
    /// The text of the embedded policy's file.
    Embedded(&'a str),
    /// Generated tasks and a share of these data sets.
    Apart(&'a [DataSet]),
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Embedded(_) => f.write_str("embedded"),
            Self::Apart(_) => f.write_str("set apart"),
        }
    }
}

/// The held-out tasks of the environment at `env`, all different.
pub fn held_out_tasks(envs: &[EnvState], env: usize, source: Source, config: &RunConfig) -> Result<Vec<HeldOutTask>> {
    let owner = &envs[env];
    let tasks = match source {
        Source::File(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the held-out tasks {}", path.display()))?;
            let tasks = accepted(&text, &path.display().to_string(), owner)?;
            ensure!(!tasks.is_empty(), "{} holds no tasks", path.display());
            tasks
        }
        Source::Embedded(text) => accepted(text, "embedded", owner)?,
        Source::Apart(data_sets) => {
            let mut tasks = generate_held_out(owner, config)?;
            let mine = data_sets.iter().filter(|data_set| data_set.env == env);
            let picked = mine.flat_map(|data_set| data_set.picked(config.evaluation.held_out_share));
            tasks.extend(picked.cloned());
            tasks
        }
    };
    let mut seen = HashSet::new();
    let distinct = tasks.into_iter().filter(|task| seen.insert(task.id()));
    let held_out = |task: Task| {
        let kind = owner.kind_index(&task.kind).expect("the sandbox checked that the kind exists");
        HeldOutTask { env, kind, task }
    };
    Ok(distinct.map(held_out).collect())
}

/// Marks the subjects of held-out tasks, so that nothing is learned about them. Returns the tasks to measure, at most
/// `tasks_max` of each kind, 0 for all.
pub fn hold_out(envs: &mut [EnvState], tasks: Vec<HeldOutTask>, tasks_max: usize) -> Result<Vec<HeldOutTask>> {
    for (index, env) in envs.iter_mut().enumerate() {
        let mine: Vec<Task> =
            tasks.iter().filter(|held_out| held_out.env == index).map(|held_out| held_out.task.clone()).collect();
        let subjects = env.subjects_of(&mine)?;
        env.held_out.extend(subjects);
    }
    let mut kept: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut keep = |held_out: &HeldOutTask| {
        let kept = kept.entry((held_out.env, held_out.kind)).or_default();
        *kept += 1;
        tasks_max == 0 || *kept <= tasks_max
    };
    Ok(tasks.into_iter().filter(|held_out| keep(held_out)).collect())
}

/// A line of `held-out.jsonl`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldOutRow {
    id: Digest,
    env: String,
    kind: String,
    body: String,
}

/// Held-out tasks as `held-out.jsonl` has them.
pub fn written(envs: &[EnvState], tasks: &[HeldOutTask]) -> String {
    let row = |HeldOutTask { env, task, kind: _ }: &HeldOutTask| {
        let (id, Task { kind, body }) = (task.id(), task.clone());
        let row = HeldOutRow { id, env: envs[*env].name().to_owned(), kind: kind.to_string(), body: body.to_string() };
        serde_json::to_string(&row).expect("a row is plain data") + "\n"
    };
    tasks.iter().map(row).collect()
}

/// Reads what [`written`] wrote.
pub fn read(text: &str, envs: &[EnvState]) -> Result<Vec<HeldOutTask>> {
    let task = |(number, line): (usize, &str)| {
        let at = || format!("held-out.jsonl, line {}", number + 1);
        let HeldOutRow { id, env: name, kind, body } = serde_json::from_str(line).with_context(at)?;
        let env = envs.iter().position(|env| env.name() == name);
        let env = env.with_context(|| format!("{}: environment {name:?} is not loaded", at()))?;
        let index = envs[env].kind_index(&kind).with_context(|| format!("{}: no kind {kind:?}", at()))?;
        let task = Task { kind: kind.into(), body: body.into() };
        ensure!(task.id() == id, "{}: the task was altered: its digest is {}", at(), task.id());
        Ok(HeldOutTask { env, kind: index, task })
    };
    text.lines().enumerate().map(task).collect()
}

/// A line of a held-out file: a task as `env validate` prints it, or a proposal that the environment turns into one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Task(WrittenTask),
    Proposal(WrittenProposal),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProposal {
    kind: String,
    completion: String,
    /// What the proposer was shown: itself a proposal, of the first kind that this kind's references come from.
    reference: Option<String>,
}

/// The tasks of a held-out file, line by line.
fn accepted(text: &str, source: &str, env: &EnvState) -> Result<Vec<Task>> {
    let at = |number: usize| format!("{source}, line {}", number + 1);
    let mut tasks = BTreeMap::new();
    let mut proposals = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line).with_context(|| format!("{}: neither a task nor a proposal", at(number)))? {
            Line::Task(written) => {
                ensure!(env.kind_index(&written.kind).is_some(), "{}: no kind {:?}", at(number), written.kind);
                tasks.insert(number, written.task().with_context(|| at(number))?);
            }
            Line::Proposal(written) => proposals.push((number, written)),
        }
    }
    let judge = |proposals: Vec<(usize, Proposal)>| {
        let (numbers, proposals): (Vec<usize>, Vec<Proposal>) = proposals.into_iter().unzip();
        let judged = with_retries(&proposals, |proposals| {
            let proposals: Vec<Proposal> = proposals.iter().copied().cloned().collect();
            env.environment.validate(&env.context, &proposals)
        });
        let task = |(number, judged): (usize, Result<Judged<_>, Cause>)| match judged?.conclusion {
            Ok(Accepted { task, .. }) => Ok((number, Task::from(task))),
            Err(Rejection { message, .. }) => bail!("{}: {message}", at(number)),
        };
        numbers.into_iter().zip(judged).map(task).collect::<Result<Vec<_>>>()
    };
    let mut shown = Vec::new();
    for (number, WrittenProposal { kind, reference, .. }) in &proposals {
        let Some(completion) = reference.clone() else { continue };
        let index = env.kind_index(kind).with_context(|| format!("{}: no kind {kind:?}", at(*number)))?;
        let source = env.kinds()[index].references_from.first();
        let kind = source.with_context(|| format!("{}: {kind} takes no references", at(*number)))?.clone();
        shown.push((*number, Proposal { kind, references: Vec::new(), completion }));
    }
    let mut references: BTreeMap<usize, Task> = judge(shown)?.into_iter().collect();
    let proposal = |(number, WrittenProposal { kind, completion, .. })| {
        let references = references.remove(&number).into_iter().collect();
        (number, Proposal { kind, references, completion })
    };
    tasks.extend(judge(proposals.into_iter().map(proposal).collect())?);
    Ok(tasks.into_values().collect())
}
