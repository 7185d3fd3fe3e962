//! Clocks that stand still while a guest computes. Waiting takes no time: it moves them on to what was waited for.

use wasmtime::{Result, bail, component::Resource};
use wasmtime_wasi::p2::{
    DynPollable,
    bindings::{
        clocks::{monotonic_clock, wall_clock},
        sync::io::poll,
    },
};

use super::{CALL_FUEL, ELEMENT_FUEL, Wasi};

const SECOND_NS: u64 = 1_000_000_000;
/// What the monotonic clock begins with. Go's runtime does not start where it shows zero.
pub(super) const FIRST_NS: u64 = 1;

/// What a guest can wait for.
#[derive(Clone, Copy)]
pub(super) enum Awaited {
    /// Streams never make anybody wait.
    Nothing,
    /// An instant of the monotonic clock.
    Instant(u64),
}

impl Awaited {
    fn instant_ns(self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Instant(when) => when,
        }
    }
}

impl wall_clock::Host for Wasi {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        self.pay(CALL_FUEL)?;
        let since_1970_ns = self.clock_ns - FIRST_NS;
        let nanoseconds = u32::try_from(since_1970_ns % SECOND_NS).expect("less than a second");
        Ok(wall_clock::Datetime { seconds: since_1970_ns / SECOND_NS, nanoseconds })
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        self.pay(CALL_FUEL)?;
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}

impl monotonic_clock::Host for Wasi {
    fn now(&mut self) -> Result<u64> {
        self.pay(CALL_FUEL)?;
        Ok(self.clock_ns)
    }

    fn resolution(&mut self) -> Result<u64> {
        self.pay(CALL_FUEL)?;
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        self.pay(CALL_FUEL)?;
        self.keep(Awaited::Instant(when))
    }

    fn subscribe_duration(&mut self, duration: u64) -> Result<Resource<DynPollable>> {
        self.pay(CALL_FUEL)?;
        self.keep(Awaited::Instant(self.clock_ns.saturating_add(duration)))
    }
}

impl poll::HostPollable for Wasi {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> Result<bool> {
        self.pay(CALL_FUEL)?;
        Ok(self.kept::<Awaited, _>(&pollable)?.instant_ns() <= self.clock_ns)
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        self.pay(CALL_FUEL)?;
        self.clock_ns = self.clock_ns.max(self.kept::<Awaited, _>(&pollable)?.instant_ns());
        Ok(())
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        self.dropped::<Awaited, _>(&pollable)
    }
}

impl poll::Host for Wasi {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        self.pay(CALL_FUEL + ELEMENT_FUEL * pollables.len() as u64)?;
        let awaited = pollables.iter().map(|pollable| Ok(self.kept::<Awaited, _>(pollable)?.instant_ns()));
        let awaited = awaited.collect::<Result<Vec<_>>>()?;
        let Some(first) = awaited.iter().min() else { bail!("poll was called with nothing to wait for") };
        self.clock_ns = self.clock_ns.max(*first);
        Ok((0..).zip(awaited).filter(|(_, when)| *when <= self.clock_ns).map(|(index, _)| index).collect())
    }
}
