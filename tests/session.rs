//! A whole training with a policy that follows a script and a learner that records: the loop, rewards, ledger and resume,
//! without a tensor.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::Path,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context as _, Result};
use azr_config::{Preset, RunConfig};
use azr_core::{
    gather::Alone,
    sampling::{Completion, Finish, Message, SampleRequest, Sampler, Sampling},
    training::{Mismatch, Rollout, SaveState, Trainer, UpdateMetrics},
};
use azr_env::sandbox_args::SandboxArgs;
use azr_experiment::{
    metrics::StepMetrics,
    observer::{Observer, Silent},
    record::Experiment,
    session::{Models, Session, Start},
};
use azr_selfplay::{env_state::EnvState, step::Step};
use serde_json::Value;
use tempfile::TempDir;

use crate::selfplay::sources::{rows, sums};

/// Proposes sums and solves a part of them. Its tokens are bytes.
struct Scripted {
    /// How likely it solves a task.
    skill: Cell<f64>,
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
}

/// Makes the policy better by a hundredth of each update's advantages of right solutions, and keeps its batches.
struct Recorder {
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
#[derive(Default)]
struct Script {
    batches: Rc<RefCell<Vec<Vec<Rollout>>>>,
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
            None => 0.4,
        };
        Ok(Scripted { skill: Cell::new(skill) })
    }

    fn learner(&self, _: &RunConfig, _: &Scripted, _: Option<&Path>) -> Result<Recorder> {
        Ok(Recorder { updates: 0, batches: Rc::clone(&self.batches) })
    }

    fn save(&self, policy: &Scripted, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        Ok(fs::write(folder.join("skill"), policy.skill.get().to_string())?)
    }
}

/// A folder with the environment about sums.
struct Bench {
    folder: TempDir,
    sandbox: SandboxArgs,
    env: String,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = SandboxArgs { workers: 2, cache_dir: Some(folder.path().join("cache")), grants: None };
        let env = sums(folder.path(), "none");
        Self { folder, sandbox, env }
    }

    fn start(&self, name: &str, set: &[&str], observer: &dyn Observer) -> Script {
        let defaults =
            ["steps=6", "generate.batch=4", "solve.samples=2", "checkpoint.every-steps=2", "checkpoint.keep=9"];
        let set: Vec<String> = defaults.iter().chain(set).map(|pair| (*pair).to_owned()).collect();
        let start = Start {
            config: RunConfig::resolve(Preset::Tiny, None, &set).unwrap(),
            sources: vec![self.env.parse().unwrap()],
            tasks: Vec::new(),
            map: Vec::new(),
            held_out: None,
            policys_held_out: None,
            out: self.folder.path().join(name),
        };
        let script = Script::default();
        let models = Script { batches: Rc::clone(&script.batches) };
        let mut session = Session::start(start, &self.sandbox, models, Box::new(Alone), observer).unwrap();
        assert!(session.train(&AtomicBool::new(false)).unwrap());
        script
    }

    fn resume(&self, name: &str, interrupted: &AtomicBool, observer: &dyn Observer) -> bool {
        let models = |_: &Experiment| Script::default();
        let dir = self.folder.path().join(name);
        let mut session = Session::resume(&dir, &[], &self.sandbox, models, Box::new(Alone), observer).unwrap();
        session.train(interrupted).unwrap()
    }

    /// Everything that must repeat.
    fn essence(&self, name: &str) -> Vec<(String, String)> {
        let dir = self.folder.path().join(name);
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

#[test]
fn a_session_repeats_and_resumes_to_the_same_end() {
    let bench = Bench::new();
    bench.start("whole", &[], &Silent);
    bench.start("again", &[], &Silent);
    let whole = bench.essence("whole");
    assert_eq!(bench.essence("again"), whole);
    fs::remove_dir_all(bench.folder.path().join("again/checkpoints/step-000006")).unwrap();
    assert!(bench.resume("again", &AtomicBool::new(false), &Silent));
    assert_eq!(bench.essence("again"), whole);
    bench.start("other", &["seed=8"], &Silent);
    assert_ne!(bench.essence("other"), whole);
}

/// Interrupts after a step.
struct Impatient(AtomicBool);

impl Observer for Impatient {
    fn step(&self, _: &[EnvState], _: &Step, _: &StepMetrics, _: usize) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn an_interrupted_session_goes_on_to_the_same_end() {
    let bench = Bench::new();
    bench.start("whole", &["checkpoint.every-steps=1"], &Silent);
    bench.start("cut", &["checkpoint.every-steps=1"], &Silent);
    for step in 2..=6 {
        fs::remove_dir_all(bench.folder.path().join(format!("cut/checkpoints/step-{step:06}"))).unwrap();
    }
    let impatient = Impatient(AtomicBool::new(false));
    for _ in 2..6 {
        assert!(!bench.resume("cut", &impatient.0, &impatient), "it stops after one step");
        impatient.0.store(false, Ordering::Relaxed);
    }
    assert!(bench.resume("cut", &AtomicBool::new(false), &Silent));
    assert_eq!(bench.essence("cut"), bench.essence("whole"));
}

/// The ladder of the preset: right 1, wrong −0.5; proposals that are no tasks −1; tasks 1 − solve rate, or −0.5 where
/// that is 0 or 1.
#[test]
fn rewards_follow_from_what_was_judged_and_reach_the_learner() {
    let bench = Bench::new();
    let set = [
        "reward.duplicate=\"as-new\"",
        "reward.familiar=\"as-new\"",
        "advantage.baseline=role",
        "reward.rejected=-1.0",
        "update.minibatches=1",
    ];
    let script = bench.start("run", &set, &Silent);
    let ledger = rows(&bench.folder.path().join("run"), "ledger.jsonl");
    let mut rewarded = 0;
    for row in ledger.iter().filter(|row| row["step"] != 0) {
        let Some(reward) = row["reward"].as_f64() else { continue };
        rewarded += 1;
        match row["role"].as_str().unwrap() {
            "solver" => {
                let right = row["conclusion"]["verdict"]["score"].as_f64().unwrap() == 1.0;
                assert_eq!(reward, if right { 1.0 } else { -0.5 }, "{row}");
            }
            _ if row["conclusion"]["rejection"].is_object() => assert_eq!(reward, -1.0, "{row}"),
            _ => {
                let number = ledger
                    .iter()
                    .filter(|other| other["step"] == row["step"] && other["purpose"] == "propose")
                    .position(|other| std::ptr::eq(other, row));
                let own = |other: &&Value| {
                    other["step"] == row["step"] && other["proposal"].as_u64() == number.map(|number| number as u64)
                };
                let score = |other: &Value| other["conclusion"]["verdict"]["score"].as_f64().unwrap();
                let scores: Vec<f64> = ledger.iter().filter(own).map(score).collect();
                let rate = scores.iter().sum::<f64>() / scores.len() as f64;
                let expected = if rate > 0.0 && rate < 1.0 { 1.0 - rate } else { -0.5 };
                assert!((reward - expected).abs() < 1e-12, "solved {rate}: {row}");
            }
        }
    }
    let batches = script.batches.borrow();
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), rewarded, "every reward is learned from once");
    for batch in batches.iter() {
        // Solutions have four or five digits; of those the better than average are reinforced, the others are not.
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        for rollout in batch {
            let text: String = rollout.prompt.iter().map(|&byte| byte as u8 as char).collect();
            let Some(sum) = text.strip_prefix("What is ").and_then(|rest| rest.strip_suffix('?')) else { continue };
            let gold: u64 = sum.split(" + ").map(|number| number.parse::<u64>().unwrap()).sum();
            let answer: String = rollout.completion.iter().map(|&byte| byte as u8 as char).collect();
            let group = if answer.parse() == Ok(gold) { &mut right } else { &mut wrong };
            group.push(rollout.advantage);
        }
        assert!(right.iter().all(|&advantage| advantage > 0.0) && wrong.iter().all(|&advantage| advantage < 0.0));
        let sum: f32 = right.iter().chain(&wrong).sum();
        assert!(sum.abs() < 1e-3, "advantages of a group are centred, but sum up to {sum}");
    }
}
