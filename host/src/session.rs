//! A training session: an experiment from its start, or from its last checkpoint, to its last step.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    arena::Arena,
    cli::{PolicyArgs, SandboxArgs},
    config::{RunConfig, Style},
    evaluation::{self, Evaluation, HeldOutTask, Protocol},
    faults::Faults,
    ledger::{self, Purpose},
    metrics::StepMetrics,
    policy::embedded,
    progress::Progress,
    run_dir::{Checkpoint, EnvironmentRecord, Experiment, Log, RunDir},
    sandbox::Sandbox,
    seeding,
    selfplay::{SelfPlay, Step},
    task::{Digest, Task},
    update::Learner,
};

/// What a new experiment is made from.
pub struct Start {
    pub config: RunConfig,
    pub envs: Vec<PathBuf>,
    pub policy: PolicyArgs,
    pub held_out: Option<PathBuf>,
    pub out: PathBuf,
}

/// A running experiment.
pub struct Session {
    selfplay: SelfPlay,
    run_dir: RunDir,
    held_out: Vec<HeldOutTask>,
    /// Steps done.
    done: u64,
    progress: Progress,
}

/// A copy of the policy that the experiment started from, where the learner needs it.
const START_POLICY: &str = "start-policy";

/// How the policy is measured: sampled as in training, and greedily.
const PROTOCOLS: [Protocol; 2] = [Protocol { temperature: 1.0, samples: 1 }, Protocol { temperature: 0.0, samples: 1 }];

/// Measured at the start only: how far a lower temperature alone would get.
const COOLER: Protocol = Protocol { temperature: 0.6, samples: 1 };

impl Session {
    /// Loads everything, makes the experiment directory, seeds the buffers and measures the start policy.
    pub fn start(start: Start, sandbox: &SandboxArgs) -> Result<Self> {
        let Start { config, envs, policy: policy_args, held_out, out } = start;
        let sandbox = sandbox.start(&config.sandbox)?;
        let mut arenas = load_arenas(&sandbox, &envs, &config)?;
        let policy = policy_args.load(&config.policy, None)?;
        let held_out = held_out_source(held_out, &policy_args, &config, &arenas);
        let tasks = load_held_out(&held_out, &mut arenas, config.evaluation.tasks)?;
        let experiment = record(&config, &policy_args, &held_out, &envs, &arenas)?;
        let run_dir = RunDir::create(&out, &config, &experiment)?;
        let progress = Progress::new(config.steps);
        progress.loaded(&experiment, run_dir.path());
        let mut learner = Learner::new(&policy, &config.update, config.sampling.temperature)?;
        if config.needs_start_policy() {
            policy.save(&run_dir.path().join(START_POLICY))?;
            learner = learner.with_start_policy(policy_args.load(&config.policy, None)?);
        }
        let selfplay = SelfPlay { config, arenas, policy, learner };
        let mut session = Self { selfplay, run_dir, held_out: tasks, done: 0, progress };
        session.seed()?;
        session.measure("start")?;
        session.checkpoint()?;
        Ok(session)
    }

    /// Takes an experiment up at its last checkpoint. `envs` and `device` replace the recorded paths and device, for
    /// files that have moved and machines that differ; their contents must be the same.
    pub fn resume(dir: &Path, envs: &[PathBuf], device: Option<&str>, sandbox: &SandboxArgs) -> Result<Self> {
        let (mut run_dir, config, experiment) = RunDir::open(dir)?;
        let (checkpoint, folder) = run_dir
            .latest_checkpoint()?
            .with_context(|| format!("{} has no checkpoint yet; start it again elsewhere", dir.display()))?;
        run_dir.rewind(&checkpoint)?;
        let sandbox = sandbox.start(&config.sandbox)?;
        let recorded: Vec<PathBuf> = experiment.environments.iter().map(|env| env.path.clone()).collect();
        let envs = if envs.is_empty() { &recorded } else { envs };
        let mut arenas = load_arenas(&sandbox, envs, &config)?;
        same_environments(&experiment, &arenas)?;
        let held_out = load_held_out(&experiment.held_out, &mut arenas, config.evaluation.tasks)?;
        refill(&run_dir, &mut arenas)?;
        let device = Some(device.unwrap_or(&experiment.device).to_owned());
        let policy_args = PolicyArgs { policy: None, device };
        let policy = policy_args.load(&config.policy, Some(&folder.join("policy")))?;
        let mut learner = Learner::new(&policy, &config.update, config.sampling.temperature)?;
        if config.needs_start_policy() {
            let start = policy_args.load(&config.policy, Some(&run_dir.path().join(START_POLICY)))?;
            learner = learner.with_start_policy(start);
        }
        learner.load(&folder.join("optimizer.safetensors"))?;
        let progress = Progress::new(config.steps);
        progress.loaded(&experiment, run_dir.path());
        let Checkpoint { step: done, .. } = checkpoint;
        Ok(Self { selfplay: SelfPlay { config, arenas, policy, learner }, run_dir, held_out, done, progress })
    }

    /// Trains to the last step, or until `interrupted` is set; either way the last thing written is a checkpoint.
    pub fn train(&mut self, interrupted: &AtomicBool) -> Result<()> {
        let RunConfig { steps, checkpoint, evaluation, .. } = self.selfplay.config.clone();
        self.progress.begin(self.done);
        while self.done < steps {
            let step = self.selfplay.step(self.done + 1)?;
            self.done = step.step;
            self.write(&step)?;
            if self.done == steps {
                self.measure("final")?;
            } else if evaluation.every_steps > 0 && self.done.is_multiple_of(evaluation.every_steps) {
                self.measure(&format!("step {}", self.done))?;
            }
            let stop = interrupted.load(Ordering::Relaxed);
            if stop || self.done == steps || self.done.is_multiple_of(checkpoint.every_steps) {
                self.checkpoint()?;
            }
            if stop && self.done < steps {
                self.progress.stopped(self.done, self.run_dir.path());
                return Ok(());
            }
        }
        self.progress.finished(&self.run_dir.rows(Log::Evaluations)?, self.run_dir.path());
        Ok(())
    }

    /// Everything a step leaves behind but its checkpoint.
    fn write(&mut self, step: &Step) -> Result<()> {
        let metrics = StepMetrics::of(&self.selfplay, step);
        let arenas = &self.selfplay.arenas;
        self.run_dir.append(Log::Ledger, ledger::rows(arenas, step))?;
        self.run_dir.append(Log::Tasks, ledger::new_tasks(arenas, &step.validated, step.step))?;
        self.run_dir.append(Log::Metrics, [&metrics])?;
        self.run_dir.append_scalars(step.step, &metrics.scalars())?;
        self.run_dir.flush()?;
        self.progress.step(&self.selfplay, step, &metrics);
        Ok(())
    }

    /// Fills the buffers before the first step.
    fn seed(&mut self) -> Result<()> {
        let SelfPlay { config, arenas, policy, .. } = &mut self.selfplay;
        let planted = seeding::plant(arenas)?;
        let rows = planted.iter().map(|(arena, task)| ledger::task_row(&arenas[*arena], task, 0));
        self.run_dir.append(Log::Tasks, rows)?;
        for round in 0..config.seeding.batches_max {
            let mut faults = Faults::default();
            let validated = seeding::gather(arenas, policy, config, round, &mut faults)?;
            if validated.is_empty() {
                break;
            }
            faults.check(&config.faults)?;
            let row = |validated| ledger::proposal_row(arenas, validated, 0, Purpose::Seed, None);
            self.run_dir.append(Log::Ledger, validated.iter().map(row))?;
            self.run_dir.append(Log::Tasks, ledger::new_tasks(arenas, &validated, 0))?;
            self.progress.seeding(arenas, config.seeding.tasks);
        }
        Ok(())
    }

    /// Measures the policy on the held-out tasks.
    fn measure(&mut self, name: &str) -> Result<()> {
        if self.held_out.is_empty() {
            return Ok(());
        }
        let protocols = PROTOCOLS.iter().chain((self.done == 0).then_some(&COOLER));
        let mut measured = Vec::new();
        for &protocol in protocols {
            self.progress.measuring(name, protocol);
            let SelfPlay { config, arenas, policy, .. } = &self.selfplay;
            let kinds = evaluation::evaluate(arenas, policy, &config.sampling, &self.held_out, protocol, config.seed)?;
            let Protocol { temperature, .. } = protocol;
            measured.push(Evaluation { step: self.done, name: name.to_owned(), temperature, kinds });
        }
        self.run_dir.flush()?;
        let earlier: Vec<Evaluation> = self.run_dir.rows(Log::Evaluations)?;
        for evaluation in &mut measured {
            let start = earlier.iter().find(|start| start.step == 0 && start.temperature == evaluation.temperature);
            for (label, scores) in &mut evaluation.kinds {
                if let Some(start) = start.and_then(|start| start.kinds.get(label)) {
                    scores.compare(start);
                }
            }
        }
        self.progress.measured(&measured);
        self.run_dir.append(Log::Evaluations, &measured)
    }

    fn checkpoint(&mut self) -> Result<()> {
        let SelfPlay { config, policy, learner, .. } = &self.selfplay;
        self.run_dir.checkpoint(self.done, config.checkpoint.keep, |folder| {
            policy.save(&folder.join("policy"))?;
            learner.save(&folder.join("optimizer.safetensors"))
        })
    }
}

/// Loads the environments, with the operator's settings.
pub fn load_arenas(sandbox: &Sandbox, envs: &[PathBuf], config: &RunConfig) -> Result<Vec<Arena>> {
    let mut arenas: Vec<Arena> = Vec::new();
    let none = BTreeMap::new();
    for path in envs {
        let environment = sandbox.load(path)?;
        let name = environment.description().name.clone();
        let twin = arenas.iter().any(|arena| arena.name() == name);
        ensure!(!twin, "two environments are called {name:?}; {} is the second", path.display());
        let settings = config.environments.get(&name).unwrap_or(&none);
        arenas.push(Arena::new(environment, config.style, settings, config.buffer.capacity)?);
    }
    // The embedded policy's preset has settings for its environment, loaded or not.
    let loaded = |name: &&String| *name == embedded::ENVIRONMENT || arenas.iter().any(|arena| arena.name() == *name);
    if let Some(unknown) = config.environments.keys().find(|name| !loaded(name)) {
        bail!("the configuration has settings for environment {unknown:?}, which is not loaded");
    }
    Ok(arenas)
}

/// Where held-out proposals come from, by environment name.
fn held_out_source(
    given: Option<PathBuf>,
    policy: &PolicyArgs,
    config: &RunConfig,
    arenas: &[Arena],
) -> BTreeMap<String, String> {
    let embedded = policy.policy.is_none() && config.style == Style::Compact;
    let arena = match &given {
        Some(_) => arenas.first(),
        None => arenas.iter().find(|arena| embedded && arena.name() == embedded::ENVIRONMENT),
    };
    let source = given.map_or("embedded".to_owned(), |path| path.display().to_string());
    arena.map(|arena| (arena.name().to_owned(), source)).into_iter().collect()
}

/// Loads held-out tasks and marks their subjects. A source is a file, or "embedded".
pub fn load_held_out(
    sources: &BTreeMap<String, String>,
    arenas: &mut [Arena],
    tasks_max: usize,
) -> Result<Vec<HeldOutTask>> {
    let mut tasks = Vec::new();
    for (name, source) in sources {
        let index = arenas.iter().position(|arena| arena.name() == name);
        let index = index.with_context(|| format!("held-out tasks belong to {name:?}, which is not loaded"))?;
        let text = match source.as_str() {
            "embedded" => embedded::HELD_OUT.to_owned(),
            path => std::fs::read_to_string(path).with_context(|| format!("cannot read the held-out tasks {path}"))?,
        };
        tasks.extend(evaluation::load(&text, source, arenas, index, tasks_max)?);
    }
    Ok(tasks)
}

fn record(
    config: &RunConfig,
    policy: &PolicyArgs,
    held_out: &BTreeMap<String, String>,
    envs: &[PathBuf],
    arenas: &[Arena],
) -> Result<Experiment> {
    let environment = |(path, arena): (&PathBuf, &Arena)| {
        Ok(EnvironmentRecord {
            path: path.canonicalize()?,
            name: arena.name().to_owned(),
            version: arena.environment.description().version.clone(),
            digest: arena.environment.digest(),
            executors: arena.environment.executor_digests().to_vec(),
            kinds: arena.kinds().iter().map(|kind| kind.name.clone()).collect(),
        })
    };
    Ok(Experiment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: config.seed,
        policy: policy.name(),
        device: policy.device.clone().unwrap_or_else(|| "cpu".to_owned()),
        held_out: held_out.clone(),
        environments: envs.iter().zip(arenas).map(environment).collect::<Result<_>>()?,
        started_unix_s: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    })
}

fn same_environments(experiment: &Experiment, arenas: &[Arena]) -> Result<()> {
    ensure!(
        experiment.environments.len() == arenas.len(),
        "the experiment has {} environments, {} were given",
        experiment.environments.len(),
        arenas.len()
    );
    for (recorded, arena) in experiment.environments.iter().zip(arenas) {
        let digest = arena.environment.digest();
        ensure!(
            recorded.digest == digest,
            "the experiment was started with environment {} {}, but the file given is {}; give the same file with --env",
            recorded.name,
            recorded.digest.short(),
            digest.short()
        );
    }
    Ok(())
}

/// A task as the log of tasks holds it.
#[derive(serde::Deserialize)]
struct LoggedTask {
    env_digest: Digest,
    #[serde(flatten)]
    task: Task,
    step: u64,
}

/// Fills the buffers from the log of tasks.
fn refill(run_dir: &RunDir, arenas: &mut [Arena]) -> Result<()> {
    let mut logged: Vec<LoggedTask> = run_dir.rows(Log::Tasks)?;
    for arena in arenas {
        let digest = arena.environment.digest();
        let mine: Vec<LoggedTask> = logged.extract_if(.., |row| row.env_digest == digest).collect();
        let tasks: Vec<Task> = mine.iter().map(|row| row.task.clone()).collect();
        for (LoggedTask { task, step, .. }, subject) in mine.into_iter().zip(arena.environment.subjects(&tasks)) {
            let kind = arena.kind_index(&task.kind).with_context(|| format!("no kind {:?}", task.kind))?;
            arena.subjects[kind].insert(subject?);
            arena.buffers[kind].add(task, step);
        }
    }
    ensure!(logged.is_empty(), "the log of tasks names an environment that is not loaded");
    Ok(())
}
