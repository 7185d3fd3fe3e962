//! A training session: an experiment from its start, or from its last checkpoint, to its last step.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use azr_config::{BreachAction, FaultsConfig, RunConfig, Style};
use azr_core::{
    gather::Gather as _,
    task::{Digest, Task},
};
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use azr_experiment::{
    ledger::{self, Concluded, Purpose, TaskRow},
    metrics::StepMetrics,
    run_dir::{self, EnvironmentRecord, Experiment, Log, RunDir},
};
use azr_learner::Learner;
use azr_policy::{Policy, embedded};
use azr_ranks::Ranks;
use azr_sandbox::{Environment, Level, LogLine, Sandbox};
use azr_selfplay::{
    buffer::Buffer,
    data_set::{DataSet, DataSetRecord},
    env_state::EnvState,
    evaluation::{self, Evaluation, Protocol},
    faults::{Breaker, Faults, Tally},
    generate::{Seeded, generate, seed_tasks},
    held_out::{self, HeldOutTask, Source},
    seeding,
    stage::Stage,
    step::{SelfPlay, Step, break_circuit},
};

use crate::{policy_source::PolicySource, progress::Progress};

/// What a new experiment is made from.
pub struct Start {
    pub config: RunConfig,
    pub sources: Vec<EnvSource>,
    pub policy: PolicySource,
    /// Data sets, as `--tasks` names them.
    pub tasks: Vec<String>,
    pub held_out: Option<PathBuf>,
    pub out: PathBuf,
}

/// A running experiment.
pub struct Session {
    selfplay: SelfPlay<Policy, Learner>,
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

/// Bytes of judges' lines that are kept of a step, so that a talkative judge does not fill the disk.
const JUDGE_LOG_MAX_BYTES: usize = 64 << 10;

/// Measured at the start only: how far a lower temperature alone would get.
const COOLER: Protocol = Protocol { temperature: 0.6, samples: 1 };

impl Session {
    /// Loads everything, makes the experiment directory, seeds the buffers and measures the start policy.
    pub fn start(start: Start, sandbox: &SandboxArgs, ranks: &Ranks) -> Result<Self> {
        let Start { config, sources, policy: policy_source, tasks, held_out, out } = start;
        let memory = policy_source.plan_memory(&config, None)?;
        let sandbox = sandbox.start(&config.sandbox)?;
        let mut envs = load_envs(&sandbox, &sources, &config)?;
        let data_sets = tasks.iter().map(|argument| DataSet::named(argument, &envs)).collect::<Result<Vec<_>>>()?;
        let embedded = policy_source.dir.is_none() && config.style == Style::Compact;
        let (mut held_out_tasks, mut held_out_sources) = (Vec::new(), BTreeMap::new());
        for (index, env) in envs.iter().enumerate() {
            let source = match &held_out {
                Some(path) if index == 0 => Source::File(path),
                _ if embedded && env.name() == embedded::ENVIRONMENT => Source::Embedded(embedded::HELD_OUT),
                _ => Source::Apart(&data_sets),
            };
            held_out_tasks.extend(held_out::held_out_tasks(&envs, index, source, &config)?);
            held_out_sources.insert(env.name().to_owned(), source.to_string());
        }
        let written = held_out::written(&envs, &held_out_tasks);
        let fingerprints: Vec<Digest> = envs.iter().map(|env| env.fingerprint.digest()).collect();
        ranks.as_gather().ensure_same(
            "configuration, environment or held-out tasks",
            (config.to_toml(), fingerprints, written.clone()),
        )?;
        let held_out = held_out::hold_out(&mut envs, held_out_tasks, config.evaluation.tasks)?;
        let given = first_tasks(&mut envs, &data_sets, &config, ranks)?;
        let policy = policy_source.load(&config, None)?.on(ranks)?;
        let data_sets = data_sets.iter().map(|data_set| data_set.record(&envs)).collect();
        let experiment = record(&config, &policy_source, held_out_sources, data_sets, &sources, &envs)?;
        let run_dir = ranks.as_gather().in_turn(
            || RunDir::create(&out, &config, &experiment, &written),
            || Ok(RunDir::open_as_follower(&out, ranks.rank())?.0),
        )?;
        let progress = Progress::new(config.steps);
        progress.loaded(&experiment, &memory, run_dir.path());
        let learner = learner(&config, &policy, &policy_source, &run_dir, true)?;
        let breaker = Breaker::new(&config.faults);
        let selfplay = SelfPlay { config, envs, policy, learner, breaker, gather: Box::new(ranks.clone()) };
        let mut session = Self { selfplay, run_dir, held_out, done: 0, progress };
        session.begin(&given)?;
        Ok(session)
    }

    /// Everything before the first step. `given` are the tasks that are in the buffers already.
    fn begin(&mut self, given: &[Seeded]) -> Result<()> {
        self.run_dir.append(Log::Tasks, ledger::seeded_tasks(&self.selfplay.envs, given, 0))?;
        self.seed()?;
        self.measure("start")?;
        self.checkpoint()
    }

    /// Takes an experiment up at its last checkpoint, or begins it again where it has none. `sources` and `device` replace
    /// the recorded held_out_sources and device, for files that have moved and machines that differ; their contents must be the
    /// same.
    pub fn resume(
        dir: &Path,
        sources: &[EnvSource],
        device: Option<&str>,
        sandbox: &SandboxArgs,
        ranks: &Ranks,
    ) -> Result<Self> {
        let rewound = |(mut run_dir, config, experiment): (RunDir, RunConfig, Experiment)| {
            let (checkpoint, folder) = run_dir.latest_checkpoint()?.unzip();
            run_dir.rewind(checkpoint.as_ref())?;
            run_dir.prune(config.checkpoint.keep)?;
            Ok((run_dir, config, experiment, checkpoint, folder))
        };
        let (run_dir, config, experiment, checkpoint, folder) = ranks
            .as_gather()
            .in_turn(|| rewound(RunDir::open(dir)?), || rewound(RunDir::open_as_follower(dir, ranks.rank())?))?;
        let sandbox = sandbox.start(&config.sandbox)?;
        let recorded: Vec<EnvSource> = experiment.environments.iter().map(|env| env.source.clone()).collect();
        let sources = if sources.is_empty() { &recorded } else { sources };
        let mut envs = load_envs(&sandbox, sources, &config)?;
        same_environments(&experiment, &envs)?;
        let held_out = held_out::read(&run_dir::held_out(dir)?, &envs)?;
        let held_out = held_out::hold_out(&mut envs, held_out, config.evaluation.tasks)?;
        experiment.data_sets.iter().try_for_each(DataSetRecord::check)?;
        let given = match &checkpoint {
            Some(_) => Vec::new(),
            None => {
                let data_sets = experiment.data_sets.iter().map(|record| DataSet::again(record, &envs));
                let data_sets = data_sets.collect::<Result<Vec<_>>>()?;
                first_tasks(&mut envs, &data_sets, &config, ranks)?
            }
        };
        refill(&run_dir, &mut envs)?;
        recount(&run_dir, &mut envs)?;
        let breaker = rewound_breaker(&run_dir, &config, &mut envs)?;
        let policy_source = PolicySource {
            dir: (experiment.policy != embedded::NAME).then(|| PathBuf::from(&experiment.policy)),
            device: Some(device.unwrap_or(&experiment.device).to_owned()),
        };
        let saved = folder.as_deref().map(|folder| folder.join("policy"));
        let memory = policy_source.plan_memory(&config, saved.as_deref())?;
        let policy = policy_source.load(&config, saved.as_deref())?.on(ranks)?;
        let mut learner = learner(&config, &policy, &policy_source, &run_dir, folder.is_none())?;
        if let Some(folder) = &folder {
            learner.load(&folder.join("optimizer.safetensors"))?;
        }
        let progress = Progress::new(config.steps);
        progress.loaded(&experiment, &memory, run_dir.path());
        let selfplay = SelfPlay { config, envs, policy, learner, breaker, gather: Box::new(ranks.clone()) };
        let done = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.step);
        let mut session = Self { selfplay, run_dir, held_out, done, progress };
        if checkpoint.is_none() {
            session.begin(&given)?;
        }
        Ok(session)
    }

    /// Trains to the last step, or until `interrupted` is set; either way the last thing written is a checkpoint. Returns
    /// whether it came to the last step.
    pub fn train(&mut self, interrupted: &AtomicBool) -> Result<bool> {
        let RunConfig { steps, checkpoint, evaluation, .. } = self.selfplay.config.clone();
        self.progress.begin(self.done);
        while self.done < steps {
            let step = self.selfplay.step(self.done + 1);
            let logged = self.log_judges(self.done + 1)?;
            let step = step?;
            self.done = step.step;
            self.write(&step, logged)?;
            if self.done == steps {
                self.measure("final")?;
            } else if evaluation.every_steps > 0 && self.done.is_multiple_of(evaluation.every_steps) {
                self.measure(&format!("step {}", self.done))?;
            }
            let stop = self.selfplay.gather.any(interrupted.load(Ordering::Relaxed))?;
            if stop || self.done == steps || self.done.is_multiple_of(checkpoint.every_steps) {
                self.checkpoint()?;
            }
            if stop && self.done < steps {
                self.progress.stopped(self.done, self.run_dir.path());
                return Ok(false);
            }
        }
        self.finish()?;
        Ok(true)
    }

    /// Sums the run up.
    fn finish(&mut self) -> Result<()> {
        self.run_dir.flush()?;
        let mut faults: BTreeMap<String, Tally> = BTreeMap::new();
        for LoggedFaults { faults: step } in self.run_dir.rows(Log::Metrics)? {
            for (name, tally) in step {
                let sum = faults.entry(name).or_default();
                *sum = [&*sum, &tally].into_iter().sum();
            }
        }
        let logged = self.run_dir.rows::<serde::de::IgnoredAny>(Log::Judge)?.len();
        self.progress.finished(&self.run_dir.rows(Log::Evaluations)?, &faults, logged, self.run_dir.path());
        Ok(())
    }

    /// Puts what the judges told the operator where the operator looks. Returns the number of lines.
    fn log_judges(&mut self, step: u64) -> Result<usize> {
        let mut count = 0;
        for env in &self.selfplay.envs {
            let (lines, mut dropped) = env.environment.take_log();
            let room = lines.iter().scan(0, |bytes, line| {
                *bytes += line.message.len();
                (*bytes <= JUDGE_LOG_MAX_BYTES).then_some(())
            });
            let kept = room.count();
            dropped += (lines.len() - kept) as u64;
            let row = |LogLine { level, call, message }: &LogLine| JudgeRow {
                step,
                env: env.name().to_owned(),
                level: match level {
                    Level::Debug => "debug",
                    Level::Info => "info",
                    Level::Warn => "warn",
                },
                call,
                message: message.clone(),
            };
            let more = (dropped > 0).then(|| JudgeRow {
                step,
                env: env.name().to_owned(),
                level: "warn",
                call: "host",
                message: format!("{dropped} more lines were dropped"),
            });
            let rows: Vec<JudgeRow> = lines[..kept].iter().map(row).chain(more).collect();
            count += rows.len();
            self.run_dir.append(Log::Judge, rows)?;
        }
        self.run_dir.flush()?;
        Ok(count)
    }

    /// Everything a step leaves behind but its checkpoint.
    fn write(&mut self, step: &Step, logged: usize) -> Result<()> {
        let metrics = StepMetrics::of(&self.selfplay.envs, step);
        let envs = &self.selfplay.envs;
        self.run_dir.append(Log::Ledger, ledger::rows(envs, step))?;
        self.run_dir.append(Log::Tasks, ledger::seeded_tasks(envs, &step.generated, step.step))?;
        self.run_dir.append(Log::Tasks, ledger::new_tasks(envs, &step.validated, step.step))?;
        self.run_dir.append(Log::Metrics, [&metrics])?;
        self.run_dir.append_scalars(step.step, &metrics.scalars())?;
        self.run_dir.flush()?;
        self.progress.step(&self.selfplay.envs, step, &metrics, logged);
        Ok(())
    }

    /// Collects proposals before the first step.
    fn seed(&mut self) -> Result<()> {
        let SelfPlay { config, envs, policy, gather, .. } = &mut self.selfplay;
        let mut breaker = strict_breaker(config);
        for round in 0..config.seeding.batches_max {
            let mut stage = Stage::new(config, policy, &**gather, seeding::step_of_round(round));
            let validated = seeding::collect_proposals(envs, &mut stage)?;
            if validated.is_empty() {
                break;
            }
            break_circuit(&mut breaker, envs, stage.faults.tallies())?;
            let row = |validated| ledger::proposal_row(envs, validated, 0, Purpose::Seed, None);
            self.run_dir.append(Log::Ledger, validated.iter().map(row))?;
            self.run_dir.append(Log::Tasks, ledger::new_tasks(envs, &validated, 0))?;
            self.progress.seeding(envs, config.seeding.tasks);
        }
        self.log_judges(0)?;
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
            let SelfPlay { config, envs, policy, gather, .. } = &self.selfplay;
            let kinds = evaluation::evaluate(envs, (policy, &**gather), &self.held_out, protocol, config)?;
            let Protocol { temperature, .. } = protocol;
            measured.push(Evaluation { step: self.done, name: name.to_owned(), temperature, kinds });
        }
        self.log_judges(self.done)?;
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
        let state = learner.state()?;
        self.run_dir.checkpoint(self.done, config.checkpoint.keep, |folder| {
            policy.save(&folder.join("policy"))?;
            state.save(&folder.join("optimizer.safetensors"))
        })
    }
}

/// Loads the environments, with the operator's settings.
pub fn load_envs(sandbox: &Sandbox, sources: &[EnvSource], config: &RunConfig) -> Result<Vec<EnvState>> {
    env_states(sources.iter().map(|source| source.load(sandbox)).collect::<Result<_>>()?, config)
}

/// The states of environments that are loaded.
pub fn env_states(environments: Vec<Environment>, config: &RunConfig) -> Result<Vec<EnvState>> {
    let mut envs: Vec<EnvState> = Vec::new();
    for environment in environments {
        let env = EnvState::new(environment, config)?;
        let name = env.name();
        let twin = envs.iter().any(|other| other.name() == name);
        ensure!(!twin, "two environments are called {name:?}; give only one of them with --env");
        envs.push(env);
    }
    // The embedded policy's preset has settings for its environment, loaded or not.
    let loaded = |name: &&String| *name == embedded::ENVIRONMENT || envs.iter().any(|env| env.name() == *name);
    if let Some(unknown) = config.environments.keys().find(|name| !loaded(name)) {
        bail!("the configuration has settings for environment {unknown:?}, which is not loaded");
    }
    if let Some(unknown) = config.env_weights.keys().find(|name| !loaded(name)) {
        bail!("the configuration has a weight for environment {unknown:?}, which is not loaded");
    }
    Ok(envs)
}

/// Puts the environments' own tasks and those of data sets into the buffers.
fn first_tasks(envs: &mut [EnvState], data_sets: &[DataSet], config: &RunConfig, ranks: &Ranks) -> Result<Vec<Seeded>> {
    let mut faults = Faults::new(ranks);
    let mut given = seed_tasks(envs)?;
    given.extend(generate(envs, config, 0, &mut faults)?);
    break_circuit(&mut strict_breaker(config), envs, faults.tallies())?;
    for data_set in data_sets {
        given.extend(data_set.insert_into(envs, config)?);
    }
    for env in envs {
        let tasks: usize = env.buffers.iter().map(Buffer::len).sum();
        ensure!(
            tasks > 0 || env.playing().any(|(_, kind)| kind.proposable),
            "environment {} has nothing to train on: its kinds cannot be proposed, and it has no tasks that are not held \
             out; give some with --tasks FILE, or hold out fewer (evaluation.generated, evaluation.held-out-share)",
            env.name()
        );
    }
    Ok(given)
}

/// Before the first step no environment is dropped: somebody should know that it fails from the start.
fn strict_breaker(config: &RunConfig) -> Breaker {
    Breaker::new(&FaultsConfig { then: BreachAction::Stop, ..config.faults.clone() })
}

/// A learner without history, which has the start policy at hand where divergence from it counts. `fresh`: `policy` is
/// the start policy, to be kept with the experiment; otherwise it is there.
fn learner(
    config: &RunConfig,
    policy: &Policy,
    source: &PolicySource,
    run_dir: &RunDir,
    fresh: bool,
) -> Result<Learner> {
    let learner = Learner::new(policy, &config.update, &config.sampling)?;
    if !config.needs_start_policy() {
        return Ok(learner);
    }
    if fresh {
        run_dir.write_folder(START_POLICY, |folder| policy.save(folder))?;
    }
    policy.ranks().as_gather().barrier()?;
    let start = run_dir.path().join(START_POLICY);
    Ok(learner.with_start_policy(source.load(config, Some(&start))?.on(policy.ranks())?))
}

fn record(
    config: &RunConfig,
    policy: &PolicySource,
    held_out: BTreeMap<String, String>,
    data_sets: Vec<DataSetRecord>,
    sources: &[EnvSource],
    envs: &[EnvState],
) -> Result<Experiment> {
    let environment = |(source, env): (&EnvSource, &EnvState)| {
        Ok(EnvironmentRecord {
            source: source.absolute()?,
            name: env.name().to_owned(),
            version: env.environment.description().version.clone(),
            kinds: env.playing().map(|(_, kind)| kind.name.clone()).collect(),
            fingerprint: env.fingerprint.clone(),
            fingerprint_digest: env.fingerprint.digest(),
        })
    };
    Ok(Experiment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: config.seed,
        policy: policy.name(),
        device: policy.device.clone().unwrap_or_else(|| "cpu".to_owned()),
        held_out,
        data_sets,
        environments: sources.iter().zip(envs).map(environment).collect::<Result<_>>()?,
        started_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
    })
}

fn same_environments(experiment: &Experiment, envs: &[EnvState]) -> Result<()> {
    ensure!(
        experiment.environments.len() == envs.len(),
        "the experiment has {} environments, {} were given",
        experiment.environments.len(),
        envs.len()
    );
    for (recorded, env) in experiment.environments.iter().zip(envs) {
        let digest = env.environment.digest();
        let recorded_digest = recorded.fingerprint.environment;
        ensure!(
            recorded_digest == digest,
            "the experiment was started with environment {} {}, but the file given is {}; give the same file with --env",
            recorded.name,
            recorded_digest.short(),
            digest.short()
        );
        ensure!(
            recorded.fingerprint.same_grants(&env.fingerprint),
            "environment {} has other limits or directories than when the experiment was started; give the same --grants, \
             and check with `azr-host env inspect`",
            recorded.name
        );
    }
    Ok(())
}

/// Fills the buffers from the log of tasks.
fn refill(run_dir: &RunDir, envs: &mut [EnvState]) -> Result<()> {
    let mut logged: Vec<TaskRow<'static>> = run_dir.rows(Log::Tasks)?;
    for env in envs {
        let mine: Vec<TaskRow> = logged.extract_if(.., |row| row.env == env.name()).collect();
        let task = |row: &TaskRow| Task { kind: row.kind.to_string(), body: row.body.to_string() };
        let tasks: Vec<Task> = mine.iter().map(task).collect();
        let subjects = env.environment.subjects(&tasks);
        for ((TaskRow { step, .. }, task), subject) in mine.into_iter().zip(tasks).zip(subjects) {
            let kind = env.kind_index(&task.kind).with_context(|| format!("no kind {:?}", task.kind))?;
            env.subjects[kind].insert(subject?);
            env.buffers[kind].add(task, step);
        }
    }
    ensure!(logged.is_empty(), "the log of tasks names an environment that is not loaded");
    Ok(())
}

/// What a row of the ledger says about measures.
#[derive(serde::Deserialize)]
struct MeasuredRow {
    env: String,
    kind: String,
    conclusion: Concluded,
}

/// Counts the texts of measures again, from the ledger.
fn recount(run_dir: &RunDir, envs: &mut [EnvState]) -> Result<()> {
    for MeasuredRow { env: name, kind, conclusion } in run_dir.rows(Log::Ledger)? {
        let Concluded::Accepted { measures, .. } = conclusion else { continue };
        let env = envs.iter_mut().find(|env| env.name() == name);
        let env = env.context("the ledger names an environment that is not loaded")?;
        let kind = env.kind_index(&kind).with_context(|| format!("no kind {kind:?}"))?;
        env.seen[kind].count(&measures);
    }
    Ok(())
}

/// What a step's row of metrics says about faults.
#[derive(serde::Deserialize)]
struct LoggedFaults {
    faults: BTreeMap<String, Tally>,
}

/// The breaker as it was, from the log of metrics; environments that it had dropped are out of play again.
fn rewound_breaker(run_dir: &RunDir, config: &RunConfig, envs: &mut [EnvState]) -> Result<Breaker> {
    let mut breaker = Breaker::new(&config.faults);
    for LoggedFaults { faults } in run_dir.rows(Log::Metrics)? {
        let position = |name: &str| envs.iter().position(|env| env.name() == name);
        let step = faults.into_iter().filter_map(|(name, tally)| Some((position(&name)?, tally))).collect();
        break_circuit(&mut breaker, envs, &step)?;
    }
    Ok(breaker)
}

/// A line of `judge.jsonl`.
#[derive(serde::Serialize)]
struct JudgeRow {
    step: u64,
    env: String,
    level: &'static str,
    call: &'static str,
    message: String,
}
