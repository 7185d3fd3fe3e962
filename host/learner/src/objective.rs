//! What is minimised: a sum over tokens, so that it can be computed in pieces.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::{Example, Rollout};
use azr_config::Average;

/// A loss over the completion tokens of sequences. Losses of parts add up to the loss of the whole.
pub(super) trait Objective: Sync {
    /// Prompt and completion of every sequence.
    fn sequences(&self) -> Vec<(&[u32], &[u32])>;

    /// The constants of the given sequences' completion tokens, one row each: `[rows, n]` in f32.
    fn constants(&self, sequences: &[usize]) -> Vec<Vec<f32>>;

    /// The loss of `n` tokens, by its gradient, and what else is summed up: `logits` is `[n, vocab]` in f32, `targets`
    /// `[n]`, `constants` `[rows, n]`. Without autograd, which would keep several copies of the logits.
    fn loss(&self, logits: Tensor, targets: &Tensor, constants: &Tensor) -> Result<TokenLoss>;
}

/// The gradient of the loss for the logits, `[n, vocab]`, and `[loss, clipped, kl, start_kl, entropy, gap]` summed over
/// tokens.
pub(super) struct TokenLoss {
    pub gradient: Tensor,
    pub sums: Tensor,
}

/// Sums over all tokens of a call.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
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
    pub mean: Mean,
    pub temperature: f64,
    /// Lowest and highest ratio that still has a gradient.
    pub clip: (f64, f64),
    pub entropy_coefficient: f64,
}

/// Over what a loss is a mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    pub average: Average,
    /// Completion tokens of all rollouts.
    pub tokens: usize,
    pub rollouts: usize,
    /// Tokens that a completion may have.
    pub budget: usize,
}

impl Mean {
    /// How much each token of a rollout counts.
    fn weight(&self, rollout: &Rollout) -> f32 {
        let Self { average, tokens, rollouts, budget } = *self;
        let divisor = match average {
            Average::Token => tokens,
            Average::Sequence => rollouts * rollout.completion.len(),
            Average::Budget => rollouts * budget,
            Average::Sum => rollouts,
        };
        (1.0 / divisor as f64) as f32
    }
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
        let advantage = rollouts().flat_map(|rollout| match &rollout.importance[..] {
            [] => vec![rollout.advantage; rollout.completion.len()],
            importance => importance.iter().map(|weight| weight * rollout.advantage).collect(),
        });
        let weight = rollouts().flat_map(|rollout| rollout.completion.iter().map(|_| self.mean.weight(rollout)));
        let (advantage, weight) = (advantage.collect(), weight.collect());
        if self.start_logprobs.is_empty() {
            return vec![old, advantage, weight];
        }
        // Where the divergence does not count, any finite number will do.
        let start = sequences.iter().flat_map(|&i| match &self.start_logprobs[i][..] {
            [] => self.rollouts[i].old_logprobs.clone(),
            start => start.to_vec(),
        });
        let coefficient = rollouts().flat_map(|rollout| rollout.completion.iter().map(|_| rollout.kl_coefficient));
        vec![old, advantage, weight, start.collect(), coefficient.collect()]
    }

    fn loss(&self, logits: Tensor, targets: &Tensor, constants: &Tensor) -> Result<TokenLoss> {
        let (old, advantage, weight) = (constants.f_get(0)?, constants.f_get(1)?, constants.f_get(2)?);
        let predicted = Predicted::new(logits, self.temperature, targets)?;
        let change = predicted.logprobs.f_sub(&old)?;
        let ratio = change.f_exp()?;
        let free = ratio.f_mul(&advantage)?;
        let clipped = ratio.f_clamp(self.clip.0, self.clip.1)?.f_mul(&advantage)?;
        let entropies = predicted.entropies()?;
        let mut gain = free.f_minimum(&clipped)?.f_add(&entropies.f_mul_scalar(self.entropy_coefficient)?)?;
        let hit = clipped.f_lt_tensor(&free)?;
        // A clipped token's ratio no longer moves the loss.
        let mut grad_output = free.f_masked_fill(&hit, 0.0)?;
        let mut start_kl = gain.f_zeros_like()?;
        if !self.start_logprobs.is_empty() {
            let (start, coefficient) = (constants.f_get(3)?, constants.f_get(4)?);
            let change = start.f_sub(&predicted.logprobs)?;
            // The estimate e^x − x − 1, where x is the change from now to the start, and its slope 1 − e^x.
            let growth = change.f_exp()?.f_sub_scalar(1.0)?;
            let kl = growth.f_sub(&change)?;
            gain = gain.f_sub(&kl.f_mul(&coefficient)?)?;
            grad_output = grad_output.f_add(&growth.f_mul(&coefficient)?)?;
            start_kl = kl.f_mul(&coefficient.f_gt(0.0)?)?;
        }
        let kl = ratio.f_sub_scalar(1.0)?.f_sub(&change)?;
        let descent = weight.f_neg()?;
        let sums = [&gain.f_mul(&descent)?, &hit, &kl, &start_kl, &entropies, &change.f_abs()?];
        let sums = sums.into_iter().map(|each| each.f_sum(Kind::Float)).collect::<Result<Vec<_>, _>>()?;
        let entropy_grad = match self.entropy_coefficient {
            0.0 => None,
            coefficient => Some((&entropies, descent.f_mul_scalar(coefficient)?)),
        };
        Ok(TokenLoss {
            gradient: predicted.gradient(&grad_output.f_mul(&descent)?, entropy_grad)?,
            sums: Tensor::f_stack(&sums, 0)?,
        })
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

    fn loss(&self, logits: Tensor, targets: &Tensor, constants: &Tensor) -> Result<TokenLoss> {
        let predicted = Predicted::new(logits, 1.0, targets)?;
        let grad_output = constants.f_get(0)?.f_mul_scalar(-1.0 / self.total)?;
        let loss = predicted.logprobs.f_mul(&grad_output)?.f_sum(Kind::Float)?;
        let zero = loss.f_zeros_like()?;
        let sums = Tensor::f_stack(&[&loss, &zero, &zero, &zero, &zero, &zero], 0)?;
        Ok(TokenLoss { gradient: predicted.gradient(&grad_output, None)?, sums })
    }
}

/// The distributions of the next token at `n` indices.
struct Predicted {
    temperature: f64,
    /// `[n, 1]`
    targets: Tensor,
    /// Log-probability of the target, `[n]`.
    logprobs: Tensor,
    /// Of every token, `[n, vocab]`.
    all_logprobs: Tensor,
    probabilities: Tensor,
}

impl Predicted {
    fn new(mut logits: Tensor, temperature: f64, targets: &Tensor) -> Result<Self> {
        let (_n, _vocab) = logits.size2()?;
        if temperature != 1.0 {
            let _ = logits.f_div_scalar_(temperature)?;
        }
        let targets = targets.f_unsqueeze(1)?;
        let all_logprobs = logits.f_log_softmax(-1, Kind::Float)?;
        let logprobs = all_logprobs.f_gather(1, &targets, false)?.f_squeeze_dim(1)?;
        let probabilities = all_logprobs.f_exp_out(&logits)?;
        Ok(Self { temperature, targets, logprobs, all_logprobs, probabilities })
    }

    /// `[n]`, in nats.
    fn entropies(&self) -> Result<Tensor> {
        let dots = self.probabilities.f_unsqueeze(1)?.f_bmm(&self.all_logprobs.f_unsqueeze(2)?)?;
        Ok(dots.f_view([-1])?.f_neg()?)
    }

    /// Of Σ `grad_output`ᵢ log pᵢ + Σ `entropy_grad`ᵢ Hᵢ for the logits, where log p, `[n]`, are the targets'. The entropies come
    /// with the gradient of theirs.
    fn gradient(self, grad_output: &Tensor, entropy_grad: Option<(&Tensor, Tensor)>) -> Result<Tensor> {
        let Self { temperature, targets, mut all_logprobs, mut probabilities, .. } = self;
        let grad_output = grad_output.f_div_scalar(temperature)?.f_unsqueeze(1)?;
        // ∂ log pₜ / ∂ zᵥ = (δₜᵥ − pᵥ) / T and ∂ H / ∂ zᵥ = −pᵥ (log pᵥ + H) / T.
        let factor = match entropy_grad {
            None => grad_output.f_neg()?,
            Some((entropies, entropy_grad)) => {
                let mut surprise = all_logprobs.f_add_(&entropies.f_unsqueeze(1)?)?;
                surprise.f_mul_(&entropy_grad.f_div_scalar(-temperature)?.f_unsqueeze(1)?)?.f_sub_(&grad_output)?
            }
        };
        Ok(probabilities.f_mul_(&factor)?.f_scatter_add_(1, &targets, &grad_output)?)
    }
}

impl Sums {
    pub(super) fn plus(self, other: &Self) -> Self {
        let Self { loss, clipped, kl, start_kl, entropy, gap } = *other;
        Self {
            loss: self.loss + loss,
            clipped: self.clipped + clipped,
            kl: self.kl + kl,
            start_kl: self.start_kl + start_kl,
            entropy: self.entropy + entropy,
            gap: self.gap + gap,
        }
    }

    /// Of several parts, each `[6]`, in their order. One copy from the device for all.
    pub(super) fn of(parts: &[Tensor]) -> Result<Self> {
        let all = Tensor::f_stack(parts, 0)?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
        let all: Vec<Vec<f64>> = Vec::try_from(all)?;
        all.iter().try_fold(Self::default(), |total, part| match part[..] {
            [loss, clipped, kl, start_kl, entropy, gap] => {
                Ok(total.plus(&Self { loss, clipped, kl, start_kl, entropy, gap }))
            }
            _ => bail!("sums have six entries, not {}", part.len()),
        })
    }
}
