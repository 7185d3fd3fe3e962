//! The threads that call guests.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
    thread::JoinHandle,
};

use anyhow::{Context as _, Result, anyhow};

use super::fault::Fault;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed set of threads with stacks large enough for guests, fed through a bounded queue.
pub(super) struct Workers {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(super) fn start(count: usize, stack_bytes: usize) -> Result<Self> {
        // Two jobs waiting per worker keep all of them busy; a longer queue would only hold memory.
        let (queue, jobs) = sync_channel::<Job>(2 * count);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = (0..count)
            .map(|index| {
                let jobs = Arc::clone(&jobs);
                std::thread::Builder::new()
                    .name(format!("sandbox-{index}"))
                    .stack_size(stack_bytes)
                    .spawn(move || work(&jobs))
                    .with_context(|| format!("cannot start sandbox worker {index} of {count}; lower --workers"))
            })
            .collect::<Result<_>>()?;
        Ok(Self { queue: Some(queue), threads })
    }

    /// Applies `f` to every item in parallel; results keep the order of the items. A panic in `f` becomes a host fault
    /// of its item. Must not be called from within `f`.
    pub(super) fn map<T, R>(
        &self,
        items: Vec<T>,
        f: impl Fn(T) -> Result<R, Fault> + Send + Sync + 'static,
    ) -> Vec<Result<R, Fault>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let f = Arc::new(f);
        let mut results: Vec<_> = items.iter().map(|_| None).collect();
        let (done, finished) = channel();
        let queue = self.queue.as_ref().expect("the queue closes when the workers are dropped");
        for (index, item) in items.into_iter().enumerate() {
            let (f, done) = (Arc::clone(&f), done.clone());
            let job = Box::new(move || {
                let result = catch_unwind(AssertUnwindSafe(|| f(item))).unwrap_or_else(|panic| Err(panicked(&*panic)));
                // The receiver is gone only if the caller itself panicked.
                let _ = done.send((index, result));
            });
            queue.send(job).expect("workers catch panics, so they outlive the queue");
        }
        drop(done);
        for (index, result) in finished {
            results[index] = Some(result);
        }
        results.into_iter().map(|result| result.expect("every job sends one result")).collect()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            // Jobs catch their panics, and nothing is left to do about one here.
            let _ = thread.join();
        }
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

fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Fault::Host(anyhow!("a sandbox worker panicked: {}", message.unwrap_or("no message")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_items_and_a_panic_stays_with_its_item() {
        let workers = Workers::start(3, 1 << 20).unwrap();
        for _ in 0..2 {
            let results = workers.map((0..100).collect(), |n: u32| match n {
                13 => panic!("thirteen"),
                n => Ok(n * 2),
            });
            assert_eq!(results.len(), 100);
            for (n, result) in (0..).zip(&results) {
                match (n, result) {
                    (13, Err(Fault::Host(error))) => assert!(error.to_string().contains("thirteen"), "{error}"),
                    (n, Ok(double)) => assert_eq!(*double, n * 2),
                    (n, Err(fault)) => panic!("item {n}: {fault}"),
                }
            }
        }
    }
}
