//! What proposals and attempts are worth, and how rewards become advantages.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::not_negative;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RewardConfig {
    pub malformed: f64,
    pub rejected: f64,
    pub unlearnable: f64,
    pub duplicate: RepeatReward,
    pub familiar: RepeatReward,
    pub wrong: f64,
    pub combination: Combination,
    /// By the measure's name.
    pub measures: BTreeMap<String, MeasureReward>,
}

/// How the terms of measures join the reward for learnability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Combination {
    Sum,
    Multiply,
    SumMultiply,
    MultiplySum,
}

/// What a measure adds to a proposer's reward.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MeasureReward {
    pub weight: f64,
    pub max: f64,
}

/// What a proposer gets for repeating what is known: `"as-new"` or a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RepeatReward {
    Fixed(f64),
    AsNew(AsNew),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AsNew {
    AsNew,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AdvantageConfig {
    pub baseline: Baseline,
    pub scale: Scale,
    pub weighting: Weighting,
    pub std_min: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    Role,
    Task,
    OthersAtTask,
    Global,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    Deviation,
    GlobalDeviation,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    Token,
    Sequence,
}

impl AdvantageConfig {
    /// `solve` says how often each task is attempted.
    pub(crate) fn check(&self, solve: &crate::SolveConfig) -> Result<()> {
        not_negative(&[("advantage.std-min", self.std_min)])?;
        let by_task = matches!(self.baseline, Baseline::Task | Baseline::OthersAtTask);
        ensure!(
            solve.samples > 1 || !by_task && solve.rounds_max == 1,
            "solve.samples is 1, and nothing can be learned from comparing the attempts at a task; it must be at least 2"
        );
        Ok(())
    }
}
