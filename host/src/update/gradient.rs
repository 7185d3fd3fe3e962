//! The gradient of an objective over any number of sequences in bounded memory.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use anyhow::{Result, ensure};
use tch::Tensor;

use super::{
    micro_batch::{self, Group, Sequence},
    objective::{Objective, Sums},
    shards::Shards,
    trunk::{Parameter, Trunk},
};
use crate::{
    config::{Activations, UpdateConfig},
    policy::{Policy, model::Model},
};

/// Logits computed at a time, so that they do not fill the memory: 32 MB of f32.
const LOGITS_MAX: i64 = 8 << 20;
/// But at least so many rows, below which reading the vocabulary head costs more than multiplying with it.
const LOGIT_ROWS_MIN: i64 = 256;

/// What one thread needs to take micro-batches.
struct Worker<'a, O> {
    model: Model,
    parameters: Vec<Parameter>,
    /// The place of the vocabulary head among the parameters; `None` where it is frozen.
    head_at: Option<usize>,
    activations: Activations,
    objective: &'a O,
    sequences: &'a [Sequence<'a>],
}

/// The gradient of the objective for final hidden states and vocabulary head.
struct Pulled {
    states: Tensor,
    head: Option<Tensor>,
    sums: Sums,
}

/// Gradients by the place of their parameter. They are there before the activations, whose memory would otherwise be cut up
/// by them where it comes free.
struct Gradients(Vec<Tensor>);

/// What one micro-batch adds.
struct Part {
    gradients: Vec<Tensor>,
    sums: Sums,
}

/// Adds micro-batches up. Of every `size` that follow each other each rank has one, and all ranks add them at once, each
/// for the parameters that it updates.
struct Total<'a> {
    shards: &'a Shards,
    /// Micro-batches of all ranks that are not in yet.
    missing: usize,
    gradients: Gradients,
    /// Of this rank's micro-batches.
    sums: Vec<Sums>,
}

/// The gradient of the objective for every parameter that this rank updates, and its sums. Micro-batches are added in their
/// order, so the result does not depend on the number of threads and ranks.
pub(super) fn gradient(
    policy: &Policy,
    shards: &Shards,
    objective: &impl Objective,
    config: &UpdateConfig,
) -> Result<(Vec<Tensor>, Sums)> {
    let sequences = objective.sequences();
    for (prompt, _) in &sequences {
        ensure!(!prompt.is_empty(), "a prompt is empty; the first completion token needs something to follow");
    }
    let groups = micro_batch::groups(&sequences, config.micro_batch_max_tokens);
    let worker = || Worker {
        model: policy.model.share(),
        parameters: Parameter::all(policy),
        head_at: head_at(policy),
        activations: config.activations,
        objective,
        sequences: &sequences,
    };
    let gradients = Gradients::zeros(shards.own().into_iter().map(|i| &policy.parameters()[i].1))?;
    let mut total = Total { shards, missing: groups.len(), gradients, sums: Vec::new() };
    let groups: Vec<&Group> = shards.ranks.turns(&groups).collect();
    if policy.workers.min(groups.len()) <= 1 {
        let worker = worker();
        groups.iter().try_for_each(|group| total.add_from(&worker, group))?;
    } else {
        in_parallel(policy.workers, &groups, worker, &mut total)?;
    }
    total.finish()
}

/// Threads take micro-batches in order; `total` gets the parts in the same order.
fn in_parallel<'a, O: Objective + 'a>(
    workers: usize,
    groups: &[&Group],
    worker: impl Fn() -> Worker<'a, O>,
    total: &mut Total,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers.min(groups.len()) {
            let (worker, send, next) = (worker(), send.clone(), &next);
            scope.spawn(move || {
                while let Some((i, group)) = take(next, groups) {
                    // Nobody listens any more after an error.
                    if send.send((i, worker.part(group))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (i, part) in receive {
            early.insert(i, part?);
            while let Some(part) = early.remove(&due) {
                total.add(part)?;
                due += 1;
            }
        }
        Ok(())
    })
}

fn take<'g>(next: &AtomicUsize, groups: &[&'g Group]) -> Option<(usize, &'g Group)> {
    let i = next.fetch_add(1, Ordering::Relaxed);
    Some((i, *groups.get(i)?))
}

impl Gradients {
    fn zeros<'a>(parameters: impl Iterator<Item = &'a Tensor>) -> Result<Self> {
        parameters.map(|parameter| Ok(parameter.f_detach()?.f_zeros_like()?)).collect::<Result<_>>().map(Self)
    }

    fn add(&mut self, parameter: usize, gradient: &Tensor) -> Result<()> {
        let _ = tch::no_grad(|| self.0[parameter].f_add_(gradient))?;
        Ok(())
    }
}

impl Total<'_> {
    /// Adds what a worker makes of a micro-batch. Where no other rank adds to it, never two gradients of a parameter are in
    /// memory for longer than it takes to add them.
    fn add_from<O: Objective>(&mut self, worker: &Worker<'_, O>, group: &Group) -> Result<()> {
        if self.shards.ranks.size() > 1 {
            return self.add(worker.part(group)?);
        }
        self.missing -= 1;
        self.sums.push(worker.add(group, &mut self.gradients)?);
        Ok(())
    }

    fn add(&mut self, part: Part) -> Result<()> {
        self.sums.push(part.sums);
        self.add_round(Some(part.gradients))
    }

    fn add_round(&mut self, gradients: Option<Vec<Tensor>>) -> Result<()> {
        let senders = self.missing.min(self.shards.ranks.size());
        self.missing -= senders;
        for gradients in self.shards.exchange(gradients, senders)? {
            gradients.iter().enumerate().try_for_each(|(own, gradient)| self.gradients.add(own, gradient))?;
        }
        Ok(())
    }

    /// The gradients and the sums of all micro-batches.
    fn finish(mut self) -> Result<(Vec<Tensor>, Sums)> {
        // In the last round some ranks have no micro-batch.
        if self.missing > 0 {
            self.add_round(None)?;
        }
        let ranks = self.shards.ranks.gather(self.sums)?;
        let rounds = ranks.iter().map(Vec::len).max().unwrap_or(0);
        let in_order = (0..rounds).flat_map(|round| ranks.iter().filter_map(move |sums| sums.get(round)));
        Ok((self.gradients.0, in_order.fold(Sums::default(), |total, sums| total.plus(sums))))
    }
}

impl<O: Objective> Worker<'_, O> {
    fn part(&self, group: &Group) -> Result<Part> {
        let mut gradients = Gradients::zeros(self.parameters.iter().map(|parameter| &parameter.tensor))?;
        let sums = self.add(group, &mut gradients)?;
        Ok(Part { gradients: gradients.0, sums })
    }

    /// Adds the gradient of some sequences. The vocabulary head is taken in pieces, forwards and backwards, and the trunk
    /// then goes back once: the logits of a whole micro-batch never exist together.
    fn add(&self, group: &Group, total: &mut Gradients) -> Result<Sums> {
        let device = self.model.place().1;
        let batch = group.batch(self.sequences, device)?;
        let trunk = Trunk::forward(&self.model, &batch, self.activations)?;
        let (n, _hidden) = trunk.states.size2()?;
        let constants = self.objective.constants(&group.sequences);
        let rows = constants.len() as i64;
        let constants = Tensor::f_from_slice(&constants.concat())?.f_view([rows, n])?.f_to_device(device)?;
        let Pulled { states, mut head, sums } = self.through_head(&trunk.states, &batch.targets, &constants)?;
        trunk.backward(states, &self.parameters, |parameter, mut gradient| {
            // The embedding of a tied model is its head too.
            if let Some(head) = head.take_if(|_| self.head_at == Some(parameter)) {
                let _ = gradient.f_add_(&head)?;
            }
            total.add(parameter, &gradient)
        })?;
        if let Some((own, head)) = self.head_at.zip(head) {
            total.add(own, &head)?;
        }
        Ok(sums)
    }

    /// The objective of final hidden states, `[n, hidden]`, and its gradient for them and for the vocabulary head.
    fn through_head(&self, states: &Tensor, targets: &Tensor, constants: &Tensor) -> Result<Pulled> {
        let _no_grad = tch::no_grad_guard();
        let step = logit_rows(self.model.config.vocab_size);
        let pieces = states.f_split(step, 0)?.into_iter().zip(targets.f_split(step, 0)?);
        let (mut head, mut state_gradients, mut sums) = (None::<Tensor>, Vec::new(), Sums::default());
        for ((states, targets), constants) in pieces.zip(constants.f_split(step, 1)?) {
            let loss = self.objective.loss(self.model.logits(&states)?, &targets, &constants)?;
            sums.add(&loss.sums)?;
            let gradient = loss.gradient.f_to_kind(states.kind())?;
            state_gradients.push(gradient.f_matmul(self.model.lm_head())?);
            if self.head_at.is_some() {
                head = Some(match head {
                    None => gradient.f_transpose(0, 1)?.f_matmul(&states)?,
                    Some(mut sum) => sum.f_addmm_(&gradient.f_transpose(0, 1)?, &states)?,
                });
            }
        }
        Ok(Pulled { states: Tensor::f_cat(&state_gradients, 0)?, head, sums })
    }
}

/// The place of the vocabulary head among the parameters.
fn head_at(policy: &Policy) -> Option<usize> {
    let name = if policy.model.config.tie_word_embeddings { "model.embed_tokens.weight" } else { "lm_head.weight" };
    policy.parameters().iter().position(|(parameter, _)| parameter == name)
}

/// Places whose logits are computed together.
pub(crate) fn logit_rows(vocab: i64) -> i64 {
    (LOGITS_MAX / vocab).max(LOGIT_ROWS_MIN)
}
