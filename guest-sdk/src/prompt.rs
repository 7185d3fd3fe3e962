//! Prompts.

use crate::{Message, Prompt, Speaker};

/// One message from the user, and nothing else.
pub fn question(content: impl Into<String>) -> Prompt {
    Prompt {
        messages: vec![Message { speaker: Speaker::User, content: content.into() }],
        prefill: String::new(),
        stop: Vec::new(),
    }
}

/// One message from the user, answered by reasoning in `think` tags and then by an answer in `answer` tags. The
/// completion starts inside the think block: read it with [`crate::format::Tagged`].
pub fn reasoned_question(content: impl Into<String>) -> Prompt {
    Prompt { prefill: "<think>".into(), stop: vec!["</answer>".into()], ..question(content) }
}

/// A text that the completion continues, without a chat template: what benchmarks for base models ask.
pub fn text(content: impl Into<String>) -> Prompt {
    Prompt { messages: Vec::new(), prefill: content.into(), stop: Vec::new() }
}
