//! The update: clipped policy gradient over a step's rollouts, and weighted cross-entropy for examples to imitate.
//!
//! One call is one optimiser step over all it is given, cut into micro-batches by a token budget. The normaliser is
//! that of the whole call, so the cut changes nothing but rounding.

use std::path::Path;

use anyhow::{Result, ensure};
use tch::{Kind, Tensor};

pub mod bench;
mod exchange;
mod gradient;
pub mod memory;
mod micro_batch;
mod moments;
mod objective;
mod optimizer;
mod prefetch;
mod reference;
mod sharded;
mod shards;
mod trunk;

use azr_config::{SamplingConfig, UpdateConfig};
use azr_core::training::{Mismatch, Rollout, SaveState, Trainer, UpdateMetrics};
use azr_policy::Policy;

use exchange::BUCKET_BYTES;
use gradient::logit_rows;

use gradient::gradient;
use objective::{Imitation, Mean, PolicyGradient, Sums};
use optimizer::Optimizer;
use reference::Reference;

/// A completion to imitate.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub prompt: Vec<u32>,
    pub completion: Vec<u32>,
    /// How much each completion token counts.
    pub weights: Vec<f32>,
}

/// What one imitation step was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImitationMetrics {
    /// Weighted mean of −log p, in nats.
    pub loss: f64,
    /// Before clipping.
    pub gradient_norm: f64,
    pub tokens: usize,
}

/// Turns rollouts into better weights.
pub struct Learner {
    config: UpdateConfig,
    /// The sampler's; log-probabilities are those of the distribution that was sampled.
    temperature: f64,
    completion_max_tokens: usize,
    optimizer: Optimizer,
    reference: Option<Reference>,
}

impl Trainer<Policy> for Learner {
    fn prepare(&self, policy: &Policy, rollouts: &mut [Rollout]) -> Result<Option<Mismatch>> {
        let UpdateConfig { importance_max, micro_batch_max_tokens, .. } = self.config;
        if let Some(reference) = &self.reference {
            let noted = reference.logprobs(rollouts, self.temperature, micro_batch_max_tokens)?;
            rollouts.iter_mut().zip(noted).for_each(|(rollout, noted)| rollout.start_logprobs = noted);
        }
        if importance_max == 0.0 || rollouts.is_empty() {
            return Ok(None);
        }
        let sequences: Vec<_> = rollouts.iter().map(|rollout| (&*rollout.prompt, &*rollout.completion)).collect();
        let logprobs = reference::logprobs(policy, &sequences, self.temperature, micro_batch_max_tokens)?;
        let (mut kl, mut truncated, mut tokens) = (0.0, 0.0, 0.0);
        for (rollout, logprobs) in rollouts.iter_mut().zip(logprobs) {
            let changes =
                logprobs.iter().zip(&rollout.old_logprobs).map(|(&now, &then)| f64::from(now) - f64::from(then));
            let importance_weight = |change: f64| {
                let ratio = change.exp();
                kl += ratio - 1.0 - change;
                truncated += f64::from(u8::from(ratio > importance_max));
                tokens += 1.0;
                ratio.min(importance_max) as f32
            };
            rollout.importance = changes.map(importance_weight).collect();
            rollout.old_logprobs = logprobs;
        }
        Ok(Some(Mismatch { kl: kl / tokens, truncated: truncated / tokens }))
    }

    /// The clipped surrogate (Schulman et al. 2017, eq. 7, with separate bounds below and above). The step is refused
    /// where the loss or the norm of the gradient is not finite.
    fn update(&mut self, policy: &Policy, rollouts: &[Rollout], learning_rate: f64) -> Result<UpdateMetrics> {
        let tokens: usize = rollouts.iter().map(|rollout| rollout.completion.len()).sum();
        ensure!(tokens > 0, "an update needs at least one completion token");
        let (gradients, sums) = self.gradients(policy, rollouts)?;
        let gradient_norm = self.apply(gradients, &sums, learning_rate)?;
        let mean = |sum: f64| sum / tokens as f64;
        let with_kl = rollouts.iter().filter(|rollout| rollout.kl_coefficient > 0.0);
        let with_kl: usize = with_kl.map(|rollout| rollout.completion.len()).sum();
        Ok(UpdateMetrics {
            loss: sums.loss,
            gradient_norm,
            clip_fraction: mean(sums.clipped),
            approx_kl: mean(sums.kl),
            start_kl: if with_kl > 0 { sums.start_kl / with_kl as f64 } else { 0.0 },
            entropy: mean(sums.entropy),
            logprob_gap: mean(sums.gap),
            tokens,
        })
    }

    fn state(&self) -> Result<SaveState<'_>> {
        let state = self.optimizer.state()?;
        Ok(Box::new(move |path| state.save(path)))
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        self.optimizer.load(path)
    }
}

impl Learner {
    /// A learner without history, for rollouts that are sampled so. Where the weights are bf16 it keeps f32 master copies.
    pub fn new(policy: &Policy, config: &UpdateConfig, sampling: &SamplingConfig) -> Result<Self> {
        let &SamplingConfig { temperature, completion_max_tokens, .. } = sampling;
        ensure!(temperature > 0.0, "the learner's temperature is {temperature}; it must be above 0");
        Ok(Self {
            config: config.clone(),
            temperature: f64::from(temperature),
            completion_max_tokens,
            optimizer: Optimizer::new(policy, config)?,
            reference: None,
        })
    }

    /// Measures the divergence of rollouts that have a KL coefficient to `start`.
    pub fn with_start_policy(mut self, start: Policy) -> Self {
        self.reference = Some(Reference::new(start));
        self
    }

    /// One optimiser step on the weighted mean cross-entropy of `examples`. Where the loss or the norm of the gradient is
    /// not finite the weights are as they were.
    pub fn imitate(&mut self, policy: &Policy, examples: &[Example], learning_rate: f64) -> Result<ImitationMetrics> {
        let weights = examples.iter().flat_map(|example| &example.weights);
        let total: f64 = weights.map(|&weight| f64::from(weight)).sum();
        ensure!(total > 0.0, "examples to imitate have weight {total}; it must be above 0");
        let objective = Imitation { examples, total };
        let (gradients, sums) = gradient(policy, &self.optimizer.shards, &objective, &self.config)?;
        let gradient_norm = self.apply(gradients, &sums, learning_rate)?;
        let tokens = examples.iter().map(|example| example.completion.len()).sum();
        Ok(ImitationMetrics { loss: sums.loss, gradient_norm, tokens })
    }

    /// The gradient that `update` would take a step on, and the loss: for tests and for measuring.
    pub fn gradient(&self, policy: &Policy, rollouts: &[Rollout]) -> Result<(Vec<Tensor>, f64)> {
        let (gradients, sums) = self.gradients(policy, rollouts)?;
        Ok((gradients.iter().map(|gradient| gradient.to_kind(Kind::Float)).collect(), sums.loss))
    }

    fn gradients(&self, policy: &Policy, rollouts: &[Rollout]) -> Result<(Vec<Tensor>, Sums)> {
        let UpdateConfig { clip_low, clip_high, entropy_coefficient, average, micro_batch_max_tokens, .. } =
            self.config;
        let start_logprobs = match &self.reference {
            Some(reference) => reference.logprobs(rollouts, self.temperature, micro_batch_max_tokens)?,
            None => Vec::new(),
        };
        let objective = PolicyGradient {
            rollouts,
            start_logprobs: &start_logprobs,
            mean: Mean {
                average,
                tokens: rollouts.iter().map(|rollout| rollout.completion.len()).sum(),
                rollouts: rollouts.len(),
                budget: self.completion_max_tokens,
            },
            temperature: self.temperature,
            clip: (1.0 - clip_low, 1.0 + clip_high),
            entropy_coefficient,
        };
        gradient(policy, &self.optimizer.shards, &objective, &self.config)
    }

    /// Clips the gradient and steps; returns the norm before clipping.
    fn apply(&mut self, gradients: Vec<Tensor>, sums: &Sums, learning_rate: f64) -> Result<f64> {
        ensure!(sums.loss.is_finite(), "the loss is {}; the weights were left as they are", sums.loss);
        self.optimizer.step(gradients, learning_rate)
    }
}
