//! What the stages of a step share.

use anyhow::Result;
use azr_config::RunConfig;
use azr_core::{
    gather::Gather,
    rng::StepRng,
    sampling::{Completion, Message, SampleRequest, Sampler, Sampling},
};
use azr_sandbox::{Prompt, Speaker};

use crate::faults::Faults;

/// A prompt with more bytes per allowed token than this is too long, without being tokenized: that takes seconds and
/// gigabytes for megabytes of text. Tokens are 3 to 5 bytes long; only white space makes them longer.
const BYTES_PER_TOKEN_MAX: usize = 32;

/// The configuration, the policy, the step's random numbers and its faults.
pub struct Stage<'a> {
    pub config: &'a RunConfig,
    pub sampler: &'a dyn Sampler,
    pub rng: StepRng,
    pub faults: Faults<'a>,
}

impl<'a> Stage<'a> {
    /// The stages of `step`, which counts from 1; 0 is before the first update.
    pub fn new(config: &'a RunConfig, sampler: &'a dyn Sampler, gather: &'a dyn Gather, step: u64) -> Self {
        Self { config, sampler, rng: StepRng { seed: config.seed, step }, faults: Faults::new(gather) }
    }

    /// The tokens of a prompt, through the policy's chat template; `None` where it is longer than the configuration allows.
    pub fn encode(&self, prompt: &Prompt) -> Result<Option<Vec<u32>>> {
        let tokens_max = self.config.sampling.prompt_max_tokens;
        let bytes = prompt.messages.iter().map(|message| message.content.len()).sum::<usize>() + prompt.prefill.len();
        if bytes > BYTES_PER_TOKEN_MAX * tokens_max {
            return Ok(None);
        }
        Ok(Some(encode(self.sampler, prompt)?).filter(|tokens| tokens.len() <= tokens_max))
    }

    /// One completion per request, in order.
    pub fn sample(&self, requests: &[SampleRequest]) -> Result<Vec<Completion>> {
        self.sampler.sample(requests, &Sampling::from(&self.config.sampling))
    }
}

/// The tokens of a prompt, through the chat template of `sampler`.
pub fn encode(sampler: &dyn Sampler, prompt: &Prompt) -> Result<Vec<u32>> {
    let messages = prompt.messages.iter();
    let messages = messages.map(|message| Message { role: role(message.speaker), content: &message.content });
    sampler.encode(&messages.collect::<Vec<_>>(), &prompt.prefill)
}

/// A speaker as chat templates call it.
fn role(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    }
}
