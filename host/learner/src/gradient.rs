//! The gradient of an objective over any number of sequences in bounded memory.

use azr_core::gather::Gather as _;
use azr_policy::batch::Sequence;
use std::{iter, sync::Mutex, thread, vec};

use anyhow::{Result, ensure};
use tch::Tensor;

use super::{
    exchange::{Buckets, Exchange, GradientSender, WeightRequests},
    micro_batch::{self, Group},
    objective::{Objective, Sums},
    prefetch::LayerPrefetch,
    sharded::ShardedWeights,
    shards::Shards,
    trunk::{Parameter, Trunk, backward_order},
};
use azr_config::{Activations, UpdateConfig, WeightsKind};
use azr_policy::{Policy, model::Model};

/// Logits computed at a time, so that they do not fill the memory: 32 MB of f32.
const LOGITS_MAX: i64 = 8 << 20;
/// But at least this many rows, below which reading the vocabulary head costs more than multiplying with it.
const LOGIT_ROWS_MIN: i64 = 256;

/// What one thread needs to take micro-batches.
struct Worker<'a, O> {
    model: Model,
    parameters: Vec<Parameter>,
    /// `None` where they are whole.
    weights: Option<ShardedWeights>,
    /// The index of the vocabulary head among the parameters; `None` where it is frozen.
    head_at: Option<usize>,
    activations: Activations,
    objective: &'a O,
    sequences: &'a [Sequence<'a>],
}

/// The gradient of the objective for final hidden states and vocabulary head.
struct HeadGradients {
    states: Tensor,
    head: Option<Tensor>,
    sums: Sums,
}

/// The micro-batches of this rank and where their gradients go; `None` in a round for which there is none.
type MicroBatches<'a> = vec::IntoIter<(Option<&'a Group>, GradientSender<'a>, WeightRequests)>;

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
    let ranks = &shards.ranks;
    let sharded = match config.weights {
        WeightsKind::Sharded if ranks.size() > 1 => Some(ShardedWeights::new(&policy.model, ranks)?),
        _ => None,
    };
    let worker = || Worker {
        model: policy.model.handle(),
        parameters: Parameter::all(policy),
        head_at: head_at(policy),
        weights: sharded.as_ref().map(ShardedWeights::handle),
        activations: config.activations,
        objective,
        sequences: &sequences,
    };
    let buckets = Buckets::new(shards, &backward_order(&Parameter::all(policy)));
    let exchange = Exchange::new(shards, &buckets, sharded.as_ref(), groups.len())?;
    let rounds = groups.len().div_ceil(ranks.size());
    let own = ranks.round_robin(&groups).map(Some).chain(iter::repeat(None)).take(rounds);
    let (micro_batches, receivers): (Vec<_>, Vec<_>) = own
        .map(|group| {
            let (sender, requests, receiver) = buckets.channel();
            ((group, sender, requests), receiver)
        })
        .unzip();
    let micro_batches = Mutex::new(micro_batches.into_iter());
    let (gradients, sums) = thread::scope(|scope| {
        let adding = scope.spawn(|| exchange.run(receivers));
        // Sharded weights are those of one micro-batch at a time.
        let workers = if sharded.is_some() { 1 } else { policy.workers.min(rounds) };
        for _ in 1..workers {
            let (worker, micro_batches) = (worker(), &micro_batches);
            scope.spawn(move || worker.run(micro_batches));
        }
        worker().run(&micro_batches);
        adding.join().expect("the exchange of gradients does not panic")
    })?;
    if let Some(weights) = sharded {
        weights.restore()?;
    }
    let sums = ranks.as_gather().all_gather(sums)?;
    let in_order = (0..rounds).flat_map(|round| sums.iter().filter_map(move |sums| sums.get(round)));
    Ok((gradients, in_order.fold(Sums::default(), |total, sums| total.plus(sums))))
}

impl<O: Objective> Worker<'_, O> {
    /// Takes micro-batches until there are no more, or something fails.
    fn run(&self, micro_batches: &Mutex<MicroBatches<'_>>) {
        let next = || micro_batches.lock().expect("taking a micro-batch does not panic").next();
        while let Some((group, mut sender, requests)) = next() {
            let layers = LayerPrefetch::new(self.weights.as_ref(), requests);
            let sums = match group {
                Some(group) => self.pass(group, layers, &mut sender).map(Some),
                None => self.sit_out(layers, &mut sender).map(|()| None),
            };
            if sender.end(sums).is_err() {
                return;
            }
        }
    }

    /// Finds the gradient of some sequences. The vocabulary head is taken in pieces, forwards and backwards, and the trunk
    /// then goes back once: the logits of a whole micro-batch never exist together.
    fn pass(&self, group: &Group, layers: LayerPrefetch<'_>, sender: &mut GradientSender<'_>) -> Result<Sums> {
        let device = self.model.kind_and_device().1;
        let batch = group.batch(self.sequences, device)?;
        let trunk = Trunk::forward(&self.model, &batch, self.activations, layers)?;
        let (n, _hidden) = trunk.states.size2()?;
        let constants = self.objective.constants(&group.sequences);
        let rows = constants.len() as i64;
        let constants = Tensor::f_from_slice(&constants.concat())?.f_view([rows, n])?.f_to_device(device)?;
        let HeadGradients { states, head, sums } = self.through_head(&trunk.states, &batch.targets, &constants)?;
        let mut head = self.head_at.zip(head);
        if let Some((own, head)) = head.take_if(|(own, _)| self.parameters[*own].layer.is_none()) {
            sender.put(own, Some(&head))?;
        }
        trunk.backward(states, &self.parameters, |parameter, mut gradient| {
            // The embedding of a tied model is its head too.
            if let Some((_, head)) = head.take_if(|(shared, _)| *shared == parameter) {
                let _ = gradient.f_add_(&head)?;
            }
            sender.put(parameter, Some(&gradient))
        })?;
        Ok(sums)
    }

    /// Takes part in what the ranks do together for a micro-batch, in the same order, without having one.
    fn sit_out(&self, mut layers: LayerPrefetch<'_>, sender: &mut GradientSender<'_>) -> Result<()> {
        let last = self.model.config.num_hidden_layers - 1;
        (0..=last).try_for_each(|_| layers.next())?;
        let mut here = last;
        for parameter in backward_order(&self.parameters) {
            while self.parameters[parameter].layer.is_some_and(|layer| layer < here) {
                layers.next()?;
                here -= 1;
            }
            sender.put(parameter, None)?;
        }
        layers.end()
    }

    /// The objective of final hidden states, `[n, hidden]`, and its gradient for them and for the vocabulary head.
    fn through_head(&self, states: &Tensor, targets: &Tensor, constants: &Tensor) -> Result<HeadGradients> {
        let _no_grad = tch::no_grad_guard();
        let step = logit_rows(self.model.config.vocab_size);
        let pieces = states.f_split(step, 0)?.into_iter().zip(targets.f_split(step, 0)?);
        let (mut head, mut state_gradients, mut sums) = (None::<Tensor>, Vec::new(), Vec::new());
        for ((states, targets), constants) in pieces.zip(constants.f_split(step, 1)?) {
            let loss = self.objective.loss(self.model.logits(&states)?, &targets, &constants)?;
            sums.push(loss.sums);
            let gradient = loss.gradient.f_to_kind(states.kind())?;
            state_gradients.push(gradient.f_matmul(self.model.lm_head())?);
            if self.head_at.is_some() {
                head = Some(match head {
                    None => gradient.f_transpose(0, 1)?.f_matmul(&states)?,
                    Some(mut sum) => sum.f_addmm_(&gradient.f_transpose(0, 1)?, &states)?,
                });
            }
        }
        Ok(HeadGradients { states: Tensor::f_cat(&state_gradients, 0)?, head, sums: Sums::of(&sums)? })
    }
}

/// The index of the vocabulary head among the parameters.
fn head_at(policy: &Policy) -> Option<usize> {
    let name = if policy.model.config.tie_word_embeddings { "model.embed_tokens.weight" } else { "lm_head.weight" };
    policy.parameters().iter().position(|(parameter, _)| parameter == name)
}

/// Places whose logits are computed together.
pub(crate) fn logit_rows(vocab: i64) -> i64 {
    (LOGITS_MAX / vocab).max(LOGIT_ROWS_MIN)
}
