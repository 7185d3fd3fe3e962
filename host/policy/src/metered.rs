//! Work of strangers, with so much memory and time.
//!
//! It has a thread of its own. What that thread takes of memory is counted, and the piece that would be too much is never
//! given to it: an allocator can neither fail nor unwind where nobody expects it, so the thread stands still there, for
//! good, with what it has. Whoever waits for it is told, and should not try again.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    any::Any,
    cell::{Cell, RefCell},
    panic::resume_unwind,
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

/// What work may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Memory at a time, beside what it began with.
    pub(super) memory_bytes: usize,
    /// Recursion may go that deep. It is taken as it is used.
    pub(super) stack_bytes: usize,
    /// Far above what the work takes on a busy machine.
    pub(super) time: Duration,
}

/// How the thread's work ended.
enum End {
    Done,
    Exceeded,
}

thread_local! {
    /// What the thread may still take. Threads that nobody meters never come near the end.
    static LEFT: Cell<isize> = const { Cell::new(isize::MAX) };
    static WAITING: RefCell<Option<SyncSender<End>>> = const { RefCell::new(None) };
}

/// Does `work` within `allowance`, or says which part of it was too little. Where it stands still it keeps the locks that it
/// has: it must take none that others want, as the one around backtraces, which `anyhow`'s errors go through.
pub(super) fn within<T: Send + 'static>(allowance: Allowance, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let Allowance { memory_bytes, stack_bytes, time } = allowance;
    let (waiting, ended) = sync_channel(1);
    let metered = move || {
        WAITING.set(Some(waiting));
        LEFT.set(memory_bytes as isize);
        let done = work();
        LEFT.set(isize::MAX);
        WAITING.with_borrow(|waiting| waiting.as_ref().map(|waiting| waiting.send(End::Done)));
        done
    };
    let thread = thread::Builder::new().name("metered".into()).stack_size(stack_bytes).spawn(metered);
    let thread = thread.context("no thread")?;
    match ended.recv_timeout(time) {
        Ok(End::Exceeded) => bail!("more than {memory_bytes} bytes of memory"),
        Err(RecvTimeoutError::Timeout) => bail!("more than {} s", time.as_secs_f32()),
        // It panicked.
        Ok(End::Done) | Err(RecvTimeoutError::Disconnected) => {
            Ok(thread.join().unwrap_or_else(|panic: Box<dyn Any + Send>| resume_unwind(panic)))
        }
    }
}

/// The system's allocator, counted. A program that loads policies of strangers makes it its own: without it the memory of
/// chat templates has no limit.
pub struct Metered;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: Metered = Metered;

// SAFETY: it is the system's allocator. What goes before it neither unwinds nor, where it comes back, allocates.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        give_back(layout.size());
        // SAFETY: the caller's promises.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(old, layout) }
    }
}

fn take(bytes: usize) {
    let left = LEFT.get().saturating_sub_unsigned(bytes);
    // A thread that stood still while it tells of its panic would keep a lock that every other panic waits for.
    if left < 0 && !thread::panicking() {
        stand_still();
    }
    LEFT.set(left);
}

fn give_back(bytes: usize) {
    LEFT.set(LEFT.get().saturating_add_unsigned(bytes));
}

#[cold]
fn stand_still() -> ! {
    // From here on this thread may take what telling takes.
    LEFT.set(isize::MAX);
    WAITING.with_borrow(|waiting| waiting.as_ref().map(|waiting| waiting.try_send(End::Exceeded)));
    loop {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Allowance = Allowance { memory_bytes: 1 << 20, stack_bytes: 1 << 20, time: Duration::from_secs(60) };

    fn refusal<T: Send + 'static>(allowance: Allowance, work: impl FnOnce() -> T + Send + 'static) -> String {
        within(allowance, work).err().expect("it was done").to_string()
    }

    #[test]
    fn memory_is_counted_at_a_time() {
        let often = || (0..100).map(|_| vec![1u8; 1 << 19].len()).sum::<usize>();
        assert_eq!(within(SMALL, often).unwrap(), 100 << 19);
        assert_eq!(refusal(SMALL, || vec![1u8; (1 << 20) + 1]), "more than 1048576 bytes of memory");
        assert_eq!(refusal(SMALL, || vec![0u8; 1 << 40]), "more than 1048576 bytes of memory");
        let grown = || {
            (0..1_000_000u64).fold(Vec::new(), |mut all, n| {
                all.push(n);
                all
            })
        };
        assert_eq!(refusal(SMALL, grown), "more than 1048576 bytes of memory");
        let kept = || (0..100).map(|_| vec![1u8; 1 << 19]).collect::<Vec<_>>();
        assert_eq!(refusal(SMALL, kept), "more than 1048576 bytes of memory");
        assert_eq!(vec![1u8; 2 << 20].len(), 2 << 20, "this thread is not metered");
    }

    #[test]
    fn what_does_not_end_is_left_alone() {
        let brief = Allowance { time: Duration::from_millis(10), ..SMALL };
        assert_eq!(
            refusal(brief, || loop {
                thread::park()
            }),
            "more than 0.01 s"
        );
    }

    #[test]
    fn a_panic_goes_on() {
        let caught = std::panic::catch_unwind(|| within(SMALL, || panic!("no")));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"no"));
    }
}
