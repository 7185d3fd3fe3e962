//! From an environment's prompt to the policy's tokens.

use anyhow::Result;

use crate::{
    policy::{Message, Policy},
    sandbox::{Prompt, Speaker},
};

/// The tokens of a prompt, through the policy's chat template.
pub fn encode(policy: &Policy, prompt: &Prompt) -> Result<Vec<u32>> {
    let messages = prompt.messages.iter();
    let messages = messages.map(|message| Message { role: role(message.speaker), content: &message.content });
    policy.encode(&messages.collect::<Vec<_>>(), &prompt.prefill)
}

/// A speaker as chat templates call it.
fn role(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    }
}
