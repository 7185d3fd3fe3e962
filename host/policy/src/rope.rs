//! Rotary position embedding (Su et al. 2021, "RoFormer"), as the checkpoints of these families expect it: the two
//! halves of a head are the two coordinates that are turned.

use std::f64::consts::PI;

use anyhow::Result;
use tch::{Device, Kind, Tensor};

/// Rotary position embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    pub theta: f64,
    pub scaling: Option<Scaling>,
}

/// How a model was made to see farther than it was first trained for: `rope_type` of the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// Chen et al. 2023, "Extending Context Window of Large Language Models via Positional Interpolation".
    Linear {
        factor: f64,
    },
    Llama3(Llama3),
    Yarn(Yarn),
}

/// How Llama 3.1 scales its wavelengths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3 {
    pub factor: f64,
    pub low_freq_factor: f64,
    pub high_freq_factor: f64,
    pub original_max_position_embeddings: f64,
}

/// Peng et al. 2023, "YaRN: Efficient Context Window Extension of Large Language Models".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yarn {
    pub factor: f64,
    pub original_max_position_embeddings: f64,
    pub attention_factor: Option<f64>,
    pub mscale: Option<f64>,
    pub mscale_all_dim: Option<f64>,
    pub beta_fast: f64,
    pub beta_slow: f64,
    /// Whether the ends of the ramp are whole dimensions.
    pub truncate: bool,
}

/// Cosines and signed sines by position, each `[positions, head_dim]`.
pub struct RopeTable {
    pub(super) cos: Tensor,
    pub(super) sin: Tensor,
}

/// The rotations of the tokens of one forward pass, each `[batch or 1, seq, 1, head_dim]`.
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
            for (pair, frequency) in frequencies.iter_mut().enumerate() {
                *frequency = scaling.apply(f64::from(*frequency), pair, rope.theta, head_dim) as f32;
            }
        }
        let attention_factor = rope.scaling.map_or(1.0, |scaling| scaling.attention_factor());
        let positions = Tensor::f_arange(positions, (Kind::Float, Device::Cpu))?.f_unsqueeze(1)?;
        let angles = positions.f_mul(&Tensor::f_from_slice(&frequencies)?)?;
        let (cos, sin) = (angles.f_cos()?, angles.f_sin()?);
        let place = |halves: [&Tensor; 2]| {
            let whole = Tensor::f_cat(&halves, 1)?;
            let scaled = if attention_factor == 1.0 { whole } else { whole.f_mul_scalar(attention_factor)? };
            scaled.f_to_kind(kind)?.f_to_device(device)
        };
        // The sign of the first half belongs to the rotation; see `Rotation::rotate`.
        Ok(Self { cos: place([&cos, &cos])?, sin: place([&sin.f_neg()?, &sin])? })
    }

    /// For `[batch, seq]` tokens at positions `first..first + seq`.
    pub fn range(&self, first: i64, seq: i64) -> Result<Rotation> {
        let pick = |table: &Tensor| table.f_narrow(0, first, seq)?.f_unsqueeze(0)?.f_unsqueeze(2);
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
    pub fn rotate(&self, x: &Tensor) -> Result<Tensor> {
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

impl Scaling {
    /// The frequency of the pair of dimensions with that number, scaled.
    fn apply(&self, frequency: f64, pair: usize, theta: f64, head_dim: i64) -> f64 {
        match self {
            Self::Linear { factor } => frequency / factor,
            Self::Llama3(llama) => llama.apply(frequency),
            Self::Yarn(yarn) => {
                let keep = 1.0 - yarn.ramp(pair as f64, theta, head_dim as f64);
                frequency / yarn.factor * (1.0 - keep) + frequency * keep
            }
        }
    }

    /// What cosines and sines are multiplied by.
    fn attention_factor(&self) -> f64 {
        match self {
            Self::Linear { .. } | Self::Llama3(_) => 1.0,
            Self::Yarn(yarn) => yarn.attention_factor(),
        }
    }
}

impl Llama3 {
    /// Long wavelengths are multiplied by `factor`, short ones are kept, and those between go over smoothly.
    fn apply(&self, frequency: f64) -> f64 {
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

impl Yarn {
    /// How far a pair of dimensions is interpolated: 0 for the fast ones, 1 for the slow ones (section 3.2).
    fn ramp(&self, pair: f64, theta: f64, dim: f64) -> f64 {
        let turning =
            |turns: f64| dim * (self.original_max_position_embeddings / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
        let (low, high) = (turning(self.beta_fast), turning(self.beta_slow));
        let (low, high) = if self.truncate { (low.floor(), high.ceil()) } else { (low, high) };
        let (low, high) = (low.max(0.0), high.min(dim - 1.0));
        let span = if low == high { 0.001 } else { high - low };
        ((pair - low) / span).clamp(0.0, 1.0)
    }

    /// The square root of the temperature of section 3.4, for queries and keys each.
    fn attention_factor(&self) -> f64 {
        let of = |mscale: f64| if self.factor <= 1.0 { 1.0 } else { 0.1 * mscale * self.factor.ln() + 1.0 };
        let given = |scale: Option<f64>| scale.filter(|scale| *scale != 0.0);
        match (self.attention_factor, given(self.mscale), given(self.mscale_all_dim)) {
            (Some(factor), ..) => factor,
            (None, Some(mscale), Some(all)) => of(mscale) / of(all),
            (None, ..) => of(1.0),
        }
    }
}
