//! Which rank updates which parameter.
//!
//! Stage 1 of ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054): each rank adds up the gradients of its parameters only,
//! keeps the optimiser's state of these, updates them and sends them to the others. Unlike there, parameters are not cut:
//! Muon needs whole matrices, and kernels round differently at the end of a tensor than within it.

use std::cmp::Reverse;

use anyhow::Result;
use tch::{Device, Tensor};

use crate::{policy::libtorch, ranks::Ranks};

pub(super) struct Shards {
    pub ranks: Ranks,
    parameters: Vec<Tensor>,
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

    /// The parameters that this rank updates, by their places.
    pub(super) fn own(&self) -> Vec<usize> {
        self.of(self.ranks.rank())
    }

    fn of(&self, rank: usize) -> Vec<usize> {
        (0..self.owners.len()).filter(|&i| self.owners[i] == rank).collect()
    }

    /// Sends the gradients of all parameters to the ranks that update them. Returns those of this rank's parameters, from
    /// each of the first `senders` ranks, which are the ones that have `gradients`.
    pub(super) fn exchange(&self, gradients: Option<Vec<Tensor>>, senders: usize) -> Result<Vec<Vec<Tensor>>> {
        if self.ranks.size() == 1 {
            return Ok(gradients.into_iter().collect());
        }
        let elements = |rank: usize| self.of(rank).into_iter().map(|i| self.parameters[i].numel() as i64).sum::<i64>();
        let (ranks, own) = (0..self.ranks.size(), elements(self.ranks.rank()));
        let sent: Vec<i64> = ranks.clone().map(|rank| if gradients.is_some() { elements(rank) } else { 0 }).collect();
        let received: Vec<i64> = ranks.clone().map(|rank| if rank < senders { own } else { 0 }).collect();
        let flat = match &gradients {
            Some(gradients) => flat(ranks.flat_map(|rank| self.of(rank)).map(|i| &gradients[i]))?,
            None => self.parameters[0].f_detach()?.f_flatten(0, -1)?.f_narrow(0, 0, 0)?,
        };
        let all = self.ranks.exchange(&flat, (&sent, &received))?;
        let part = |sender: usize| self.unflattened(&all.f_narrow(0, sender as i64 * own, own)?, &self.own());
        (0..senders).map(part).collect()
    }

    /// The Euclidean norm of all parameters' gradients together, from this rank's.
    pub(super) fn norm(&self, gradients: &[Tensor]) -> Result<f64> {
        let mut norms = vec![0.0; self.parameters.len()];
        let parts = self.ranks.gather(libtorch::norms(gradients)?)?;
        for (rank, part) in parts.into_iter().enumerate() {
            self.of(rank).into_iter().zip(part).for_each(|(i, norm)| norms[i] = norm);
        }
        let device = self.parameters.first().map_or(Device::Cpu, Tensor::device);
        Ok(Tensor::f_from_slice(&norms)?.f_to_device(device)?.f_norm()?.f_double_value(&[])?)
    }

    /// Sends every parameter from the rank that updates it to the others.
    pub(super) fn publish(&self) -> Result<()> {
        if self.ranks.size() == 1 {
            return Ok(());
        }
        for owner in 0..self.ranks.size() {
            let places = self.of(owner);
            let flat = flat(places.iter().map(|&i| &self.parameters[i]))?;
            self.ranks.broadcast(&flat, owner)?;
            for (i, updated) in places.iter().zip(self.unflattened(&flat, &places)?) {
                self.parameters[*i].shallow_clone().f_copy_(&updated)?;
            }
        }
        Ok(())
    }

    /// Views of `flat` in the shapes of the parameters at `places`.
    fn unflattened(&self, flat: &Tensor, places: &[usize]) -> Result<Vec<Tensor>> {
        let mut start = 0;
        let view = |&i: &usize| {
            let length = self.parameters[i].numel() as i64;
            start += length;
            Ok(flat.f_narrow(0, start - length, length)?.f_view(&self.parameters[i].size()[..])?)
        };
        places.iter().map(view).collect()
    }
}

/// All elements, one tensor after the other.
fn flat<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Result<Tensor> {
    let flat = tensors.map(|tensor| tensor.f_detach()?.f_flatten(0, -1)).collect::<Result<Vec<_>, _>>()?;
    Ok(Tensor::f_cat(&flat, 0)?)
}
