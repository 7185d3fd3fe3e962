//! The ledger: one row per judgement, enough to make it again and to notice any difference.
//!
//! What is the same for all rows of an environment is in `experiment.json` once: its fingerprint, whose digest binds each
//! row to it (the key `terms`). A row holds the completion as judged, a digest of the runs that the judge planned from it (they can be
//! planned again), the outcomes of each run, the conclusion and the reward. The tasks that a row names by their digest are
//! in `tasks.jsonl`.

use std::borrow::Cow;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use azr_core::{
    role::Role,
    task::{Digest, Task},
};
use azr_sandbox::{Rejection, RunRow, Verdict, plan_digest, run_rows, shortened};
use azr_selfplay::{
    env_state::EnvState,
    faults::Cause,
    generate::{Origin, Seeded},
    measures::Measured,
    solve::Aim,
    step::Step,
    validate::{Conclusion, Novelty, Validated},
    verify::Verified,
};

/// One judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRow {
    pub step: u64,
    pub env: String,
    /// First digits of the digest of the environment's fingerprint.
    #[serde(rename = "terms")]
    pub fingerprint: String,
    pub kind: String,
    pub role: Role,
    pub purpose: Purpose,
    /// For a learnability attempt the position of its proposal among the step's proposals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<usize>,
    /// The task that was attempted, or that the proposal became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Digest>,
    /// Tasks that the proposer was shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Digest>,
    pub completion: String,
    pub completion_digest: Digest,
    /// Of the planned runs; none where none was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunRow>,
    pub conclusion: Concluded,
    /// None if nothing was learned from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<f64>,
}

/// Why something was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Seed,
    Propose,
    Learnability,
    Solve,
}

/// What was concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concluded {
    Accepted {
        well_formed: bool,
        #[serde(rename = "standing")]
        novelty: Novelty,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        measures: Vec<Measured>,
    },
    Rejection(Rejection),
    Verdict(Verdict),
    /// Nobody knows, and nothing was learned from it.
    Fault(Cause),
}

fn short_verdict(Verdict { score, well_formed, answer, reason }: &Verdict) -> Verdict {
    Verdict { score: *score, well_formed: *well_formed, answer: shortened(answer), reason: shortened(reason) }
}

fn short_rejection(Rejection { code, message }: &Rejection) -> Rejection {
    Rejection { code: code.clone(), message: shortened(message) }
}

/// A task that entered a buffer.
#[derive(Debug, Serialize, Deserialize)]
pub struct TaskRow<'a> {
    pub id: Digest,
    pub env: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub body: Cow<'a, str>,
    /// 0 is before the first update.
    pub step: u64,
    pub origin: Origin,
}

impl TaskRow<'_> {
    /// The task, unless it is another than was written.
    pub fn task(&self) -> Result<Task> {
        let task = Task { kind: (&*self.kind).into(), body: (&*self.body).into() };
        let (id, now) = (self.id, task.id());
        ensure!(now == id, "task {id} in tasks.jsonl was altered: its content has the digest {now}");
        Ok(task)
    }
}

/// The judgements of a step: proposals first, then attempts.
pub fn rows<'a>(envs: &'a [EnvState], step: &'a Step) -> impl Iterator<Item = LedgerRow> + 'a {
    let proposals = step.validated.iter().zip(&step.rewards.proposers);
    let attempts = step.verified.iter().zip(&step.rewards.solvers);
    let proposals =
        proposals.map(move |(validated, &reward)| proposal_row(envs, validated, step.step, Purpose::Propose, reward));
    proposals.chain(attempts.map(move |(verified, &reward)| attempt_row(envs, verified, step.step, reward)))
}

/// The row of a proposal.
pub fn proposal_row(
    envs: &[EnvState],
    validated: &Validated,
    step: u64,
    purpose: Purpose,
    reward: Option<f64>,
) -> LedgerRow {
    let proposed = &validated.proposed;
    let env = &envs[proposed.env];
    let (task, conclusion) = match &validated.conclusion {
        Conclusion::Accepted { task, well_formed, novelty, measures } => {
            let (well_formed, novelty, measures) = (*well_formed, *novelty, measures.clone());
            (Some(task.id()), Concluded::Accepted { well_formed, novelty, measures })
        }
        Conclusion::Rejected(rejection) => (None, Concluded::Rejection(short_rejection(rejection))),
        Conclusion::Fault(cause) => (None, Concluded::Fault(cause.clone())),
    };
    LedgerRow {
        step,
        env: env.name().to_owned(),
        fingerprint: env.fingerprint_short().to_owned(),
        kind: env.kinds()[proposed.kind].name.clone(),
        role: Role::Proposer,
        purpose,
        proposal: None,
        task,
        references: proposed.references.iter().map(Task::id).collect(),
        completion_digest: Digest::of(&proposed.completion.text),
        completion: proposed.completion.text.clone(),
        plan: plan_digest(&validated.runs),
        runs: run_rows(&validated.runs),
        conclusion,
        reward,
    }
}

/// The row of an attempt.
pub fn attempt_row(envs: &[EnvState], verified: &Verified, step: u64, reward: Option<f64>) -> LedgerRow {
    let attempted = &verified.attempted;
    let env = &envs[attempted.env];
    let (purpose, proposal) = match attempted.aim {
        Aim::Learnability { proposal } => (Purpose::Learnability, Some(proposal)),
        Aim::Training | Aim::Evaluation { .. } => (Purpose::Solve, None),
    };
    LedgerRow {
        step,
        env: env.name().to_owned(),
        fingerprint: env.fingerprint_short().to_owned(),
        kind: attempted.task.kind.to_string(),
        role: Role::Solver,
        purpose,
        proposal,
        task: Some(attempted.task.id()),
        references: Vec::new(),
        completion_digest: Digest::of(&attempted.completion.text),
        completion: attempted.completion.text.clone(),
        plan: plan_digest(&verified.runs),
        runs: run_rows(&verified.runs),
        conclusion: match &verified.verdict {
            Ok(verdict) => Concluded::Verdict(short_verdict(verdict)),
            Err(cause) => Concluded::Fault(cause.clone()),
        },
        reward,
    }
}

/// The tasks that a step's proposals put into the buffers.
pub fn new_tasks<'a>(
    envs: &'a [EnvState],
    validated: &'a [Validated],
    step: u64,
) -> impl Iterator<Item = TaskRow<'a>> + 'a {
    validated.iter().filter_map(move |validated| match &validated.conclusion {
        Conclusion::Accepted { task, novelty, .. } if novelty.is_new() => {
            Some(task_row(&envs[validated.proposed.env], task, step, Origin::Proposed))
        }
        _ => None,
    })
}

/// The tasks that were not proposed and entered the buffers, before those that were proposed at the same step.
pub fn seeded_tasks<'a>(
    envs: &'a [EnvState],
    given: &'a [Seeded],
    step: u64,
) -> impl Iterator<Item = TaskRow<'a>> + 'a {
    given.iter().map(move |given| task_row(&envs[given.env], &given.task, step, given.origin))
}

/// The row of a task found at `step`.
fn task_row<'a>(env: &'a EnvState, task: &'a Task, step: u64, origin: Origin) -> TaskRow<'a> {
    let Task { kind, body } = task;
    TaskRow { id: task.id(), env: env.name().into(), kind: (&**kind).into(), body: (&**body).into(), step, origin }
}
