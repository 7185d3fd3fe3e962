//! The ledger: one row per judgement, enough to make it again.
//!
//! A row names the environment by digest, holds the completion as judged and what each run came to. The programs
//! themselves are not repeated: the judge plans them anew from the completion.

use serde::Serialize;

use crate::{
    arena::{Arena, Role},
    sandbox::{ExecutedRun, Outcome, Rejection, Verdict},
    selfplay::Step,
    solve::Aim,
    task::{Digest, Task},
    validate::{Conclusion, Validated},
    verify::Verified,
};

/// One judgement.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    pub step: u64,
    /// The environment's name and digest.
    pub env: &'a str,
    pub env_digest: Digest,
    pub kind: &'a str,
    pub role: Role,
    pub purpose: Purpose,
    /// The task that was attempted, or that the proposal became.
    pub task: Option<Digest>,
    /// Tasks that the proposer was shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Digest>,
    pub completion: &'a str,
    pub conclusion: Concluded<'a>,
    /// None if nothing was learned from it.
    pub reward: Option<f64>,
    pub runs: Vec<LedgerRun<'a>>,
}

/// Why something was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Seed,
    Propose,
    Learnability,
    Solve,
}

/// What was concluded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concluded<'a> {
    Accepted {
        well_formed: bool,
        duplicate: bool,
    },
    Rejection(&'a Rejection),
    Verdict(&'a Verdict),
    /// Not learned from, for the reason given.
    Dropped(&'static str),
}

/// Why nobody knows what an attempt or a proposal is worth.
const FAULT: &str = "an environment or the host failed";

/// A run by what it came to.
#[derive(Debug, Serialize)]
pub struct LedgerRun<'a> {
    pub executor: u32,
    pub outcomes: &'a [Outcome],
    pub fuel: u64,
}

/// A task that entered a buffer.
#[derive(Debug, Serialize)]
pub struct TaskRow<'a> {
    pub id: Digest,
    pub env: &'a str,
    pub env_digest: Digest,
    #[serde(flatten)]
    pub task: &'a Task,
    pub step: u64,
}

/// The judgements of a step: proposals first, then attempts.
pub fn rows<'a>(arenas: &'a [Arena], step: &'a Step) -> impl Iterator<Item = Row<'a>> {
    let proposals = step.validated.iter().zip(&step.proposer_rewards);
    let attempts = step.verified.iter().zip(&step.solver_rewards);
    let proposals =
        proposals.map(move |(validated, &reward)| proposal_row(arenas, validated, step.step, Purpose::Propose, reward));
    proposals.chain(attempts.map(move |(verified, &reward)| attempt_row(arenas, verified, step.step, reward)))
}

/// The row of a proposal.
pub fn proposal_row<'a>(
    arenas: &'a [Arena],
    validated: &'a Validated,
    step: u64,
    purpose: Purpose,
    reward: Option<f64>,
) -> Row<'a> {
    let proposed = &validated.proposed;
    let arena = &arenas[proposed.arena];
    let conclusion = match &validated.conclusion {
        Conclusion::New { well_formed, .. } => Concluded::Accepted { well_formed: *well_formed, duplicate: false },
        Conclusion::Duplicate { well_formed, .. } => Concluded::Accepted { well_formed: *well_formed, duplicate: true },
        Conclusion::HeldOut => Concluded::Dropped("its subject is held out"),
        Conclusion::Rejected(rejection) => Concluded::Rejection(rejection),
        Conclusion::Fault => Concluded::Dropped(FAULT),
    };
    Row {
        step,
        env: arena.name(),
        env_digest: arena.environment.digest(),
        kind: &arena.kinds()[proposed.kind].name,
        role: Role::Proposer,
        purpose,
        task: validated.conclusion.task().map(Task::id),
        references: proposed.references.iter().map(Task::id).collect(),
        completion: &proposed.completion.text,
        conclusion,
        reward,
        runs: ledger_runs(&validated.runs),
    }
}

fn attempt_row<'a>(arenas: &'a [Arena], verified: &'a Verified, step: u64, reward: Option<f64>) -> Row<'a> {
    let attempted = &verified.attempted;
    let arena = &arenas[attempted.arena];
    Row {
        step,
        env: arena.name(),
        env_digest: arena.environment.digest(),
        kind: &attempted.task.kind,
        role: Role::Solver,
        purpose: match attempted.aim {
            Aim::Learnability { .. } => Purpose::Learnability,
            Aim::Training | Aim::Evaluation { .. } => Purpose::Solve,
        },
        task: Some(attempted.task.id()),
        references: Vec::new(),
        completion: &attempted.completion.text,
        conclusion: verified.verdict.as_ref().map_or(Concluded::Dropped(FAULT), Concluded::Verdict),
        reward,
        runs: ledger_runs(&verified.runs),
    }
}

fn ledger_runs(runs: &[ExecutedRun]) -> Vec<LedgerRun<'_>> {
    let runs = runs.iter();
    runs.map(|ExecutedRun { run, report }| LedgerRun {
        executor: run.executor,
        outcomes: &report.outcomes,
        fuel: report.fuel,
    })
    .collect()
}

/// The tasks that a step's proposals put into the buffers.
pub fn new_tasks<'a>(arenas: &'a [Arena], validated: &'a [Validated], step: u64) -> impl Iterator<Item = TaskRow<'a>> {
    validated.iter().filter_map(move |validated| match &validated.conclusion {
        Conclusion::New { task, .. } => Some(task_row(&arenas[validated.proposed.arena], task, step)),
        _ => None,
    })
}

/// The row of a task found at `step`.
pub fn task_row<'a>(arena: &'a Arena, task: &'a Task, step: u64) -> TaskRow<'a> {
    TaskRow { id: task.id(), env: arena.name(), env_digest: arena.environment.digest(), task, step }
}
