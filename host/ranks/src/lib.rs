//! Ranks: the processes that train one policy together, each with a copy of it.
//!
//! They are equals that do the same in the same order. Work is shared: each rank does its part, and all get the results
//! of all, in an order that does not depend on their number. Every rank computes for itself what follows from results, and
//! finds the same. A run by one process has one rank.
//!
//! A launcher starts them and says in environment variables who is who; `torchrun --no-python` is one, and three lines
//! around Slurm's `srun` are another (`examples/cluster`).

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use azr_core::{gather::Gather, launch::Launch, task::Digest};
use c10d::{Group, Role, Store};
use tch::{Device, Kind, Tensor};

mod watch;

use watch::Watch;

/// What a rank takes of each other in one gathering: the completions of a step are some hundred megabytes at most.
const GATHERED_MAX_BYTES: i64 = 4 << 30;

/// This process's rank, and its connection to the others. Clones are the same rank.
#[derive(Clone, Default)]
pub struct Ranks {
    others: Option<Arc<Others>>,
}

/// The connection of several ranks.
struct Others {
    rank: usize,
    size: usize,
    /// Through the host's memory.
    group: Group,
    /// From GPU to GPU, once tensors there are to be exchanged; `None` where that cannot be.
    gpus: OnceLock<Option<Group>>,
    gpus_store: Store,
    timeout: Duration,
    watch: Watch,
    sent_bytes: AtomicU64,
}

impl Ranks {
    /// One rank, alone.
    pub fn alone() -> Self {
        Self::default()
    }

    /// Meets the other ranks of a launch. A collective that takes longer than `timeout` fails.
    pub fn join(launch: &Launch, timeout: Duration) -> Result<Self> {
        let &Launch { rank, size, .. } = launch;
        if size == 1 {
            return Ok(Self::alone());
        }
        let store = store(launch, timeout)?;
        let here = |rank| format!("here/{rank}");
        if store.has(&here(rank))? {
            watch::tell_to_stop(&store, &format!("rank {rank} was started again"))?;
            bail!("the ranks that were started with an earlier rank {rank} still run; they were told to stop");
        }
        store.set(&here(rank), &[])?;
        for other in 0..size {
            let seconds = timeout.as_secs();
            let came = store.get(&here(other), timeout);
            came.with_context(|| format!("rank {other} of {size} did not start within {seconds} s"))?;
        }
        let (cpus_store, gpus_store) = (store.prefixed("cpus")?, store.prefixed("gpus")?);
        // Before the ranks connect: that can hang where one of them is gone by now.
        let watch = Watch::start(launch, store)?;
        let group = Group::gloo(&cpus_store, rank, size, timeout).context("the ranks cannot reach each other");
        let group = group.inspect_err(|error| watch.report(&format!("rank {rank} failed: {error:#}")))?;
        let (gpus, sent_bytes) = (OnceLock::new(), AtomicU64::new(0));
        let others = Others { rank, size, group, gpus, gpus_store, timeout, watch, sent_bytes };
        Ok(Self { others: Some(Arc::new(others)) })
    }

    /// Every `size`-th of `items`, from this rank's number on. For work that gets less from item to item.
    pub fn round_robin<T>(&self, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        round_robin(items, self.rank(), self.size())
    }

    /// As the seam that crates without tensors know.
    pub fn as_gather(&self) -> &dyn Gather {
        self
    }

    /// `tensor` becomes what it is on the rank `root`.
    pub fn broadcast(&self, tensor: &Tensor, root: usize) -> Result<()> {
        let Some(others) = &self.others else { return Ok(()) };
        let (group, staged) = others.stage(tensor)?;
        let bytes = if root == others.rank { bytes_of(&staged) * (others.size as u64 - 1) } else { 0 };
        others.collective(bytes, || group.broadcast(&staged, root))?;
        unstage(&staged, tensor)
    }

    /// Sends the next `counts.0[rank]` elements of `from`, `[n]`, to each rank, and returns what they sent to this one,
    /// `counts.1[rank]` elements from each.
    pub fn exchange(&self, from: &Tensor, counts: (&[i64], &[i64])) -> Result<Tensor> {
        let Some(others) = &self.others else { return Ok(from.shallow_clone()) };
        let (sent, received) = counts;
        let (group, staged) = others.stage(from)?;
        let into = Tensor::f_zeros([received.iter().sum::<i64>()], (from.kind(), staged.device()))?;
        let kept = sent[others.rank] as u64 * from.kind().elt_size_in_bytes() as u64;
        others.collective(bytes_of(&staged) - kept, || group.all_to_all((&into, received), (&staged, sent)))?;
        Ok(into.f_to_device(from.device())?)
    }

    /// `into`, `[size × n]`, becomes what all ranks have in `own`, `[n]`, in their order.
    pub fn all_gather_into_tensor(&self, into: &Tensor, own: &Tensor) -> Result<()> {
        let Some(others) = &self.others else { return Ok(into.shallow_clone().f_copy_(own)?) };
        let bytes = bytes_of(own) * (others.size as u64 - 1);
        let (group, staged) = others.stage(into)?;
        let own = own.f_to_device(staged.device())?;
        others.collective(bytes, || group.all_gather(&staged, &own))?;
        unstage(&staged, into)
    }

    /// Parts from the others: after success together with them, after a failure with word of it, so that they stop too.
    pub fn leave<T>(&self, result: Result<T>) -> Result<T> {
        let Some(others) = &self.others else { return result };
        let result = result.and_then(|done| {
            // Until all are here each gives signs of life: one may still be writing. None leaves before all stopped looking.
            self.as_gather().barrier()?;
            others.watch.end();
            self.as_gather().barrier()?;
            if let Some(gpus) = others.gpus.get().and_then(Option::as_ref) {
                gpus.shutdown()?;
            }
            Ok(done)
        });
        result.inspect_err(|error| others.watch.report(&format!("rank {} failed: {error:#}", self.rank())))
    }
}

impl Gather for Ranks {
    fn rank(&self) -> usize {
        self.others.as_ref().map_or(0, |others| others.rank)
    }

    fn size(&self) -> usize {
        self.others.as_ref().map_or(1, |others| others.size)
    }

    fn all_gather_bytes(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        match &self.others {
            Some(others) => others.gather_bytes(&own),
            None => Ok(vec![own]),
        }
    }

    fn sent_bytes(&self) -> u64 {
        self.others.as_ref().map_or(0, |others| others.sent_bytes.load(Ordering::Relaxed))
    }
}

/// The store of this start of the ranks: what an earlier one left in the launcher's is not seen, nor what somebody left
/// there who does not know the token. It is no password: whoever reads the network learns the names of keys.
fn store(launch: &Launch, timeout: Duration) -> Result<Store> {
    let Launch { address, port, .. } = launch;
    let role = if launch.rank == 0 && !launch.launcher_serves { Role::Server } else { Role::Client };
    let store = Store::connect(address, *port, role, timeout);
    let store = store.with_context(|| format!("no store at {address}:{port} (MASTER_ADDR, MASTER_PORT)"))?;
    let known = Digest::of(format!("ranks {}", launch.token));
    Ok(store.prefixed(&format!("azr-host/{known}/{}", launch.restarts))?)
}

impl Others {
    /// Runs one collective, in which this rank sends `bytes` to others.
    fn collective(&self, bytes: u64, run: impl FnOnce() -> Result<(), c10d::Error>) -> Result<()> {
        self.watch.count();
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        run().map_err(|error| self.watch.explain(error))
    }

    /// The group that exchanges `tensor`, and the tensor where that group can reach it.
    fn stage(&self, tensor: &Tensor) -> Result<(&Group, Tensor)> {
        let gpus = match tensor.device() {
            Device::Cpu => None,
            _ => self.gpus.get_or_init(|| self.join_gpus()).as_ref(),
        };
        let (group, device) = gpus.map_or((&self.group, Device::Cpu), |group| (group, tensor.device()));
        Ok((group, tensor.f_detach()?.f_to_device(device)?.f_contiguous()?))
    }

    /// All ranks or none use NCCL.
    fn join_gpus(&self) -> Option<Group> {
        let group = Group::nccl(&self.gpus_store, self.rank, self.size, self.timeout);
        let failure = group.as_ref().err().map_or_else(String::new, ToString::to_string);
        // A group that fails here fails again at the collective that is about to follow, which says so.
        let failures = self.gather_bytes(failure.as_bytes()).ok()?;
        let failed = failures.iter().position(|failure| !failure.is_empty());
        if let (0, Some(rank)) = (self.rank, failed) {
            let failure = String::from_utf8_lossy(&failures[rank]);
            tracing::warn!("GPUs exchange through the host's memory, which is slow. On rank {rank} {failure}");
        }
        group.ok().filter(|_| failed.is_none())
    }

    fn gather_bytes(&self, own: &[u8]) -> Result<Vec<Vec<u8>>> {
        let (size, cpu) = (self.size as i64, Device::Cpu);
        let to_others = self.size as u64 - 1;
        let lengths = Tensor::f_zeros([size], (Kind::Int64, cpu))?;
        let length = Tensor::from_slice(&[own.len() as i64]);
        self.collective(8 * to_others, || self.group.all_gather(&lengths, &length))?;
        let lengths: Vec<i64> = Vec::try_from(lengths)?;
        let longest = longest(&lengths, GATHERED_MAX_BYTES)?;
        if longest == 0 {
            return Ok(vec![Vec::new(); self.size]);
        }
        let mut padded = own.to_vec();
        padded.resize(longest as usize, 0);
        let all = Tensor::f_zeros([size * longest], (Kind::Uint8, cpu))?;
        let own = Tensor::f_from_slice(&padded)?;
        self.collective(longest as u64 * to_others, || self.group.all_gather(&all, &own))?;
        let all: Vec<u8> = Vec::try_from(all)?;
        let parts = all.chunks(longest as usize).zip(lengths);
        Ok(parts.map(|(part, length)| part[..length as usize].to_vec()).collect())
    }
}

/// Of the lengths that the ranks announce, before any memory is taken for what they send.
fn longest(lengths: &[i64], max_bytes: i64) -> Result<i64> {
    ensure!(
        lengths.iter().all(|length| (0..=max_bytes).contains(length)),
        "the ranks announce {lengths:?} bytes; at most {max_bytes} are taken of each"
    );
    Ok(lengths.iter().copied().max().unwrap_or(0))
}

/// Brings what a collective left in `staged` back to `tensor`.
fn unstage(staged: &Tensor, tensor: &Tensor) -> Result<()> {
    if staged.data_ptr() != tensor.data_ptr() {
        tensor.f_detach()?.f_copy_(staged)?;
    }
    Ok(())
}

fn round_robin<T>(items: impl IntoIterator<Item = T>, rank: usize, size: usize) -> impl Iterator<Item = T> {
    items.into_iter().skip(rank).step_by(size)
}

fn bytes_of(tensor: &Tensor) -> u64 {
    (tensor.numel() * tensor.kind().elt_size_in_bytes()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_that_announces_too_much_is_refused() {
        let announced = [0, 6 << 30, 3];
        let said = longest(&announced, GATHERED_MAX_BYTES).unwrap_err().to_string();
        assert_eq!(said, "the ranks announce [0, 6442450944, 3] bytes; at most 4294967296 are taken of each");
        assert_eq!(longest(&announced, i64::MAX).unwrap(), 6 << 30, "something else than the limit refuses");
        assert_eq!(longest(&[GATHERED_MAX_BYTES, 0], GATHERED_MAX_BYTES).unwrap(), GATHERED_MAX_BYTES);
        assert!(longest(&[1, -1], i64::MAX).is_err());
    }

    #[test]
    fn round_robin_covers_everything_once() {
        for size in 1..=12 {
            let mut items: Vec<usize> = (0..size).flat_map(|rank| round_robin(0..10, rank, size)).collect();
            items.sort_unstable();
            assert!(items.iter().copied().eq(0..10));
        }
    }
}
