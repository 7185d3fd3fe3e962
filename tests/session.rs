//! A whole training: the loop, rewards, ledger and resume.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
};

use azr_config::Algorithm;
use azr_core::training::Rollout;
use azr_experiment::{
    metrics::StepMetrics,
    observer::{Observer, Silent},
};
use azr_selfplay::{env_state::EnvState, step::Step};
use clap::ValueEnum as _;
use serde_json::Value;

use crate::{
    scripted::{Bench, Run},
    selfplay::{
        algorithms::attempts,
        sources::{QUICK, rows, solved_at},
    },
};

const SMALL: &[&str] =
    &["steps=6", "generate.batch=4", "solve.samples=2", "checkpoint.every-steps=2", "checkpoint.keep=9"];

#[test]
fn a_session_repeats_and_resumes_to_the_same_end() {
    let bench = Bench::new();
    let env = bench.sums("none");
    let run = Run { envs: &[&env], set: &[SMALL], ..Run::default() };
    bench.train("whole", run);
    bench.train("again", Run { workers: 3, ..run });
    let whole = bench.essence("whole");
    assert_eq!(bench.essence("again"), whole);
    fs::remove_dir_all(bench.path("again/checkpoints/step-000006")).unwrap();
    assert!(bench.resume("again", &AtomicBool::new(false), &Silent).unwrap());
    assert_eq!(bench.essence("again"), whole);
    bench.train("other", Run { set: &[SMALL, &["seed=8"]], ..run });
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
    let env = bench.sums("none");
    let run = Run { envs: &[&env], set: &[SMALL, &["checkpoint.every-steps=1"]], ..Run::default() };
    bench.train("whole", run);
    bench.train("cut", run);
    for step in 2..=6 {
        fs::remove_dir_all(bench.path(&format!("cut/checkpoints/step-{step:06}"))).unwrap();
    }
    let impatient = Impatient(AtomicBool::new(false));
    for _ in 2..6 {
        assert!(!bench.resume("cut", &impatient.0, &impatient).unwrap(), "it stops after one step");
        impatient.0.store(false, Ordering::Relaxed);
    }
    assert!(bench.resume("cut", &AtomicBool::new(false), &Silent).unwrap());
    assert_eq!(bench.essence("cut"), bench.essence("whole"));
}

/// The ladder of the preset: right 1, wrong −0.5; proposals that are no tasks −1; tasks 1 − solve rate, or −0.5 where
/// that is 0 or 1.
#[test]
fn rewards_follow_from_what_was_judged_and_reach_the_learner() {
    let bench = Bench::new();
    let env = bench.sums("none");
    let set = [
        "reward.duplicate=\"as-new\"",
        "reward.familiar=\"as-new\"",
        "advantage.baseline=role",
        "reward.rejected=-1.0",
        "update.minibatches=1",
    ];
    let script = bench.train("run", Run { envs: &[&env], set: &[SMALL, &set], ..Run::default() });
    let ledger = rows(&bench.path("run"), "ledger.jsonl");
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

/// Rewards go to others of their group, so the same are learned from, of other completions.
#[test]
fn shuffled_rewards_keep_their_distribution() {
    let bench = Bench::new();
    let env = bench.sums("none");
    // Where long completions weigh more, another order of the same rewards has another mean.
    let one = ["steps=1", "advantage.weighting=sequence"];
    let run = Run { envs: &[&env], set: &[SMALL, &one], ..Run::default() };
    let real = bench.train("real", run);
    let shuffled = bench.train("shuffled", Run { set: &[SMALL, &one, &["control=shuffle"]], ..run });
    let judged = |name: &str| -> Vec<Value> {
        let mut rows = rows(&bench.path(name), "ledger.jsonl");
        // The terms name another configuration.
        rows.iter_mut().for_each(|row| _ = row["terms"].take());
        rows
    };
    assert_eq!(judged("real"), judged("shuffled"), "the first step is sampled and judged alike");
    let (real, shuffled) = (real.batches.borrow().concat(), shuffled.batches.borrow().concat());
    let advantages = |batch: &[Rollout]| -> Vec<f32> { batch.iter().map(|rollout| rollout.advantage).collect() };
    let sorted = |mut advantages: Vec<f32>| {
        advantages.sort_by(f32::total_cmp);
        advantages
    };
    assert_ne!(advantages(&real), advantages(&shuffled));
    for (one, other) in sorted(advantages(&real)).iter().zip(sorted(advantages(&shuffled))) {
        // Sums over a group in another order.
        assert!((one - other).abs() < 1e-5, "{one} and {other}");
    }
}

const THREE_EACH: &[&str] = &["solve.batch=6", "solve.samples=3", "solve.strategy=uniform"];

/// A longer answer is worth more here, so the attempts at a task hardly ever get the same.
#[test]
fn every_algorithm_repeats_whatever_the_number_of_workers() {
    let bench = Bench::new();
    let env = bench.sums("pays-for-length");
    for algorithm in Algorithm::value_variants() {
        let run = Run { envs: &[&env], set: &[QUICK, THREE_EACH], algorithm: *algorithm, workers: 1, ..Run::default() };
        let (one, three) = (format!("{algorithm:?}-1"), format!("{algorithm:?}-3"));
        bench.train(&one, run);
        bench.train(&three, Run { workers: 3, ..run });
        assert_eq!(bench.essence(&one), bench.essence(&three), "{algorithm:?}");
        assert!(attempts(&bench.path(&one), 2).values().all(|&count| count == 3), "{algorithm:?}");
    }
}

/// Nobody solves these, so no task teaches anything: four rounds of six others each, while there are others.
#[test]
fn tasks_that_teach_nothing_are_replaced_and_not_learned_from() {
    let bench = Bench::new();
    let env = bench.sums("generates-only");
    let set = [QUICK, THREE_EACH, &["reward.malformed=-0.5"]];
    let run = Run { envs: &[&env], set: &set, algorithm: Algorithm::Dapo, skill: 0.0, ..Run::default() };
    let script = bench.train("run", run);
    let dir = bench.path("run");
    for (step, tasks) in [(1, 13), (2, 18), (3, 23), (4, 24)] {
        assert_eq!(solved_at(&dir, step).len(), tasks, "step {step}");
        assert!(attempts(&dir, step).values().all(|&count| count == 3));
    }
    assert!(script.batches.borrow().is_empty());
    assert!(rows(&dir, "metrics.jsonl").iter().all(|metrics| metrics["update"].as_object().unwrap().is_empty()));
}
