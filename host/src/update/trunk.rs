//! The decoder below its vocabulary head, forwards and backwards, with as many activations in memory as the setting
//! allows.

use std::ops::Range;

use anyhow::Result;
use tch::{Kind, Tensor};

use crate::{
    config::Activations,
    policy::{
        Batch, Policy,
        attention::WholeSequences,
        model::{Model, Pass},
    },
};

/// What is learned.
pub(super) struct Parameter {
    pub(super) tensor: Tensor,
    /// Where the trunk uses it: the embedding before the first layer, the last norm after the last; `None` for a head of
    /// its own.
    layer: Option<usize>,
}

/// A forward pass that can go back once.
///
/// Where activations are recomputed (Chen et al. 2016, "Training deep nets with sublinear memory cost"), the pass keeps what
/// goes into each layer, and on the way back runs one layer again at a time. That repeats the same operations on the same
/// numbers, so the gradients are the same bit for bit.
pub(super) struct Trunk<'a> {
    model: &'a Model,
    batch: &'a Batch,
    attention: WholeSequences<'a>,
    /// Layers whose activations are in memory together, and what goes into the first of them: the tokens, or the leaf at
    /// which the graph of these layers begins.
    segments: Vec<(Range<usize>, Option<Tensor>)>,
    /// The final hidden states at the places of the batch, `[n, hidden]`.
    pub(super) states: Tensor,
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

impl<'a> Trunk<'a> {
    pub(super) fn forward(model: &'a Model, batch: &'a Batch, activations: Activations) -> Result<Self> {
        let layers = model.config.num_hidden_layers;
        let step = match activations {
            Activations::Keep => layers,
            Activations::Recompute => 1,
        };
        let mut attention = model.attention(batch)?;
        let mut segments = Vec::new();
        let mut input = None::<Tensor>;
        for start in (0..layers).step_by(step) {
            let segment = start..start + step;
            if segment.end == layers {
                let states = stretch(model, batch, &mut attention, &segment, input.as_ref())?;
                segments.push((segment, input));
                return Ok(Self { model, batch, attention, segments, states });
            }
            let output = tch::no_grad(|| stretch(model, batch, &mut attention, &segment, input.as_ref()))?;
            segments.push((segment, input.replace(output.f_set_requires_grad(true)?)));
        }
        unreachable!("a model has a layer, and the last segment ends with it")
    }

    /// Takes the gradient for the states back to the parameters that the trunk uses; `found` gets theirs, one by one.
    pub(super) fn backward(
        mut self,
        gradient: Tensor,
        parameters: &[Parameter],
        mut found: impl FnMut(usize, Tensor) -> Result<()>,
    ) -> Result<()> {
        let (mut output, mut gradient) = (Some(self.states), gradient);
        while let Some((segment, input)) = self.segments.pop() {
            let states = match output.take() {
                Some(states) => states,
                None => stretch(self.model, self.batch, &mut self.attention, &segment, input.as_ref())?,
            };
            // tch cannot start a backward pass from a given gradient; this scalar has that gradient.
            let pulled = states.f_mul(&gradient)?.f_sum(Kind::Float)?;
            let used = |parameter: &Parameter| parameter.layer.is_some_and(|layer| segment.contains(&layer));
            let used: Vec<usize> = (0..parameters.len()).filter(|&i| used(&parameters[i])).collect();
            let mut wanted: Vec<&Tensor> = used.iter().map(|&i| &parameters[i].tensor).collect();
            wanted.extend(&input);
            let mut gradients = Tensor::f_run_backward(&[pulled], &wanted, false, false)?;
            if input.is_some() {
                gradient = gradients.pop().expect("one gradient for each tensor that was asked for");
            }
            used.into_iter().zip(gradients).try_for_each(|(i, gradient)| found(i, gradient))?;
        }
        Ok(())
    }
}

fn stretch(
    model: &Model,
    batch: &Batch,
    attention: &mut WholeSequences<'_>,
    layers: &Range<usize>,
    x: Option<&Tensor>,
) -> Result<Tensor> {
    model.stretch(layers.clone(), x, &batch.tokens, Some(&batch.places), Pass::Learn, attention)
}
