//! What an environment can be asked, as JSON: by lines of `azr-env`, and by requests to `azr-env serve`.

use std::{collections::BTreeMap, convert::Infallible};

use anyhow::{Result, anyhow, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use azr_core::task::{Task, WrittenTask};
use azr_sandbox::{
    Accepted, Amount, Attempt, Context, Environment, ExecutedRun, Fault, Judged, Measure, Message, Outcome, Prompt,
    Proposal, Rejection, Report, Run, Speaker, Style, Thrown, Verdict, fail_closed, rejected_for_fault,
    wrong_for_fault,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with program and input")]
pub(crate) struct ExecRequest {
    program: String,
    input: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with kind and completion")]
pub(crate) struct ValidateRequest {
    pub(crate) kind: String,
    pub(crate) completion: String,
    #[serde(default)]
    pub(crate) references: Vec<WrittenTask>,
    #[serde(default)]
    style: StyleWritten,
    #[serde(default)]
    settings: Settings,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with task and completion")]
pub(crate) struct VerifyRequest {
    pub(crate) task: WrittenTask,
    pub(crate) completion: String,
    #[serde(default)]
    style: StyleWritten,
    #[serde(default)]
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case", deny_unknown_fields, expecting = "an object with role")]
pub(crate) enum PromptRequest {
    Propose {
        kind: String,
        #[serde(default)]
        references: Vec<WrittenTask>,
        #[serde(default)]
        style: StyleWritten,
        #[serde(default)]
        settings: Settings,
    },
    Solve {
        task: WrittenTask,
        #[serde(default)]
        style: StyleWritten,
        #[serde(default)]
        settings: Settings,
    },
}

/// The settings of a request, by name.
pub(crate) type Settings = BTreeMap<String, Value>;

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StyleWritten {
    #[default]
    Instruct,
    Compact,
}

/// The context of a request; `exec` alone has none.
pub(crate) fn context(env: &Environment, style: StyleWritten, settings: &Settings) -> Result<Context> {
    let style = match style {
        StyleWritten::Instruct => Style::Instruct,
        StyleWritten::Compact => Style::Compact,
    };
    let settings = settings.iter().map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            number_or_bool => number_or_bool.to_string(),
        };
        (name.clone(), value)
    });
    env.context(style, &settings.collect::<Vec<_>>())
}

/// The task of a line, which must be of a kind that the environment describes.
fn task(env: &Environment, written: &WrittenTask) -> Result<Task> {
    known(env, &written.kind)?;
    written.task()
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub(crate) enum ExecAnswer {
    Value { value: String, fuel: u64 },
    Thrown { name: String, message: String, fuel: u64 },
    Refused { reason: String, fuel: u64 },
    Unsupported { reason: String, fuel: u64 },
    OutOfFuel { fuel: u64 },
    OutOfMemory { fuel: u64 },
    StackOverflow { fuel: u64 },
    Crashed { reason: String, fuel: u64 },
    Rejected { code: String, message: String },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ValidateAnswer {
    Task {
        task: WrittenTask,
        well_formed: bool,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        measures: BTreeMap<String, MeasureWritten>,
        fuel: u64,
    },
    Rejection {
        rejection: RejectionWritten,
        fuel: u64,
    },
}

/// A number, or the text whose rarity training counts.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum MeasureWritten {
    Number(f64),
    Rarity(String),
}

impl From<Amount> for MeasureWritten {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Number(number) => Self::Number(number),
            Amount::Rarity(text) => Self::Rarity(text),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct RejectionWritten {
    code: String,
    message: String,
}

impl From<Rejection> for RejectionWritten {
    fn from(Rejection { code, message }: Rejection) -> Self {
        Self { code, message }
    }
}

impl From<Judged<Result<Accepted, Rejection>>> for ValidateAnswer {
    fn from(Judged { conclusion, runs }: Judged<Result<Accepted, Rejection>>) -> Self {
        let fuel = fuel(&runs);
        match conclusion {
            Ok(Accepted { task, well_formed, measures }) => {
                let measures = measures.into_iter().map(|Measure { name, amount }| (name, amount.into())).collect();
                Self::Task { task: Task::from(task).into(), well_formed, measures, fuel }
            }
            Err(rejection) => Self::Rejection { rejection: rejection.into(), fuel },
        }
    }
}

#[derive(Serialize)]
pub(crate) struct VerifyAnswer {
    verdict: VerdictWritten,
    fuel: u64,
}

#[derive(Serialize)]
pub(crate) struct VerdictWritten {
    score: f64,
    well_formed: bool,
    answer: String,
    reason: String,
}

impl From<Judged<Verdict>> for VerifyAnswer {
    fn from(Judged { conclusion, runs }: Judged<Verdict>) -> Self {
        let Verdict { score, well_formed, answer, reason } = conclusion;
        Self { verdict: VerdictWritten { score, well_formed, answer, reason }, fuel: fuel(&runs) }
    }
}

#[derive(Serialize)]
pub(crate) struct PromptAnswer {
    messages: Vec<MessageWritten>,
    prefill: String,
    stop: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct MessageWritten {
    speaker: &'static str,
    content: String,
}

impl From<Prompt> for PromptAnswer {
    fn from(Prompt { messages, prefill, stop }: Prompt) -> Self {
        let written = |Message { speaker, content }| {
            let speaker = match speaker {
                Speaker::System => "system",
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            };
            MessageWritten { speaker, content }
        };
        Self { messages: messages.into_iter().map(written).collect(), prefill, stop }
    }
}

/// Which of the proposals are tasks.
pub(crate) fn validate<Answer>(
    env: &Environment,
    requests: &[ValidateRequest],
    answer: impl Fn(Judged<Result<Accepted, Rejection>>) -> Answer,
) -> Vec<Result<Answer>> {
    let proposals = requests.iter().map(|ValidateRequest { kind, completion, references, style, settings }| {
        proposed(env, kind)?;
        let references = references.iter().map(|written| task(env, written)).collect::<Result<_>>()?;
        let proposal = Proposal { kind: kind.clone(), references, completion: completion.clone() };
        Ok((context(env, *style, settings)?, proposal))
    });
    let judge = |ctx: &Context, proposals: &[Proposal]| {
        let mut judged = env.validate(ctx, proposals);
        let rejected = |fault: &Fault| Judged { conclusion: Err(rejected_for_fault(fault)), runs: Vec::new() };
        let empty = |&place: &usize| Proposal { completion: String::new(), ..proposals[place].clone() };
        let Ok(()) = fail_closed(
            &mut judged,
            |fault| fault.is_environments().then(|| rejected(fault)),
            |failed| Ok::<_, Infallible>(env.validate(ctx, &failed.iter().map(empty).collect::<Vec<_>>())),
        );
        judged
    };
    by_context(proposals.collect(), judge, answer)
}

/// Which of the attempts are right.
pub(crate) fn verify<Answer>(
    env: &Environment,
    requests: &[VerifyRequest],
    answer: impl Fn(Judged<Verdict>) -> Answer,
) -> Vec<Result<Answer>> {
    let attempts = requests.iter().map(|VerifyRequest { task, completion, style, settings }| {
        let attempt = Attempt { task: self::task(env, task)?, completion: completion.clone() };
        Ok((context(env, *style, settings)?, attempt))
    });
    by_context(attempts.collect(), |ctx, attempts| judge_attempts(env, ctx, attempts), answer)
}

/// Which of the attempts are right. One that the judge fails for is wrong if it does not fail for an empty one.
pub(crate) fn judge_attempts(
    env: &Environment,
    ctx: &Context,
    attempts: &[Attempt],
) -> Vec<Result<Judged<Verdict>, Fault>> {
    let mut judged = env.verify(ctx, attempts);
    let wrong = |fault: &Fault| Judged { conclusion: wrong_for_fault(fault), runs: Vec::new() };
    let empty = |&place: &usize| Attempt { completion: String::new(), ..attempts[place].clone() };
    let Ok(()) = fail_closed(
        &mut judged,
        |fault| fault.is_environments().then(|| wrong(fault)),
        |failed| Ok::<_, Infallible>(env.verify(ctx, &failed.iter().map(empty).collect::<Vec<_>>())),
    );
    judged
}

/// Plans, runs and shows a batch of programs.
pub(crate) fn exec(env: &Environment, requests: &[ExecRequest]) -> Vec<Result<ExecAnswer>> {
    let programs: Vec<_> = requests.iter().map(|request| (request.program.clone(), request.input.clone())).collect();
    let plans = env.plan_exec(&programs);
    let runs: Vec<Run> = plans.iter().flatten().flatten().cloned().collect();
    let mut reports = env.exec(&runs).into_iter();
    let answers = plans.into_iter().map(|plan| match plan? {
        Err(Rejection { code, message }) => Ok(ExecAnswer::Rejected { code, message }),
        Ok(_) => executed(env, reports.next().expect("one report for each run")?),
    });
    answers.collect()
}

fn executed(env: &Environment, Report { mut outcomes, fuel }: Report) -> Result<ExecAnswer> {
    let outcome = outcomes.pop().ok_or_else(|| anyhow!("the judge planned a run without a call"))?;
    Ok(match outcome {
        Outcome::Value(value) => {
            let shown = env.show_values(&[value]).pop().expect("one text for one value")?;
            ExecAnswer::Value { value: shown, fuel }
        }
        Outcome::Thrown(Thrown { name, message }) => ExecAnswer::Thrown { name, message, fuel },
        Outcome::Refused(reason) => ExecAnswer::Refused { reason, fuel },
        Outcome::Unsupported(reason) => ExecAnswer::Unsupported { reason, fuel },
        Outcome::OutOfFuel => ExecAnswer::OutOfFuel { fuel },
        Outcome::OutOfMemory => ExecAnswer::OutOfMemory { fuel },
        Outcome::StackOverflow => ExecAnswer::StackOverflow { fuel },
        Outcome::Crashed(reason) => ExecAnswer::Crashed { reason, fuel },
    })
}

pub(crate) fn prompt(env: &Environment, request: &PromptRequest) -> Result<Prompt> {
    let prompts = match request {
        PromptRequest::Propose { kind, references, style, settings } => {
            proposed(env, kind)?;
            let references = references.iter().map(|written| self::task(env, written)).collect::<Result<_>>()?;
            env.propose_prompts(&context(env, *style, settings)?, &[(kind.clone(), references)])
        }
        PromptRequest::Solve { task, style, settings } => {
            env.solve_prompts(&context(env, *style, settings)?, &[self::task(env, task)?])
        }
    };
    Ok(prompts.into_iter().next().expect("one prompt for one request")?)
}

/// Calls once per distinct context; answers keep the order of the requests.
fn by_context<Item, Judgement, Answer>(
    items: Vec<Result<(Context, Item)>>,
    call: impl Fn(&Context, &[Item]) -> Vec<Result<Judgement, Fault>>,
    answer: impl Fn(Judgement) -> Answer,
) -> Vec<Result<Answer>> {
    let mut groups: Vec<(Context, Vec<usize>, Vec<Item>)> = Vec::new();
    let mut answers: Vec<Option<Result<Answer>>> = Vec::new();
    for (place, item) in items.into_iter().enumerate() {
        let (ctx, item) = match item {
            Ok(item) => item,
            Err(error) => {
                answers.push(Some(Err(error)));
                continue;
            }
        };
        answers.push(None);
        match groups.iter_mut().find(|(known, ..)| *known == ctx) {
            Some((_, places, items)) => {
                places.push(place);
                items.push(item);
            }
            None => groups.push((ctx, vec![place], vec![item])),
        }
    }
    for (ctx, places, items) in groups {
        for (place, judged) in places.into_iter().zip(call(&ctx, &items)) {
            answers[place] = Some(judged.map(&answer).map_err(Into::into));
        }
    }
    answers.into_iter().map(|answer| answer.expect("every request belongs to a group")).collect()
}

/// Judges answer for the kinds that they describe, and may trap on others.
pub(crate) fn known(env: &Environment, kind: &str) -> Result<()> {
    let kinds: Vec<&str> = env.description().kinds.iter().map(|kind| &*kind.name).collect();
    ensure!(kinds.contains(&kind), "there is no kind {kind:?}; the environment has: {}", kinds.join(", "));
    Ok(())
}

/// Judges are asked about proposals of proposable kinds only.
fn proposed(env: &Environment, kind: &str) -> Result<()> {
    known(env, kind)?;
    let kinds: Vec<&str> =
        env.description().kinds.iter().filter(|kind| kind.proposable).map(|kind| &*kind.name).collect();
    let of_these = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
    ensure!(
        kinds.contains(&kind),
        "tasks of kind {kind:?} are not proposed; of the environment's kinds these are: {of_these}"
    );
    Ok(())
}

/// Fuel of all runs, each counted as often as it was used.
pub(crate) fn fuel(runs: &[ExecutedRun]) -> u64 {
    runs.iter().map(|run| run.report.fuel).sum()
}
