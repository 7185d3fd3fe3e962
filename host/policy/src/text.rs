//! Between text and tokens: tokenizer, chat template, and the tokens that end a completion.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, ensure};
use azr_core::sampling::Message;
use minijinja::{Environment, ErrorKind, context};
use serde_json::Value;
use tokenizers::Tokenizer;

use super::weights::Files;

/// A policy's tokenizer and conventions.
pub struct Text {
    tokenizer: Tokenizer,
    template: Option<Template>,
    /// Tokens that end a completion.
    pub ends: BTreeSet<u32>,
}

struct Template {
    jinja: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

impl Text {
    pub fn load(files: &Files) -> Result<Self> {
        let origin = files.origin();
        let tokenizer = Tokenizer::from_bytes(files.require("tokenizer.json")?)
            .map_err(|error| anyhow!("{origin}/tokenizer.json: {error}"))?;
        let json = |name: &str| match files.get(name) {
            None => Ok(Value::Null),
            Some(bytes) => serde_json::from_slice(bytes).with_context(|| format!("{origin}/{name} is not JSON")),
        };
        let tokenizer_config: Value = json("tokenizer_config.json")?;
        let mut ends = BTreeSet::new();
        for file in ["generation_config.json", "config.json"] {
            ends.extend(
                token_ids(&json(file)?["eos_token_id"]).with_context(|| format!("{origin}/{file}: eos_token_id"))?,
            );
        }
        let eos_token = token_text(&tokenizer_config["eos_token"]);
        ends.extend(tokenizer.token_to_id(&eos_token));
        ensure!(
            !ends.is_empty(),
            "{origin} names no token that ends a completion; set eos_token_id in generation_config.json"
        );
        let source = match (files.get("chat_template.jinja"), &tokenizer_config["chat_template"]) {
            (Some(bytes), _) => {
                Some(std::str::from_utf8(bytes).context("chat_template.jinja is not UTF-8")?.to_owned())
            }
            (None, Value::String(source)) => Some(source.clone()),
            (None, _) => None,
        };
        let bos_token = token_text(&tokenizer_config["bos_token"]);
        let template = source.map(|source| Template::new(source, bos_token, eos_token)).transpose()?;
        Ok(Self { tokenizer, template, ends })
    }

    /// The prompt that `messages` make, ready for the assistant to continue `prefill`. Without a chat template the
    /// contents are joined as they are; without messages the prefill is the whole prompt, whatever the template.
    pub fn encode(&self, messages: &[Message<'_>], prefill: &str) -> Result<Vec<u32>> {
        let (mut text, special) = match &self.template {
            // Templates write the beginning-of-text token themselves.
            Some(template) if !messages.is_empty() => (template.render(messages)?, false),
            _ => (messages.iter().map(|message| message.content).collect(), true),
        };
        text.push_str(prefill);
        self.encode_text(&text, special)
    }

    /// Tokens of `text` as it is.
    pub fn encode_text(&self, text: &str, special: bool) -> Result<Vec<u32>> {
        let encoding = self.tokenizer.encode_fast(text, special).map_err(|error| anyhow!("tokenizer: {error}"))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Text of `tokens`, without the tokenizer's special ones.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.tokenizer.decode(tokens, true).map_err(|error| anyhow!("tokenizer: {error}"))
    }

    /// Text of `tokens`, the tokenizer's special ones included.
    pub fn decode_all(&self, tokens: &[u32]) -> Result<String> {
        self.tokenizer.decode(tokens, false).map_err(|error| anyhow!("tokenizer: {error}"))
    }

    /// Whether the newest of `tokens` completes one of the `stop` strings.
    pub fn completes_stop(&self, tokens: &[u32], stop: &[String]) -> Result<bool> {
        let Some(longest) = stop.iter().map(String::len).max() else {
            return Ok(false);
        };
        // A token has at least one byte, so a stop string that ends in the newest token began within this tail. One
        // more token on the left keeps a character that is spread over several tokens in one piece.
        let tail = &tokens[tokens.len().saturating_sub(longest + 4)..];
        let text = self.decode(tail)?;
        Ok(stop.iter().any(|stop| text.contains(stop)))
    }

    /// The text of a completion: without the end token, cut where the first of the `stop` strings begins.
    pub fn completion(&self, tokens: &[u32], stop: &[String]) -> Result<String> {
        let ended = tokens.last().is_some_and(|last| self.ends.contains(last));
        let mut text = self.decode(&tokens[..tokens.len() - usize::from(ended)])?;
        if let Some(cut) = stop.iter().filter_map(|stop| text.find(stop.as_str())).min() {
            text.truncate(cut);
        }
        Ok(text)
    }
}

impl Template {
    fn new(source: String, bos_token: String, eos_token: String) -> Result<Self> {
        let mut jinja = Environment::new();
        // As transformers sets Jinja up for chat templates.
        jinja.set_trim_blocks(true);
        jinja.set_lstrip_blocks(true);
        jinja.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        jinja.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        jinja.add_template_owned("chat", source).context("the chat template is not valid")?;
        Ok(Self { jinja, bos_token, eos_token })
    }

    /// Templates without a system role, such as Gemma's, refuse one: what it says then stands before the first question.
    fn render(&self, messages: &[Message<'_>]) -> Result<String> {
        match (self.rendered(messages), messages) {
            (Err(_), [Message { role: "system", content: system }, first, rest @ ..]) => {
                let content = format!("{system}\n\n{}", first.content);
                self.rendered(&[&[Message { content: &content, ..*first }], rest].concat())
            }
            (rendered, _) => rendered,
        }
    }

    fn rendered(&self, messages: &[Message<'_>]) -> Result<String> {
        let Self { jinja, bos_token, eos_token } = self;
        let template = jinja.get_template("chat").context("the chat template is gone")?;
        let context = context! { messages, bos_token, eos_token, add_generation_prompt => true };
        template.render(context).context("the chat template does not accept these messages")
    }
}

/// `eos_token_id` is a number, a list of numbers, or absent.
fn token_ids(value: &Value) -> Result<Vec<u32>> {
    let one = |value: &Value| {
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        id.with_context(|| format!("{value} is not a token"))
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// A token in tokenizer_config.json is a string or an object with `content`.
fn token_text(value: &Value) -> String {
    let text = value.as_str().or_else(|| value["content"].as_str());
    text.unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/policy/reference.py`, `templates`: rendered by transformers.
    #[test]
    fn chat_templates_render_as_in_transformers() {
        let reference: Value = serde_json::from_str(include_str!("../../../tests/policy/reference.json")).unwrap();
        for case in reference["templates"].as_array().unwrap() {
            let source = case["template"].as_str().unwrap().to_owned();
            let template = Template::new(source, "<s>".to_owned(), "</s>".to_owned()).unwrap();
            let conversations = case["conversations"].as_array().unwrap().iter();
            for (conversation, rendered) in conversations.zip(case["rendered"].as_array().unwrap()) {
                let messages: Vec<Message<'_>> = (conversation.as_array().unwrap().iter())
                    .map(|m| Message { role: m["role"].as_str().unwrap(), content: m["content"].as_str().unwrap() })
                    .collect();
                assert_eq!(template.render(&messages).unwrap(), rendered.as_str().unwrap());
            }
        }
    }

    // Gemma's template begins with this refusal.
    #[test]
    fn a_template_without_a_system_role_gets_its_words_before_the_question() {
        let source = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
                      {% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}{% endfor %}";
        let template = Template::new(source.to_owned(), String::new(), String::new()).unwrap();
        let message = |role, content| Message { role, content };
        let messages = [message("system", "S"), message("user", "Q"), message("assistant", "A")];
        assert_eq!(template.render(&messages).unwrap(), "<user>S\n\nQ<assistant>A");
        assert_eq!(template.render(&messages[1..]).unwrap(), "<user>Q<assistant>A");
        assert!(template.render(&messages[..1]).is_err());
    }

    #[test]
    fn a_template_that_refuses_says_why() {
        let source = "{{ raise_exception('roles must alternate') }}".to_owned();
        let template = Template::new(source, String::new(), String::new()).unwrap();
        let error = template.render(&[Message { role: "user", content: "" }]).unwrap_err();
        assert!(format!("{error:#}").contains("roles must alternate"), "{error:#}");
    }
}
