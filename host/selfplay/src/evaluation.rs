//! Held-out evaluation: how many fixed tasks the policy solves, with standard errors.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use azr_config::{BreachAction, FaultsConfig, RunConfig};
use azr_core::{
    gather::Gather,
    rng::{Purpose, Streams},
    sampling::Sampler,
};

use crate::{
    env_state::EnvState,
    faults::{Breaker, Tallies},
    held_out::HeldOutTask,
    solve::{Aim, Assignment, Attempted, solve},
    stage::Stage,
    verify::{Verified, verify},
};

/// Attempts that are judged together, and then counted where somebody waits. A benchmark's takes seconds.
const ATTEMPTS_AT_ONCE: usize = 32;

/// One measurement: every task `samples` times at one temperature.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluation {
    pub step: u64,
    pub name: String,
    pub temperature: f32,
    /// By `<environment>/<kind>`.
    pub kinds: BTreeMap<String, KindScores>,
}

/// How one kind was solved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KindScores {
    pub tasks: usize,
    pub samples: usize,
    /// Mean over tasks of the share of right attempts: pass@1.
    pub solve_rate: f64,
    /// Of that mean, over tasks.
    pub standard_error: f64,
    /// Mean over tasks of the chance that one of `samples` attempts is right.
    pub solved_once: f64,
    /// Share of attempts that reasoned before answering.
    pub think_share: f64,
    /// Difference to the start policy on the same tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paired_difference: Option<Estimate>,
    /// Right attempts per task, in the order of the task file.
    pub right: Vec<usize>,
}

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub mean: f64,
    pub standard_error: f64,
}

impl Estimate {
    /// Mean and standard error of independent values.
    pub fn of(values: &[f64]) -> Self {
        let deviation = standard_deviation(values).unwrap_or(0.0);
        Self { mean: mean(values).unwrap_or(0.0), standard_error: deviation / (values.len().max(1) as f64).sqrt() }
    }
}

/// What to measure with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protocol {
    /// 0 is greedy.
    pub temperature: f32,
    /// Attempts per task.
    pub samples: usize,
}

impl Protocol {
    /// The configuration with this temperature.
    pub fn applied_to(self, config: &RunConfig) -> RunConfig {
        let mut config = config.clone();
        config.sampling.temperature = self.temperature;
        config
    }
}

/// Measures the policy on `tasks`, those of dropped environments left out. The random numbers depend on the seed alone,
/// so that two policies get the same ones. An attempt that met a fault counts as not right. Returns scores by
/// `<environment>/<kind>`, and what became of the calls: [`check`] says whether too many of them failed.
pub fn evaluate(
    envs: &[EnvState],
    (sampler, gather): (&dyn Sampler, &dyn Gather),
    tasks: &[HeldOutTask],
    protocol: Protocol,
    config: &RunConfig,
) -> Result<(BTreeMap<String, KindScores>, Tallies)> {
    let tasks: Vec<&HeldOutTask> = tasks.iter().filter(|held_out| envs[held_out.env].in_play).collect();
    let config = protocol.applied_to(config);
    let mut stage = Stage::new(&config, sampler, gather, 0);
    let tallies = attempt(envs, &tasks, protocol, 0, &mut stage)?;
    let scores = by_kind(envs, tasks.into_iter().zip(&tallies), protocol.samples);
    Ok((scores, stage.faults.into_tallies()))
}

/// What became of the attempts at each of `tasks`, to which `first` came before in the same measurement.
pub fn attempt(
    envs: &[EnvState],
    tasks: &[&HeldOutTask],
    protocol: Protocol,
    first: usize,
    stage: &mut Stage,
) -> Result<Vec<Attempts>> {
    let assignment = |(index, held_out): (usize, &&HeldOutTask)| Assignment {
        env: held_out.env,
        kind: held_out.kind,
        task: held_out.task.clone(),
        aim: Aim::Evaluation { task: index },
        number: index,
        samples: protocol.samples,
    };
    let assignments = tasks.iter().enumerate().map(assignment).collect();
    let streams = Streams { rng: stage.rng, purpose: Purpose::Evaluate, first: first * protocol.samples };
    let attempted = solve(envs, assignments, streams, stage)?;
    let mut tallies = vec![Attempts::default(); tasks.len()];
    let meter = stage.sampler.meter();
    meter.judging(attempted.len());
    let mut attempted = attempted.into_iter();
    while attempted.len() > 0 {
        let together: Vec<Attempted> = attempted.by_ref().take(ATTEMPTS_AT_ONCE).collect();
        let judged = together.len();
        for verified in verify(envs, together, &mut stage.faults)? {
            if let Aim::Evaluation { task } = verified.attempted.aim {
                tallies[task].count(verified);
            }
        }
        meter.judged(judged);
    }
    meter.judging(0);
    Ok(tallies)
}

/// Whether there were so many faults that the measurement says nothing.
pub fn check(faults: &Tallies, envs: &[EnvState], config: &FaultsConfig) -> Result<()> {
    let in_play: Vec<(usize, &str)> = envs.iter().map(EnvState::name).enumerate().collect();
    let breaker = FaultsConfig { then: BreachAction::Stop, ..config.clone() };
    Breaker::new(&breaker).note(faults, &in_play).context("the evaluation failed")?;
    Ok(())
}

/// What became of the attempts at one task.
#[derive(Clone, Default)]
pub struct Attempts {
    pub right: usize,
    thought: usize,
    /// Of a task whose prompt is too long there is none.
    pub first: Option<FirstAttempt>,
}

/// What a person may want to see.
#[derive(Clone)]
pub struct FirstAttempt {
    pub prompt: Vec<u32>,
    pub completion: String,
    /// The judge's, or what kept it from judging.
    pub reason: String,
}

impl Attempts {
    fn count(&mut self, verified: Verified) {
        self.right += usize::from(verified.solved() == Some(true));
        self.thought += usize::from(verified.attempted.thinks());
        self.first.get_or_insert_with(|| FirstAttempt {
            prompt: verified.attempted.prompt,
            completion: verified.attempted.completion.text,
            reason: verified.verdict.map_or_else(|cause| cause.cause, |verdict| verdict.reason),
        });
    }
}

/// Scores by `<environment>/<kind>`.
pub fn by_kind<'a>(
    envs: &[EnvState],
    attempted: impl Iterator<Item = (&'a HeldOutTask, &'a Attempts)>,
    samples: usize,
) -> BTreeMap<String, KindScores> {
    let mut kinds: BTreeMap<String, Vec<&Attempts>> = BTreeMap::new();
    for (held_out, tally) in attempted {
        kinds.entry(envs[held_out.env].label(held_out.kind)).or_default().push(tally);
    }
    kinds.into_iter().map(|(label, tallies)| (label, KindScores::of(&tallies, samples))).collect()
}

impl KindScores {
    fn of(tallies: &[&Attempts], samples: usize) -> Self {
        let right: Vec<usize> = tallies.iter().map(|tally| tally.right).collect();
        let thought: usize = tallies.iter().map(|tally| tally.thought).sum();
        let shares: Vec<f64> = right.iter().map(|&right| right as f64 / samples as f64).collect();
        let Estimate { mean, standard_error } = Estimate::of(&shares);
        let once = right.iter().filter(|&&right| right > 0).count();
        Self {
            tasks: right.len(),
            samples,
            solve_rate: mean,
            standard_error,
            solved_once: once as f64 / right.len() as f64,
            think_share: thought as f64 / (right.len() * samples) as f64,
            paired_difference: None,
            right,
        }
    }

    /// The difference to `start`, task by task.
    pub fn compare(&mut self, start: &Self) {
        let share = |right: usize, of: &Self| right as f64 / of.samples as f64;
        let pairs = self.right.iter().zip(&start.right);
        let differences: Vec<f64> = pairs.map(|(&now, &then)| share(now, self) - share(then, start)).collect();
        self.paired_difference = Some(Estimate::of(&differences));
    }
}

/// The unbiased estimate of pass@k from `right` of `samples` attempts (Chen et al. 2021, arXiv:2107.03374, equation 1).
pub fn pass_at_k(samples: usize, right: usize, k: usize) -> f64 {
    if samples - right < k {
        return 1.0;
    }
    1.0 - (samples - right + 1..=samples).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}

/// The mean, none of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation, none of fewer than two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    // math.comb(n - c, k) / math.comb(n, k) in Python.
    #[test]
    fn pass_at_k_matches_the_binomial_formula() {
        let cases = [(10, 3, 1, 0.3), (10, 3, 5, 0.9166666666666666), (8, 1, 4, 0.5), (5, 5, 2, 1.0), (5, 0, 2, 0.0)];
        for (samples, right, k, expected) in cases {
            assert!((pass_at_k(samples, right, k) - expected).abs() < 1e-12, "pass@{k} of {right}/{samples}");
        }
    }

    // statistics.mean and statistics.stdev / sqrt(n) in Python.
    #[test]
    fn paired_differences_are_per_task() {
        let scores = |right: &[usize]| {
            let tallies: Vec<Attempts> =
                right.iter().map(|&right| Attempts { right, thought: 1, first: None }).collect();
            KindScores::of(&tallies.iter().collect::<Vec<_>>(), 4)
        };
        let start = scores(&[0, 1, 2, 0]);
        let mut now = scores(&[4, 1, 3, 1]);
        now.compare(&start);
        let Estimate { mean, standard_error } = now.paired_difference.unwrap();
        assert!((mean - 0.375).abs() < 1e-12);
        assert!((standard_error - 0.2165063509461097).abs() < 1e-12);
        assert_eq!((now.solved_once, now.think_share), (1.0, 0.25));
    }
}
