//! Attention of whole sequences: for learning and prefill.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use super::{
    batch::SharedPrompts,
    model::Attend,
    rope::{RopeTable, Rotation},
};

/// How the tokens of a [`super::Batch`] see each other.
pub enum WholeSequences<'a> {
    /// Every token sees itself and those before it in its row. Padding must be on the right.
    Causal(Rotation),
    Branching(Branching<'a>),
}

impl Attend for WholeSequences<'_> {
    fn rotation(&self) -> Option<&Rotation> {
        match self {
            Self::Causal(rotation) | Self::Branching(Branching { rotation, .. }) => Some(rotation),
        }
    }

    fn attend(&mut self, _layer: usize, q: Tensor, k: Tensor, v: Tensor) -> Result<Tensor> {
        match self {
            Self::Causal(_) => causal(&q, &k, &v),
            Self::Branching(branching) => branching.attend(q, k, v),
        }
    }
}

/// Completions see the prefix of all, the prompt that they share, themselves and what is before them, but not each other.
/// Prompts see the prefix, themselves and what is before them.
pub struct Branching<'a> {
    layout: &'a SharedPrompts,
    rotation: Rotation,
    /// Of prompts after a prefix, `[1, 1, prompt_len, prefix_len + prompt_len]`: 0 where a token sees another, −∞ elsewhere.
    prompt_mask: Option<Tensor>,
    /// Of completions, `[rows, 1, row_len, prefix_len + prompt_len + row_len]`.
    mask: Tensor,
}

impl<'a> Branching<'a> {
    pub fn new(layout: &'a SharedPrompts, rope: &RopeTable, kind: Kind) -> Result<Self> {
        let SharedPrompts { prefix_len, prompts, prompt_len, per_prompt, row_len, positions, lengths } = layout;
        let device = lengths.device();
        let columns = Tensor::f_arange(*prompt_len, (Kind::Int64, device))?;
        let prefix = Tensor::f_ones([1, 1, 1, 1, *prefix_len], (Kind::Bool, device))?;
        let prompt = lengths.f_unsqueeze(1)?.f_gt_tensor(&columns)?.f_view([*prompts, 1, 1, 1, *prompt_len])?;
        let own = Tensor::f_ones([*row_len, *row_len], (Kind::Bool, device))?.f_tril(0)?;
        let expand = |seen: &Tensor, columns| seen.f_expand([*prompts, *per_prompt, 1, *row_len, columns], false);
        let parts = [expand(&prefix, *prefix_len)?, expand(&prompt, *prompt_len)?, expand(&own, *row_len)?];
        let seen = Tensor::f_cat(&parts, 4)?.f_flatten(0, 1)?;
        let prompt_mask = (*prefix_len > 0).then(|| after(*prefix_len, *prompt_len, (kind, device))).transpose()?;
        Ok(Self { layout, rotation: rope.along(positions)?, prompt_mask, mask: mask(&seen.f_logical_not()?, kind)? })
    }

    fn attend(&self, q: Tensor, k: Tensor, v: Tensor) -> Result<Tensor> {
        let SharedPrompts { prefix_len, prompts, prompt_len, per_prompt, row_len, .. } = *self.layout;
        let rows = prompts * per_prompt;
        let split = |x: Tensor| -> Result<[Tensor; 3]> {
            let (_one, _n, heads, head_dim) = x.size4()?;
            let parts = x.f_split_with_sizes([prefix_len, prompts * prompt_len, rows * row_len], 1)?;
            let part = |i: usize, batch, seq| parts[i].f_view([batch, seq, heads, head_dim]);
            Ok([part(0, 1, prefix_len)?, part(1, prompts, prompt_len)?, part(2, rows, row_len)?])
        };
        let after_prefix = |prefix: &Tensor, prompt: &Tensor| -> Result<Tensor> {
            let (_prompts, _len, heads, head_dim) = prompt.size4()?;
            Ok(Tensor::f_cat(&[&prefix.f_expand([prompts, prefix_len, heads, head_dim], false)?, prompt], 1)?)
        };
        let after_prompt = |prompt: &Tensor, own: &Tensor| -> Result<Tensor> {
            let (_prompts, len, heads, head_dim) = prompt.size4()?;
            let prompt = prompt.f_unsqueeze(1)?.f_expand([prompts, per_prompt, len, heads, head_dim], false)?;
            let own = own.f_view([prompts, per_prompt, row_len, heads, head_dim])?;
            Ok(Tensor::f_cat(&[prompt, own], 2)?.f_flatten(0, 1)?)
        };
        let [prefix_q, prompt_q, q] = split(q)?;
        let [prefix_k, mut prompt_k, k] = split(k)?;
        let [prefix_v, mut prompt_v, v] = split(v)?;
        let flat = |x: Tensor| x.f_flatten(0, 1);
        let mut mixed = Vec::with_capacity(3);
        if prefix_len > 0 {
            mixed.push(flat(causal(&prefix_q, &prefix_k, &prefix_v)?)?);
            (prompt_k, prompt_v) = (after_prefix(&prefix_k, &prompt_k)?, after_prefix(&prefix_v, &prompt_v)?);
        }
        mixed.push(flat(dot_product(&prompt_q, &prompt_k, &prompt_v, self.prompt_mask.as_ref())?)?);
        let (k, v) = (after_prompt(&prompt_k, &k)?, after_prompt(&prompt_v, &v)?);
        mixed.push(flat(dot_product(&q, &k, &v, Some(&self.mask))?)?);
        Ok(Tensor::f_cat(&mixed, 0)?)
    }
}

/// What `seq` tokens after a prefix see, `[1, 1, seq, prefix + seq]`: 0 for the prefix, themselves and what is between, −∞
/// for what is behind them.
pub(super) fn after(prefix: i64, seq: i64, (kind, device): (Kind, Device)) -> Result<Tensor> {
    let seen = Tensor::f_ones([seq, prefix + seq], (Kind::Bool, device))?.f_tril(prefix)?;
    mask(&seen.f_logical_not()?.f_view([1, 1, seq, prefix + seq])?, kind)
}

/// 0 where a token sees another, −∞ where that is `hidden` from it, `[.., keys]`. Rows begin at multiples of 8 numbers:
/// kernels on GPUs need that, and libtorch would copy every other mask for every layer.
pub(super) fn mask(hidden: &Tensor, kind: Kind) -> Result<Tensor> {
    let mut shape = hidden.size();
    let keys = shape.pop().expect("a mask has keys");
    shape.push((keys + 7) / 8 * 8);
    let mut mask = Tensor::f_zeros(&shape, (kind, hidden.device()))?.f_narrow(-1, 0, keys)?;
    let _ = mask.f_masked_fill_(hidden, f64::NEG_INFINITY)?;
    Ok(mask)
}

/// `q` is `[batch, seq, heads, head_dim]`, `k` and `v` `[batch, seq, shared, head_dim]`; returns `[batch, seq, hidden]`.
pub fn causal(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    dot_product(q, k, v, None)
}

/// Causal without a mask; with one, `[batch, 1, seq, keys]`, there may be more keys than queries.
pub(super) fn dot_product(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let (batch, seq, heads, head_dim) = q.size4()?;
    let (_, keys, shared, _) = k.size4()?;
    let by_head = |x: &Tensor| x.f_transpose(1, 2);
    // Repeating the shared heads beats `enable_gqa` on CPUs.
    let widen = |x: &Tensor| -> Result<Tensor> {
        let x = by_head(x)?;
        if shared == heads {
            return Ok(x);
        }
        let wide = x.f_unsqueeze(2)?.f_expand([batch, shared, heads / shared, keys, head_dim], false)?;
        Ok(wide.f_reshape([batch, heads, keys, head_dim])?)
    };
    let causal = mask.is_none();
    let mixed =
        Tensor::f_scaled_dot_product_attention(&by_head(q)?, &widen(k)?, &widen(v)?, mask, 0.0, causal, None, false)?;
    Ok(by_head(&mixed)?.f_reshape([batch, seq, heads * head_dim])?)
}
