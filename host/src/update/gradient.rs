//! The gradient of an objective over any number of sequences in bounded memory.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use anyhow::{Result, ensure};
use tch::{Kind, Tensor};

use super::{
    micro_batch::{self, Group, Sequence},
    objective::{Objective, Sums},
    shards::Shards,
};
use crate::policy::{Policy, libtorch, model::Model};

/// Logits computed at a time, so that they do not fill the memory: 32 MB of f32.
const LOGITS_MAX: i64 = 8 << 20;
/// But at least so many rows, below which reading the vocabulary head costs more than multiplying with it.
const LOGIT_ROWS_MIN: i64 = 256;

/// What one thread needs to take micro-batches.
struct Worker<'a, O> {
    model: Model,
    parameters: Vec<Tensor>,
    head_at: usize,
    objective: &'a O,
    sequences: &'a [Sequence<'a>],
}

/// The gradient of one micro-batch, in the order of the parameters.
struct Part {
    gradients: Vec<Tensor>,
    sums: Sums,
}

/// The gradient of the objective for every parameter that this rank updates, and its sums. Micro-batches are added in their
/// order, so the result does not depend on the number of threads and ranks.
pub(super) fn gradient(
    policy: &Policy,
    shards: &Shards,
    objective: &impl Objective,
    tokens_max: usize,
) -> Result<(Vec<Tensor>, Sums)> {
    let sequences = objective.sequences();
    for (prompt, _) in &sequences {
        ensure!(!prompt.is_empty(), "a prompt is empty; the first completion token needs something to follow");
    }
    let groups = micro_batch::groups(&sequences, tokens_max);
    let worker = || Worker {
        model: policy.model.share(),
        parameters: policy.parameters().iter().map(|(_, tensor)| tensor.shallow_clone()).collect(),
        head_at: head_at(policy),
        objective,
        sequences: &sequences,
    };
    let mut total = Total { shards, missing: groups.len(), gradients: Vec::new(), sums: Vec::new() };
    let groups: Vec<&Group> = shards.ranks.turns(&groups).collect();
    if policy.workers.min(groups.len()) <= 1 {
        let worker = worker();
        groups.iter().try_for_each(|group| total.add(worker.part(group)?))?;
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

/// Adds micro-batches up. Of every `size` that follow each other each rank has one, and all ranks add them at once, each
/// for the parameters that it updates.
struct Total<'a> {
    shards: &'a Shards,
    /// Micro-batches of all ranks that are not in yet.
    missing: usize,
    gradients: Vec<Tensor>,
    /// Of this rank's micro-batches.
    sums: Vec<Sums>,
}

impl Total<'_> {
    fn add(&mut self, part: Part) -> Result<()> {
        self.sums.push(part.sums);
        self.add_round(Some(part.gradients))
    }

    fn add_round(&mut self, gradients: Option<Vec<Tensor>>) -> Result<()> {
        let senders = self.missing.min(self.shards.ranks.size());
        self.missing -= senders;
        for gradients in self.shards.exchange(gradients, senders)? {
            if self.gradients.is_empty() {
                self.gradients = gradients;
            } else {
                tch::no_grad(|| libtorch::add(&self.gradients, &gradients))?;
            }
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
        Ok((self.gradients, in_order.fold(Sums::default(), |total, sums| total.plus(sums))))
    }
}

impl<O: Objective> Worker<'_, O> {
    /// Loss and gradient of some sequences. The vocabulary head is taken in pieces, forwards and backwards, and the trunk
    /// then goes back once: the logits of a whole micro-batch never exist together.
    fn part(&self, group: &Group) -> Result<Part> {
        let device = self.model.place().1;
        let batch = group.batch(self.sequences, device)?;
        let states = self.model.states(&batch)?;
        let (n, _hidden) = states.size2()?;
        let constants = self.objective.constants(&group.sequences);
        let rows = constants.len() as i64;
        let constants = Tensor::f_from_slice(&constants.concat())?.f_view([rows, n])?.f_to_device(device)?;

        let step = logit_rows(self.model.config.vocab_size);
        let pieces = |tensor: &Tensor, dim| tensor.f_split(step, dim);
        let head = &self.parameters[self.head_at];
        let (mut head_gradient, mut state_gradients, mut sums) = (None::<Tensor>, Vec::new(), Sums::default());
        let pieces = pieces(&states, 0)?.into_iter().zip(pieces(&batch.targets, 0)?).zip(pieces(&constants, 1)?);
        for ((states, targets), constants) in pieces {
            let _no_grad = tch::no_grad_guard();
            let loss = self.objective.loss(self.model.logits(&states)?, &targets, &constants)?;
            sums.add(&loss.sums)?;
            let gradient = loss.gradient.f_to_kind(head.kind())?;
            state_gradients.push(gradient.f_matmul(head)?);
            head_gradient = Some(match head_gradient {
                None => gradient.f_transpose(0, 1)?.f_matmul(&states)?,
                Some(mut sum) => sum.f_addmm_(&gradient.f_transpose(0, 1)?, &states)?,
            });
        }
        let head_gradient = head_gradient.expect("a group has at least one sequence");
        // tch cannot start a backward pass from a given gradient; this scalar has that gradient.
        let pulled = states.f_mul(&Tensor::f_cat(&state_gradients, 0)?)?.f_sum(Kind::Float)?;
        Ok(Part { gradients: self.trunk_gradients(&pulled, head_gradient)?, sums })
    }

    fn trunk_gradients(&self, pulled: &Tensor, head_gradient: Tensor) -> Result<Vec<Tensor>> {
        let tied = self.model.config.tie_word_embeddings;
        let trunk = self.parameters.iter().enumerate().filter(|(i, _)| tied || *i != self.head_at);
        let trunk: Vec<&Tensor> = trunk.map(|(_, tensor)| tensor).collect();
        let mut gradients = Tensor::f_run_backward(&[pulled], &trunk, false, false)?;
        if tied {
            let _ = gradients[self.head_at].f_add_(&head_gradient)?;
        } else {
            gradients.insert(self.head_at, head_gradient);
        }
        Ok(gradients)
    }
}

/// The place of the vocabulary head among the parameters.
fn head_at(policy: &Policy) -> usize {
    let name = if policy.model.config.tie_word_embeddings { "model.embed_tokens.weight" } else { "lm_head.weight" };
    let found = policy.parameters().iter().position(|(parameter, _)| parameter == name);
    found.expect("every model has a vocabulary head")
}

/// Places whose logits are computed together.
pub(super) fn logit_rows(vocab: i64) -> i64 {
    (LOGITS_MAX / vocab).max(LOGIT_ROWS_MIN)
}
