//! Attention for the three passes: learning, prefill and decoding against a cache.

use anyhow::Result;
use tch::Tensor;

use super::{model::Attend, rope::Rotation};

/// Every token sees itself and those before it in its row. Padding must be on the right.
pub(crate) struct Causal {
    pub(crate) rotation: Rotation,
}

impl Attend for Causal {
    fn attend(&mut self, _layer: usize, q: Tensor, k: Tensor, v: Tensor) -> Result<Tensor> {
        causal(&self.rotation.turn(&q)?, &self.rotation.turn(&k)?, &v)
    }
}

/// `q` is `[batch, seq, heads, head_dim]`, `k` and `v` `[batch, seq, shared, head_dim]`; returns `[batch, seq, hidden]`.
pub(crate) fn causal(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let (batch, seq, heads, head_dim) = q.size4()?;
    let (_, _, shared, _) = k.size4()?;
    let by_head = |x: &Tensor| x.f_transpose(1, 2);
    // Repeating the shared heads beats `enable_gqa` on CPUs.
    let widen = |x: &Tensor| -> Result<Tensor> {
        let x = by_head(x)?;
        if shared == heads {
            return Ok(x);
        }
        let wide = x.f_unsqueeze(2)?.f_expand([batch, shared, heads / shared, seq, head_dim], false)?;
        Ok(wide.f_reshape([batch, heads, seq, head_dim])?)
    };
    let mixed = Tensor::f_scaled_dot_product_attention(
        &by_head(q)?,
        &widen(k)?,
        &widen(v)?,
        None::<&Tensor>,
        0.0,
        true,
        None,
        false,
    )?;
    Ok(by_head(&mixed)?.f_reshape([batch, seq, heads * head_dim])?)
}
