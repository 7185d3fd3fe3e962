//! How many tasks are proposed, attempted, kept and measured.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{at_least_one, not_negative};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GenerateConfig {
    pub batch: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProposeConfig {
    pub batch: usize,
    pub references: usize,
    pub weight: f64,
    pub kl_coefficient: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LearnabilityConfig {
    pub samples: usize,
    pub train: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SolveConfig {
    pub batch: usize,
    pub samples: usize,
    pub rounds_max: usize,
    pub strategy: SolveStrategy,
    pub recent_steps: u64,
    pub kl_coefficient: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SolveStrategy {
    MaxNew,
    HalfNew,
    Uniform,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BufferConfig {
    pub capacity: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SeedingConfig {
    pub tasks: usize,
    pub batches_max: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EvaluationConfig {
    pub every_steps: u64,
    pub tasks: usize,
    pub generated: usize,
    pub held_out_share: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckpointConfig {
    pub every_steps: u64,
    pub keep: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultsConfig {
    pub share_max: f64,
    pub window_steps: usize,
    pub then: BreachAction,
}

/// What too many environment faults lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachAction {
    Stop,
    Drop,
}

/// Tasks that a key may ask for at a time, and how many times more one environment may get: together within the 32 bits
/// of `generate`'s count.
const TASKS_MAX: usize = 10_000_000;

/// `count` tasks for `key`.
fn tasks(key: &str, count: usize) -> Result<()> {
    if count > TASKS_MAX {
        bail!("{key} is {count}; it must be at most {TASKS_MAX}");
    }
    Ok(())
}

impl GenerateConfig {
    pub(crate) fn check(&self) -> Result<()> {
        tasks("generate.batch", self.batch)
    }
}

impl ProposeConfig {
    pub(crate) fn check(&self) -> Result<()> {
        not_negative(&[("propose.weight", self.weight), ("propose.kl-coefficient", self.kl_coefficient)])
    }
}

impl SolveConfig {
    pub(crate) fn check(&self) -> Result<()> {
        at_least_one(&[("solve.samples", self.samples), ("solve.rounds-max", self.rounds_max)])?;
        not_negative(&[("solve.kl-coefficient", self.kl_coefficient)])
    }
}

impl BufferConfig {
    pub(crate) fn check(&self) -> Result<()> {
        at_least_one(&[("buffer.capacity", self.capacity)])
    }
}

impl SeedingConfig {
    pub(crate) fn check(&self) -> Result<()> {
        tasks("seeding.tasks", self.tasks)
    }
}

impl EvaluationConfig {
    pub(crate) fn check(&self) -> Result<()> {
        let share = self.held_out_share;
        ensure!((0.0..1.0).contains(&share), "evaluation.held-out-share is {share}; it must be in [0, 1)");
        tasks("evaluation.generated", self.generated)
    }
}

impl CheckpointConfig {
    pub(crate) fn check(&self) -> Result<()> {
        at_least_one(&[("checkpoint.every-steps", self.every_steps as usize), ("checkpoint.keep", self.keep)])
    }
}

impl FaultsConfig {
    pub(crate) fn check(&self) -> Result<()> {
        at_least_one(&[("faults.window-steps", self.window_steps)])?;
        let share = self.share_max;
        ensure!((0.0..=1.0).contains(&share), "faults.share-max is {share}; it must be in [0, 1]");
        Ok(())
    }
}
