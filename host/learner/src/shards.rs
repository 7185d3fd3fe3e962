//! Which rank updates which parameter.
//!
//! Stage 1 of ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054): each rank adds up the gradients of its parameters only,
//! keeps the optimiser's state of these, updates them and sends them to the others. Unlike there, parameters are not cut:
//! Muon needs whole matrices, and kernels round differently at the end of a tensor than within it.

use azr_core::gather::Gather as _;
use std::cmp::Reverse;

use anyhow::Result;
use tch::{Device, Tensor};

use azr_policy::libtorch;
use azr_ranks::Ranks;

pub(super) struct Shards {
    pub ranks: Ranks,
    pub parameters: Vec<Tensor>,
    /// The rank of each parameter.
    pub owners: Vec<usize>,
}

impl Shards {
    /// The largest parameters first, each to the rank that has the least so far.
    pub(super) fn new(parameters: &[(String, Tensor)], ranks: &Ranks) -> Self {
        let parameters: Vec<Tensor> = parameters.iter().map(|(_, tensor)| tensor.shallow_clone()).collect();
        let mut order: Vec<usize> = (0..parameters.len()).collect();
        order.sort_by_key(|&i| Reverse(parameters[i].numel()));
        let (mut owners, mut loads) = (vec![0; parameters.len()], vec![0; ranks.size()]);
        for i in order {
            let owner = (0..ranks.size()).min_by_key(|&rank| loads[rank]).expect("there is at least one rank");
            loads[owner] += parameters[i].numel();
            owners[i] = owner;
        }
        Self { ranks: ranks.clone(), parameters, owners }
    }

    /// The parameters that this rank updates, by their indices.
    pub(super) fn own(&self) -> Vec<usize> {
        self.of(self.ranks.rank())
    }

    fn of(&self, rank: usize) -> Vec<usize> {
        (0..self.owners.len()).filter(|&i| self.owners[i] == rank).collect()
    }

    /// The Euclidean norm of all parameters' gradients together, from this rank's.
    pub(super) fn norm(&self, gradients: &[Tensor]) -> Result<f64> {
        let mut norms = vec![0.0; self.parameters.len()];
        let parts = self.ranks.as_gather().all_gather(libtorch::norms(gradients)?)?;
        for (rank, part) in parts.into_iter().enumerate() {
            self.of(rank).into_iter().zip(part).for_each(|(i, norm)| norms[i] = norm);
        }
        let device = self.parameters.first().map_or(Device::Cpu, Tensor::device);
        Ok(Tensor::f_from_slice(&norms)?.f_to_device(device)?.f_norm()?.f_double_value(&[])?)
    }

    /// Sends every parameter from the rank that updates it to the others.
    pub(super) fn publish(&self) -> Result<()> {
        let mut all = self.parameters.iter().zip(&self.owners);
        all.try_for_each(|(parameter, &owner)| self.ranks.broadcast(parameter, owner))
    }
}
