//! Wall time by stage.

use std::time::Instant;

/// Wall time by stage. Kept apart from everything that must repeat exactly.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    last: Instant,
    laps: Vec<(&'static str, f64)>,
}

impl Stopwatch {
    /// Starts at zero.
    pub fn start() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    /// Ends the stage called `name`.
    pub fn lap(&mut self, name: &'static str) {
        self.laps.push((name, self.last.elapsed().as_secs_f64()));
        self.last = Instant::now();
    }

    /// The stages in order, each with its seconds.
    pub fn laps(&self) -> &[(&'static str, f64)] {
        &self.laps
    }

    /// Seconds of all laps so far.
    pub fn total_s(&self) -> f64 {
        self.laps.iter().map(|(_, seconds)| seconds).sum()
    }

    /// Seconds of the stages called `names`.
    pub fn of(&self, names: &[&str]) -> f64 {
        self.laps.iter().filter(|(name, _)| names.contains(name)).map(|(_, seconds)| seconds).sum()
    }
}
