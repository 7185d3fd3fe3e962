//! Rotary position embedding (Su et al. 2021, "RoFormer"), as the checkpoints of these families expect it: the two
//! halves of a head are the two coordinates that are turned.

use std::f64::consts::PI;

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use super::config::{Llama3Scaling, Rope};

/// Cosines and signed sines by position, each `[positions, head_dim]`.
pub struct RopeTable {
    pub(super) cos: Tensor,
    pub(super) sin: Tensor,
}

/// The turns of the tokens of one forward pass, each `[batch or 1, seq, 1, head_dim]`.
pub struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

impl RopeTable {
    /// Positions `0..positions`.
    pub fn new(rope: &Rope, head_dim: i64, positions: i64, (kind, device): (Kind, Device)) -> Result<Self> {
        // In f32 and in this order, as transformers computes it: far positions amplify differences.
        let exponents =
            Tensor::f_arange_start_step(0, head_dim, 2, (Kind::Float, Device::Cpu))?.f_div_scalar(head_dim)?;
        let mut frequencies: Vec<f32> = Vec::try_from(Tensor::f_pow_scalar(rope.theta, &exponents)?.f_reciprocal()?)?;
        if let Some(scaling) = rope.scaling {
            frequencies.iter_mut().for_each(|frequency| *frequency = scaling.stretch(f64::from(*frequency)) as f32);
        }
        let positions = Tensor::f_arange(positions, (Kind::Float, Device::Cpu))?.f_unsqueeze(1)?;
        let angles = positions.f_mul(&Tensor::f_from_slice(&frequencies)?)?;
        let (cos, sin) = (angles.f_cos()?, angles.f_sin()?);
        let place = |halves: [&Tensor; 2]| Tensor::f_cat(&halves, 1)?.f_to_kind(kind)?.f_to_device(device);
        // The sign of the first half belongs to the rotation; see `Rotation::turn`.
        Ok(Self { cos: place([&cos, &cos])?, sin: place([&sin.f_neg()?, &sin])? })
    }

    /// For `[batch, seq]` tokens at positions `0..seq`.
    pub fn leading(&self, seq: i64) -> Result<Rotation> {
        let pick = |table: &Tensor| table.f_narrow(0, 0, seq)?.f_unsqueeze(0)?.f_unsqueeze(2);
        Ok(Rotation { cos: pick(&self.cos)?, sin: pick(&self.sin)? })
    }

    /// For `[1, seq]` tokens at `positions`, `[seq]`.
    pub fn along(&self, positions: &Tensor) -> Result<Rotation> {
        let pick = |table: &Tensor| table.f_index_select(0, positions)?.f_unsqueeze(0)?.f_unsqueeze(2);
        Ok(Rotation { cos: pick(&self.cos)?, sin: pick(&self.sin)? })
    }

    /// For `[batch, 1]` tokens, each at its own position; `positions` is `[batch]`.
    pub fn at(&self, positions: &Tensor) -> Result<Rotation> {
        let pick = |table: &Tensor| table.f_index_select(0, positions)?.f_unsqueeze(1)?.f_unsqueeze(2);
        Ok(Rotation { cos: pick(&self.cos)?, sin: pick(&self.sin)? })
    }
}

impl Rotation {
    /// Turns `x`, `[batch, seq, heads, head_dim]`: (a, b) → (a cos − b sin, b cos + a sin), where a and b are the
    /// halves of a head. Rolling by half a head swaps them.
    pub fn turn(&self, x: &Tensor) -> Result<Tensor> {
        let (_batch, _seq, _heads, head_dim) = x.size4()?;
        let swapped = x.f_roll([head_dim / 2], [3])?;
        Ok(x.f_mul(&self.cos)?.f_addcmul(&swapped, &self.sin)?)
    }

    /// The same in the memory of `x`, without gradients.
    pub fn turn_in_place(&self, mut x: Tensor) -> Result<()> {
        let (_batch, _seq, _heads, head_dim) = x.size4()?;
        let half = |start| x.f_narrow(3, start, head_dim / 2);
        let swapped = Tensor::f_cat(&[half(head_dim / 2)?, half(0)?], 3)?;
        let _ = x.f_mul_(&self.cos)?.f_addcmul_(&swapped, &self.sin)?;
        Ok(())
    }
}

impl Llama3Scaling {
    /// Long wavelengths are stretched by `factor`, short ones are kept, and those between go over smoothly.
    fn stretch(&self, frequency: f64) -> f64 {
        let turns = self.original_max_position_embeddings * frequency / (2.0 * PI);
        if turns < self.low_freq_factor {
            frequency / self.factor
        } else if turns > self.high_freq_factor {
            frequency
        } else {
            let keep = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor);
            (1.0 - keep) * frequency / self.factor + keep * frequency
        }
    }
}
