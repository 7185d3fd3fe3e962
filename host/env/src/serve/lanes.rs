//! The threads that wait for guests, so that those that wait for the network do not.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
};

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed set of threads. The queue before them is bounded by who is admitted.
pub(super) struct Lanes {
    queue: Sender<Job>,
}

impl Lanes {
    pub(super) fn start(count: usize) -> Result<Self> {
        let (queue, jobs) = channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        for index in 0..count {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new()
                .name(format!("lane-{index}"))
                .spawn(move || work(&jobs))
                .with_context(|| format!("cannot start thread {index} of {count}; lower --workers"))?;
        }
        Ok(Self { queue })
    }

    /// Does the work after what came before it. Work that nobody waits for any more is not begun, and the answer of
    /// work that panicked never comes.
    pub(super) fn submit<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move || {
            if reply.is_closed() {
                return;
            }
            if let Ok(answer) = catch_unwind(AssertUnwindSafe(work)) {
                // Whoever asked may have gone by now.
                let _ = reply.send(answer);
            }
        });
        self.queue.send(job).expect("the lanes take jobs until the server is dropped");
        answer
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        // Nothing under this lock can panic, so a poisoned one is as good as any.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        job();
    }
}
