//! The start policy, which training may be kept near.

use anyhow::Result;
use tch::Device;

use super::{Rollout, micro_batch};
use crate::policy::{Batch, Policy};

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
        let length = |&i: &usize| rollouts[i].prompt.len() + rollouts[i].completion.len() - 1;
        let lengths: Vec<usize> = anchored.iter().map(length).collect();
        let mut logprobs = vec![Vec::new(); rollouts.len()];
        for group in micro_batch::groups(&lengths, tokens_max) {
            let members: Vec<usize> = group.into_iter().map(|i| anchored[i]).collect();
            let sequences: Vec<_> = members.iter().map(|&i| (&*rollouts[i].prompt, &*rollouts[i].completion)).collect();
            let batch = Batch::new(&sequences, self.start.device())?;
            let flat = tch::no_grad(|| self.start.logprobs(&batch, temperature))?;
            let flat: Vec<f32> = Vec::try_from(flat.f_to_device(Device::Cpu)?)?;
            let mut rest = &flat[..];
            for i in members {
                let (own, others) = rest.split_at(rollouts[i].completion.len());
                logprobs[i] = own.to_vec();
                rest = others;
            }
        }
        Ok(logprobs)
    }
}
