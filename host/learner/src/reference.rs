//! Log-probabilities without a gradient: of the start policy, which training may be kept near, and of the learner before
//! a step.

use anyhow::Result;
use azr_policy::batch::Sequence;
use tch::{Device, Kind};

use super::{Rollout, gradient::logit_rows, micro_batch};
use azr_policy::{Policy, batch::Batch, model::Model};

pub(super) struct Reference {
    start: Policy,
}

impl Reference {
    pub(super) fn new(start: Policy) -> Self {
        Self { start }
    }

    /// The start policy's log-probabilities of every completion token of the rollouts that have a KL coefficient; an
    /// empty list for each of the others.
    pub(super) fn logprobs(&self, rollouts: &[Rollout], temperature: f64, tokens_max: usize) -> Result<Vec<Vec<f32>>> {
        let anchored: Vec<usize> = (0..rollouts.len()).filter(|&i| rollouts[i].kl_coefficient > 0.0).collect();
        let sequences: Vec<Sequence<'_>> =
            anchored.iter().map(|&i| (&*rollouts[i].prompt, &*rollouts[i].completion)).collect();
        let mut all = vec![Vec::new(); rollouts.len()];
        for (i, own) in anchored.into_iter().zip(logprobs(&self.start, &sequences, temperature, tokens_max)?) {
            all[i] = own;
        }
        Ok(all)
    }
}

/// A policy's log-probabilities of every completion token.
pub(super) fn logprobs(
    policy: &Policy,
    sequences: &[Sequence<'_>],
    temperature: f64,
    tokens_max: usize,
) -> Result<Vec<Vec<f32>>> {
    let mut logprobs = vec![Vec::new(); sequences.len()];
    let mut own = Vec::new();
    for group in policy.ranks().turns(micro_batch::groups(sequences, tokens_max)) {
        let batch = group.batch(sequences, policy.model.place().1)?;
        let flat = tch::no_grad(|| targets(&policy.model, &batch, temperature))?;
        own.push((group.sequences, flat));
    }
    for (members, flat) in policy.ranks().as_gather().all_gather(own)?.into_iter().flatten() {
        let mut rest = &flat[..];
        for i in members {
            let (own, others) = rest.split_at(sequences[i].1.len());
            logprobs[i] = own.to_vec();
            rest = others;
        }
    }
    Ok(logprobs)
}

/// Of the targets of a batch, in order. The logits of a whole batch never exist together.
fn targets(model: &Model, batch: &Batch, temperature: f64) -> Result<Vec<f32>> {
    let rows = logit_rows(model.config.vocab_size);
    let states = model.states(batch)?.f_split(rows, 0)?;
    let mut logprobs = Vec::new();
    for (states, targets) in states.into_iter().zip(batch.targets.f_split(rows, 0)?) {
        let all = model.logits(&states)?.f_div_scalar(temperature)?.f_log_softmax(-1, Kind::Float)?;
        let picked = all.f_gather(1, &targets.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?;
        logprobs.extend(Vec::<f32>::try_from(picked.f_to_device(Device::Cpu)?)?);
    }
    Ok(logprobs)
}
