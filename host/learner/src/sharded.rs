//! Weights of which each rank keeps a part while it finds the gradient.
//!
//! Stage 3 of ZeRO as PyTorch's fully sharded data parallel has it (Zhao et al. 2023, arXiv:2304.11277): before a layer
//! computes, all ranks put its matrices together from their parts, and free them when it is done. Moving weights changes no
//! bit of them.
//!
//! Embedding, head, biases, norms and adapters stay whole. So do all weights outside of the gradient: sampling reads every
//! one at every token.

use azr_core::gather::Gather as _;
use std::{collections::VecDeque, vec};

use anyhow::Result;
use tch::Tensor;

use super::exchange::Courier;
use azr_policy::{libtorch, model::Model};
use azr_ranks::Ranks;

/// The matrices of all layers.
pub(super) struct ShardedWeights {
    ranks: Ranks,
    layers: Vec<Vec<Matrix>>,
}

/// A matrix, or several that share their memory.
struct Matrix {
    /// `[n]`. Has no memory while its layer is not needed.
    whole: Tensor,
    /// This rank's part, `[n / ranks]`.
    part: Tensor,
    /// What is over when all have a part, `[n % ranks]`.
    rest: Tensor,
}

impl ShardedWeights {
    /// Keeps this rank's part of the model's layers and frees the rest, until [`Self::restore`]. After an error in between the
    /// weights are of no more use.
    pub(super) fn new(model: &Model, ranks: &Ranks) -> Result<Self> {
        let matrix = |matrix: &Tensor| Matrix::cut(matrix, ranks);
        let layer = |layer| model.matrices(layer).into_iter().map(matrix).collect::<Result<_>>();
        let layers = (0..model.config.num_hidden_layers).map(layer).collect::<Result<_>>()?;
        Ok(Self { ranks: ranks.clone(), layers })
    }

    /// Another handle to the same memory, for another thread.
    pub(super) fn share(&self) -> Self {
        let share = |layer: &Vec<Matrix>| layer.iter().map(Matrix::share).collect();
        Self { ranks: self.ranks.clone(), layers: self.layers.iter().map(share).collect() }
    }

    /// Puts a layer that has memory together from all ranks' parts.
    pub(super) fn gather(&self, layer: usize) -> Result<()> {
        self.layers[layer].iter().try_for_each(|matrix| matrix.gather(&self.ranks))
    }

    /// All layers are whole again. Parts go one by one, so that they are not there beside all of the whole.
    pub(super) fn restore(self) -> Result<()> {
        let Self { ranks, layers } = self;
        for matrix in layers.into_iter().flatten() {
            matrix.allocate()?;
            matrix.gather(&ranks)?;
        }
        Ok(())
    }

    fn allocate(&self, layer: usize) -> Result<()> {
        self.layers[layer].iter().try_for_each(Matrix::allocate)
    }

    fn free(&self, layer: usize) -> Result<()> {
        self.layers[layer].iter().try_for_each(Matrix::free)
    }
}

impl Matrix {
    fn cut(matrix: &Tensor, ranks: &Ranks) -> Result<Self> {
        let whole = matrix.f_detach()?.f_view([-1])?;
        let (n, size, rank) = (whole.numel() as i64, ranks.size() as i64, ranks.rank() as i64);
        let copy = |start, length| -> Result<Tensor> {
            let mut copy = Tensor::f_empty([length], (whole.kind(), whole.device()))?;
            copy.f_copy_(&whole.f_narrow(0, start, length)?)?;
            Ok(copy)
        };
        let (part, rest) = (copy(n / size * rank, n / size)?, copy(n / size * size, n % size)?);
        let cut = Self { whole, part, rest };
        cut.free()?;
        Ok(cut)
    }

    fn share(&self) -> Self {
        let Self { whole, part, rest } = self;
        Self { whole: whole.shallow_clone(), part: part.shallow_clone(), rest: rest.shallow_clone() }
    }

    fn allocate(&self) -> Result<()> {
        libtorch::resize_storage(&self.whole, self.whole.numel())
    }

    fn free(&self) -> Result<()> {
        libtorch::resize_storage(&self.whole, 0)
    }

    fn gather(&self, ranks: &Ranks) -> Result<()> {
        let (even, over) = (self.part.numel() * ranks.size(), self.rest.numel());
        ranks.all_gather_into_tensor(&self.whole.f_narrow(0, 0, even as i64)?, &self.part)?;
        self.whole.f_narrow(0, even as i64, over as i64)?.f_copy_(&self.rest)?;
        Ok(())
    }
}

/// The layers of one micro-batch in the order in which it needs them: forwards, and from the last but one backwards. One has
/// its weights at a time, and the one after it is on its way. Weights that are whole are always there.
pub(super) struct Walk<'a> {
    sharded: Option<(&'a ShardedWeights, Courier)>,
    /// Layers that are not asked for yet.
    ahead: vec::IntoIter<usize>,
    asked: VecDeque<usize>,
    here: Option<usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(weights: Option<&'a ShardedWeights>, courier: Courier) -> Self {
        let layers = weights.map_or(0, |weights| weights.layers.len());
        let order: Vec<usize> = (0..layers).chain((0..layers.saturating_sub(1)).rev()).collect();
        let sharded = weights.map(|weights| (weights, courier));
        Self { sharded, ahead: order.into_iter(), asked: VecDeque::new(), here: None }
    }

    /// Leaves the layer that is here; returns when the next one is.
    pub(super) fn next(&mut self) -> Result<()> {
        let Some((weights, courier)) = &self.sharded else { return Ok(()) };
        if let Some(done) = self.here.take() {
            weights.free(done)?;
        }
        for layer in self.ahead.by_ref().take(2 - self.asked.len()) {
            weights.allocate(layer)?;
            courier.ask(layer)?;
            self.asked.push_back(layer);
        }
        courier.wait()?;
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
