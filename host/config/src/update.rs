//! How rollouts become an update of the weights.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{at_least_one, not_negative};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpdateConfig {
    pub optimizer: OptimizerKind,
    pub learning_rate: f64,
    pub muon_learning_rate: f64,
    pub muon_momentum: f64,
    pub schedule: Schedule,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
    pub gradient_norm_max: f64,
    pub clip_low: f64,
    pub clip_high: f64,
    pub entropy_coefficient: f64,
    pub average: Average,
    pub importance_max: f64,
    pub minibatches: usize,
    pub epochs: usize,
    pub micro_batch_max_tokens: usize,
    pub activations: Activations,
    pub weights: WeightsKind,
    pub moments: MomentsKind,
}

/// How AdamW keeps its moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MomentsKind {
    #[serde(rename = "f32")]
    F32,
    #[serde(rename = "8-bit")]
    EightBit,
}

/// What each of several ranks has of the weights while it finds the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightsKind {
    Whole,
    Sharded,
}

/// What becomes of a forward pass's activations until the backward pass needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activations {
    Keep,
    Recompute,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    Adamw,
    Muon,
}

/// Over what the loss is a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Average {
    Token,
    Sequence,
    Budget,
    Sum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    Constant,
    Linear,
}

impl UpdateConfig {
    /// The learning rate of `step`, which counts from 1, in a run of `steps`.
    pub fn learning_rate_at(&self, step: u64, steps: u64) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Linear => self.learning_rate * (steps - step + 1) as f64 / steps as f64,
        }
    }
}

impl UpdateConfig {
    pub(crate) fn check(&self) -> Result<()> {
        at_least_one(&[
            ("update.minibatches", self.minibatches),
            ("update.epochs", self.epochs),
            ("update.micro-batch-max-tokens", self.micro_batch_max_tokens),
        ])?;
        not_negative(&[
            ("update.learning-rate", self.learning_rate),
            ("update.muon-learning-rate", self.muon_learning_rate),
            ("update.weight-decay", self.weight_decay),
            ("update.clip-high", self.clip_high),
        ])?;
        for (key, rate) in [
            ("update.beta1", self.beta1),
            ("update.beta2", self.beta2),
            ("update.muon-momentum", self.muon_momentum),
            ("update.clip-low", self.clip_low),
        ] {
            ensure!((0.0..1.0).contains(&rate), "{key} is {rate}; it must be in [0, 1)");
        }
        for (key, value) in [("update.epsilon", self.epsilon), ("update.gradient-norm-max", self.gradient_norm_max)] {
            ensure!(value > 0.0, "{key} is {value}; it must be above 0");
        }
        let importance = self.importance_max;
        ensure!(
            importance == 0.0 || importance >= 1.0,
            "update.importance-max is {importance}; it must be 0 or at least 1"
        );
        ensure!(
            self.weights == WeightsKind::Whole || self.activations == Activations::Recompute,
            "update.weights is sharded, which has the weights of a layer only while it runs; set \
             update.activations=recompute, so that it runs again on the way back"
        );
        Ok(())
    }
}
