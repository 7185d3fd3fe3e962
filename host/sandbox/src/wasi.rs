//! A virtual WASI 0.2: all that toolchains import, and nothing of this machine.
//!
//! C, Go, JavaScript and Rust programs import WASI whether they use it or not. What they get is made of the arguments of
//! the call alone, so that two executions give the same bytes whatever the machine, its load and the time: clocks that
//! stand still while a guest computes, random bytes from a counter, a root directory that cannot be written. The types
//! and the linking are wasmtime-wasi's; none of its clocks, files, sockets and threads is used.
//!
//! # Covered
//! - **Interfaces**: one by one as a component imports them, from [`GIVEN`]. Others are refused by name.
//! - **Time**: whatever a function does is paid for in fuel, and what it costs is known before it is done.
//! - **Memory**: handles of a store are counted; what is kept for one is small, and contents of files are bounded.
//! - **Output**: what a guest writes to stdout and stderr is capped, and escaped before an operator sees it.
//!
//! # Not covered
//! - Sockets, HTTP, time zones, threads: they are not there.
//! - Wasmtime's own code between a guest and these functions.

mod cli;
mod clocks;
mod filesystem;
mod numbers;
mod output;
mod streams;

use wasmtime::{
    CallHook, Store, Trap,
    component::{HasSelf, Linker, Resource, ResourceTable},
};
use wasmtime_wasi::p2::bindings::{
    cli::{
        environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr, terminal_stdin,
        terminal_stdout,
    },
    clocks::{monotonic_clock, wall_clock},
    filesystem::preopens,
    random::{insecure, insecure_seed, random},
    sync::{
        filesystem::types,
        io::{poll, streams as stream_bindings},
    },
};
use wasmtime_wasi_io::bindings::wasi::io::error;

use self::numbers::Numbers;
pub(super) use self::output::{Output, Stdio};
use super::{
    files::GuestFiles,
    guard::{Guard, Guards},
};

/// Handles of a store that uses WASI. Runtimes hold a dozen; each costs the host some hundred bytes.
pub(super) const HANDLES_MAX: usize = 1024;

/// What a call costs at least, in fuel: wasmtime's way to the host and back takes as long as so many instructions.
const CALL_FUEL: u64 = 500;
/// What a file or a folder costs to find, for the kernel walks there.
const FIND_FUEL: u64 = 20_000;
/// What an element of a list costs.
const ELEMENT_FUEL: u64 = 100;

/// The interfaces of WASI 0.2 that components get where they import them, and what they get.
const GIVEN: [(&str, &str); 20] = [
    ("wasi:cli/environment", "no variables, no arguments"),
    ("wasi:cli/exit", "ends the call"),
    ("wasi:cli/stderr", "the capped log"),
    ("wasi:cli/stdin", "nothing to read"),
    ("wasi:cli/stdout", "the capped log"),
    ("wasi:cli/terminal-input", "no terminal"),
    ("wasi:cli/terminal-output", "no terminal"),
    ("wasi:cli/terminal-stderr", "no terminal"),
    ("wasi:cli/terminal-stdin", "no terminal"),
    ("wasi:cli/terminal-stdout", "no terminal"),
    ("wasi:clocks/monotonic-clock", "stands still; waiting takes no time and moves it on"),
    ("wasi:clocks/wall-clock", "the same, from the beginning of 1970"),
    ("wasi:filesystem/preopens", "one directory: /"),
    ("wasi:filesystem/types", "the granted directories below /, read-only, without times"),
    ("wasi:io/error", "never one"),
    ("wasi:io/poll", "always ready, but for the clock"),
    ("wasi:io/streams", "those of stdin, stdout, stderr and files"),
    ("wasi:random/insecure", "a counter's hash, the same for the same call"),
    ("wasi:random/insecure-seed", "a counter's hash, the same for the same call"),
    ("wasi:random/random", "a counter's hash, the same for the same call"),
];

/// What a component gets that imports this interface, or nothing where it would be refused.
pub fn wasi_gives(interface: &str) -> Option<&'static str> {
    let (name, version) = interface.split_once('@')?;
    let (_, gives) = GIVEN.iter().find(|(given, _)| *given == name)?;
    version.starts_with("0.2.").then_some(gives)
}

/// What a store keeps whose guest may use WASI.
pub(super) trait UsesWasi: Send + 'static {
    fn wasi(&mut self) -> &mut Wasi;
}

/// WASI as one call of a component sees it.
pub(super) struct Wasi {
    pub(super) files: GuestFiles,
    pub(super) output: Output,
    numbers: Numbers,
    /// What the monotonic clock shows: nanoseconds of waiting, after its first.
    clock_ns: u64,
    resources: ResourceTable,
    /// What the guest had left when it called the host, and what of that is spent.
    fuel: u64,
    spent: u64,
    guards: Guards,
}

impl Wasi {
    /// For a call that `seed` names: equal seeds give equal random bytes.
    pub(super) fn new(seed: impl AsRef<[u8]>, files: GuestFiles, guards: Guards) -> Self {
        Self {
            files,
            output: Output::new(guards),
            numbers: Numbers::new(seed),
            clock_ns: clocks::FIRST_NS,
            resources: ResourceTable::new(),
            fuel: 0,
            spent: 0,
            guards,
        }
    }

    /// Spends fuel for what is about to be done, if there is enough. The guest has paid when it goes on.
    fn pay(&mut self, fuel: u64) -> Result<(), Trap> {
        if self.guards.have(Guard::Prices) {
            self.spent = self.spent.saturating_add(fuel);
        }
        if self.spent > self.fuel { Err(Trap::OutOfFuel) } else { Ok(()) }
    }

    /// Keeps what a guest has a handle for.
    fn keep<T: Send + 'static, R: 'static>(&mut self, kept: T) -> wasmtime::Result<Resource<R>> {
        Ok(Resource::new_own(self.resources.push(kept)?.rep()))
    }

    /// What stands behind a handle.
    fn kept<T: 'static, R: 'static>(&mut self, handle: &Resource<R>) -> wasmtime::Result<&mut T> {
        Ok(self.resources.get_mut(&Resource::new_borrow(handle.rep()))?)
    }

    fn dropped<T: 'static, R: 'static>(&mut self, handle: &Resource<R>) -> wasmtime::Result<()> {
        self.pay(CALL_FUEL)?;
        self.resources.delete(Resource::<T>::new_own(handle.rep()))?;
        Ok(())
    }
}

/// Makes a guest pay in fuel for what the host did for it.
pub(super) fn charge<T: UsesWasi>(store: &mut Store<T>) {
    store.call_hook(|mut store, hook| {
        match hook {
            CallHook::CallingHost => {
                let fuel = store.get_fuel()?;
                let wasi = store.data_mut().wasi();
                (wasi.fuel, wasi.spent) = (fuel, 0);
            }
            CallHook::ReturningFromHost => {
                let spent = std::mem::take(&mut store.data_mut().wasi().spent);
                if spent > 0 {
                    // What the host called in the guest meanwhile, for memory, was paid for already.
                    let left = store.get_fuel()?.checked_sub(spent);
                    store.set_fuel(left.unwrap_or(0))?;
                    left.ok_or(Trap::OutOfFuel)?;
                }
            }
            CallHook::CallingWasm | CallHook::ReturningFromWasm => {}
        }
        Ok(())
    });
}

/// Links one interface, which is given.
pub(super) fn link<T: UsesWasi>(linker: &mut Linker<T>, interface: &str) -> wasmtime::Result<()> {
    let name = interface.split_once('@').map_or(interface, |(name, _)| name);
    match name {
        "wasi:cli/environment" => environment::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/exit" => exit::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/stderr" => stderr::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/stdin" => stdin::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/stdout" => stdout::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/terminal-input" => terminal_input::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/terminal-output" => terminal_output::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/terminal-stderr" => terminal_stderr::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/terminal-stdin" => terminal_stdin::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:cli/terminal-stdout" => terminal_stdout::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:clocks/monotonic-clock" => monotonic_clock::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:clocks/wall-clock" => wall_clock::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:filesystem/preopens" => preopens::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:filesystem/types" => types::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:io/error" => error::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:io/poll" => poll::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:io/streams" => stream_bindings::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:random/insecure" => insecure::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:random/insecure-seed" => insecure_seed::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        "wasi:random/random" => random::add_to_linker::<T, HasSelf<Wasi>>(linker, T::wasi),
        _ => unreachable!("{interface} is not in the list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct OnlyWasi(Wasi);

    impl UsesWasi for OnlyWasi {
        fn wasi(&mut self) -> &mut Wasi {
            &mut self.0
        }
    }

    #[test]
    fn every_interface_that_is_given_is_linked() {
        let mut linker = Linker::<OnlyWasi>::new(&wasmtime::Engine::default());
        for (interface, _) in GIVEN {
            link(&mut linker, interface).unwrap();
            assert!(wasi_gives(&format!("{interface}@0.2.3")).is_some());
            assert!(wasi_gives(&format!("{interface}@0.3.0")).is_none());
        }
    }
}
