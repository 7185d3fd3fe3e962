//! `POST /v1/envs/NAME/CALL`: the calls of an environment, with what judged in every answer.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::routes::{Answered, Unanswered};
use crate::calls::{
    self, ExecRequest, PromptAnswer, PromptRequest, Settings, StyleWritten, ValidateAnswer, ValidateRequest,
    VerifyAnswer, VerifyRequest,
};
use azr_core::task::{Digest, Task, WrittenTask};
use azr_sandbox::{ENGINE, Environment, ExecutedRun, Fault, Rejection, SequencePart};

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
    /// `?ledger=true`: also what each run came to, to compare with when it is judged again.
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
    runs: Option<Vec<RunRow>>,
}

/// A run in short: equal digests are equal programs, inputs and outcomes.
#[derive(Serialize)]
struct RunRow {
    executor: u32,
    run: Digest,
    outcomes: Digest,
    fuel: u64,
}

impl From<&ExecutedRun> for RunRow {
    fn from(ExecutedRun { run, report }: &ExecutedRun) -> Self {
        let of = |value: Vec<u8>| Digest::of(value);
        let json = "runs and outcomes have texts as keys, and writing to memory succeeds";
        Self {
            executor: run.executor,
            run: of(serde_json::to_vec(run).expect(json)),
            outcomes: of(serde_json::to_vec(&report.outcomes).expect(json)),
            fuel: report.fuel,
        }
    }
}

fn stamped(env: &Environment, answer: impl Serialize, runs: Option<&[ExecutedRun]>, fuel: u64) -> Answered {
    let judged_by = JudgedBy {
        environment: &env.description().name,
        digest: env.digest(),
        executors: env.executor_digests(),
        engine: ENGINE,
    };
    let runs = runs.map(|runs| runs.iter().map(RunRow::from).collect());
    Answered::new(&Stamped { answer, judged_by, runs }, fuel)
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
    let judged = only(calls::validate(env, &[request], |judged| judged))?;
    let (fuel, runs) = (calls::fuel(&judged.runs), judged.runs.clone());
    Ok(stamped(env, ValidateAnswer::from(judged), (detail == Detail::Ledger).then_some(&*runs), fuel))
}

pub(super) fn verify(env: &Environment, request: VerifyRequest, detail: Detail) -> Result<Answered, Unanswered> {
    let judged = only(calls::verify(env, &[request], |judged| judged))?;
    let (fuel, runs) = (calls::fuel(&judged.runs), judged.runs.clone());
    Ok(stamped(env, VerifyAnswer::from(judged), (detail == Detail::Ledger).then_some(&*runs), fuel))
}

pub(super) fn prompt(env: &Environment, request: PromptRequest) -> Result<Answered, Unanswered> {
    Ok(stamped(env, PromptAnswer::from(calls::prompt(env, &request).map_err(unanswered)?), None, 0))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub(super) struct ImportRequest {
    /// A line of a data set: the text, or the JSON that it is.
    line: Value,
    #[serde(default)]
    style: StyleWritten,
    #[serde(default)]
    settings: Settings,
}

pub(super) fn import(env: &Environment, request: ImportRequest) -> Result<Answered, Unanswered> {
    let ImportRequest { line, style, settings } = request;
    let line = match line {
        Value::String(line) => line,
        object => object.to_string(),
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
