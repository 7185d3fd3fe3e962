//! The progress of sampling and judging, for display.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

/// Counts that are raised as work goes on. Nothing depends on them.
#[derive(Debug, Default)]
pub struct Meter {
    requests: AtomicU64,
    done: AtomicU64,
    tokens: AtomicU64,
    tokens_of_done: AtomicU64,
    attempts: AtomicU64,
    judged: AtomicU64,
    first: Mutex<Option<String>>,
}

/// What a [`Meter`] showed at one moment. Everything but the tokens is about the present call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Completions that are wanted.
    pub requests: u64,
    /// Completions that have ended.
    pub done: u64,
    /// Sampled so far, in all calls.
    pub tokens: u64,
    /// Of a completion that has ended, on average; none where none has.
    pub tokens_per_completion: Option<f64>,
    /// Attempts that are being judged; 0 where that is not what is waited for.
    pub attempts: u64,
    /// Those of them that have a verdict.
    pub judged: u64,
}

impl Meter {
    /// A call that samples begins.
    pub fn begin(&self, requests: usize) {
        self.requests.store(requests as u64, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.tokens_of_done.store(0, Ordering::Relaxed);
        self.judging(0);
    }

    /// Judging of `attempts` attempts begins.
    pub fn judging(&self, attempts: usize) {
        self.attempts.store(attempts as u64, Ordering::Relaxed);
        self.judged.store(0, Ordering::Relaxed);
    }

    /// `attempts` more attempts have a verdict.
    pub fn judged(&self, attempts: usize) {
        self.judged.fetch_add(attempts as u64, Ordering::Relaxed);
    }

    /// A token was sampled.
    pub fn token(&self) {
        self.tokens.fetch_add(1, Ordering::Relaxed);
    }

    /// A completion of `tokens` tokens has ended.
    pub fn completed(&self, text: &str, tokens: usize) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.tokens_of_done.fetch_add(tokens as u64, Ordering::Relaxed);
        self.first.lock().expect("no thread panics while it holds a text").get_or_insert_with(|| text.to_owned());
    }

    /// What it shows now.
    pub fn read(&self) -> Reading {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (requests, done, tokens) = (of(&self.requests), of(&self.done), of(&self.tokens));
        let tokens_per_completion = (done > 0).then(|| of(&self.tokens_of_done) as f64 / done as f64);
        let (attempts, judged) = (of(&self.attempts), of(&self.judged));
        Reading { requests, done, tokens, tokens_per_completion, attempts, judged }
    }

    /// The first completion of all calls, once it has ended.
    pub fn first(&self) -> Option<String> {
        self.first.lock().expect("no thread panics while it holds a text").clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_its_own_completions() {
        let meter = Meter::default();
        meter.begin(3);
        assert_eq!(meter.read(), Reading { requests: 3, ..Reading::default() });
        (0..7).for_each(|_| meter.token());
        meter.completed("a", 4);
        meter.completed("b", 2);
        let reading =
            Reading { requests: 3, done: 2, tokens: 7, tokens_per_completion: Some(3.0), ..Reading::default() };
        assert_eq!((meter.read(), meter.first()), (reading, Some("a".to_owned())));
        meter.judging(2);
        meter.judged(1);
        assert_eq!((meter.read().judged, meter.read().attempts), (1, 2));
        meter.begin(1);
        let reading = Reading { requests: 1, tokens: 7, ..Reading::default() };
        assert_eq!((meter.read(), meter.first()), (reading, Some("a".to_owned())));
    }
}
