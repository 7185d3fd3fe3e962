//! Linear maps, some of them with a low-rank adapter.

use anyhow::Result;
use tch::{Kind, Tensor};

use super::packed::Packed;

/// What a forward pass is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// With gradients: every parameter takes part under its own name.
    Train,
    /// Without: fused matrices and in-place operations.
    Sample,
    /// Without, on one CPU thread: our own kernels between the matrix products.
    SampleOnCpu,
}

/// `x` ↦ `weight` · `x` + `bias`, and what the adapter adds.
pub(super) struct Linear {
    /// `[out, in]`
    pub(super) weight: Tensor,
    /// `[out]`
    pub(super) bias: Option<Tensor>,
    pub(super) adapter: Option<LowRank>,
    /// The weight once more, while a call samples on a CPU.
    packed: Option<Packed>,
}

/// `x` ↦ `scale` · B · A · `x` (Hu et al. 2021, "LoRA", section 4.1).
///
/// Sampling applies it as it is, like learning. Merged into a copy of the weights it would cost their memory again; merged
/// in place it could not be taken out again exactly. And in bf16 either rounds most of a small adapter away, so that the
/// sampler would no longer be the policy that learns.
pub(super) struct LowRank {
    /// `lora_A`, `[rank, in]`
    pub(super) a: Tensor,
    /// `lora_B`, `[out, rank]`
    pub(super) b: Tensor,
    pub(super) scale: f64,
}

impl Linear {
    pub(super) fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, adapter: None, packed: None }
    }

    /// Packs the weight, for products with about `rows` rows. Until this is dropped only the packed one is used: what the
    /// weight becomes later has no effect.
    pub(super) fn pack(&mut self, rows: usize) -> Result<()> {
        self.packed = Some(Packed::new(&self.weight, rows)?);
        Ok(())
    }

    /// For `x`, `[n, in]`: `[n, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let bias = self.bias.as_ref();
        let out = match &self.packed {
            Some(packed) => packed.linear(x, bias)?,
            None => x.f_linear(&self.weight, bias)?,
        };
        self.adapt(out, x)
    }

    /// `residual` + linear(`x`) in one matrix product where there is neither bias nor adapter; for sampling in the memory of
    /// `residual`.
    pub(super) fn add_to(&self, mut residual: Tensor, x: &Tensor, pass: Pass) -> Result<Tensor> {
        let weight = || self.weight.f_transpose(0, 1);
        match (&self.bias, pass) {
            (Some(_), _) => Ok(residual.f_add(&self.forward(x)?)?),
            (None, Pass::Train) => self.adapt(residual.f_addmm(x, &weight()?)?, x),
            (None, Pass::Sample | Pass::SampleOnCpu) => {
                let sum = match &self.packed {
                    Some(packed) => packed.add_to(&residual, x)?,
                    None => residual.f_addmm_(x, &weight()?)?,
                };
                self.adapt_in_place(&sum, x)?;
                Ok(sum)
            }
        }
    }

    /// What `parts` give, side by side; `self` is their weights as one. Without gradients.
    pub(super) fn forward_all(&self, parts: &[&Self], x: &Tensor) -> Result<Tensor> {
        let out = self.forward(x)?;
        let mut start = 0;
        for part in parts {
            let (rows, _in) = part.weight.size2()?;
            part.adapt_in_place(&out.f_narrow(1, start, rows)?, x)?;
            start += rows;
        }
        Ok(out)
    }

    /// Adds the adapter to the weight, in f32, and takes it away.
    pub(super) fn merge(&mut self) -> Result<()> {
        let Some(LowRank { a, b, scale }) = self.adapter.take() else { return Ok(()) };
        let exact = |tensor: &Tensor| tensor.f_to_kind(Kind::Float);
        let change = exact(&b)?.f_matmul(&exact(&a)?)?.f_mul_scalar(scale)?;
        self.weight.f_copy_(&exact(&self.weight)?.f_add(&change)?)?;
        Ok(())
    }

    pub(super) fn handle(&self) -> Self {
        let share =
            |LowRank { a, b, scale }: &LowRank| LowRank { a: a.shallow_clone(), b: b.shallow_clone(), scale: *scale };
        Self {
            weight: self.weight.shallow_clone(),
            bias: self.bias.as_ref().map(Tensor::shallow_clone),
            adapter: self.adapter.as_ref().map(share),
            packed: self.packed.as_ref().map(Packed::handle),
        }
    }

    fn adapt(&self, out: Tensor, x: &Tensor) -> Result<Tensor> {
        match &self.adapter {
            None => Ok(out),
            Some(adapter) => Ok(out.f_addmm(&adapter.inner(x)?, &adapter.b.f_transpose(0, 1)?)?),
        }
    }

    fn adapt_in_place(&self, out: &Tensor, x: &Tensor) -> Result<()> {
        if let Some(adapter) = &self.adapter {
            let _ = out.shallow_clone().f_addmm_(&adapter.inner(x)?, &adapter.b.f_transpose(0, 1)?)?;
        }
        Ok(())
    }
}

impl LowRank {
    /// `scale` · A · `x`, `[n, rank]`.
    fn inner(&self, x: &Tensor) -> Result<Tensor> {
        let inner = x.f_matmul(&self.a.f_transpose(0, 1)?)?;
        Ok(if self.scale == 1.0 { inner } else { inner.f_mul_scalar(self.scale)? })
    }
}
