//! The seam to what learns.

use std::path::Path;

use anyhow::Result;

/// Writes the state of a trainer into a file.
pub type SaveState<'a> = Box<dyn FnOnce(&Path) -> Result<()> + 'a>;

/// Turns rollouts into better weights of a policy `P`.
pub trait Trainer<P> {
    /// Truncated importance sampling: weighs every token by how much likelier it is to `policy` than it was to the
    /// sampler, and makes `policy` the one that ratios start from. Does nothing where the configuration asks for none.
    fn importance_weights(&self, policy: &P, rollouts: &mut [Rollout]) -> Result<Option<Mismatch>>;

    /// One optimiser step on all `rollouts`. Where it fails the weights are as they were.
    fn update(&mut self, policy: &P, rollouts: &[Rollout], learning_rate: f64) -> Result<UpdateMetrics>;

    /// What continues a training exactly, beside the policy. A collective: the first rank gets it from all, and is the
    /// one that may write it.
    fn state(&self) -> Result<SaveState<'_>>;

    /// Continues from what [`Trainer::state`] wrote.
    fn load(&mut self, path: &Path) -> Result<()>;
}

/// One completion with what the learner needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    pub prompt: Vec<u32>,
    /// The end token included, where the policy wrote one.
    pub completion: Vec<u32>,
    /// Log-probability of each completion token when it was sampled, at the sampling temperature.
    pub old_logprobs: Vec<f32>,
    pub advantage: f32,
    /// How much each completion token counts; empty where all count the same.
    pub importance: Vec<f32>,
    /// Weight of the KL divergence to the start policy; above 0 the learner needs that policy.
    pub kl_coefficient: f32,
}

/// What one policy-gradient step was like, over all completion tokens, before the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdateMetrics {
    pub loss: f64,
    /// Before clipping.
    pub gradient_norm: f64,
    /// Share of tokens whose ratio was clipped.
    pub clip_fraction: f64,
    /// Of the sampling policy to this one: the mean of r − 1 − ln r (Schulman 2020, "Approximating KL divergence").
    pub approx_kl: f64,
    /// To the start policy, over the tokens whose divergence counts; 0 where none does.
    pub start_kl: f64,
    /// Mean entropy of the next token, in nats.
    pub entropy: f64,
    /// Mean absolute difference of the log-probabilities now and at sampling. In the first minibatch of a step, what
    /// sampler and learner disagree by.
    pub logprob_gap: f64,
    pub tokens: usize,
}

/// How far the sampler was from the learner, over all completion tokens of a step, before its first update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mismatch {
    /// Of the sampler to the learner: the mean of r − 1 − ln r.
    pub kl: f64,
    /// Share of tokens whose importance was truncated.
    pub truncated: f64,
}
