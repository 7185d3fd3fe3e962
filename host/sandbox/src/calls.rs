//! What is asked of guests and what they return: data, which can cross to another process.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wasmtime::Store;

use super::{
    bindings::{
        Accepted, Context, Demonstration, Description, Example, JudgeExports, Prompt, Rejection, Report, Run,
        RunLimits, Verdict, types,
    },
    fault::Failed,
};

/// The first call of every judge.
pub(super) const DESCRIBE: &str = "describe";

/// A call of a judge with its arguments.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum JudgeCall<'a> {
    Describe,
    Seeds(Cow<'a, Context>),
    Generate(Cow<'a, Context>, Cow<'a, str>, Part),
    ImportTask(Cow<'a, Context>, Cow<'a, str>),
    Examples(Cow<'a, Context>),
    Demonstrate(Cow<'a, Context>, types::Task),
    ProposePrompt(Cow<'a, Context>, Cow<'a, str>, Vec<types::Task>),
    SolvePrompt(Cow<'a, Context>, types::Task),
    Subject(types::Task),
    PlanProposal(Cow<'a, Context>, types::Proposal),
    JudgeProposal(Cow<'a, Context>, types::Proposal, Cow<'a, [Report]>),
    PlanAnswer(Cow<'a, Context>, types::Attempt),
    JudgeAnswer(Cow<'a, Context>, types::Attempt, Cow<'a, [Report]>),
    PlanExec { program: Cow<'a, str>, input: Cow<'a, str> },
    ShowValue(Cow<'a, [u8]>),
}

/// Of a generated sequence.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) seed: u64,
    pub(super) first: u64,
    pub(super) count: u32,
}

impl JudgeCall<'_> {
    /// The export's.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Describe => DESCRIBE,
            Self::Seeds(..) => "seeds",
            Self::Generate(..) => "generate",
            Self::ImportTask(..) => "import-task",
            Self::Examples(..) => "examples",
            Self::Demonstrate(..) => "demonstrate",
            Self::ProposePrompt(..) => "propose-prompt",
            Self::SolvePrompt(..) => "solve-prompt",
            Self::Subject(..) => "subject",
            Self::PlanProposal(..) => "plan-proposal",
            Self::JudgeProposal(..) => "judge-proposal",
            Self::PlanAnswer(..) => "plan-answer",
            Self::JudgeAnswer(..) => "judge-answer",
            Self::PlanExec { .. } => "plan-exec",
            Self::ShowValue(..) => "show-value",
        }
    }

    /// Calls the export.
    pub(super) fn make<G: Send + 'static>(
        &self,
        judge: &JudgeExports,
        mut store: &mut Store<G>,
    ) -> wasmtime::Result<Returned> {
        let store = &mut store;
        Ok(match self {
            Self::Describe => judge.call_describe(store)?.into(),
            Self::Seeds(ctx) => judge.call_seeds(store, ctx)?.into(),
            Self::Generate(ctx, kind, Part { seed, first, count }) => {
                judge.call_generate(store, ctx, kind, *seed, *first, *count)?.into()
            }
            Self::ImportTask(ctx, line) => judge.call_import_task(store, ctx, line)?.into(),
            Self::Examples(ctx) => judge.call_examples(store, ctx)?.into(),
            Self::Demonstrate(ctx, task) => judge.call_demonstrate(store, ctx, task)?.into(),
            Self::ProposePrompt(ctx, kind, references) => {
                judge.call_propose_prompt(store, ctx, kind, references)?.into()
            }
            Self::SolvePrompt(ctx, task) => judge.call_solve_prompt(store, ctx, task)?.into(),
            Self::Subject(task) => judge.call_subject(store, task)?.into(),
            Self::PlanProposal(ctx, proposal) => judge.call_plan_proposal(store, ctx, proposal)?.into(),
            Self::JudgeProposal(ctx, proposal, reports) => {
                judge.call_judge_proposal(store, ctx, proposal, reports)?.into()
            }
            Self::PlanAnswer(ctx, attempt) => judge.call_plan_answer(store, ctx, attempt)?.into(),
            Self::JudgeAnswer(ctx, attempt, reports) => judge.call_judge_answer(store, ctx, attempt, reports)?.into(),
            Self::PlanExec { program, input } => judge.call_plan_exec(store, program, input)?.into(),
            Self::ShowValue(value) => judge.call_show_value(store, value)?.into(),
        })
    }
}

/// What plans of proposals come to.
pub(super) type Plan = Result<Vec<Run>, Rejection>;

/// One variant for each type that calls of a judge return, and the way there and back.
macro_rules! returned {
    ($($variant:ident($type:ty),)*) => {
        /// What a call of a judge returned, before anybody has checked it.
        #[derive(Debug, Serialize, Deserialize)]
        pub(super) enum Returned { $($variant($type),)* }

        $(
            impl From<$type> for Returned {
                fn from(value: $type) -> Self {
                    Self::$variant(value)
                }
            }

            impl TryFrom<Returned> for $type {
                type Error = ();

                fn try_from(returned: Returned) -> Result<Self, ()> {
                    match returned {
                        Returned::$variant(value) => Ok(value),
                        _ => Err(()),
                    }
                }
            }
        )*
    };
}

returned! {
    Description(Description),
    Tasks(Vec<types::Task>),
    Imported(Result<types::Task, Rejection>),
    Examples(Vec<Example>),
    Demonstration(Demonstration),
    Prompt(Prompt),
    Text(String),
    Plan(Plan),
    Runs(Vec<Run>),
    Conclusion(Result<Accepted, Rejection>),
    Verdict(Verdict),
    PlannedRun(Result<Run, Rejection>),
}

/// A run in an executor, or without one only its start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExecutorCall<'a> {
    pub(super) executor: u32,
    pub(super) run: Option<Cow<'a, Run>>,
    pub(super) limits: RunLimits,
}

/// What came of it.
pub(super) type Ran = Result<Report, Failed>;
