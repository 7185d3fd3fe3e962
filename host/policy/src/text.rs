//! Between text and tokens: tokenizer, chat template, and the tokens that end a completion.

use std::{borrow::Cow, collections::BTreeSet};

use anyhow::{Context as _, Result, anyhow, ensure};
use azr_core::sampling::Message;
use serde_json::Value;
use tokenizers::{
    Model as _, NormalizedString, Normalizer as _, OffsetType, PreTokenizedString, PreTokenizer as _, Tokenizer,
};

use super::{
    template::{self, SpecialTokens, Template},
    weights::Files,
};

/// Around a control token in what a message says. Private to us; messages lose their own.
const MARKS: [char; 2] = ['\u{F8F0}', '\u{F8F1}'];

/// An added token that means something in a conversation. A message may hold its text without meaning it.
struct ControlToken {
    text: String,
    special: bool,
}

/// A policy's tokenizer and conventions.
pub struct Text {
    tokenizer: Tokenizer,
    template: Option<Template>,
    /// The longest first.
    control: Vec<ControlToken>,
    /// Tokens that end a completion.
    pub ends: BTreeSet<u32>,
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
        let tokens = SpecialTokens::new(&tokenizer_config, &json("special_tokens_map.json")?);
        let mut ends = BTreeSet::new();
        for file in ["generation_config.json", "config.json"] {
            ends.extend(
                token_ids(&json(file)?["eos_token_id"]).with_context(|| format!("{origin}/{file}: eos_token_id"))?,
            );
        }
        ends.extend(tokens.get("eos_token").and_then(|token| tokenizer.token_to_id(token)));
        ensure!(
            !ends.is_empty(),
            "{origin} names no token that ends a completion; set eos_token_id in generation_config.json"
        );
        let source = template::source(files.get("chat_template.jinja"), &tokenizer_config);
        let template = source.and_then(|source| source.map(|source| Template::new(source, tokens)).transpose());
        let template = template.with_context(|| origin.to_owned())?;
        let control = control_tokens(&tokenizer, template.as_ref());
        Ok(Self { tokenizer, template, control, ends })
    }

    /// The prompt that `messages` make, ready for the assistant to continue `prefill`. Without a chat template the
    /// contents are joined as they are. What looks like a control token in a message, or like a special one in `prefill`,
    /// is text, as with `sanitize_control_tokens` of transformers: only the template writes those tokens.
    /// Without messages the prefill is the whole prompt, whatever the template.
    pub fn encode(&self, messages: &[Message<'_>], prefill: &str) -> Result<Vec<u32>> {
        let marked: Vec<Cow<'_, str>> = messages.iter().map(|message| self.marked(message.content, |_| true)).collect();
        let messages: Vec<Message<'_>> =
            (messages.iter().zip(&marked)).map(|(message, content)| Message { content, ..*message }).collect();
        let (mut text, special) = match &self.template {
            // Templates write the beginning-of-text token themselves.
            Some(template) if !messages.is_empty() => (template.render(&messages)?, false),
            _ => (messages.iter().map(|message| message.content).collect(), true),
        };
        text.push_str(&self.marked(prefill, |token| token.special));
        let (first, mut rest) = text.split_at(text.find(MARKS).unwrap_or(text.len()));
        let mut tokens = self.encode_text(first, special)?;
        while let Some(mark) = rest.chars().next() {
            rest = &rest[mark.len_utf8()..];
            let (piece, others) = rest.split_at(rest.find(MARKS).unwrap_or(rest.len()));
            // Templates may take the marks around a token apart.
            let within = mark == MARKS[0] && others.starts_with(MARKS[1]);
            let marked = within && self.control.iter().any(|token| token.text == piece);
            tokens.extend(self.encode_later(piece, marked)?);
            rest = others;
        }
        Ok(tokens)
    }

    /// `text` with marks around the control tokens in it that `counts` names.
    fn marked<'a>(&self, text: &'a str, counts: fn(&ControlToken) -> bool) -> Cow<'a, str> {
        let control = || self.control.iter().filter(|token| counts(token)).map(|token| &*token.text);
        if !text.contains(MARKS) && !control().any(|token| text.contains(token)) {
            return text.into();
        }
        let clean = text.replace(MARKS, "");
        let mut marked = String::new();
        let mut rest = &*clean;
        while let Some(next) = rest.chars().next() {
            let token = control().find(|token| rest.starts_with(token));
            let (this, others) = rest.split_at(token.map_or(next.len_utf8(), str::len));
            match token {
                Some(_) => marked.extend([MARKS[0].to_string().as_str(), this, MARKS[1].to_string().as_str()]),
                None => marked.push_str(this),
            }
            rest = others;
        }
        marked.into()
    }

    /// Tokens of a piece of a text that does not begin it; a marked one is a control token that is meant as text.
    fn encode_later(&self, piece: &str, marked: bool) -> Result<Vec<u32>> {
        let encode = |text: &str| match marked {
            true => plain(&self.tokenizer, text).map_err(|error| anyhow!("tokenizer: {error}")),
            false => self.encode_text(text, false),
        };
        // After a line end, so that tokenizers which begin a text with a space do not begin a piece with one.
        let (line_end, both) = (encode("\n")?, encode(&format!("\n{piece}"))?);
        let tokens = match both.strip_prefix(&*line_end) {
            Some(tokens) => tokens.to_vec(),
            None => encode(piece)?,
        };
        let meant = self.tokenizer.token_to_id(piece).filter(|_| marked);
        ensure!(
            meant.is_none_or(|token| !tokens.contains(&token)),
            "a message holds {piece:?}, which this tokenizer cannot write as text"
        );
        Ok(tokens)
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
        // A token has at least one byte, so a stop string that ends in the newest token began within this tail. Four more
        // tokens on the left keep a character that is spread over several tokens in one piece.
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

/// The special tokens, and other added ones that the template writes.
fn control_tokens(tokenizer: &Tokenizer, template: Option<&Template>) -> Vec<ControlToken> {
    let written = |token: &str| template.is_some_and(|template| template.mentions(token)) && !token.trim().is_empty();
    let added = tokenizer.get_added_tokens_decoder().into_values();
    let mut control: Vec<ControlToken> = added
        .filter(|token| !token.content.is_empty() && (token.special || written(&token.content)))
        .map(|token| ControlToken { text: token.content, special: token.special })
        .collect();
    control.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.text.cmp(&b.text)));
    control
}

/// The tokens of a text in which no added token is looked for.
fn plain(tokenizer: &Tokenizer, text: &str) -> tokenizers::Result<Vec<u32>> {
    let mut normalized = NormalizedString::from(text);
    if let Some(normalizer) = tokenizer.get_normalizer() {
        normalizer.normalize(&mut normalized)?;
    }
    let mut pieces = PreTokenizedString::from(normalized);
    if let Some(pre_tokenizer) = tokenizer.get_pre_tokenizer() {
        pre_tokenizer.pre_tokenize(&mut pieces)?;
    }
    pieces.tokenize(|piece| tokenizer.get_model().tokenize(piece.get()))?;
    Ok(pieces.into_encoding(None, 0, OffsetType::None)?.get_ids().to_vec())
}
