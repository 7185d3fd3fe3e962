//! Layers of sharded weights, put together one ahead of where they are needed.

use std::{collections::VecDeque, vec};

use anyhow::Result;

use super::{exchange::WeightRequests, sharded::ShardedWeights};

/// The layers of one micro-batch in the order in which it needs them: forwards, and from the last but one backwards. One has
/// its weights at a time, and the one after it is on its way. Weights that are whole are always there.
pub(super) struct LayerPrefetch<'a> {
    sharded: Option<(&'a ShardedWeights, WeightRequests)>,
    /// Layers that are not asked for yet.
    ahead: vec::IntoIter<usize>,
    asked: VecDeque<usize>,
    here: Option<usize>,
}

impl<'a> LayerPrefetch<'a> {
    pub(super) fn new(weights: Option<&'a ShardedWeights>, requests: WeightRequests) -> Self {
        let layers = weights.map_or(0, |weights| weights.layer_count());
        let order: Vec<usize> = (0..layers).chain((0..layers.saturating_sub(1)).rev()).collect();
        let sharded = weights.map(|weights| (weights, requests));
        Self { sharded, ahead: order.into_iter(), asked: VecDeque::new(), here: None }
    }

    /// Leaves the layer that is here; returns when the next one is.
    pub(super) fn next(&mut self) -> Result<()> {
        let Some((weights, requests)) = &self.sharded else { return Ok(()) };
        if let Some(done) = self.here.take() {
            weights.free(done)?;
        }
        for layer in self.ahead.by_ref().take(2 - self.asked.len()) {
            weights.allocate(layer)?;
            requests.ask(layer)?;
            self.asked.push_back(layer);
        }
        requests.wait()?;
        self.here = self.asked.pop_front();
        Ok(())
    }

    /// Leaves the last layer.
    pub(super) fn end(mut self) -> Result<()> {
        match (self.sharded, self.here.take()) {
            (Some((weights, _)), Some(done)) => weights.free(done),
            _ => Ok(()),
        }
    }
}
