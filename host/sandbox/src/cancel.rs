//! The end of runs that nobody waits for any more.

use std::{
    fmt,
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the runs of a request have in common. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    cancelled: bool,
    /// The ways to the processes that are running something.
    streams: Vec<Arc<UnixStream>>,
}

impl Cancel {
    /// Ends the runs, with their processes, and lets no other begin. Runs in this process (`sandbox.ring=off`) go on to
    /// their own end.
    pub fn cancel(&self) {
        let mut running = self.lock();
        running.cancelled = true;
        for stream in running.streams.drain(..) {
            // Whoever waits for an answer hears the end of the stream. It fails where the process has ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Before an answer is waited for. `false` where nobody wants it.
    pub(super) fn begin(&self, stream: &Arc<UnixStream>) -> bool {
        let mut running = self.lock();
        if !running.cancelled {
            running.streams.push(Arc::clone(stream));
        }
        !running.cancelled
    }

    /// After that. `false` where the stream was ended.
    pub(super) fn end(&self, stream: &Arc<UnixStream>) -> bool {
        let mut running = self.lock();
        running.streams.retain(|other| !Arc::ptr_eq(other, stream));
        !running.cancelled
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        // Nothing under this lock can panic, so a poisoned one is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a cancelled run has no report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody waits for the run any more")
    }
}

impl std::error::Error for Cancelled {}
