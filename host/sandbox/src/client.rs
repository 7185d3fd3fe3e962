//! Environments as the sandbox asks them, wherever their guests are: every answer is checked here.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;

use super::{
    bindings::{
        Accepted, Context, Demonstration, Description, Example, Prompt, Rejection, Report, Run, RunLimits, Verdict,
        types,
    },
    calls::{DESCRIBE, ExecutorCall, JudgeCall, Part, Plan, Ran, Returned},
    cancel::Cancel,
    executor::{self, Executor},
    fault::Fault,
    files::{CallFiles, Files, GuestFiles},
    guard::{Guard, Guards},
    judge::{Budget, Called, Judge},
    log::Log,
    processes::Processes,
    request::{Attempt, Proposal, SequencePart},
    returned,
};
use azr_core::task::Task;

/// Where guests are: in this process, or in some of their own.
pub(super) enum Whereabouts<G> {
    Here(G),
    Away(Processes),
}

/// The judge of an environment.
pub(super) struct JudgeClient {
    pub(super) place: Whereabouts<Judge>,
    pub(super) budget: Budget,
    /// What it may read.
    pub(super) files: Files,
    pub(super) log: Arc<Log>,
    pub(super) recorder: Option<Recorder>,
}

/// What one call of a judge used.
#[derive(Clone, Copy, Debug)]
pub struct CallFuel {
    /// The exported function.
    pub function: &'static str,
    pub fuel: u64,
}

/// Keeps what the calls of a judge use, for whoever checks an environment.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Vec<CallFuel>>);

impl Recorder {
    fn take(&self) -> Vec<CallFuel> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, function: &'static str, fuel: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(CallFuel { function, fuel });
    }
}

impl JudgeClient {
    pub(super) fn describe(&self, executors: usize) -> Result<Description, Fault> {
        let description = self.call::<Description>(&JudgeCall::Describe)?;
        self.checked(DESCRIBE, returned::description(&description, executors))?;
        Ok(description)
    }

    pub(super) fn seeds(&self, ctx: &Context, of: &Description) -> Result<Vec<Task>, Fault> {
        let seeds: Vec<types::Task> = self.call(&JudgeCall::Seeds(Cow::Borrowed(ctx)))?;
        self.checked("seeds", returned::seeds(&seeds, of))?;
        Ok(seeds.into_iter().map(Task::from).collect())
    }

    pub(super) fn generate(&self, ctx: &Context, part: &SequencePart) -> Result<Vec<Task>, Fault> {
        let &SequencePart { ref kind, seed, first, count } = part;
        let call = JudgeCall::Generate(Cow::Borrowed(ctx), kind.into(), Part { seed, first, count });
        let tasks: Vec<types::Task> = self.call(&call)?;
        self.checked("generate", returned::generated(&tasks, kind, count))?;
        Ok(tasks.into_iter().map(Task::from).collect())
    }

    pub(super) fn import_task(
        &self,
        ctx: &Context,
        line: &str,
        of: &Description,
    ) -> Result<Result<Task, Rejection>, Fault> {
        let imported: Result<types::Task, Rejection> =
            self.call(&JudgeCall::ImportTask(Cow::Borrowed(ctx), line.into()))?;
        self.checked("import-task", returned::imported(&imported, of))?;
        Ok(imported.map(Task::from).map_err(returned::kept_rejection))
    }

    pub(super) fn examples(&self, ctx: &Context, of: &Description) -> Result<Vec<Example>, Fault> {
        let examples: Vec<Example> = self.call(&JudgeCall::Examples(Cow::Borrowed(ctx)))?;
        self.checked("examples", returned::examples(&examples, of))?;
        Ok(examples)
    }

    pub(super) fn demonstrate(&self, ctx: &Context, task: &Task) -> Result<Demonstration, Fault> {
        let demonstration = self.call(&JudgeCall::Demonstrate(Cow::Borrowed(ctx), task.into()))?;
        self.checked("demonstrate", returned::demonstration(&demonstration))?;
        Ok(demonstration)
    }

    pub(super) fn propose_prompt(&self, ctx: &Context, kind: &str, references: &[Task]) -> Result<Prompt, Fault> {
        let references = references.iter().map(types::Task::from).collect();
        let prompt = self.call(&JudgeCall::ProposePrompt(Cow::Borrowed(ctx), kind.into(), references))?;
        self.checked("propose-prompt", returned::prompt(&prompt))?;
        Ok(prompt)
    }

    pub(super) fn solve_prompt(&self, ctx: &Context, task: &Task) -> Result<Prompt, Fault> {
        let prompt = self.call(&JudgeCall::SolvePrompt(Cow::Borrowed(ctx), task.into()))?;
        self.checked("solve-prompt", returned::prompt(&prompt))?;
        Ok(prompt)
    }

    pub(super) fn subject(&self, task: &Task) -> Result<String, Fault> {
        self.call(&JudgeCall::Subject(task.into()))
    }

    pub(super) fn plan_proposal(&self, ctx: &Context, proposal: &Proposal, executors: usize) -> Result<Plan, Fault> {
        let plan = self.call(&JudgeCall::PlanProposal(Cow::Borrowed(ctx), proposal.into()))?;
        self.planned("plan-proposal", plan, executors)
    }

    pub(super) fn judge_proposal(
        &self,
        ctx: &Context,
        proposal: &Proposal,
        reports: &[Report],
        of: &Description,
    ) -> Result<Result<Accepted, Rejection>, Fault> {
        let call = JudgeCall::JudgeProposal(Cow::Borrowed(ctx), proposal.into(), reports.into());
        let conclusion = self.call(&call)?;
        self.checked(
            "judge-proposal",
            match &conclusion {
                Ok(accepted) => returned::accepted(accepted, of),
                Err(rejection) => returned::rejection(rejection),
            },
        )?;
        Ok(conclusion.map_err(returned::kept_rejection))
    }

    pub(super) fn plan_answer(&self, ctx: &Context, attempt: &Attempt, executors: usize) -> Result<Vec<Run>, Fault> {
        let plan: Vec<Run> = self.call(&JudgeCall::PlanAnswer(Cow::Borrowed(ctx), attempt.into()))?;
        self.checked("plan-answer", returned::plan(&plan, self.budget.runs_max, executors))?;
        Ok(plan)
    }

    pub(super) fn judge_answer(&self, ctx: &Context, attempt: &Attempt, reports: &[Report]) -> Result<Verdict, Fault> {
        let call = JudgeCall::JudgeAnswer(Cow::Borrowed(ctx), attempt.into(), reports.into());
        let verdict = self.call(&call)?;
        self.checked("judge-answer", returned::verdict(&verdict))?;
        Ok(returned::kept_verdict(verdict))
    }

    pub(super) fn plan_exec(
        &self,
        program: &str,
        input: &str,
        executors: usize,
    ) -> Result<Result<Run, Rejection>, Fault> {
        let plan: Result<Run, Rejection> =
            self.call(&JudgeCall::PlanExec { program: program.into(), input: input.into() })?;
        let plan = self.planned("plan-exec", plan.map(|run| vec![run]), executors)?;
        Ok(plan.map(|mut runs| runs.pop().expect("one run was planned")))
    }

    pub(super) fn show_value(&self, value: &[u8]) -> Result<String, Fault> {
        self.call(&JudgeCall::ShowValue(value.into()))
    }

    fn planned(&self, call: &'static str, plan: Plan, executors: usize) -> Result<Plan, Fault> {
        self.checked(
            call,
            match &plan {
                Ok(runs) => returned::plan(runs, self.budget.runs_max, executors),
                Err(rejection) => returned::rejection(rejection),
            },
        )?;
        Ok(plan.map_err(returned::kept_rejection))
    }

    fn call<R: TryFrom<Returned>>(&self, call: &JudgeCall<'_>) -> Result<R, Fault> {
        let (name, deadline) = (call.name(), self.budget.deadline);
        let files = CallFiles::new(&self.files);
        let Called { returned, logged, fuel } = match &self.place {
            Whereabouts::Here(judge) => judge.call(call, GuestFiles::Here(files)),
            Whereabouts::Away(processes) => processes.call(name, call, files, &Cancel::default())?,
        };
        if let Some(recorder) = &self.recorder {
            recorder.note(name, fuel);
        }
        self.log.take(name, logged, self.budget.guards);
        let returned = returned.map_err(|failed| failed.fault(name, deadline))?;
        R::try_from(returned).map_err(|_| Fault::Host(anyhow!("`{name}` was answered with what another call returns")))
    }

    /// What calls used since the last time, where it is recorded, and what each may use.
    pub(super) fn take_used(&self) -> (Vec<CallFuel>, u64) {
        (self.recorder.as_ref().map(Recorder::take).unwrap_or_default(), self.budget.fuel)
    }

    fn checked(&self, call: &'static str, check: Result<(), String>) -> Result<(), Fault> {
        match check {
            Err(what) if self.budget.guards.have(Guard::Returned) => {
                Err(Fault::environment(call, format!("the judge returned {what}")))
            }
            _ => Ok(()),
        }
    }
}

/// The executors of an environment.
pub(super) struct ExecutorsClient {
    pub(super) place: Whereabouts<Vec<Executor>>,
    pub(super) guards: Guards,
    pub(super) deadline: Duration,
}

const EXECUTE: &str = "execute";

impl ExecutorsClient {
    /// Runs a program under the limits, unless it is cancelled.
    pub(super) fn execute(&self, run: &Run, limits: &RunLimits, cancel: &Cancel) -> Result<Report, Fault> {
        let call = ExecutorCall { executor: run.executor, run: Some(Cow::Borrowed(run)), limits: *limits };
        let report = self.call(&call, cancel)?;
        let (calls, bytes_max) = (run.inputs.len(), limits.run_output_max_bytes as usize);
        match report.fuel <= limits.run_fuel && executor::fits(&report.outcomes, calls, bytes_max, self.guards) {
            true => Ok(report),
            false => Err(Fault::Host(anyhow!("a run of {calls} calls was answered with what none comes to"))),
        }
    }

    /// Starts an executor once.
    pub(super) fn try_start(&self, executor: u32, limits: &RunLimits) -> Result<(), Fault> {
        self.call(&ExecutorCall { executor, run: None, limits: *limits }, &Cancel::default()).map(drop)
    }

    fn call(&self, call: &ExecutorCall<'_>, cancel: &Cancel) -> Result<Report, Fault> {
        let ran: Ran = match &self.place {
            Whereabouts::Here(executors) => executor::call(executors, call, self.deadline).map(|(report, _)| report),
            Whereabouts::Away(processes) => processes.call(EXECUTE, call, CallFiles::new(&Files::default()), cancel)?,
        };
        ran.map_err(|failed| failed.fault(EXECUTE, self.deadline))
    }
}
