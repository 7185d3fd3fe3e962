//! The sequences of one forward pass as tensors.

use anyhow::Result;
use tch::{Device, Tensor};

/// A prompt and its completion.
pub type Sequence<'a> = (&'a [u32], &'a [u32]);

/// Sequences for one forward pass, padded on the right, and which of their tokens are predicted.
pub struct Batch {
    /// `[batch, seq]`, int64; `[1, n]` where prompts are shared.
    pub tokens: Tensor,
    /// `[n]`, int64: indices in the flattened `tokens` from which a token is predicted.
    pub indices: Tensor,
    /// `[n]`, int64: the tokens that follow those indices.
    pub targets: Tensor,
    pub shared: Option<SharedPrompts>,
}

/// Where the tokens of a batch are whose sequences begin alike: first what all prompts begin with, then `prompts` rows of
/// `prompt_len` with the rest of the prompts, without their last tokens, then for each prompt `per_prompt` rows of `row_len`
/// that go on from it.
pub struct SharedPrompts {
    /// May be 0.
    pub prefix_len: i64,
    pub prompts: i64,
    pub prompt_len: i64,
    pub per_prompt: i64,
    pub row_len: i64,
    /// Of every token in its sequence, `[n]`, int64.
    pub positions: Tensor,
    /// Of the rest of every prompt without padding, `[prompts]`, int64.
    pub lengths: Tensor,
}

/// Rows of tokens, padded on the right.
#[derive(Default)]
struct Rows {
    tokens: Vec<i64>,
    positions: Vec<i64>,
}

impl Rows {
    /// A row of `length` that continues a sequence at `position`.
    fn push(&mut self, tokens: impl Iterator<Item = u32>, position: usize, length: usize) {
        let padded = tokens.map(i64::from).chain(std::iter::repeat(0));
        self.tokens.extend(padded.take(length));
        self.positions.extend((position..position + length).map(|position| position as i64));
    }
}

impl Batch {
    /// Sequences of prompt and completion; the completion tokens are the targets, row by row.
    pub fn new(sequences: &[Sequence<'_>], device: Device) -> Result<Self> {
        let length = |(prompt, completion): &Sequence<'_>| prompt.len() + completion.len() - 1;
        let seq = sequences.iter().map(length).max().unwrap_or(0);
        let mut rows = Rows::default();
        let mut indices = Vec::new();
        for (row, sequence) in sequences.iter().enumerate() {
            let (prompt, completion) = sequence;
            rows.push(prompt.iter().chain(*completion).take(length(sequence)).copied(), 0, seq);
            let first = row * seq + prompt.len() - 1;
            indices.extend((first..first + completion.len()).map(|index| index as i64));
        }
        let tokens = Tensor::f_from_slice(&rows.tokens)?.f_view([sequences.len() as i64, seq as i64])?;
        Self::predicting(tokens, &indices, sequences, None, device)
    }

    /// The same where `per_prompt` sequences at a time have the same prompt, read once, as are the first `prefix_len` tokens
    /// of all prompts, which have at least two more.
    pub fn sharing(sequences: &[Sequence<'_>], per_prompt: usize, prefix_len: usize, device: Device) -> Result<Self> {
        let prompts: Vec<&[u32]> = sequences.iter().step_by(per_prompt).map(|(prompt, _)| *prompt).collect();
        let rest = |prompt: &&[u32]| prompt.len() - 1 - prefix_len;
        let prompt_len = prompts.iter().map(rest).max().unwrap_or(0);
        let row_len = sequences.iter().map(|(_, completion)| completion.len()).max().unwrap_or(0);
        let mut rows = Rows::default();
        rows.push(prompts.iter().flat_map(|prompt| prompt.iter().copied()), 0, prefix_len);
        for prompt in &prompts {
            rows.push(prompt[prefix_len..prompt.len() - 1].iter().copied(), prefix_len, prompt_len);
        }
        let mut indices = Vec::new();
        for (prompt, completion) in sequences {
            let first = rows.tokens.len() as i64;
            let inputs = prompt.last().into_iter().chain(*completion).take(completion.len());
            rows.push(inputs.copied(), prompt.len() - 1, row_len);
            indices.extend(first..first + completion.len() as i64);
        }
        let lengths: Vec<i64> = prompts.iter().map(|prompt| rest(prompt) as i64).collect();
        let layout = SharedPrompts {
            prefix_len: prefix_len as i64,
            prompts: prompts.len() as i64,
            prompt_len: prompt_len as i64,
            per_prompt: per_prompt as i64,
            row_len: row_len as i64,
            positions: Tensor::f_from_slice(&rows.positions)?.f_to_device(device)?,
            lengths: Tensor::f_from_slice(&lengths)?.f_to_device(device)?,
        };
        let tokens = Tensor::f_from_slice(&rows.tokens)?.f_unsqueeze(0)?;
        Self::predicting(tokens, &indices, sequences, Some(layout), device)
    }

    fn predicting(
        tokens: Tensor,
        indices: &[i64],
        sequences: &[Sequence<'_>],
        shared: Option<SharedPrompts>,
        device: Device,
    ) -> Result<Self> {
        let targets: Vec<i64> =
            sequences.iter().flat_map(|(_, completion)| *completion).map(|&t| i64::from(t)).collect();
        let on_device = |values: &[i64]| Tensor::f_from_slice(values)?.f_to_device(device);
        let (indices, targets) = (on_device(indices)?, on_device(&targets)?);
        Ok(Self { tokens: tokens.f_to_device(device)?, indices, targets, shared })
    }
}
