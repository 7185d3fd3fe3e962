//! Every rank writes a heartbeat into the store once a second. When one falls silent or fails, the others stop and name it.
//!
//! A collective cannot do that: it knows at best that a connection broke, and a rank that hangs keeps its connections.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Error, Result};
use c10d::Store;

use azr_core::launch::Launch;

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(1);
/// A rank without a heartbeat for this long is gone. Arbitrary: far above what a busy machine delays a thread,
/// far below the timeout of a collective.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Says in the store why all must stop.
const FAILURE: &str = "failure";

/// The thread that gives and looks for signs of life.
pub(super) struct Watch {
    shared: Arc<Shared>,
}

struct Shared {
    rank: usize,
    size: usize,
    /// Who keeps the store.
    keeper: &'static str,
    store: Store,
    /// Collectives that this rank has called.
    collectives: AtomicU64,
    /// Signs of life that the store has taken.
    beats: AtomicU64,
    ended: AtomicBool,
}

impl Watch {
    pub(super) fn start(launch: &Launch, store: Store) -> Result<Self> {
        let &Launch { rank, size, launcher_serves, .. } = launch;
        let keeper = if launcher_serves { "the launcher" } else { "rank 0" };
        let (collectives, beats, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { rank, size, keeper, store, collectives, beats, ended });
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        let watching = Arc::clone(&shared);
        let watch = thread("ranks").spawn(move || watching.watch())?;
        let guarding = Arc::clone(&shared);
        thread("store").spawn(move || guarding.guard(&watch))?;
        Ok(Self { shared })
    }

    /// Notes that this rank calls the next collective.
    pub(super) fn count(&self) {
        self.shared.collectives.fetch_add(1, Ordering::Relaxed);
    }

    /// Why a collective failed: where a rank is gone or has failed, this process ends with its name. If all live, the one
    /// that is behind hangs.
    pub(super) fn explain(&self, error: c10d::Error) -> Error {
        // Until then the watch has ended this process, if there is a reason for it.
        thread::sleep(SILENCE_MAX + 5 * BEAT);
        let error = Error::from(error);
        match self.shared.behind() {
            Some(other) => error.context(format!("rank {other} lives, but did not take part in time")),
            None => error,
        }
    }

    /// Tells the others to stop.
    pub(super) fn report(&self, failure: &str) {
        self.end();
        // A store that is gone says by that what there is to say.
        if tell_to_stop(&self.shared.store, failure).is_ok() {
            self.shared.linger();
        }
    }

    /// Ends the watch: from now on ranks may leave.
    pub(super) fn end(&self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn watch(&self) {
        // Rank 0 looks after all, and all look after rank 0, so that a store is asked as often as there are ranks.
        let watched: Vec<usize> = if self.rank == 0 { (1..self.size).collect() } else { vec![0] };
        let mut seen: Vec<(Vec<u8>, Instant)> = watched.iter().map(|_| (Vec::new(), Instant::now())).collect();
        for beat in 0u64.. {
            let looked = self.beat(beat, &watched, &mut seen);
            if self.ended.load(Ordering::Relaxed) {
                return;
            }
            let gone = |error| Some(format!("{}, which keeps the store of the ranks, is gone: {error}", self.keeper));
            if let Some(failure) = looked.unwrap_or_else(gone) {
                tracing::error!("rank {} stops, because {failure}", self.rank);
                self.linger();
                process::exit(1);
            }
            self.beats.store(beat + 1, Ordering::Relaxed);
            thread::sleep(BEAT);
        }
    }

    /// Ends this process where the store falls silent: of a cut network the watch hears nothing, and waits for an answer.
    fn guard(&self, watch: &JoinHandle<()>) {
        let mut last = (0, Instant::now());
        while !watch.is_finished() {
            let beats = self.beats.load(Ordering::Relaxed);
            if beats != last.0 {
                last = (beats, Instant::now());
            } else if last.1.elapsed() > SILENCE_MAX {
                let (rank, keeper, seconds) = (self.rank, self.keeper, SILENCE_MAX.as_secs());
                tracing::error!(
                    "rank {rank} stops, because {keeper}, which keeps the store of the ranks, has not answered for {seconds} s"
                );
                process::exit(1);
            }
            thread::sleep(BEAT);
        }
    }

    /// Sends a heartbeat and looks for those of others. Returns why this rank must stop, if it must.
    fn beat(
        &self,
        beat: u64,
        watched: &[usize],
        seen: &mut [(Vec<u8>, Instant)],
    ) -> Result<Option<String>, c10d::Error> {
        let collectives = self.collectives.load(Ordering::Relaxed);
        self.store.set(&sign_of(self.rank), format!("{collectives} {beat}").as_bytes())?;
        if self.store.has(FAILURE)? {
            return Ok(Some(String::from_utf8_lossy(&self.store.get(FAILURE, BEAT)?).into_owned()));
        }
        for (&other, (sign, since)) in watched.iter().zip(seen) {
            let now =
                if self.store.has(&sign_of(other))? { self.store.get(&sign_of(other), BEAT)? } else { Vec::new() };
            if now != *sign {
                (*sign, *since) = (now, Instant::now());
            } else if since.elapsed() > SILENCE_MAX {
                let failure = format!("rank {other} has sent no heartbeat for {} s", SILENCE_MAX.as_secs());
                tell_to_stop(&self.store, &failure)?;
                return Ok(Some(failure));
            }
        }
        Ok(None)
    }

    /// Waits until the others have read about a failure: they look once a second, and the store may end with this process.
    fn linger(&self) {
        thread::sleep(2 * BEAT);
    }

    /// The rank that has called fewer collectives than this one.
    fn behind(&self) -> Option<usize> {
        let collectives = |rank: usize| {
            let sign = String::from_utf8(self.store.get(&sign_of(rank), BEAT).ok()?).ok()?;
            sign.split(' ').next()?.parse::<u64>().ok()
        };
        let mine = self.collectives.load(Ordering::Relaxed);
        (0..self.size).find(|&rank| collectives(rank).is_some_and(|theirs| theirs < mine))
    }
}

/// Records a failure for all ranks, unless there is one already: what came first is the cause.
pub(super) fn tell_to_stop(store: &Store, failure: &str) -> Result<(), c10d::Error> {
    if !store.has(FAILURE)? {
        store.set(FAILURE, failure.as_bytes())?;
    }
    Ok(())
}

fn sign_of(rank: usize) -> String {
    format!("sign/{rank}")
}
