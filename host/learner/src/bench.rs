//! How fast a policy samples and learns. `tests/policy/bench_reference.py` measures `transformers` and PyTorch the same
//! way.

use std::{ffi::c_long, time::Instant};

use anyhow::Result;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use super::Learner;
use azr_config::RunConfig;
use azr_core::{
    rng::{Purpose, Stream},
    sampling::{SampleRequest, Sampler as _, Sampling},
    training::{Rollout, Trainer as _, UpdateMetrics},
};
use azr_policy::{ModelConfig, Policy};

/// Of the buffer whose copy is timed: beyond every cache.
const COPY_BYTES: i64 = 1 << 28;

/// What is measured.
#[derive(Clone, Debug)]
pub struct BenchPlan {
    /// Numbers of sequences at a time.
    pub batches: Vec<usize>,
    pub prompt_tokens: usize,
    pub completion_tokens: usize,
    /// Each figure is the best of this many.
    pub repeats: usize,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct BenchReport {
    /// What a copy within the device's memory reads and writes.
    pub copy_bytes_per_s: f64,
    pub rows: Vec<BenchRow>,
    /// Of the last batch.
    pub rollouts: Vec<Rollout>,
    pub last_update: Option<UpdateMetrics>,
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
    /// Of sampling: its share of the speed at which a step would read every weight, and the keys and values of every row,
    /// once, as fast as a copy goes, and do nothing else. Above 1 where weights stay in a cache.
    pub roofline: Option<f64>,
}

/// Samples completions of full length and takes updates on them. The policy's weights change.
pub fn bench(policy: &mut Policy, config: &RunConfig, plan: &BenchPlan) -> Result<BenchReport> {
    // Completions must not end early, as with min_new_tokens.
    policy.text.ends = [u32::MAX].into();
    // First, so that the learner's memory can be that of the copies.
    let device = policy.model.kind_and_device().1;
    let copy_bytes_per_s = copy_bytes_per_s(device)?;
    let mut learner = Learner::new(policy, &config.update, &config.sampling)?;
    let mut report = BenchReport { copy_bytes_per_s, rows: Vec::new(), rollouts: Vec::new(), last_update: None };
    for &batch in &plan.batches {
        let requests = requests(policy, plan, batch);
        let sampling = Sampling { completion_max_tokens: plan.completion_tokens, ..Sampling::from(&config.sampling) };
        let mut completions = Vec::new();
        let mut row = best("sample", batch, batch * plan.completion_tokens, plan.repeats, device, || {
            completions = policy.sample(&requests, &sampling)?;
            Ok(())
        })?;
        let rows = batch.min(sampling.rows_max);
        // Halfway through the completions.
        let columns = plan.prompt_tokens + plan.completion_tokens / 2;
        let step_bytes = step_bytes(&policy.model.config, policy.model.kind_and_device().0, rows, columns);
        row.roofline = Some(row.tokens_per_s / rows as f64 * step_bytes / copy_bytes_per_s);
        report.rows.push(row);
        report.rollouts = (requests.iter().zip(&completions).enumerate())
            .map(|(i, (request, completion))| Rollout {
                prompt: request.prompt.clone(),
                completion: completion.tokens.clone(),
                old_logprobs: completion.logprobs.clone(),
                advantage: if i % 2 == 0 { 1.0 } else { -1.0 },
                importance: Vec::new(),
                start_logprobs: Vec::new(),
                kl_coefficient: 0.0,
            })
            .collect();
        let tokens = batch * (plan.prompt_tokens + plan.completion_tokens);
        report.rows.push(best("learn", batch, tokens, plan.repeats, device, || {
            report.last_update = Some(learner.update(policy, &report.rollouts, config.update.learning_rate)?);
            Ok(())
        })?);
    }
    Ok(report)
}

/// What a sampling step for `rows` rows must read at least, each with `columns` columns in the cache.
fn step_bytes(config: &ModelConfig, kind: Kind, rows: usize, columns: usize) -> f64 {
    // Of an embedding that is not the head as well, only rows are read.
    let embedding = if config.tie_word_embeddings { 0 } else { config.vocab_size * config.hidden_size };
    let of_column = 2 * config.num_hidden_layers as i64 * config.num_key_value_heads * config.head_dim;
    let numbers = config.parameter_count() - embedding + (rows * columns) as i64 * of_column;
    numbers as f64 * kind.elt_size_in_bytes() as f64
}

/// The fastest of several times ten copies.
fn copy_bytes_per_s(device: Device) -> Result<f64> {
    let from = Tensor::f_ones([COPY_BYTES], (Kind::Uint8, device))?;
    let mut into = from.f_ones_like()?;
    let mut ten_copies = || -> Result<f64> {
        let start = Instant::now();
        for _ in 0..10 {
            into.f_copy_(&from)?;
        }
        wait_for(device);
        Ok(start.elapsed().as_secs_f64())
    };
    ten_copies()?;
    let times = (0..3).map(|_| ten_copies()).collect::<Result<Vec<_>>>()?;
    Ok(10.0 * 2.0 * COPY_BYTES as f64 / times.into_iter().fold(f64::INFINITY, f64::min))
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
    device: Device,
    mut run: impl FnMut() -> Result<()>,
) -> Result<BenchRow> {
    let (mut wall_s, mut cpu_s) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..=repeats {
        let (start, cpu_start) = (Instant::now(), process_cpu_s());
        run()?;
        wait_for(device);
        wall_s = wall_s.min(start.elapsed().as_secs_f64());
        cpu_s = cpu_s.min(process_cpu_s() - cpu_start);
    }
    let tokens = tokens as f64;
    Ok(BenchRow { what, batch, tokens_per_s: tokens / wall_s, tokens_per_cpu_s: tokens / cpu_s, roofline: None })
}

/// Waits until the device has computed everything.
fn wait_for(device: Device) {
    if let Device::Cuda(number) = device {
        tch::Cuda::synchronize(number as i64);
    }
}

/// Processor time of all threads of this process.
fn process_cpu_s() -> f64 {
    unsafe extern "C" {
        safe fn clock() -> c_long;
    }
    // POSIX has it in microseconds.
    clock() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Qwen2.5-7B has 7,615,616,512 parameters, 6.53 billion of them without embeddings, as its card says.
    #[test]
    fn a_step_reads_the_weights_and_the_cache() {
        let config = br#"{"model_type": "qwen2", "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944,
            "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
            "max_position_embeddings": 32768, "tie_word_embeddings": false}"#;
        let config = ModelConfig::parse(config).unwrap();
        let head = 152_064 * 3584;
        let keys_and_values = 16 * 1000 * 28 * (512 + 512);
        let expected = 2 * (7_615_616_512i64 - head + keys_and_values);
        assert_eq!(step_bytes(&config, Kind::BFloat16, 16, 1000), expected as f64);
    }
}
