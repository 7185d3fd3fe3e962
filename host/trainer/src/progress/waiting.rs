//! Says how far sampling is while nothing else is said: in a terminal beside the bar, in a log now and then.

use std::{
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use azr_core::meter::{Meter, Reading};
use indicatif::{HumanDuration, ProgressBar};

use super::{SAMPLE_MAX_LINES, quoted};

/// Often enough to see that it goes on.
const IN_TERMINAL: Duration = Duration::from_millis(500);
/// Seldom enough that a log of a day can be read.
const IN_LOG: Duration = Duration::from_secs(60);

/// A thread that looks at a meter until this is dropped.
pub struct Waiting {
    ended: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Tells beside `bar` what `meter` shows.
    pub fn beside(bar: ProgressBar, meter: Arc<Meter>) -> Self {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let watched = Arc::clone(&ended);
        let thread = std::thread::spawn(move || watch(&bar, &meter, &watched));
        Self { ended, thread: Some(thread) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let (ended, changed) = &*self.ended;
        *ended.lock().expect("the flag is only written") = true;
        changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It only prints; a panic there has been printed.
            drop(thread.join());
        }
    }
}

fn watch(bar: &ProgressBar, meter: &Meter, (ended, changed): &(Mutex<bool>, Condvar)) {
    let every = if bar.is_hidden() { IN_LOG } else { IN_TERMINAL };
    let (mut before, mut since, mut first_shown) = (meter.read(), Instant::now(), false);
    let mut guard = ended.lock().expect("the flag is only written");
    while !*guard {
        guard = changed.wait_timeout(guard, every).expect("the flag is only written").0;
        if let Some(text) = meter.first().filter(|_| !first_shown) {
            first_shown = true;
            say(bar, "the first completion:");
            quoted(&text, SAMPLE_MAX_LINES).iter().for_each(|line| say(bar, line));
        }
        let now = meter.read();
        if let Some(line) = line(before, now, since.elapsed().as_secs_f64()) {
            if bar.is_hidden() { say(bar, &line) } else { bar.set_message(line) }
        }
        (before, since) = (now, Instant::now());
    }
}

/// `sampling 35 of 64, 78 tokens/s, about 3 minutes left`, or `judging 12 of 64, about 20 seconds left`; none where
/// nothing is sampled or judged. In `seconds` without a token prompts were read: every other forward pass samples some.
fn line(before: Reading, now: Reading, seconds: f64) -> Option<String> {
    // More than a duration can be is nothing that anybody waits for.
    let left = |seconds: f64| {
        let left = Duration::try_from_secs_f64(seconds);
        left.map_or(String::new(), |left| format!(", about {} left", HumanDuration(left)))
    };
    if now.attempts > 0 {
        let again = before.attempts == now.attempts && before.judged <= now.judged;
        let judged = now.judged - if again { before.judged } else { 0 };
        let left = if judged > 0 {
            left(now.attempts.saturating_sub(now.judged) as f64 * seconds / judged as f64)
        } else {
            String::new()
        };
        return Some(format!("judging {} of {}{left}", now.judged, now.attempts));
    }
    let Reading { requests, done, .. } = now;
    if now.tokens == before.tokens {
        return (done < requests).then(|| format!("sampling {done} of {requests}, reading prompts"));
    }
    let tokens_per_s = (now.tokens - before.tokens) as f64 / seconds;
    let left =
        now.tokens_per_completion.map(|tokens| left(requests.saturating_sub(done) as f64 * tokens / tokens_per_s));
    Some(format!("sampling {done} of {requests}, {tokens_per_s:.0} tokens/s{}", left.unwrap_or_default()))
}

fn say(bar: &ProgressBar, line: &str) {
    if bar.is_hidden() { eprintln!("{line}") } else { bar.println(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_completions_like_those_before() {
        let (before, now) = (Reading::default(), Reading { requests: 64, done: 4, tokens: 784, ..Reading::default() });
        let line = |now, seconds| line(before, now, seconds).unwrap_or_default();
        assert_eq!(line(now, 10.0), "sampling 4 of 64, 78 tokens/s");
        let now = Reading { tokens: 780, tokens_per_completion: Some(156.0), ..now };
        assert_eq!(line(now, 10.0), "sampling 4 of 64, 78 tokens/s, about 2 minutes left");
        assert_eq!(line(before, 10.0), "");
        assert_eq!(super::line(now, now, 10.0).unwrap(), "sampling 4 of 64, reading prompts");
        let ended = Reading { done: 64, ..now };
        assert_eq!(super::line(ended, ended, 10.0), None);
        let now = Reading { attempts: 64, judged: 16, ..now };
        assert_eq!(line(now, 10.0), "judging 16 of 64, about 30 seconds left");
    }
}
