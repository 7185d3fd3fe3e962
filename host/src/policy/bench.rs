//! How fast a policy samples and learns. `tests/policy/bench_reference.py` measures `transformers` and PyTorch the same
//! way.

use std::{ffi::c_long, time::Instant};

use anyhow::Result;
use serde::Serialize;

use super::{Policy, SampleRequest, Sampling};
use crate::{
    config::RunConfig,
    rng::{Purpose, Stream},
    update::{Learner, Rollout},
};

/// What is measured.
#[derive(Clone, Debug)]
pub struct BenchPlan {
    /// Numbers of sequences at a time.
    pub batches: Vec<usize>,
    pub prompt_tokens: usize,
    pub completion_tokens: usize,
    /// Each figure is the best of so many.
    pub repeats: usize,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BenchRow {
    /// `sample` counts completion tokens, `learn` prompt and completion tokens.
    pub what: &'static str,
    pub batch: usize,
    pub tokens_per_s: f64,
    /// Which does not suffer from other processes.
    pub tokens_per_cpu_s: f64,
}

/// Samples completions of full length and takes updates on them. The policy's weights change.
pub fn bench(policy: &mut Policy, config: &RunConfig, plan: &BenchPlan) -> Result<Vec<BenchRow>> {
    // Completions must not end early, as with min_new_tokens.
    policy.text.ends = [u32::MAX].into();
    let mut learner = Learner::new(policy, &config.update, &config.sampling)?;
    let mut rows = Vec::new();
    for &batch in &plan.batches {
        let requests = requests(policy, plan, batch);
        let sampling = Sampling {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            completion_max_tokens: plan.completion_tokens,
            shares: 4,
            rows_max: config.sampling.rows_max,
        };
        let mut completions = Vec::new();
        rows.push(best("sample", batch, batch * plan.completion_tokens, plan.repeats, || {
            completions = policy.sample(&requests, &sampling)?;
            Ok(())
        })?);
        let rollouts: Vec<Rollout> = (requests.iter().zip(&completions).enumerate())
            .map(|(i, (request, completion))| Rollout {
                prompt: request.prompt.clone(),
                completion: completion.tokens.clone(),
                old_logprobs: completion.logprobs.clone(),
                advantage: if i % 2 == 0 { 1.0 } else { -1.0 },
                importance: Vec::new(),
                kl_coefficient: 0.0,
            })
            .collect();
        let tokens = batch * (plan.prompt_tokens + plan.completion_tokens);
        rows.push(best("learn", batch, tokens, plan.repeats, || {
            learner.update(policy, &rollouts, config.update.learning_rate).map(|_| ())
        })?);
    }
    Ok(rows)
}

fn requests(policy: &Policy, plan: &BenchPlan, batch: usize) -> Vec<SampleRequest> {
    let vocab = policy.model.config.vocab_size as usize;
    let request = |row: u64| {
        let mut draws = Stream::new(0, Purpose::Evaluate, 0, row).draws();
        let prompt = (0..plan.prompt_tokens).map(|_| draws.below(vocab) as u32).collect();
        SampleRequest { prompt, stop: Vec::new(), stream: Stream::new(0, Purpose::Evaluate, 1, row) }
    };
    (0..batch as u64).map(request).collect()
}

fn best(
    what: &'static str,
    batch: usize,
    tokens: usize,
    repeats: usize,
    mut run: impl FnMut() -> Result<()>,
) -> Result<BenchRow> {
    let (mut wall_s, mut cpu_s) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..=repeats {
        let (start, cpu_start) = (Instant::now(), process_cpu_s());
        run()?;
        wall_s = wall_s.min(start.elapsed().as_secs_f64());
        cpu_s = cpu_s.min(process_cpu_s() - cpu_start);
    }
    let tokens = tokens as f64;
    Ok(BenchRow { what, batch, tokens_per_s: tokens / wall_s, tokens_per_cpu_s: tokens / cpu_s })
}

/// Processor time of all threads of this process.
fn process_cpu_s() -> f64 {
    unsafe extern "C" {
        safe fn clock() -> c_long;
    }
    // POSIX has it in microseconds.
    clock() as f64 / 1e6
}
