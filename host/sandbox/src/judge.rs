//! Calls of the judge: each in a fresh store, so that nothing is kept from one to the next.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use wasmtime::{Store, Trap};
use wasmtime_wasi::I32Exit;

use super::{
    bindings::{
        Accepted, Context, Demonstration, Description, Example, JudgeExports, JudgePre, Prompt, Rejection, Report, Run,
        Verdict, files, log, types,
    },
    engine::deadline_ticks,
    fault::{Fault, Stopped},
    files::{CallFiles, Files},
    guard::{Guard, Guards},
    limiter::Limiter,
    log::{CallLog, Level, Log},
    request::{Attempt, Proposal, SequencePart},
    returned,
    wasi::{self, UsesWasi, Wasi},
};
use azr_core::task::Task;

/// Our worlds have no resources; handles are for whatever wasmtime counts itself.
pub(super) const HANDLES_MAX: usize = 16;

/// What one call of a judge may use. It protects the host; a judge within reason never notices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) fuel: u64,
    pub(super) memory_max_bytes: u64,
    /// Bytes that one call may return or log.
    pub(super) output_max_bytes: usize,
    pub(super) runs_max: usize,
    pub(super) deadline: Duration,
    pub(super) guards: Guards,
}

/// What the host keeps for a judge's instance.
pub(super) struct Guest {
    limiter: Limiter,
    log: CallLog,
    wasi: Wasi,
}

impl UsesWasi for Guest {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

impl types::Host for Guest {}

impl log::Host for Guest {
    fn emit(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
        };
        self.log.emit(level, &message);
    }
}

impl files::Host for Guest {
    fn read(&mut self, directory: String, path: String) -> Result<Vec<u8>, String> {
        self.wasi.files.read(&directory, &path)
    }

    fn names(&mut self, directory: String, path: String) -> Result<Vec<String>, String> {
        self.wasi.files.names(&directory, &path)
    }
}

/// A loaded judge.
pub(super) struct Judge {
    pre: JudgePre<Guest>,
    budget: Budget,
    uses_wasi: bool,
    files: Files,
    log: Arc<Log>,
    recorder: Option<Recorder>,
}

/// What one call of a judge used.
#[derive(Clone, Copy, Debug)]
pub struct CallFuel {
    /// The exported function.
    pub function: &'static str,
    pub fuel: u64,
}

/// The first call of every judge.
const DESCRIBE: &str = "describe";

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

impl Judge {
    /// A judge that may read nothing yet.
    pub(super) fn new(
        pre: JudgePre<Guest>,
        uses_wasi: bool,
        budget: Budget,
        log: Arc<Log>,
        recorder: Option<Recorder>,
    ) -> Self {
        Self { pre, budget, uses_wasi, files: Files::default(), log, recorder }
    }

    pub(super) fn grant(self, files: Files) -> Self {
        Self { files, ..self }
    }

    pub(super) fn describe(&self, executors: usize) -> Result<Description, Fault> {
        let description = self.call(DESCRIBE, |judge, store| judge.call_describe(store))?;
        self.checked(DESCRIBE, returned::description(&description, executors))?;
        Ok(description)
    }

    pub(super) fn seeds(&self, ctx: &Context, of: &Description) -> Result<Vec<Task>, Fault> {
        let seeds = self.call("seeds", |judge, store| judge.call_seeds(store, ctx))?;
        self.checked("seeds", returned::seeds(&seeds, of))?;
        Ok(seeds.into_iter().map(Task::from).collect())
    }

    pub(super) fn generate(&self, ctx: &Context, part: &SequencePart) -> Result<Vec<Task>, Fault> {
        let &SequencePart { ref kind, seed, first, count } = part;
        let tasks = self.call("generate", |judge, store| judge.call_generate(store, ctx, kind, seed, first, count))?;
        self.checked("generate", returned::generated(&tasks, kind, count))?;
        Ok(tasks.into_iter().map(Task::from).collect())
    }

    pub(super) fn import_task(
        &self,
        ctx: &Context,
        line: &str,
        of: &Description,
    ) -> Result<Result<Task, Rejection>, Fault> {
        let imported = self.call("import-task", |judge, store| judge.call_import_task(store, ctx, line))?;
        self.checked("import-task", returned::imported(&imported, of))?;
        Ok(imported.map(Task::from).map_err(returned::kept_rejection))
    }

    pub(super) fn examples(&self, ctx: &Context, of: &Description) -> Result<Vec<Example>, Fault> {
        let examples = self.call("examples", |judge, store| judge.call_examples(store, ctx))?;
        self.checked("examples", returned::examples(&examples, of))?;
        Ok(examples)
    }

    pub(super) fn demonstrate(&self, ctx: &Context, task: &Task) -> Result<Demonstration, Fault> {
        let task = task.into();
        let demonstration = self.call("demonstrate", |judge, store| judge.call_demonstrate(store, ctx, &task))?;
        self.checked("demonstrate", returned::demonstration(&demonstration))?;
        Ok(demonstration)
    }

    pub(super) fn propose_prompt(&self, ctx: &Context, kind: &str, references: &[Task]) -> Result<Prompt, Fault> {
        let references = tasks(references);
        let prompt =
            self.call("propose-prompt", |judge, store| judge.call_propose_prompt(store, ctx, kind, &references))?;
        self.checked("propose-prompt", returned::prompt(&prompt))?;
        Ok(prompt)
    }

    pub(super) fn solve_prompt(&self, ctx: &Context, task: &Task) -> Result<Prompt, Fault> {
        let task = task.into();
        let prompt = self.call("solve-prompt", |judge, store| judge.call_solve_prompt(store, ctx, &task))?;
        self.checked("solve-prompt", returned::prompt(&prompt))?;
        Ok(prompt)
    }

    pub(super) fn subject(&self, task: &Task) -> Result<String, Fault> {
        let task = task.into();
        self.call("subject", |judge, store| judge.call_subject(store, &task))
    }

    pub(super) fn plan_proposal(&self, ctx: &Context, proposal: &Proposal, executors: usize) -> Result<Plan, Fault> {
        let proposal = proposal.into();
        let plan = self.call("plan-proposal", |judge, store| judge.call_plan_proposal(store, ctx, &proposal))?;
        self.planned("plan-proposal", plan, executors)
    }

    pub(super) fn judge_proposal(
        &self,
        ctx: &Context,
        proposal: &Proposal,
        reports: &[Report],
        of: &Description,
    ) -> Result<Result<Accepted, Rejection>, Fault> {
        let proposal = proposal.into();
        let conclusion =
            self.call("judge-proposal", |judge, store| judge.call_judge_proposal(store, ctx, &proposal, reports))?;
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
        let attempt = attempt.into();
        let plan = self.call("plan-answer", |judge, store| judge.call_plan_answer(store, ctx, &attempt))?;
        self.checked("plan-answer", returned::plan(&plan, self.budget.runs_max, executors))?;
        Ok(plan)
    }

    pub(super) fn judge_answer(&self, ctx: &Context, attempt: &Attempt, reports: &[Report]) -> Result<Verdict, Fault> {
        let attempt = attempt.into();
        let verdict =
            self.call("judge-answer", |judge, store| judge.call_judge_answer(store, ctx, &attempt, reports))?;
        self.checked("judge-answer", returned::verdict(&verdict))?;
        Ok(returned::kept_verdict(verdict))
    }

    pub(super) fn plan_exec(
        &self,
        program: &str,
        input: &str,
        executors: usize,
    ) -> Result<Result<Run, Rejection>, Fault> {
        let plan = self.call("plan-exec", |judge, store| judge.call_plan_exec(store, program, input))?;
        let plan = self.planned("plan-exec", plan.map(|run| vec![run]), executors)?;
        Ok(plan.map(|mut runs| runs.pop().expect("one run was planned")))
    }

    pub(super) fn show_value(&self, value: &[u8]) -> Result<String, Fault> {
        self.call("show-value", |judge, store| judge.call_show_value(store, value))
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

    fn call<R>(
        &self,
        call: &'static str,
        export: impl FnOnce(&JudgeExports, &mut Store<Guest>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let mut store = self.store(call).map_err(|error| Fault::Host(error.into()))?;
        let started = self.pre.instantiate(&mut store);
        // It started for `describe`, with the same limits: whatever is missing now, the machine does not have.
        if let Err(error) = &started
            && !error.is::<Trap>()
            && !store.data().limiter.refused()
            && call != DESCRIBE
        {
            return Err(Fault::Host(anyhow!("a judge does not start any more: {error:#}")));
        }
        let result = started.and_then(|judge| export(judge.azr_env_judge(), &mut store));
        if let Some(recorder) = &self.recorder {
            let left = store.get_fuel().map_err(|error| Fault::Host(error.into()))?;
            recorder.note(call, self.budget.fuel.saturating_sub(left));
        }
        let Guest { limiter, mut log, wasi } = store.into_data();
        for (channel, line) in wasi.output.lines() {
            log.emit(channel.into(), &line);
        }
        let last_words = log.last();
        self.log.take(log);
        result.map_err(|error| self.fault(call, &error, &limiter, last_words))
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

    fn store(&self, call: &'static str) -> wasmtime::Result<Store<Guest>> {
        let Budget { fuel, memory_max_bytes, output_max_bytes, runs_max: _, deadline, guards } = self.budget;
        let limiter = Limiter::new(memory_max_bytes, guards);
        let wasi = Wasi::new(call, CallFiles::new(&self.files), guards);
        let guest = Guest { limiter, log: CallLog::new(call, guards), wasi };
        let mut store = Store::new(self.pre.engine(), guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_fuel(fuel)?;
        store.set_epoch_deadline(deadline_ticks(deadline));
        store.set_hostcall_fuel(guards.limit(Guard::Crossing, output_max_bytes));
        let handles_max = if self.uses_wasi { wasi::HANDLES_MAX } else { HANDLES_MAX };
        store.set_max_component_handles(guards.limit(Guard::Handles, handles_max));
        if self.uses_wasi {
            wasi::charge(&mut store);
        }
        Ok(store)
    }

    /// A judge that ends in an error is at fault, except where the clock ended it.
    fn fault(
        &self,
        call: &'static str,
        error: &wasmtime::Error,
        limiter: &Limiter,
        last_words: Option<String>,
    ) -> Fault {
        let Budget { fuel, memory_max_bytes, output_max_bytes, runs_max: _, deadline, guards: _ } = self.budget;
        Fault::environment(
            call,
            match error.downcast_ref::<Trap>() {
                Some(Trap::Interrupt) => return stopped(call, deadline),
                Some(Trap::OutOfFuel) => format!("the judge used more than {fuel} fuel, the limit of a call"),
                _ if limiter.refused() => {
                    format!("the judge wanted more than {memory_max_bytes} bytes of memory, the limit")
                }
                Some(trap) => match last_words {
                    Some(last_words) => format!("the judge trapped: {last_words} ({trap})"),
                    None => format!("the judge trapped: {trap}"),
                },
                None if let Some(I32Exit(code)) = error.downcast_ref() => match last_words {
                    Some(last_words) => format!("the judge exited with {code}: {last_words}"),
                    None => format!("the judge exited with {code}"),
                },
                // What wasmtime reports beside traps is data that does not fit its type, or too much of it.
                None => format!("the judge broke its contract (at most {output_max_bytes} bytes may cross): {error:#}"),
            },
        )
    }
}

pub(super) type Plan = Result<Vec<Run>, Rejection>;

/// The watchdog fired: the machine is too slow or hung, which says nothing about the guest.
pub(super) fn stopped(call: &'static str, deadline: Duration) -> Fault {
    Fault::Host(Stopped { call, deadline_ms: deadline.as_millis() }.into())
}

fn tasks(tasks: &[Task]) -> Vec<types::Task> {
    tasks.iter().map(types::Task::from).collect()
}
