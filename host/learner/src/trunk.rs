//! The decoder below its vocabulary head, forwards and backwards, with as many activations in memory as the configuration
//! allows.

use std::cmp::Reverse;

use anyhow::Result;
use tch::{Kind, Tensor};

use super::prefetch::LayerPrefetch;
use azr_config::Activations;
use azr_policy::{Policy, attention::WholeSequences, batch::Batch, linear::Pass, model::Model};

/// What is learned.
pub(super) struct Parameter {
    pub(super) tensor: Tensor,
    /// Where the trunk uses it: the embedding before the first layer, the last norm after the last; `None` for a head of
    /// its own.
    pub(super) layer: Option<usize>,
}

/// A forward pass that can go back once, layer by layer. Each layer has a graph of its own.
///
/// Where activations are recomputed (Chen et al. 2016, "Training deep nets with sublinear memory cost"), the pass keeps what
/// goes into each layer, and on the way back runs one layer again at a time. That repeats the same operations on the same
/// numbers, so the gradients are the same bit for bit.
pub(super) struct Trunk<'a> {
    model: &'a Model,
    batch: &'a Batch,
    attention: WholeSequences<'a>,
    weights: LayerPrefetch<'a>,
    /// Those that the backward pass has not reached.
    layers: Vec<Layer>,
    /// The final hidden states at the indices of the batch, `[n, hidden]`.
    pub(super) states: Tensor,
}

/// What is kept of a layer's forward pass.
struct Layer {
    /// The leaf at which its graph begins; `None` in the first layer, which begins with the tokens.
    input: Option<Tensor>,
    /// With its graph, unless that is made again on the way back.
    output: Option<Tensor>,
}

impl Parameter {
    /// The policy's, in their order.
    pub(super) fn all(policy: &Policy) -> Vec<Self> {
        let last = policy.model.config.num_hidden_layers - 1;
        let layer = |name: &str| match name {
            "model.embed_tokens.weight" => Some(0),
            "model.norm.weight" => Some(last),
            _ => name.split_once(".layers.")?.1.split_once('.')?.0.parse().ok(),
        };
        let parameter = |(name, tensor): &(String, Tensor)| Self { tensor: tensor.shallow_clone(), layer: layer(name) };
        policy.parameters().iter().map(parameter).collect()
    }
}

/// The indices of the parameters in the order in which a backward pass finds their gradients.
pub(super) fn backward_order(parameters: &[Parameter]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..parameters.len()).collect();
    order.sort_by_key(|&i| Reverse(parameters[i].layer.unwrap_or(usize::MAX)));
    order
}

impl<'a> Trunk<'a> {
    pub(super) fn forward(
        model: &'a Model,
        batch: &'a Batch,
        activations: Activations,
        mut weights: LayerPrefetch<'a>,
    ) -> Result<Self> {
        let last = model.config.num_hidden_layers - 1;
        let mut attention = model.attention(batch)?;
        let mut layers = Vec::new();
        let mut input = None::<Tensor>;
        for layer in 0..last {
            weights.next()?;
            let mut run = || run(model, batch, &mut attention, layer, input.as_ref());
            let (output, kept) = match activations {
                Activations::Recompute => (tch::no_grad(run)?, None),
                Activations::Keep => {
                    let output = run()?;
                    (output.f_detach()?, Some(output))
                }
            };
            layers.push(Layer { input: input.replace(output.f_set_requires_grad(true)?), output: kept });
        }
        weights.next()?;
        let states = run(model, batch, &mut attention, last, input.as_ref())?;
        layers.push(Layer { input, output: Some(states.shallow_clone()) });
        Ok(Self { model, batch, attention, weights, layers, states: states.f_detach()? })
    }

    /// Takes the gradient for the states back to the parameters that the trunk uses; `found` gets theirs, one by one, in the
    /// order of [`backward_order`].
    pub(super) fn backward(
        mut self,
        mut gradient: Tensor,
        parameters: &[Parameter],
        mut found: impl FnMut(usize, Tensor) -> Result<()>,
    ) -> Result<()> {
        while let Some(Layer { input, output }) = self.layers.pop() {
            let layer = self.layers.len();
            let output = match output {
                Some(output) => output,
                None => {
                    self.weights.next()?;
                    run(self.model, self.batch, &mut self.attention, layer, input.as_ref())?
                }
            };
            // tch cannot start a backward pass from a given gradient; this scalar has that gradient.
            let product = output.f_mul(&gradient)?.f_sum(Kind::Float)?;
            let used: Vec<usize> = (0..parameters.len()).filter(|&i| parameters[i].layer == Some(layer)).collect();
            let mut wanted: Vec<&Tensor> = used.iter().map(|&i| &parameters[i].tensor).collect();
            wanted.extend(&input);
            let mut gradients = Tensor::f_run_backward(&[product], &wanted, false, false)?;
            if input.is_some() {
                gradient = gradients.pop().expect("one gradient for each tensor that was asked for");
            }
            used.into_iter().zip(gradients).try_for_each(|(i, gradient)| found(i, gradient))?;
        }
        self.weights.end()
    }
}

/// One layer of the trunk, with the embedding before the first and the norm after the last.
fn run(
    model: &Model,
    batch: &Batch,
    attention: &mut WholeSequences<'_>,
    layer: usize,
    x: Option<&Tensor>,
) -> Result<Tensor> {
    model.layer_range(layer..layer + 1, x, &batch.tokens, Some(&batch.indices), Pass::Train, attention)
}
