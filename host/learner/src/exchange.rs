//! Gradients on their way from the backward pass to the ranks that add them up.
//!
//! A backward pass finds them layer by layer, from the last to the first. While it goes on they leave in buckets, as in
//! PyTorch's `DistributedDataParallel` (Li et al. 2020, arXiv:2006.15704), through one thread, so that all ranks call the
//! collectives in one order. Unlike there, each rank's part arrives by itself and is added in the order of the
//! micro-batches: the sum does not depend on the number of ranks.

use azr_core::gather::Gather as _;
use std::{
    mem,
    sync::mpsc::{self, Receiver, Sender, SyncSender},
};

use anyhow::{Context as _, Result, bail, ensure};
use tch::Tensor;

use super::{objective::Sums, sharded::ShardedWeights, shards::Shards};
use azr_ranks::Ranks;

/// As large as those of `DistributedDataParallel`.
pub(crate) const BUCKET_BYTES: i64 = 25 << 20;
/// Like there the first one is smaller, so that there is something to send soon.
const FIRST_BUCKET_BYTES: i64 = 1 << 20;
/// Full buckets that may wait. With one the thread finds work when it comes back; more only take memory.
const WAITING_MAX: usize = 1;

/// Some of the elements of one parameter's gradient.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    parameter: usize,
    start: i64,
    length: i64,
    /// The rank that adds it up.
    owner: usize,
}

/// Which elements of the gradient travel together, in the order in which they are found. The same on every rank.
pub(super) struct Buckets(Vec<Vec<Piece>>);

/// What a worker hands over.
enum Job {
    /// Add the next bucket: one tensor for each of its pieces, or none where this rank has no micro-batch.
    Add(Vec<Tensor>),
    /// Put the weights of a layer together.
    Gather(usize),
    Sums(Sums),
}

/// Where a worker puts the gradients of one micro-batch.
pub(super) struct GradientSender<'a> {
    /// Those that are not full.
    buckets: &'a [Vec<Piece>],
    /// So many pieces of the first of them are found.
    found: usize,
    pieces: Vec<Tensor>,
    jobs: SyncSender<Result<Job>>,
}

/// Where a worker asks for weights.
pub(super) struct WeightRequests {
    jobs: SyncSender<Result<Job>>,
    gathered: Receiver<()>,
}

/// The other end of both.
pub(super) struct ExchangeReceiver {
    jobs: Receiver<Result<Job>>,
    gathered: Sender<()>,
}

/// Adds up what the ranks find. In each round every rank has a micro-batch, but in the last one not all may have.
pub(super) struct Exchange<'a> {
    ranks: Ranks,
    buckets: &'a Buckets,
    weights: Option<ShardedWeights>,
    /// Of all ranks.
    micro_batches: usize,
    /// By the index of the parameter, where this rank adds it up. They have their memory before the activations, which would
    /// otherwise be cut up by them where it comes free.
    totals: Vec<Option<Tensor>>,
    /// What is sent where there is nothing to send.
    nothing: Tensor,
}

impl Buckets {
    /// Of all parameters, whose gradients are found in `order`.
    pub(super) fn new(shards: &Shards, order: &[usize]) -> Self {
        let element = shards.parameters.first().map_or(4, |parameter| parameter.kind().elt_size_in_bytes() as i64);
        let sizes = order.iter().map(|&i| (i, shards.parameters[i].numel() as i64, shards.owners[i]));
        Self::cut(sizes, FIRST_BUCKET_BYTES / element, BUCKET_BYTES / element)
    }

    /// Of parameters by index, elements and owner.
    fn cut(sizes: impl Iterator<Item = (usize, i64, usize)>, first: i64, others: i64) -> Self {
        let (mut buckets, mut room) = (vec![Vec::new()], first);
        for (parameter, elements, owner) in sizes {
            let mut start = 0;
            while start < elements {
                if room == 0 {
                    buckets.push(Vec::new());
                    room = others;
                }
                let length = room.min(elements - start);
                buckets.last_mut().expect("there is a first").push(Piece { parameter, start, length, owner });
                (start, room) = (start + length, room - length);
            }
        }
        Self(buckets)
    }

    /// The ends of what connects a worker to the exchange for one micro-batch.
    pub(super) fn channel(&self) -> (GradientSender<'_>, WeightRequests, ExchangeReceiver) {
        let (jobs, receiver) = mpsc::sync_channel(WAITING_MAX);
        let (ready, gathered) = mpsc::channel();
        let sender = GradientSender { buckets: &self.0, found: 0, pieces: Vec::new(), jobs: jobs.clone() };
        (sender, WeightRequests { jobs, gathered }, ExchangeReceiver { jobs: receiver, gathered: ready })
    }
}

impl GradientSender<'_> {
    /// Hands over the gradient of the next parameter in order; `None` where this rank has no micro-batch.
    pub(super) fn put(&mut self, parameter: usize, gradient: Option<&Tensor>) -> Result<()> {
        let flat = gradient.map(|gradient| gradient.f_flatten(0, -1)).transpose()?;
        while let Some(bucket) = self.buckets.first().filter(|bucket| bucket[self.found].parameter == parameter) {
            let Piece { start, length, .. } = bucket[self.found];
            if let Some(flat) = &flat {
                self.pieces.push(flat.f_narrow(0, start, length)?);
            }
            self.found += 1;
            if self.found == bucket.len() {
                (self.buckets, self.found) = (&self.buckets[1..], 0);
                send(&self.jobs, Job::Add(mem::take(&mut self.pieces)))?;
            }
        }
        Ok(())
    }

    /// Ends the micro-batch. An error says that the next one is not worth beginning; the exchange ends with the cause.
    pub(super) fn end(self, sums: Result<Option<Sums>>) -> Result<()> {
        match sums {
            Ok(None) => Ok(()),
            Ok(Some(sums)) => send(&self.jobs, Job::Sums(sums)),
            Err(error) => {
                let _ = self.jobs.send(Err(error));
                bail!(ENDED)
            }
        }
    }
}

impl WeightRequests {
    pub(super) fn ask(&self, layer: usize) -> Result<()> {
        send(&self.jobs, Job::Gather(layer))
    }

    /// Until the first layer that was asked for, and not waited for, is here.
    pub(super) fn wait(&self) -> Result<()> {
        self.gathered.recv().context(ENDED)
    }
}

/// What workers see when something has failed; the exchange says what it was.
const ENDED: &str = "the exchange with the other ranks has ended";

fn send(jobs: &SyncSender<Result<Job>>, job: Job) -> Result<()> {
    jobs.send(Ok(job)).ok().context(ENDED)
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        shards: &Shards,
        buckets: &'a Buckets,
        weights: Option<&ShardedWeights>,
        micro_batches: usize,
    ) -> Result<Self> {
        let Shards { ranks, parameters, owners } = shards;
        let own = |&owner: &usize| owner == ranks.rank();
        let zeros = |(parameter, owner): (&Tensor, &usize)| -> Result<Option<Tensor>> {
            Ok(if own(owner) { Some(parameter.f_detach()?.f_zeros_like()?) } else { None })
        };
        let totals = parameters.iter().zip(owners).map(zeros).collect::<Result<_>>()?;
        let nothing = Tensor::f_zeros([0], (parameters[0].kind(), parameters[0].device()))?;
        let weights = weights.map(ShardedWeights::handle);
        Ok(Self { ranks: ranks.clone(), buckets, weights, micro_batches, totals, nothing })
    }

    /// Adds up all micro-batches, of which this rank's come out of `receivers`, one for each round. Returns the gradients of
    /// the parameters that this rank updates, and the sums of its micro-batches.
    pub(super) fn run(mut self, receivers: Vec<ExchangeReceiver>) -> Result<(Vec<Tensor>, Vec<Sums>)> {
        let mut all_sums = Vec::new();
        for (round, ExchangeReceiver { jobs, gathered }) in receivers.into_iter().enumerate() {
            let senders = (self.micro_batches - round * self.ranks.size()).min(self.ranks.size());
            let mut buckets = self.buckets.0.iter();
            for job in jobs {
                match job? {
                    Job::Add(pieces) => {
                        self.add(buckets.next().expect("an sender sends each bucket once"), pieces, senders)?;
                    }
                    Job::Gather(layer) => {
                        self.weights.as_ref().expect("only sharded weights are asked for").gather(layer)?;
                        // A worker that has failed no longer waits.
                        let _ = gathered.send(());
                    }
                    Job::Sums(sums) => all_sums.push(sums),
                }
            }
            ensure!(buckets.next().is_none(), "a thread that computes gradients ended early");
        }
        Ok((self.totals.into_iter().flatten().collect(), all_sums))
    }

    /// Sends each piece of a bucket to the rank that adds it up, and adds up what comes: from each of the first `senders`
    /// ranks, which are the ones that have a micro-batch.
    fn add(&mut self, bucket: &[Piece], pieces: Vec<Tensor>, senders: usize) -> Result<()> {
        let (ranks, rank) = (0..self.ranks.size(), self.ranks.rank());
        let of = |owner: usize| (0..bucket.len()).filter(move |&i| bucket[i].owner == owner);
        let elements = |owner| of(owner).map(|i| bucket[i].length).sum::<i64>();
        let sent: Vec<i64> = ranks.clone().map(|to| if rank < senders { elements(to) } else { 0 }).collect();
        let received: Vec<i64> = ranks.clone().map(|from| if from < senders { elements(rank) } else { 0 }).collect();
        let flat = match &pieces[..] {
            [] => self.nothing.shallow_clone(),
            pieces => Tensor::f_cat(&ranks.flat_map(of).map(|i| &pieces[i]).collect::<Vec<_>>(), 0)?,
        };
        drop(pieces);
        let all = self.ranks.exchange(&flat, (&sent, &received))?;
        let mut start = 0;
        for i in (0..senders).flat_map(|_| of(rank)) {
            let Piece { parameter, start: at, length, .. } = bucket[i];
            let total = self.totals[parameter].as_ref().expect("the owner of a piece adds it up");
            let _ = total.f_view([-1])?.f_narrow(0, at, length)?.f_add_(&all.f_narrow(0, start, length)?)?;
            start += length;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A large parameter takes several buckets, small ones share one.
    #[test]
    fn every_element_is_in_one_bucket_and_all_but_the_first_and_last_are_full() {
        let piece = |parameter, start, length, owner| Piece { parameter, start, length, owner };
        let Buckets(cut) = Buckets::cut([(2, 7, 1), (0, 3, 0), (1, 2, 1)].into_iter(), 2, 4);
        let expected = [
            vec![piece(2, 0, 2, 1)],
            vec![piece(2, 2, 4, 1)],
            vec![piece(2, 6, 1, 1), piece(0, 0, 3, 0)],
            vec![piece(1, 0, 2, 1)],
        ];
        assert_eq!(cut, expected);
    }
}
