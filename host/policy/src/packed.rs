//! Weights in the layout that the matrix kernels of a CPU read.
//!
//! The kernels of oneDNN read bf16 weights in blocks. Weights as checkpoints have them are brought into blocks for every
//! product, which at few rows takes about as long as the product itself. Sampling reads all weights for every token, so
//! it packs them once a call. The kernels are the same, and so are the sums.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use super::libtorch;

/// A packed matrix, `[out, in]`.
pub(super) struct Packed(Tensor);

/// Whether such weights are packed for sampling.
pub(super) fn is_packed((kind, device): (Kind, Device)) -> bool {
    kind == Kind::BFloat16 && device == Device::Cpu && has_kernels()
}

/// Whether oneDNN has kernels for bf16 on this CPU (libtorch's `mkldnn_bf16_device_check`).
pub(super) fn has_kernels() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

impl Packed {
    /// A packed copy, for products with up to about `rows` rows.
    pub(super) fn new(weight: &Tensor, rows: usize) -> Result<Self> {
        Ok(Self(libtorch::pack(weight, rows)?))
    }

    /// `x` · weightᵀ + `bias`, for `x`, `[n, in]`.
    pub(super) fn linear(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        libtorch::linear_packed(x, &self.0, bias, None)
    }

    /// `residual` + `x` · weightᵀ, rounded once.
    pub(super) fn add_to(&self, residual: &Tensor, x: &Tensor) -> Result<Tensor> {
        libtorch::linear_packed(x, &self.0, None, Some(residual))
    }

    pub(super) fn handle(&self) -> Self {
        Self(self.0.shallow_clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain products are PyTorch's own.
    #[test]
    fn packed_products_are_the_plain_ones() {
        if !has_kernels() {
            return;
        }
        let _no_grad = tch::no_grad_guard();
        let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu)).to_kind(Kind::BFloat16);
        for (inputs, outputs) in [(64, 96), (576, 1536), (1536, 576)] {
            let (weight, bias) = (random(&[outputs, inputs]), random(&[outputs]));
            let packed = Packed::new(&weight, 16).unwrap();
            for rows in [1, 5, 16, 300] {
                let (x, residual) = (random(&[rows, inputs]), random(&[rows, outputs]));
                let pairs = [
                    (packed.linear(&x, None).unwrap(), x.linear(&weight, None::<&Tensor>)),
                    (packed.linear(&x, Some(&bias)).unwrap(), x.linear(&weight, Some(&bias))),
                    (packed.add_to(&residual, &x).unwrap(), residual.addmm(&x, &weight.transpose(0, 1))),
                ];
                for (i, (ours, plain)) in pairs.into_iter().enumerate() {
                    assert_eq!(ours.size(), plain.size());
                    // Kernels of another CPU may add in another order: a unit in the last place.
                    let (ours, plain) = (ours.to_kind(Kind::Float), plain.to_kind(Kind::Float));
                    let gap = ((ours - &plain).abs() / (plain.abs() + 1.0)).max().double_value(&[]);
                    assert!(gap <= 1.0 / 128.0, "product {i}, {rows} rows of {inputs}: {gap}");
                }
            }
        }
    }
}
