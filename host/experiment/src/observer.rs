//! Who watches a session: a display, or nobody.

use std::{collections::BTreeMap, fs::File, path::Path};

use anyhow::Result;
use azr_selfplay::{
    env_state::EnvState,
    evaluation::{Evaluation, Protocol},
    faults::Tally,
    step::Step,
};

use crate::{metrics::StepMetrics, record::Experiment};

/// Told of everything that a person may want to see while it happens. Nothing depends on what it does.
#[expect(unused_variables, reason = "an observer looks at what it likes")]
pub trait Observer {
    /// This process follows another that writes the experiment, and had better print into this file.
    fn follows(&self, printed: &File) -> Result<()> {
        Ok(())
    }

    /// The experiment in `path` is about to begin or to go on; `plan` says what training takes.
    fn loaded(&self, experiment: &Experiment, plan: &str, path: &Path) {}

    /// First tasks are being collected, until each kind has `wanted`.
    fn seeding(&self, envs: &[EnvState], wanted: usize) {}

    /// The policy that is called `name` is about to be measured.
    fn measuring(&self, name: &str, protocol: Protocol) {}

    /// An environment is left out from now on, for what became of its calls.
    fn dropped(&self, name: &str, faults: &Tally) {}

    fn measured(&self, evaluations: &[Evaluation]) {}

    /// The steps begin: `done` of `steps` were done before.
    fn begin(&self, done: u64, steps: u64) {}

    /// A step is done. `logged` counts the lines that judges wrote.
    fn step(&self, envs: &[EnvState], step: &Step, metrics: &StepMetrics, logged: usize) {}

    /// The session was interrupted after step `done`.
    fn stopped(&self, done: u64, path: &Path) {}

    /// The last step is done.
    fn finished(&self, evaluations: &[Evaluation], faults: &BTreeMap<String, Tally>, logged: usize, path: &Path) {}
}

/// Looks at nothing.
pub struct Silent;

impl Observer for Silent {}
