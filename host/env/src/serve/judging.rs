//! `POST /v1/envs/NAME/CALL`: the calls of an environment, with what judged in every answer.

use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::routes::{Answered, Unanswered};
use crate::calls::{
    self, ExecRequest, PromptAnswer, PromptRequest, Settings, StyleWritten, ValidateAnswer, ValidateRequest,
    VerifyAnswer, VerifyRequest,
};
use azr_core::{
    role::Role,
    task::{Digest, Task, WrittenTask},
};
use azr_sandbox::{
    Accepted, ENGINE, Environment, ExecutedRun, Fault, Rejection, RunRow, SequencePart, Verdict, plan_digest, run_rows,
    shortened,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Exec,
    Validate,
    Verify,
    Prompt,
    Generate,
    Import,
}

impl Call {
    pub(super) const ALL: [(&str, Self); 6] = [
        ("exec", Self::Exec),
        ("validate", Self::Validate),
        ("verify", Self::Verify),
        ("prompt", Self::Prompt),
        ("generate", Self::Generate),
        ("import", Self::Import),
    ];
}

/// How much an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Conclusion,
    /// `?ledger=true`: also the row that a ledger would have, to compare with when it is judged again.
    Ledger,
}

/// The parts that an answer follows from.
#[derive(Serialize)]
struct JudgedBy<'a> {
    environment: &'a str,
    digest: Digest,
    executors: &'a [Digest],
    engine: &'static str,
}

#[derive(Serialize)]
struct Stamped<'a, A> {
    #[serde(flatten)]
    answer: A,
    judged_by: JudgedBy<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<Row>,
}

/// A row of an experiment's ledger, without what only an experiment has: step, terms, purpose, reward, and whether an
/// accepted task is new.
#[derive(Serialize)]
struct Row {
    env: String,
    kind: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<Digest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Digest>,
    completion: String,
    completion_digest: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Digest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<RunRow>,
    conclusion: ConcludedRow,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum ConcludedRow {
    Accepted { well_formed: bool },
    Rejection(Rejection),
    Verdict(Verdict),
}

fn stamped(env: &Environment, answer: impl Serialize, row: Option<Row>, fuel: u64) -> Answered {
    let judged_by = JudgedBy {
        environment: &env.description().name,
        digest: env.digest(),
        executors: env.executor_digests(),
        engine: ENGINE,
    };
    Answered::new(&Stamped { answer, judged_by, row }, fuel)
}

fn unanswered(error: anyhow::Error) -> Unanswered {
    match error.downcast_ref::<Fault>() {
        Some(fault) => Unanswered::Fault(fault.to_string()),
        None => Unanswered::Invalid(format!("{error:#}")),
    }
}

/// The answer to the only item.
fn only<A>(mut answers: Vec<anyhow::Result<A>>) -> Result<A, Unanswered> {
    answers.pop().expect("one answer for one request").map_err(unanswered)
}

pub(super) fn exec(env: &Environment, request: ExecRequest) -> Result<Answered, Unanswered> {
    Ok(stamped(env, only(calls::exec(env, &[request]))?, None, 0))
}

pub(super) fn validate(env: &Environment, request: ValidateRequest, detail: Detail) -> Result<Answered, Unanswered> {
    let asked = (detail == Detail::Ledger).then(|| request.clone());
    let judged = only(calls::validate(env, &[request], |judged| judged))?;
    let row = asked.map(|ValidateRequest { kind, completion, references, .. }| {
        let references = references.iter().map(|written| Ok(written.task()?.id())).collect::<anyhow::Result<_>>();
        let (task, conclusion) = match &judged.conclusion {
            Ok(Accepted { task, well_formed, .. }) => {
                (Some(Task::from(task.clone()).id()), ConcludedRow::Accepted { well_formed: *well_formed })
            }
            Err(Rejection { code, message }) => {
                let message = shortened(message);
                (None, ConcludedRow::Rejection(Rejection { code: code.clone(), message }))
            }
        };
        let references = references.expect("the judge was given the same references");
        row(env, (kind, Role::Proposer), (task, references), completion, &judged.runs, conclusion)
    });
    let fuel = calls::fuel(&judged.runs);
    Ok(stamped(env, ValidateAnswer::from(judged), row, fuel))
}

pub(super) fn verify(env: &Environment, request: VerifyRequest, detail: Detail) -> Result<Answered, Unanswered> {
    let asked = (detail == Detail::Ledger).then(|| request.clone());
    let judged = only(calls::verify(env, &[request], |judged| judged))?;
    let row = asked.map(|VerifyRequest { task, completion, .. }| {
        let id = task.task().expect("the judge was given the same task").id();
        let Verdict { score, well_formed, answer, reason } = &judged.conclusion;
        let (answer, reason) = (shortened(answer), shortened(reason));
        let verdict = Verdict { score: *score, well_formed: *well_formed, answer, reason };
        let about = (Some(id), Vec::new());
        row(env, (task.kind, Role::Solver), about, completion, &judged.runs, ConcludedRow::Verdict(verdict))
    });
    let fuel = calls::fuel(&judged.runs);
    Ok(stamped(env, VerifyAnswer::from(judged), row, fuel))
}

fn row(
    env: &Environment,
    (kind, role): (String, Role),
    (task, references): (Option<Digest>, Vec<Digest>),
    completion: String,
    runs: &[ExecutedRun],
    conclusion: ConcludedRow,
) -> Row {
    Row {
        env: env.description().name.clone(),
        kind,
        role,
        task,
        references,
        completion_digest: Digest::of(&completion),
        completion,
        plan: plan_digest(runs),
        runs: run_rows(runs),
        conclusion,
    }
}

pub(super) fn prompt(env: &Environment, request: PromptRequest) -> Result<Answered, Unanswered> {
    Ok(stamped(env, PromptAnswer::from(calls::prompt(env, &request).map_err(unanswered)?), None, 0))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with kind, seed and count")]
pub(super) struct GenerateRequest {
    kind: String,
    seed: u64,
    #[serde(default)]
    first: u64,
    count: u32,
    #[serde(default)]
    style: StyleWritten,
    #[serde(default)]
    settings: Settings,
}

/// Tasks of one answer. Those after them are asked for by `first`.
const GENERATED_MAX: u32 = 4096;

pub(super) fn generate(env: &Environment, request: GenerateRequest) -> Result<Answered, Unanswered> {
    let GenerateRequest { kind, seed, first, count, style, settings } = request;
    let kinds = &env.description().kinds;
    if !kinds.iter().any(|known| known.name == kind && known.generated) {
        let generated = kinds.iter().filter(|kind| kind.generated).map(|kind| &*kind.name).collect::<Vec<_>>();
        let known = if generated.is_empty() { "none".to_owned() } else { generated.join(", ") };
        return Err(Unanswered::Invalid(format!(
            "no tasks of kind {kind:?} are generated; of these they are: {known}"
        )));
    }
    if count > GENERATED_MAX || first.checked_add(count.into()).is_none() {
        return Err(Unanswered::Invalid(format!(
            "{count} tasks from {first}; the most in one answer are {GENERATED_MAX}"
        )));
    }
    let ctx = calls::context(env, style, &settings).map_err(unanswered)?;
    let part = SequencePart { kind, seed, first, count };
    let tasks = env.generate(&ctx, &part).map_err(|fault| Unanswered::Fault(fault.to_string()))?;
    let tasks: Vec<WrittenTask> = tasks.into_iter().map(WrittenTask::from).collect();
    Ok(stamped(env, json!({ "tasks": tasks }), None, 0))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with line")]
pub(super) struct ImportRequest {
    /// A line of a data set: the text, or the JSON that it is, whose numbers keep their digits.
    line: Box<RawValue>,
    #[serde(default)]
    style: StyleWritten,
    #[serde(default)]
    settings: Settings,
}

pub(super) fn import(env: &Environment, request: ImportRequest) -> Result<Answered, Unanswered> {
    let ImportRequest { line, style, settings } = request;
    let line = match line.get() {
        text if text.starts_with('"') => {
            serde_json::from_str(text).map_err(|error| Unanswered::Invalid(format!("line: {error}")))?
        }
        json => json.to_owned(),
    };
    let ctx = calls::context(env, style, &settings).map_err(unanswered)?;
    let mut imported = env.import_tasks(&ctx, &[line]);
    let imported: Result<Task, Rejection> =
        imported.pop().expect("one task for one line").map_err(|fault| Unanswered::Fault(fault.to_string()))?;
    let answer = match imported {
        Ok(task) => json!({ "task": WrittenTask::from(task) }),
        Err(Rejection { code, message }) => json!({ "rejection": { "code": code, "message": message } }),
    };
    Ok(stamped(env, answer, None, 0))
}
