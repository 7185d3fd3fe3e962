//! A policy that follows a script and a learner that records, and sessions with them: the loop, rewards, ledger and resume,
//! without a tensor.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    sync::atomic::AtomicBool,
};

use anyhow::{Context as _, Result};
use azr_config::{Algorithm, Preset, RunConfig};
use azr_core::{
    gather::Alone,
    meter::Meter,
    sampling::{Completion, Finish, Message, SampleRequest, Sampler, Sampling},
    training::{Mismatch, Rollout, SaveState, Trainer, UpdateMetrics},
};
use azr_env::sandbox_args::SandboxArgs;
use azr_experiment::{
    observer::{Observer, Silent},
    record::Experiment,
    session::{Models, Session, Start},
};
use tempfile::TempDir;

use crate::selfplay::sources::{rows, sums};

/// Proposes sums and solves a part of them. Its tokens are bytes.
pub struct Scripted {
    /// How likely it solves a task.
    skill: Cell<f64>,
    meter: Meter,
}

impl Sampler for Scripted {
    fn encode(&self, messages: &[Message<'_>], prefill: &str) -> Result<Vec<u32>> {
        let text: String = messages.iter().map(|message| message.content).chain([prefill]).collect();
        Ok(text.bytes().map(u32::from).collect())
    }

    fn text(&self, prompt: &[u32]) -> Result<String> {
        Ok(prompt.iter().map(|&byte| byte as u8 as char).collect())
    }

    fn sample(&self, requests: &[SampleRequest], sampling: &Sampling) -> Result<Vec<Completion>> {
        let complete = |request: &SampleRequest| {
            let prompt: String = request.prompt.iter().map(|&byte| byte as u8 as char).collect();
            let luck = request.stream.uniform(0);
            let text = match prompt.strip_prefix("What is ").and_then(|rest| rest.strip_suffix('?')) {
                Some(sum) => {
                    let sum: u64 = sum.split(" + ").map(|number| number.parse::<u64>().unwrap()).sum();
                    let right =
                        if sampling.temperature == 0.0 { self.skill.get() > 0.5 } else { luck < self.skill.get() };
                    (sum + u64::from(!right)).to_string()
                }
                // One proposal in eight is no task.
                None if luck < 0.125 => "no numbers".to_owned(),
                None => format!("{} {}", 1000 + request.stream.bits(1) % 500, 2000 + request.stream.bits(2) % 7),
            };
            let tokens: Vec<u32> = text.bytes().map(u32::from).collect();
            let logprobs = vec![-1.0; tokens.len()];
            Completion { tokens, logprobs, text, finish: Finish::Stop }
        };
        Ok(requests.iter().map(complete).collect())
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

/// Makes the policy better by a ten-thousandth of each update's positive advantages, and keeps its batches.
pub struct Recorder {
    updates: u64,
    batches: Rc<RefCell<Vec<Vec<Rollout>>>>,
}

impl Trainer<Scripted> for Recorder {
    fn prepare(&self, _: &Scripted, _: &mut [Rollout]) -> Result<Option<Mismatch>> {
        Ok(None)
    }

    fn update(&mut self, policy: &Scripted, rollouts: &[Rollout], learning_rate: f64) -> Result<UpdateMetrics> {
        let gain: f64 = rollouts.iter().map(|rollout| f64::from(rollout.advantage.max(0.0))).sum();
        policy.skill.set((policy.skill.get() + 1e-4 * gain).min(0.95));
        self.updates += 1;
        self.batches.borrow_mut().push(rollouts.to_vec());
        let tokens = rollouts.iter().map(|rollout| rollout.completion.len()).sum();
        let (loss, zero) = (learning_rate * gain, 0.0);
        Ok(UpdateMetrics {
            loss,
            gradient_norm: gain,
            clip_fraction: zero,
            approx_kl: zero,
            start_kl: zero,
            entropy: zero,
            logprob_gap: zero,
            tokens,
        })
    }

    fn state(&self) -> Result<SaveState<'_>> {
        Ok(Box::new(|path| Ok(fs::write(path, self.updates.to_string())?)))
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        self.updates = fs::read_to_string(path)?.parse()?;
        Ok(())
    }
}

/// Makes both.
#[derive(Clone)]
pub struct Script {
    /// Of the policy that an experiment starts with.
    skill: f64,
    pub batches: Rc<RefCell<Vec<Vec<Rollout>>>>,
}

impl Models for Script {
    type Policy = Scripted;
    type Learner = Recorder;

    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn device(&self) -> String {
        "none".to_owned()
    }

    fn plan(&self, _: &RunConfig, _: Option<&Path>) -> Result<String> {
        Ok("nothing".to_owned())
    }

    fn policy(&self, _: &RunConfig, saved: Option<&Path>) -> Result<Scripted> {
        let skill = match saved {
            Some(folder) => fs::read_to_string(folder.join("skill"))?.parse().context("a number")?,
            None => self.skill,
        };
        Ok(Scripted { skill: Cell::new(skill), meter: Meter::default() })
    }

    fn learner(&self, _: &RunConfig, _: &Scripted, _: Option<&Path>) -> Result<Recorder> {
        Ok(Recorder { updates: 0, batches: Rc::clone(&self.batches) })
    }

    fn save(&self, policy: &Scripted, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        Ok(fs::write(folder.join("skill"), policy.skill.get().to_string())?)
    }
}

/// What is trained on, and how.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Files, from the root of the repository.
    pub envs: &'a [&'a str],
    /// As `--tasks` names them.
    pub tasks: &'a [&'a str],
    pub algorithm: Algorithm,
    /// `KEY=VALUE` on top of the preset `tiny`.
    pub set: &'a [&'a [&'a str]],
    /// How likely the policy solves a task at first.
    pub skill: f64,
    pub workers: usize,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self { envs: &[], tasks: &[], algorithm: Algorithm::TrrPlusPlus, set: &[], skill: 0.4, workers: 2 }
    }
}

/// A folder of sessions.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The directory of a session, or any other file of the bench.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A variant of the environment about sums.
    pub fn sums(&self, variant: &str) -> String {
        sums(self.folder.path(), variant)
    }

    /// Trains to the end.
    #[track_caller]
    pub fn train(&self, name: &str, run: Run) -> Script {
        let script = self.begin(name, run, &Silent);
        script.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Trains to the end, if it can begin.
    pub fn begin(&self, name: &str, run: Run, observer: &dyn Observer) -> Result<Script> {
        let set: Vec<String> = run.set.concat().iter().map(|pair| (*pair).to_owned()).collect();
        let start = Start {
            config: RunConfig::resolve_with(Preset::Tiny, run.algorithm, None, &set)?,
            sources: run.envs.iter().map(|env| absolute(env).parse()).collect::<Result<_>>()?,
            tasks: run.tasks.iter().map(|&argument| argument.to_owned()).collect(),
            map: Vec::new(),
            held_out: None,
            policys_held_out: None,
            out: self.path(name),
        };
        let script = Script { skill: run.skill, batches: Rc::default() };
        let sandbox = Self::sandbox(run.workers);
        let mut session = Session::start(start, &sandbox, script.clone(), Box::new(Alone), observer)?;
        assert!(session.train(&AtomicBool::new(false))?);
        Ok(script)
    }

    /// Goes on to the end, or until `interrupted`; returns whether it came to the end.
    pub fn resume(&self, name: &str, interrupted: &AtomicBool, observer: &dyn Observer) -> Result<bool> {
        let models = |_: &Experiment| Script { skill: Run::default().skill, batches: Rc::default() };
        Session::resume(&self.path(name), &[], &Self::sandbox(2), models, Box::new(Alone), observer)?.train(interrupted)
    }

    /// With the compiled components of earlier tests.
    fn sandbox(workers: usize) -> SandboxArgs {
        SandboxArgs { workers, cache_dir: None, grants: None }
    }

    /// Everything that must repeat.
    pub fn essence(&self, name: &str) -> Vec<(String, String)> {
        let dir = self.path(name);
        let mut files: Vec<(String, String)> = ["ledger.jsonl", "tasks.jsonl", "evaluations.jsonl", "held-out.jsonl"]
            .map(|file| (file.to_owned(), fs::read_to_string(dir.join(file)).unwrap()))
            .into();
        let timeless = rows(&dir, "metrics.jsonl").into_iter().map(|mut row| {
            row.as_object_mut().unwrap().remove("timing").unwrap();
            row.to_string()
        });
        files.push(("metrics".to_owned(), timeless.collect()));
        for checkpoint in fs::read_dir(dir.join("checkpoints")).unwrap() {
            let folder = checkpoint.unwrap().path();
            for file in ["policy/skill", "optimizer.safetensors", "state.json"] {
                let label = format!("{}/{file}", folder.file_name().unwrap().display());
                files.push((label, fs::read_to_string(folder.join(file)).unwrap()));
            }
        }
        files.sort();
        files
    }
}

fn absolute(file: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file).display().to_string()
}
