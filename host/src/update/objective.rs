//! What is minimised: a sum over tokens, so that it can be computed in pieces.

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};

use super::{Example, Rollout};

/// A loss over the completion tokens of sequences. Losses of parts add up to the loss of the whole.
pub(super) trait Objective: Sync {
    /// Prompt and completion of every sequence.
    fn sequences(&self) -> Vec<(&[u32], &[u32])>;

    /// The constants of the given sequences' completion tokens, one row each: `[rows, n]` in f32.
    fn constants(&self, sequences: &[usize]) -> Vec<Vec<f32>>;

    /// The loss of `n` tokens and what else is summed up: `logits` is `[n, vocab]`, `targets` `[n]`, `constants`
    /// `[rows, n]`.
    fn loss(&self, logits: &Tensor, targets: &Tensor, constants: &Tensor) -> Result<TokenLoss>;
}

/// A differentiable loss and, without gradient, `[loss, clipped, kl, start_kl, entropy, gap]` summed over tokens.
pub(super) struct TokenLoss {
    pub loss: Tensor,
    pub sums: Tensor,
}

/// Sums over all tokens of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub loss: f64,
    pub clipped: f64,
    pub kl: f64,
    pub start_kl: f64,
    pub entropy: f64,
    pub gap: f64,
}

/// The clipped surrogate.
pub(super) struct PolicyGradient<'a> {
    pub rollouts: &'a [Rollout],
    /// Log-probabilities of each rollout's completion tokens under the start policy, empty where they do not count;
    /// empty altogether where none count.
    pub start_logprobs: &'a [Vec<f32>],
    /// Completion tokens of all rollouts: the loss is the mean over them.
    pub tokens: f64,
    pub temperature: f64,
    /// Lowest and highest ratio that still has a gradient.
    pub clip: (f64, f64),
    pub entropy_coefficient: f64,
}

/// Weighted cross-entropy.
pub(super) struct Imitation<'a> {
    pub examples: &'a [Example],
    /// Sum of all weights: the loss is the weighted mean.
    pub total: f64,
}

impl Objective for PolicyGradient<'_> {
    fn sequences(&self) -> Vec<(&[u32], &[u32])> {
        self.rollouts.iter().map(|rollout| (&rollout.prompt[..], &rollout.completion[..])).collect()
    }

    fn constants(&self, sequences: &[usize]) -> Vec<Vec<f32>> {
        let rollouts = || sequences.iter().map(|&i| &self.rollouts[i]);
        for rollout in rollouts() {
            assert_eq!(rollout.old_logprobs.len(), rollout.completion.len(), "one old log-probability per token");
        }
        let old = rollouts().flat_map(|rollout| rollout.old_logprobs.iter().copied()).collect();
        let advantage = rollouts().flat_map(|rollout| rollout.completion.iter().map(|_| rollout.advantage)).collect();
        if self.start_logprobs.is_empty() {
            return vec![old, advantage];
        }
        // Where the divergence does not count, any finite number will do.
        let start = sequences.iter().flat_map(|&i| match &self.start_logprobs[i][..] {
            [] => self.rollouts[i].old_logprobs.clone(),
            start => start.to_vec(),
        });
        let coefficient = rollouts().flat_map(|rollout| rollout.completion.iter().map(|_| rollout.kl_coefficient));
        vec![old, advantage, start.collect(), coefficient.collect()]
    }

    fn loss(&self, logits: &Tensor, targets: &Tensor, constants: &Tensor) -> Result<TokenLoss> {
        let (_n, _vocab) = logits.size2()?;
        let (old, advantage) = (constants.f_get(0)?, constants.f_get(1)?);
        let all = logits.f_div_scalar(self.temperature)?.f_log_softmax(-1, Kind::Float)?;
        let logprobs = all.f_gather(1, &targets.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?;
        let ratio = logprobs.f_sub(&old)?.f_exp()?;
        let free = ratio.f_mul(&advantage)?;
        let clipped = ratio.f_clamp(self.clip.0, self.clip.1)?.f_mul(&advantage)?;
        let surrogate = free.f_minimum(&clipped)?.f_sum(Kind::Float)?;
        let mut gain = surrogate;
        let entropy = if self.entropy_coefficient == 0.0 {
            tch::no_grad(|| entropy(&all))?
        } else {
            let entropy = entropy(&all)?;
            gain = gain.f_add(&entropy.f_mul_scalar(self.entropy_coefficient)?)?;
            entropy
        };
        let mut start_kl = gain.f_detach()?.f_zeros_like()?;
        if constants.size()[0] == 4 {
            let (start, coefficient) = (constants.f_get(2)?, constants.f_get(3)?);
            let change = start.f_sub(&logprobs)?;
            let kl = change.f_exp()?.f_sub(&change)?.f_sub_scalar(1.0)?;
            gain = gain.f_sub(&kl.f_mul(&coefficient)?.f_sum(Kind::Float)?)?;
            start_kl = kl.f_detach()?.f_mul(&coefficient.f_gt(0.0)?)?.f_sum(Kind::Float)?;
        }
        let loss = gain.f_mul_scalar(-1.0 / self.tokens)?;
        let sums = tch::no_grad(|| -> Result<Tensor> {
            let change = logprobs.f_sub(&old)?;
            let kl = ratio.f_sub_scalar(1.0)?.f_sub(&change)?.f_sum(Kind::Float)?;
            let hit = clipped.f_lt_tensor(&free)?.f_sum(Kind::Float)?;
            let gap = change.f_abs()?.f_sum(Kind::Float)?;
            Ok(Tensor::f_stack(&[&loss.f_detach()?, &hit, &kl, &start_kl, &entropy.f_detach()?, &gap], 0)?)
        })?;
        Ok(TokenLoss { loss, sums })
    }
}

impl Objective for Imitation<'_> {
    fn sequences(&self) -> Vec<(&[u32], &[u32])> {
        self.examples.iter().map(|example| (&example.prompt[..], &example.completion[..])).collect()
    }

    fn constants(&self, sequences: &[usize]) -> Vec<Vec<f32>> {
        let examples = || sequences.iter().map(|&i| &self.examples[i]);
        for example in examples() {
            assert_eq!(example.weights.len(), example.completion.len(), "one weight per token");
        }
        vec![examples().flat_map(|example| example.weights.iter().copied()).collect()]
    }

    fn loss(&self, logits: &Tensor, targets: &Tensor, constants: &Tensor) -> Result<TokenLoss> {
        let (_n, _vocab) = logits.size2()?;
        let all = logits.f_log_softmax(-1, Kind::Float)?;
        let logprobs = all.f_gather(1, &targets.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?;
        let loss = logprobs.f_mul(&constants.f_get(0)?)?.f_sum(Kind::Float)?.f_mul_scalar(-1.0 / self.total)?;
        let zero = loss.f_detach()?.f_zeros_like()?;
        let sums = Tensor::f_stack(&[&loss.f_detach()?, &zero, &zero, &zero, &zero, &zero], 0)?;
        Ok(TokenLoss { loss, sums })
    }
}

impl Sums {
    /// Adds the `[6]` sums of a part.
    pub(super) fn add(&mut self, part: &Tensor) -> Result<()> {
        let part: Vec<f64> = Vec::try_from(part.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?)?;
        ensure!(part.len() == 6, "sums have six entries");
        let Self { loss, clipped, kl, start_kl, entropy, gap } = self;
        let into = [loss, clipped, kl, start_kl, entropy, gap];
        into.into_iter().zip(part).for_each(|(into, part)| *into += part);
        Ok(())
    }
}

/// Sum over rows of the entropy of log-probabilities `[n, vocab]`.
fn entropy(logprobs: &Tensor) -> Result<Tensor> {
    Ok(logprobs.f_exp()?.f_mul(logprobs)?.f_sum(Kind::Float)?.f_neg()?)
}
