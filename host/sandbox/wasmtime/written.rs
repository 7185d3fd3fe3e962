//! Which pages of a memory were written, without asking after every run.
//!
//! `make setup` puts this file beside wasmtime's `pagemap.rs` (Makefile, `PATCHED`). The kernel finds written pages by
//! walking all of a memory, which takes as long as a quarter of a trivial program. But a page that a guest writes to for
//! the first time takes a fault, and the kernel counts the faults of a process. While that count stands still, what the
//! last walk found is all that can have been written.
//!
//! Without a fault a page becomes writable only when the kernel puts it together with its neighbours in the background, so
//! that is forbidden for a memory before it is walked. Pages that are moved, swapped out or merged take a fault before they
//! are written again.

use std::{cell::RefCell, io, mem::MaybeUninit, ops::Range, slice};

use crate::{prelude::*, runtime::vm::host_page_size};

/// Memories whose pages a thread keeps in mind. It has a few at a time: one in a process of executors.
const MEMORIES_MAX: usize = 64;

thread_local! {
    static WALKED: RefCell<Vec<Walked>> = const { RefCell::new(Vec::new()) };
}

/// What a walk of `len` bytes at `address` found.
struct Walked {
    address: usize,
    len: usize,
    faults: Faults,
    written: Vec<Range<usize>>,
}

/// How many faults this process has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Faults(i64);

impl Faults {
    fn now() -> Option<Self> {
        let mut usage = MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: the structure outlives the call, which fills it unless it fails.
        let usage = unsafe {
            match libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) {
                0 => usage.assume_init(),
                _ => return None,
            }
        };
        Some(Self(usage.ru_minflt + usage.ru_majflt))
    }

    /// To be called before a walk, and its result given to [`remember`]. There is none where nothing may be remembered.
    ///
    /// # Safety
    ///
    /// `memory` is mapped.
    pub(super) unsafe fn before_walk(memory: *mut u8, len: usize) -> Option<Self> {
        if !memory.addr().is_multiple_of(host_page_size()) {
            return None;
        }
        let faults = Self::now();
        // SAFETY: this changes how pages are laid out, and nothing in them.
        match unsafe { libc::madvise(memory.cast(), len, libc::MADV_NOHUGEPAGE) } {
            0 => faults,
            // What a kernel says that never does it.
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) => faults,
            _ => None,
        }
    }
}

/// Resets what was written, if that is known, and returns how many bytes it was.
///
/// # Safety
///
/// `memory` is valid to read and write for `len` bytes.
pub(super) unsafe fn reset(memory: *mut u8, len: usize, reset: &mut impl FnMut(&mut [u8])) -> Option<usize> {
    WALKED.with_borrow(|walked| {
        let last = walked.iter().find(|walked| (walked.address, walked.len) == (memory.addr(), len))?;
        if Faults::now() != Some(last.faults) {
            return None;
        }
        for written in &last.written {
            // SAFETY: a walk of these `len` bytes found it.
            reset(unsafe { slice::from_raw_parts_mut(memory.add(written.start), written.len()) });
        }
        Some(last.written.iter().map(ExactSizeIterator::len).sum())
    })
}

/// Keeps what a walk found that came to the end of the memory.
pub(super) fn remember(memory: *mut u8, len: usize, faults: Faults, found: impl Iterator<Item = *const [u8]>) {
    let written = found
        .map(|region| {
            let start = region.cast::<u8>().addr() - memory.addr();
            start..start + region.len()
        })
        .collect();
    WALKED.with_borrow_mut(|walked| {
        walked.retain(|walked| walked.address != memory.addr());
        if walked.len() == MEMORIES_MAX {
            walked.remove(0);
        }
        walked.push(Walked { address: memory.addr(), len, faults, written });
    });
}
