//! The threads that call guests.

use std::{
    any::Any,
    marker::PhantomData,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
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

    /// Applies `f` to every item in parallel; results keep the order of the items. Items and `f` may borrow: this returns
    /// when all jobs have ended. A panic in `f` becomes a host fault of its item. Must not be called from within `f`.
    pub(super) fn map<T: Send, R: Send>(
        &self,
        items: impl IntoIterator<Item = T>,
        f: impl Fn(T) -> Result<R, Fault> + Sync,
    ) -> Vec<Result<R, Fault>> {
        self.crew(f, |crew| {
            items.into_iter().for_each(|item| crew.give(item));
            let mut results: Vec<_> = (0..crew.given).map(|_| None).collect();
            while let Some((number, result)) = crew.take() {
                results[number] = Some(result);
            }
            results.into_iter().map(|result| result.expect("every job sends one result")).collect()
        })
    }

    /// Applies `f` in parallel to the items that `direct` gives, which may depend on the results that it takes meanwhile.
    /// As for [`Self::map`], items and `f` may borrow, and a panic in `f` is a host fault.
    pub(super) fn crew<T: Send, R: Send, F: Fn(T) -> Result<R, Fault> + Sync, D>(
        &self,
        f: F,
        direct: impl FnOnce(&mut Crew<'_, T, R, F>) -> D,
    ) -> D {
        let (done, finished) = channel();
        let queue = self.queue.as_ref().expect("the queue closes when the workers are dropped");
        let mut crew = Crew { queue, f: &f, done: Some(done), finished, given: 0, taken: 0, items: PhantomData };
        direct(&mut crew)
    }
}

/// What workers do for one caller.
pub(super) struct Crew<'a, T, R, F> {
    queue: &'a SyncSender<Job>,
    f: &'a F,
    done: Option<Sender<(usize, Result<R, Fault>)>>,
    finished: Receiver<(usize, Result<R, Fault>)>,
    given: usize,
    taken: usize,
    items: PhantomData<T>,
}

impl<T: Send, R: Send, F: Fn(T) -> Result<R, Fault> + Sync> Crew<'_, T, R, F> {
    /// Gives the workers an item, once one of them will soon be free.
    pub(super) fn give(&mut self, item: T) {
        let (f, number, done) = (self.f, self.given, self.done.clone());
        self.given += 1;
        let job: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(|| f(item))).unwrap_or_else(|panic| Err(panicked(&*panic)));
            // The receiver is gone only if the caller itself panicked.
            let _ = done.as_ref().map(|done| done.send((number, result)));
            drop(done);
        });
        // SAFETY: a job uses what it borrows only before it drops its sender, and a crew does not end, also not by a panic
        // of who directs it, before every sender is dropped. Who directs it has a reference only, and cannot forget it.
        let job = unsafe { mem::transmute::<Box<dyn FnOnce() + Send + '_>, Job>(job) };
        self.queue.send(job).expect("workers catch panics, so they outlive the queue");
    }

    /// The next result, with the number of its item, or `None` when all that were given have been taken.
    pub(super) fn take(&mut self) -> Option<(usize, Result<R, Fault>)> {
        (self.taken < self.given)
            .then(|| self.finished.recv().expect("every job sends one result"))
            .inspect(|_| self.taken += 1)
    }

    /// The next result, if there is one already.
    pub(super) fn take_ready(&mut self) -> Option<(usize, Result<R, Fault>)> {
        self.finished.try_recv().ok().inspect(|_| self.taken += 1)
    }
}

impl<T, R, F> Drop for Crew<'_, T, R, F> {
    fn drop(&mut self) {
        drop(self.done.take());
        // Ends when no job is left to send anything.
        self.finished.iter().for_each(drop);
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
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_keep_the_order_of_items_and_a_panic_stays_with_its_item() {
        let workers = Workers::start(3, 1 << 20).unwrap();
        for _ in 0..2 {
            let results = workers.map(0..100, |n: u32| match n {
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

    #[test]
    fn jobs_borrow_and_all_have_ended_when_the_caller_goes_on_or_panics() {
        let workers = Workers::start(2, 1 << 20).unwrap();
        let texts: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let lengths = workers.map(&texts, |text| Ok(text.len()));
        assert_eq!(lengths.into_iter().map(Result::unwrap).sum::<usize>(), 10 + 80);

        let (panicking, ended) = (AtomicBool::new(false), AtomicUsize::new(0));
        let items = (0..4).inspect(|n| {
            panicking.store(*n == 3, Ordering::SeqCst);
            assert!(*n < 3, "no fourth");
        });
        let caller = catch_unwind(AssertUnwindSafe(|| {
            workers.map(items, |_: u32| {
                while !panicking.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                let work: u64 = (0..5_000_000).map(std::hint::black_box).sum();
                ended.fetch_add((work > 0).into(), Ordering::SeqCst);
                Ok(())
            })
        }));
        assert!(caller.is_err());
        assert_eq!(ended.load(Ordering::SeqCst), 3);
    }
}
