//! The seam to the ranks: how processes that do the same work exchange their results.
//!
//! Work is shared: each rank does its shard, and all get the results of all, in an order that does not depend on how
//! many they are. Every rank computes for itself what follows from results, and finds the same.

use std::fmt::Debug;

use anyhow::{Result, ensure};
use serde::{Serialize, de::DeserializeOwned};

/// A process's rank among those that do the same work, and its connection to them.
pub trait Gather {
    /// From 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// What every rank has, in the order of the ranks. A collective: all ranks call it, or it fails.
    fn all_gather_bytes(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>>;

    /// Payload that this rank has sent to others so far.
    fn sent_bytes(&self) -> u64;
}

/// A single process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Gather for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn all_gather_bytes(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        Ok(vec![own])
    }

    fn sent_bytes(&self) -> u64 {
        0
    }
}

impl dyn Gather + '_ {
    /// This rank's shard of `items`. The shards are about equally long and follow each other in the order of the ranks.
    pub fn shard<'a, T>(&self, items: &'a [T]) -> &'a [T] {
        shard(items, self.rank(), self.size())
    }

    /// What every rank has, in the order of the ranks.
    pub fn all_gather<T: Serialize + DeserializeOwned>(&self, own: T) -> Result<Vec<T>> {
        if self.size() == 1 {
            return Ok(vec![own]);
        }
        let all = self.all_gather_bytes(postcard::to_allocvec(&own)?)?;
        all.iter().map(|bytes| Ok(postcard::from_bytes(bytes)?)).collect()
    }

    /// What the first rank has. The others' is dropped.
    pub fn agree<T: Serialize + DeserializeOwned>(&self, own: T) -> Result<T> {
        Ok(self.all_gather(own)?.swap_remove(0))
    }

    /// Whether it is so on any rank.
    pub fn any(&self, own: bool) -> Result<bool> {
        Ok(self.all_gather(own)?.contains(&true))
    }

    /// Fails where ranks have different `own`, which is called `what`.
    pub fn ensure_same<T: Serialize + DeserializeOwned + PartialEq + Debug>(&self, what: &str, own: T) -> Result<()> {
        let all = self.all_gather(own)?;
        let other = all.iter().position(|each| *each != all[0]);
        ensure!(other.is_none(), "rank {} has another {what} than rank 0", other.unwrap_or_default());
        Ok(())
    }

    /// `first` on the first rank and, when that is done, `then` on the others.
    pub fn in_turn<T>(&self, first: impl FnOnce() -> Result<T>, then: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.rank() == 0 {
            let done = first()?;
            self.barrier()?;
            Ok(done)
        } else {
            self.barrier()?;
            then()
        }
    }

    /// Returns when every rank has called it.
    pub fn barrier(&self) -> Result<()> {
        self.all_gather(()).map(|_| ())
    }
}

fn shard<T>(items: &[T], rank: usize, size: usize) -> &[T] {
    &items[items.len() * rank / size..items.len() * (rank + 1) / size]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_everything_once() {
        let items: Vec<usize> = (0..10).collect();
        for size in 1..=12 {
            let shards: Vec<usize> = (0..size).flat_map(|rank| shard(&items, rank, size).to_vec()).collect();
            assert_eq!(shards, items);
        }
    }

    #[test]
    fn alone_everything_stays_as_it_is() {
        let alone: &dyn Gather = &Alone;
        assert_eq!(alone.all_gather("own".to_owned()).unwrap(), ["own"]);
        assert!(alone.any(true).unwrap() && !alone.any(false).unwrap());
        assert_eq!(alone.sent_bytes(), 0);
    }
}
