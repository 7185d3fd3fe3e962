//! The memory one store may have.

use wasmtime::ResourceLimiter;

use super::guard::{Guard, Guards};

/// Core instances of one component. CPython takes 38 where its shared libraries were not linked by `env pack`.
pub(super) const INSTANCES_MAX: usize = 64;
/// Linear memories of one component. Every guest seen has one; a component that links others may have some more.
pub(super) const MEMORIES_MAX: usize = 8;
/// Tables of one component. CPython has 2.
pub(super) const TABLES_MAX: usize = 16;
/// Elements of all tables of one component. CPython has 5,670; each costs the host 8 bytes.
pub(super) const TABLE_ELEMENTS_MAX: usize = 32_768;

/// Sums all memories and all tables of a store: `wasmtime::StoreLimits` would grant the whole budget to each of them.
/// A refused growth is not an error; the guest gets -1, as from a real machine, and may handle it.
#[derive(Debug)]
pub(super) struct Limiter {
    memory_max_bytes: usize,
    memory_bytes: usize,
    table_elements: usize,
    refused: bool,
    guards: Guards,
}

impl Limiter {
    pub(super) fn new(memory_max_bytes: u64, guards: Guards) -> Self {
        let memory_max_bytes = usize::try_from(memory_max_bytes).unwrap_or(usize::MAX);
        let memory_max_bytes = guards.limit(Guard::Memory, memory_max_bytes);
        Self { memory_max_bytes, memory_bytes: 0, table_elements: 0, refused: false, guards }
    }

    /// Whether the guest was refused memory at any time: a later trap is then the consequence.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        // Growth beyond the memory's own maximum fails after this call; refused here, it is never counted as granted.
        let granted = total <= self.memory_max_bytes && maximum.is_none_or(|maximum| desired <= maximum);
        match granted {
            true => self.memory_bytes = total,
            false => self.refused = true,
        }
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_add(desired.saturating_sub(current));
        let granted = total <= self.guards.limit(Guard::Tables, TABLE_ELEMENTS_MAX)
            && maximum.is_none_or(|maximum| desired <= maximum);
        match granted {
            true => self.table_elements = total,
            false => self.refused = true,
        }
        Ok(granted)
    }

    fn instances(&self) -> usize {
        self.guards.limit(Guard::Counts, INSTANCES_MAX)
    }

    fn memories(&self) -> usize {
        self.guards.limit(Guard::Counts, MEMORIES_MAX)
    }

    fn tables(&self) -> usize {
        self.guards.limit(Guard::Counts, TABLES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_share_one_budget() {
        let mut limiter = Limiter::new(100, Guards::ALL);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.refused());
        assert!(!limiter.memory_growing(0, 60, None).unwrap(), "each memory had a budget of its own");
        assert!(limiter.refused());
        assert!(limiter.memory_growing(60, 100, None).unwrap(), "a refused growth was counted");
    }

    #[test]
    fn growth_beyond_the_declared_maximum_is_not_counted() {
        let mut limiter = Limiter::new(100, Guards::ALL);
        assert!(!limiter.memory_growing(0, 80, Some(50)).unwrap());
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn tables_share_one_budget() {
        let mut limiter = Limiter::new(0, Guards::ALL);
        assert!(limiter.table_growing(0, TABLE_ELEMENTS_MAX, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
    }
}
