//! The seam to what writes completions.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{meter::Meter, rng::Stream};

/// A language model that answers prompts.
pub trait Sampler {
    /// The tokens of a prompt: `messages` through the chat template, then `prefill`, which the completion continues.
    fn encode(&self, messages: &[Message<'_>], prefill: &str) -> Result<Vec<u32>>;

    /// The text of a prompt's tokens, those of the chat template included: what the policy is really asked.
    fn text(&self, prompt: &[u32]) -> Result<String>;

    /// One completion per request, in order, on every rank. A completion depends on its request and stream only, apart
    /// from rounding, which in a near tie can depend on the other requests; never on threads or ranks.
    fn sample(&self, requests: &[SampleRequest], sampling: &Sampling) -> Result<Vec<Completion>>;

    /// Its progress, for display.
    fn meter(&self) -> &Meter;
}

/// One chat message, as chat templates know it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Message<'a> {
    /// `system`, `user` or `assistant`.
    pub role: &'a str,
    pub content: &'a str,
}

/// One completion to sample.
#[derive(Clone, Debug)]
pub struct SampleRequest {
    pub prompt: Vec<u32>,
    /// The completion ends where the first of these would begin.
    pub stop: Vec<String>,
    /// The number at position t chooses token t.
    pub stream: Stream,
}

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the most likely token.
    pub temperature: f32,
    /// Keep the smallest set of the most likely tokens with at least this probability; 1 keeps all.
    pub top_p: f32,
    /// Keep only the k most likely tokens; 0 keeps all.
    pub top_k: usize,
    pub completion_max_tokens: usize,
    /// A large call is cut into at least this many shards.
    pub shards: usize,
    /// Completions sampled together.
    pub rows_max: usize,
}

/// What was sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// Everything sampled, the end token and stop strings included.
    pub tokens: Vec<u32>,
    /// Of each token in the whole distribution at the sampling temperature (at 1 where that is 0): before top-k and
    /// top-p, so that the learner computes the same.
    pub logprobs: Vec<f32>,
    /// Without end token, and cut where the first stop string begins.
    pub text: String,
    pub finish: Finish,
}

/// Why a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// An end token or a stop string.
    Stop,
    /// It has `completion_max_tokens`.
    Length,
}
