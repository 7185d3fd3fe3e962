//! A training session: an experiment from its start, or from its last checkpoint, to its last step.
//!
//! What samples and learns is behind the traits of `azr_core`; [`Models`] makes it.

mod load;
mod resume;
mod start;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context as _, Result};
use azr_config::{BreachAction, FaultsConfig, RunConfig};
use azr_core::{sampling::Sampler, training::Trainer};
use azr_sandbox::{Level, LogLine};
use azr_selfplay::{
    evaluation::{self, Evaluation, Protocol},
    faults::{Breaker, Tally},
    generate::Seeded,
    held_out::HeldOutTask,
    saved_state::SavedState,
    seeding,
    stage::Stage,
    step::{SelfPlay, Step, break_circuit},
};

use crate::{
    ledger::{self, Purpose},
    log::Log,
    metrics::StepMetrics,
    observer::Observer,
    run_dir::RunDir,
};

pub use load::{env_states, load_envs};
pub use start::Start;

/// Makes the policy of a session and its learner.
pub trait Models {
    type Policy: Sampler;
    type Learner: Trainer<Self::Policy>;

    /// What `experiment.json` calls the policy.
    fn name(&self) -> String;

    /// What `experiment.json` calls the device.
    fn device(&self) -> String;

    /// Refuses what this machine cannot hold, and says what training takes. `saved` is the policy of a checkpoint.
    fn plan(&self, config: &RunConfig, saved: Option<&Path>) -> Result<String>;

    /// The policy that an experiment starts with, or the one in `saved`.
    fn policy(&self, config: &RunConfig, saved: Option<&Path>) -> Result<Self::Policy>;

    /// A learner without history. `start_policy` is a copy of the policy that the experiment started with, where
    /// divergence from it counts.
    fn learner(&self, config: &RunConfig, policy: &Self::Policy, start_policy: Option<&Path>) -> Result<Self::Learner>;

    /// Writes the policy into a folder, from which [`Models::policy`] reads it.
    fn save(&self, policy: &Self::Policy, folder: &Path) -> Result<()>;
}

/// A running experiment.
pub struct Session<'a, M: Models> {
    selfplay: SelfPlay<M::Policy, M::Learner>,
    models: M,
    run_dir: RunDir,
    held_out: Vec<HeldOutTask>,
    /// Steps done.
    done: u64,
    observer: &'a dyn Observer,
}

/// A copy of the policy that the experiment started from, where the learner needs it.
const START_POLICY: &str = "start-policy";
/// In a checkpoint.
const POLICY: &str = "policy";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";

/// How the policy is measured: sampled as in training, and greedily.
const PROTOCOLS: [Protocol; 2] = [Protocol { temperature: 1.0, samples: 1 }, Protocol { temperature: 0.0, samples: 1 }];

/// Measured at the start only: how far a lower temperature alone would get.
pub const COOLER: Protocol = Protocol { temperature: 0.6, samples: 1 };

/// What the measurement before the first step is called.
pub const START: &str = "start";

/// Bytes of judges' lines that are kept of a step, so that a talkative judge does not fill the disk.
const JUDGE_LOG_MAX_BYTES: usize = 64 << 10;

impl<M: Models> Session<'_, M> {
    /// Everything before the first step. `seeded` are the tasks that are in the buffers already.
    fn begin(&mut self, seeded: &[Seeded]) -> Result<()> {
        self.run_dir.append(Log::Tasks, ledger::seeded_tasks(&self.selfplay.envs, seeded, 0))?;
        self.seed()?;
        self.measure(START)?;
        self.checkpoint()
    }

    /// Trains to the last step, or until `interrupted` is set; either way the last thing written is a checkpoint. Returns
    /// whether the last step was reached.
    pub fn train(&mut self, interrupted: &AtomicBool) -> Result<bool> {
        let RunConfig { steps, checkpoint, evaluation, .. } = self.selfplay.config.clone();
        self.observer.begin(self.done, steps);
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
                self.observer.stopped(self.done, self.run_dir.path());
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
        self.observer.finished(&self.run_dir.rows(Log::Evaluations)?, &faults, logged, self.run_dir.path());
        Ok(())
    }

    /// Writes the judges' log lines to `judge.jsonl`. Returns the number of lines.
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
        self.observer.step(&self.selfplay.envs, step, &metrics, logged);
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
            self.observer.seeding(envs, config.seeding.tasks);
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
            self.observer.measuring(name, protocol);
            let SelfPlay { config, envs, policy, gather, .. } = &mut self.selfplay;
            let (kinds, faults) = evaluation::evaluate(envs, (policy, &**gather), &self.held_out, protocol, config)?;
            let dropped = break_circuit(&mut Breaker::new(&config.faults), envs, &faults)
                .with_context(|| format!("measuring the {name} policy"))?;
            dropped.iter().for_each(|&env| self.observer.dropped(envs[env].name(), &faults[&env]));
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
        self.observer.measured(&measured);
        self.run_dir.append(Log::Evaluations, &measured)
    }

    fn checkpoint(&mut self) -> Result<()> {
        let SelfPlay { config, envs, policy, learner, breaker, .. } = &self.selfplay;
        envs.iter().try_for_each(|env| env.environment.check_directories())?;
        let save_optimizer = learner.state()?;
        let models = &self.models;
        self.run_dir.checkpoint(self.done, config.checkpoint.keep, |folder| {
            models.save(policy, &folder.join(POLICY))?;
            std::fs::write(folder.join(STATE), serde_json::to_vec(&SavedState::new(envs, breaker))?)?;
            save_optimizer(&folder.join(OPTIMIZER))
        })
    }
}

/// Before the first step no environment is dropped: one that fails from the start should be noticed.
fn strict_breaker(config: &RunConfig) -> Breaker {
    Breaker::new(&FaultsConfig { then: BreachAction::Stop, ..config.faults.clone() })
}

/// What a step's row of metrics says about faults.
#[derive(serde::Deserialize)]
struct LoggedFaults {
    faults: BTreeMap<String, Tally>,
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
