//! Log-probabilities without a gradient: of the start policy, which training may be kept near, and of the learner before
//! a step.

use anyhow::Result;
use azr_policy::batch::Sequence;
use tch::{Device, Kind};

use super::{
    Rollout,
    gradient::logit_rows,
    micro_batch::{self, Group},
};
use std::{iter, sync::Mutex, thread};

use azr_policy::{Policy, batch::Batch, model::Model};

pub(super) struct Reference {
    start: Policy,
}

impl Reference {
    pub(super) fn new(start: Policy) -> Self {
        Self { start }
    }

    /// The start policy's log-probabilities of every completion token of the rollouts that have a KL coefficient; an
    /// empty list for each of the others. Those that are noted already are not computed again.
    pub(super) fn logprobs(&self, rollouts: &[Rollout], temperature: f64, tokens_max: usize) -> Result<Vec<Vec<f32>>> {
        let missing = |rollout: &Rollout| rollout.kl_coefficient > 0.0 && rollout.start_logprobs.is_empty();
        let with_kl: Vec<usize> = (0..rollouts.len()).filter(|&i| missing(&rollouts[i])).collect();
        let sequences: Vec<Sequence<'_>> =
            with_kl.iter().map(|&i| (&*rollouts[i].prompt, &*rollouts[i].completion)).collect();
        let mut all: Vec<Vec<f32>> = rollouts.iter().map(|rollout| rollout.start_logprobs.clone()).collect();
        for (i, own) in with_kl.into_iter().zip(logprobs(&self.start, &sequences, temperature, tokens_max)?) {
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
    let groups = micro_batch::groups(sequences, tokens_max);
    let pass = |model: &Model, group: &Group| {
        let batch = group.batch(sequences, model.kind_and_device().1)?;
        anyhow::Ok((group.sequences.clone(), tch::no_grad(|| targets(model, &batch, temperature))?))
    };
    // As for the gradient: where libtorch has one thread, ours take a micro-batch each.
    let queue = Mutex::new(policy.ranks().round_robin(&groups));
    let take = || queue.lock().expect("no thread panics while it takes a micro-batch").next();
    let work = |model: Model| iter::from_fn(take).map(|group| pass(&model, group)).collect::<Result<Vec<_>>>();
    let own = thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (1..policy.workers.min(groups.len()))
            .map(|_| {
                let model = policy.model.handle();
                scope.spawn(move || work(model))
            })
            .collect();
        let mut own = work(policy.model.handle())?;
        for thread in threads {
            own.extend(thread.join().expect("a thread of the reference pass panicked")?);
        }
        anyhow::Ok(own)
    })?;
    let mut logprobs = vec![Vec::new(); sequences.len()];
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
