//! The policy, and how it is sampled.

use anyhow::{Context as _, Result, ensure};
use azr_core::sampling::Sampling;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{LoraConfig, at_least_one};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyConfig {
    pub dtype: Dtype,
    pub threads: usize,
    pub lora: LoraConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Dtype {
    F32,
    Bf16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SamplingConfig {
    pub temperature: f32,
    pub top_p: f32,
    pub top_k: usize,
    pub prompt_max_tokens: usize,
    pub completion_max_tokens: usize,
    pub shares: usize,
    pub rows_max: usize,
}

impl From<&SamplingConfig> for Sampling {
    fn from(config: &SamplingConfig) -> Self {
        let SamplingConfig { temperature, top_p, top_k, prompt_max_tokens: _, completion_max_tokens, shares, rows_max } =
            *config;
        Self { temperature, top_p, top_k, completion_max_tokens, shards: shares, rows_max }
    }
}

impl PolicyConfig {
    pub(crate) fn check(&self) -> Result<()> {
        at_least_one(&[("policy.threads", self.threads)])?;
        self.lora.check().context("policy.lora")
    }
}

impl SamplingConfig {
    pub(crate) fn check(&self) -> Result<()> {
        at_least_one(&[
            ("sampling.prompt-max-tokens", self.prompt_max_tokens),
            ("sampling.completion-max-tokens", self.completion_max_tokens),
            ("sampling.shares", self.shares),
            ("sampling.rows-max", self.rows_max),
        ])?;
        ensure!(self.temperature > 0.0, "sampling.temperature is {}; it must be above 0", self.temperature);
        ensure!(
            self.top_p > 0.0 && self.top_p <= 1.0,
            "sampling.top-p is {}; it must be above 0 and at most 1",
            self.top_p
        );
        Ok(())
    }
}
