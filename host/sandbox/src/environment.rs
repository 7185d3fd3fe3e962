//! A loaded environment: plan → run → judge over whole batches.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::{
    agenda::Rules,
    bindings::{
        self, Accepted, Completed, Context, Demonstration, Description, Expectation, Prompt, Rejection, Report, Run,
        RunLimits, Setting, Style, Verdict,
    },
    cancel::Cancel,
    client::{CallFuel, ExecutorsClient, JudgeClient, Whereabouts},
    conclude::{ExecutedRun, Planned, conclude, numbered},
    engine::Watchdog,
    fault::Fault,
    grants::{self, Directory},
    log::{Log, LogLine},
    outcome,
    request::{Attempt, Proposal, SequencePart},
    workers::Workers,
};
use azr_core::task::{Digest, Task};

/// What an environment's author says about a completion.
#[derive(Clone, Debug)]
pub struct Example<C> {
    /// What it shows, for a person.
    pub note: String,
    pub completed: C,
    pub expected: Expectation,
}

/// An environment's examples, by role.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    pub proposals: Vec<Example<Proposal>>,
    pub attempts: Vec<Example<Attempt>>,
}

/// Tasks that are generated in one call, so that a judge's limits hold for any number of them.
const GENERATED_PER_CALL: u32 = 64;

/// What runs may have returned, or return, that no judgement has seen yet. Enough to keep many workers busy: programs are
/// allowed a megabyte and return a hundred bytes.
const WAITING_MAX_BYTES: u64 = 512 << 20;

/// What the judge concluded, and the runs that it concluded it from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged<T> {
    pub conclusion: T,
    /// With long outcomes shortened.
    pub runs: Vec<ExecutedRun>,
}

/// An environment, loaded and checked. Clones share everything.
#[derive(Clone)]
pub struct Environment {
    loaded: Arc<Loaded>,
    cancel: Cancel,
}

/// What clones of an environment share.
pub(super) struct Loaded {
    pub(super) digest: Digest,
    pub(super) stops_at_out_of_fuel: bool,
    pub(super) executor_digests: Vec<Digest>,
    pub(super) imports: Vec<String>,
    pub(super) executor_imports: Vec<Vec<String>>,
    pub(super) description: Description,
    pub(super) granted: RunLimits,
    pub(super) limits: RunLimits,
    pub(super) directories: Vec<Directory>,
    pub(super) judge: JudgeClient,
    pub(super) executors: ExecutorsClient,
    pub(super) log: Arc<Log>,
    pub(super) workers: Arc<Workers>,
    /// Keeps the clocks of this environment's engines going, where they are in this process.
    pub(super) _watchdog: Option<Arc<Watchdog>>,
}

impl Environment {
    pub(super) fn new(loaded: Loaded) -> Self {
        Self { loaded: Arc::new(loaded), cancel: Cancel::default() }
    }

    /// The same, with runs that end when `cancel` says so. What becomes of them then is a host fault.
    pub fn cancelled_by(&self, cancel: &Cancel) -> Self {
        Self { loaded: Arc::clone(&self.loaded), cancel: cancel.clone() }
    }

    /// Of the file.
    pub fn digest(&self) -> Digest {
        self.loaded.digest
    }

    /// Of the packed executors, in their order.
    pub fn executor_digests(&self) -> &[Digest] {
        &self.loaded.executor_digests
    }

    /// The interfaces that the judge takes functions from.
    pub fn imports(&self) -> &[String] {
        &self.loaded.imports
    }

    /// Those that each executor takes functions from. There are none but of WASI.
    pub fn executor_imports(&self) -> &[Vec<String>] {
        &self.loaded.executor_imports
    }

    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// What the operator grants to a run.
    pub fn granted(&self) -> &RunLimits {
        &self.loaded.granted
    }

    /// What a run may use: what the environment asks for, or less where the operator set less.
    pub fn limits(&self) -> &RunLimits {
        &self.loaded.limits
    }

    /// The directories that the judge reads.
    pub fn directories(&self) -> &[Directory] {
        &self.loaded.directories
    }

    /// Fails where a directory that the judge reads has changed since the environment was loaded.
    pub fn check_directories(&self) -> Result<()> {
        grants::check_unchanged(self.directories(), &self.loaded.judge.files)
    }

    /// The context of calls, from settings as an operator wrote them.
    pub fn context(&self, style: Style, settings: &[(String, String)]) -> Result<Context> {
        let Description { name, settings: offered, .. } = self.description();
        let mut differing: Vec<Setting> = Vec::new();
        for (wanted, value) in settings {
            let Some(offer) = offered.iter().find(|offer| offer.name == *wanted) else {
                let names: Vec<&str> = offered.iter().map(|offer| &*offer.name).collect();
                bail!("environment {name} has no setting {wanted:?}; it has: {}", names.join(", "));
            };
            differing.retain(|setting| setting.name != *wanted);
            if offer.default != *value {
                differing.push(Setting { name: wanted.clone(), value: value.clone() });
            }
        }
        // Equal settings make equal contexts, whatever order they were written in.
        differing.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Context { style, settings: differing })
    }

    /// What the judge logged since the last call, and how many lines were dropped.
    pub fn take_log(&self) -> (Vec<LogLine>, u64) {
        self.loaded.log.drain()
    }

    /// The fuel of the judge's calls since the last time, where the sandbox records it, and the limit of each.
    pub fn take_judge_fuel(&self) -> (Vec<CallFuel>, u64) {
        self.loaded.judge.take_used()
    }

    /// The tasks that self-play starts from.
    pub fn seeds(&self, ctx: &Context) -> Result<Vec<Task>, Fault> {
        self.one(|env| env.judge.seeds(ctx, &env.description))
    }

    /// Tasks of a generated kind, in their order. They do not depend on which others are made with them.
    pub fn generate(&self, ctx: &Context, part: &SequencePart) -> Result<Vec<Task>, Fault> {
        let starts = (0..part.count).step_by(GENERATED_PER_CALL as usize);
        let calls = starts.map(|start| SequencePart {
            first: part.first + u64::from(start),
            count: GENERATED_PER_CALL.min(part.count - start),
            ..part.clone()
        });
        let tasks = self.map(calls, |env, part| env.judge.generate(ctx, &part));
        Ok(tasks.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// The task that each line of a data set describes.
    pub fn import_tasks<'a>(
        &self,
        ctx: &Context,
        lines: impl IntoIterator<Item = &'a String>,
    ) -> Vec<Result<Result<Task, Rejection>, Fault>> {
        self.map(lines, |env, line| env.judge.import_task(ctx, line, &env.description))
    }

    /// Completions whose worth the environment's author knows.
    pub fn examples(&self, ctx: &Context) -> Result<Examples, Fault> {
        let mut examples = Examples::default();
        for example in self.one(|env| env.judge.examples(ctx, &env.description))? {
            let bindings::Example { note, completed, expected } = example;
            match completed {
                Completed::Proposal(proposal) => {
                    examples.proposals.push(Example { note, completed: proposal.into(), expected });
                }
                Completed::Attempt(attempt) => {
                    examples.attempts.push(Example { note, completed: attempt.into(), expected });
                }
            }
        }
        Ok(examples)
    }

    /// Right completions about each task, where the environment's author has them.
    pub fn demonstrate(&self, ctx: &Context, tasks: &[Task]) -> Vec<Result<Demonstration, Fault>> {
        self.map(tasks, |env, task| env.judge.demonstrate(ctx, task))
    }

    /// One prompt for each (kind, references).
    pub fn propose_prompts<'a>(
        &self,
        ctx: &Context,
        requests: impl IntoIterator<Item = &'a (String, Vec<Task>)>,
    ) -> Vec<Result<Prompt, Fault>> {
        self.map(requests, |env, (kind, references)| env.judge.propose_prompt(ctx, kind, references))
    }

    /// One prompt for each task.
    pub fn solve_prompts<'a>(
        &self,
        ctx: &Context,
        tasks: impl IntoIterator<Item = &'a Task>,
    ) -> Vec<Result<Prompt, Fault>> {
        self.map(tasks, |env, task| env.judge.solve_prompt(ctx, task))
    }

    /// What each task is about.
    pub fn subjects<'a>(&self, tasks: impl IntoIterator<Item = &'a Task>) -> Vec<Result<Digest, Fault>> {
        self.map(tasks, |env, task| env.judge.subject(task).map(Digest::of))
    }

    /// Which proposals are tasks.
    pub fn validate(
        &self,
        ctx: &Context,
        proposals: &[Proposal],
    ) -> Vec<Result<Judged<Result<Accepted, Rejection>>, Fault>> {
        let plans = self.map(proposals, |env, proposal| env.judge.plan_proposal(ctx, proposal, env.packed()));
        self.conclude(proposals, plans, |env, proposal, ran| {
            let runs = match ran {
                Ok(runs) => runs,
                Err(rejection) => return Ok(Judged { conclusion: Err(rejection), runs: Vec::new() }),
            };
            let conclusion = env.judge.judge_proposal(ctx, proposal, &reports(&runs), &env.description)?;
            Ok(Judged { conclusion, runs: shortened(runs) })
        })
    }

    /// Which attempts are right.
    pub fn verify(&self, ctx: &Context, attempts: &[Attempt]) -> Vec<Result<Judged<Verdict>, Fault>> {
        let plans =
            self.map(attempts, |env, attempt| env.judge.plan_answer(ctx, attempt, env.packed()).map(Ok::<_, Never>));
        self.conclude(attempts, plans, |env, attempt, ran| {
            let Ok(runs) = ran;
            let conclusion = env.judge.judge_answer(ctx, attempt, &reports(&runs))?;
            Ok(Judged { conclusion, runs: shortened(runs) })
        })
    }

    /// The runs that a person means by (program, text of its arguments).
    pub fn plan_exec(&self, programs: &[(String, String)]) -> Vec<Result<Result<Run, Rejection>, Fault>> {
        self.map(programs, |env, (program, input)| env.judge.plan_exec(program, input, env.packed()))
    }

    /// Executes runs, equal ones once: equal runs have equal reports.
    pub fn exec<'a>(&self, runs: impl IntoIterator<Item = &'a Run>) -> Vec<Result<Report, Fault>> {
        let (distinct, order) = numbered(runs);
        let reports = self.map(distinct, |env, run| env.execute(run, &self.cancel));
        order
            .into_iter()
            .map(|number| match &reports[number] {
                Ok(report) => Ok(report.clone()),
                Err(fault) => Err(fault.again()),
            })
            .collect()
    }

    /// Executes one run within limits of the caller's choice, as far as the operator grants them.
    pub fn exec_within(&self, run: Run, limits: &RunLimits) -> Result<Report, Fault> {
        let limits = grants::smaller(limits, &self.loaded.granted);
        match self.loaded.executors.place {
            Whereabouts::Here(_) => self.one(|env| env.execute_within(&run, &limits, &self.cancel)),
            // The stack that guests need is there; another thread here would only wait for them as this one does.
            Whereabouts::Away(_) => self.loaded.execute_within(&run, &limits, &self.cancel),
        }
    }

    /// Executes every run, also equal ones, and says how long each took from a worker's view.
    pub fn exec_timed(&self, runs: &[Run]) -> Vec<Result<(Report, Duration), Fault>> {
        self.map(runs, |env, run| {
            let start = Instant::now();
            Ok((env.execute(run, &self.cancel)?, start.elapsed()))
        })
    }

    /// Encoded values as a person would write them.
    pub fn show_values(&self, values: &[Vec<u8>]) -> Vec<Result<String, Fault>> {
        self.map(values, |env, value| env.judge.show_value(value))
    }

    /// Executes plans and judges what came of them.
    fn conclude<T: Sync, E: Send, C: Send>(
        &self,
        items: &[T],
        plans: Vec<Planned<E>>,
        judge: impl Fn(&Loaded, &T, Result<Vec<ExecutedRun>, E>) -> Result<Judged<C>, Fault> + Sync,
    ) -> Vec<Result<Judged<C>, Fault>> {
        let Loaded { workers, limits, stops_at_out_of_fuel, .. } = &*self.loaded;
        let rules = Rules {
            run_max_bytes: limits.run_output_max_bytes.into(),
            waiting_max_bytes: WAITING_MAX_BYTES,
            stops_at_out_of_fuel: *stops_at_out_of_fuel,
        };
        let execute = |run: &Run| self.loaded.execute(run, &self.cancel);
        conclude(workers, plans, rules, execute, |item, ran| judge(&self.loaded, &items[item], ran))
    }

    fn map<T: Send, R: Send>(
        &self,
        items: impl IntoIterator<Item = T>,
        f: impl Fn(&Loaded, T) -> Result<R, Fault> + Sync,
    ) -> Vec<Result<R, Fault>> {
        self.loaded.workers.map(items, |item| f(&self.loaded, item))
    }

    /// Guests need the workers' large stacks, so a single call goes there as well.
    fn one<R: Send>(&self, f: impl Fn(&Loaded) -> Result<R, Fault> + Sync) -> Result<R, Fault> {
        self.map([()], |env, ()| f(env)).pop().expect("one result for one item")
    }
}

impl Loaded {
    pub(super) fn execute(&self, run: &Run, cancel: &Cancel) -> Result<Report, Fault> {
        self.execute_within(run, &self.limits, cancel)
    }

    fn execute_within(&self, run: &Run, limits: &RunLimits, cancel: &Cancel) -> Result<Report, Fault> {
        let packed = self.packed();
        if run.executor as usize >= packed {
            let cause = format!("a run for executor {}, but {packed} are packed", run.executor);
            return Err(Fault::environment("execute", cause));
        }
        self.executors.execute(run, limits, cancel)
    }

    /// Executors.
    fn packed(&self) -> usize {
        self.executor_digests.len()
    }
}

/// Plans of answers have no rejections.
type Never = std::convert::Infallible;

fn reports(runs: &[ExecutedRun]) -> Vec<Report> {
    runs.iter().map(|run| run.report.clone()).collect()
}

/// The runs with their outcomes as logs tell them: what a program returned was for the judge, which has seen it.
fn shortened(mut runs: Vec<ExecutedRun>) -> Vec<ExecutedRun> {
    for run in &mut runs {
        run.report.outcomes.iter_mut().for_each(outcome::shorten);
    }
    runs
}
