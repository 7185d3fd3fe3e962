//! Weights of which each rank keeps a part while it finds the gradient.
//!
//! Stage 3 of ZeRO as PyTorch's fully sharded data parallel has it (Zhao et al. 2023, arXiv:2304.11277): before a layer
//! computes, all ranks put its matrices together from their parts, and free them when it is done. Moving weights changes no
//! bit of them.
//!
//! Embedding, head, biases, norms and adapters stay whole. So do all weights outside of the gradient: sampling reads every
//! one at every token.

use anyhow::Result;
use azr_core::gather::Gather as _;
use tch::Tensor;

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

    /// How many layers there are.
    pub(super) fn layer_count(&self) -> usize {
        self.layers.len()
    }

    /// Another handle to the same memory, for another thread.
    pub(super) fn handle(&self) -> Self {
        let handle = |layer: &Vec<Matrix>| layer.iter().map(Matrix::handle).collect();
        Self { ranks: self.ranks.clone(), layers: self.layers.iter().map(handle).collect() }
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

    pub(super) fn allocate(&self, layer: usize) -> Result<()> {
        self.layers[layer].iter().try_for_each(Matrix::allocate)
    }

    pub(super) fn free(&self, layer: usize) -> Result<()> {
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

    fn handle(&self) -> Self {
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
