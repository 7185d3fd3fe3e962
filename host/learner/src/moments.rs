//! AdamW's moments in 8 bits: Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization" (arXiv:2110.02861), with
//! the block size and the maps of its implementation, bitsandbytes. Its embeddings with a layer norm are left out.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use azr_policy::libtorch::{self, AdamwState, AdamwStep};

/// Numbers that share a scale; the paper has 2048, its implementation this by now.
const BLOCK: i64 = 256;

/// Smaller parameters keep f32 moments: biases and norms take no memory to speak of.
pub(super) const QUANTIZED_MIN: usize = 4096;

/// Both moments of one parameter.
pub(super) struct Moments {
    pub(super) exp_avg: Quantized,
    pub(super) exp_avg_sq: Quantized,
}

/// Numbers as indices into a map, each block scaled so that its largest magnitude is 1.
pub(super) struct Quantized {
    /// `[blocks, BLOCK]`, uint8; the last block is padded.
    pub(super) codes: Tensor,
    /// `[blocks, 1]`, f32.
    pub(super) scales: Tensor,
}

/// The number of each code, and what is half-way between neighbours: `[256]` and `[255]`.
struct Map {
    values: Tensor,
    middles: Tensor,
}

/// The maps on one device.
pub(super) struct Maps {
    /// For means of gradients.
    signed: Map,
    /// For means of their squares.
    unsigned: Map,
}

impl Moments {
    /// Zeros, for a parameter of `size` numbers.
    pub(super) fn zeros(size: usize, device: Device) -> Result<Self> {
        let zeros = || -> Result<Quantized> {
            let blocks = (size as i64 + BLOCK - 1) / BLOCK;
            Ok(Quantized {
                codes: Tensor::f_zeros([blocks, BLOCK], (Kind::Uint8, device))?,
                scales: Tensor::f_zeros([blocks, 1], (Kind::Float, device))?,
            })
        };
        Ok(Self { exp_avg: zeros()?, exp_avg_sq: zeros()? })
    }

    /// One AdamW step with f32 moments that exist for a piece of the parameter at a time.
    pub(super) fn step(
        &self,
        maps: &Maps,
        parameter: &Tensor,
        master: &Tensor,
        gradient: &Tensor,
        coefficients: &AdamwStep,
    ) -> Result<()> {
        let (blocks, _block) = self.exp_avg.codes.size2()?;
        // A piece stays in a CPU's caches from one operation to the next; a GPU wants larger ones.
        let piece = if master.device() == Device::Cpu { 1 << 10 } else { 1 << 16 };
        let (size, gradient) = (master.numel() as i64, gradient.f_contiguous()?);
        for first in (0..blocks).step_by(piece as usize) {
            let count = piece.min(blocks - first);
            let (start, length) = (first * BLOCK, (count * BLOCK).min(size - first * BLOCK));
            let part = |whole: &Tensor| whole.f_view([-1])?.f_narrow(0, start, length);
            let exp_avg = self.exp_avg.read(&maps.signed, first, count)?;
            let exp_avg_sq = self.exp_avg_sq.read(&maps.unsigned, first, count)?;
            let unpadded = |moment: &Tensor| moment.f_view([-1])?.f_narrow(0, 0, length);
            let state = AdamwState {
                parameter: &part(parameter)?,
                master: &part(master)?,
                exp_avg: &unpadded(&exp_avg)?,
                exp_avg_sq: &unpadded(&exp_avg_sq)?,
            };
            libtorch::adamw(&state, part(&gradient)?, coefficients)?;
            self.exp_avg.write(&maps.signed, first, &exp_avg)?;
            self.exp_avg_sq.write(&maps.unsigned, first, &exp_avg_sq)?;
        }
        Ok(())
    }
}

impl Quantized {
    /// Some blocks as numbers, `[count, BLOCK]`.
    fn read(&self, map: &Map, first: i64, count: i64) -> Result<Tensor> {
        let codes = self.codes.f_narrow(0, first, count)?.f_view([-1])?.f_to_kind(Kind::Int)?;
        let values = map.values.f_index_select(0, &codes)?.f_view([count, BLOCK])?;
        Ok(values.f_mul(&self.scales.f_narrow(0, first, count)?)?)
    }

    /// Replaces the blocks from `first` on by `values`, `[count, BLOCK]`, each number by the nearest in the map.
    fn write(&self, map: &Map, first: i64, values: &Tensor) -> Result<()> {
        let (count, _block) = values.size2()?;
        let scales = values.f_abs()?.f_amax([1], true)?;
        // A block of zeros stays one.
        let scaled = values.f_div(&scales.f_clamp_min(f64::from(f32::MIN_POSITIVE))?)?;
        let codes = scaled.f_bucketize(&map.middles, true, false)?;
        self.codes.f_narrow(0, first, count)?.f_copy_(&codes)?;
        self.scales.f_narrow(0, first, count)?.f_copy_(&scales)?;
        Ok(())
    }
}

impl Maps {
    pub(super) fn new(device: Device) -> Result<Self> {
        let map = |signed| -> Result<Map> {
            let values = dynamic_map(signed);
            let middles: Vec<f32> = values.windows(2).map(|pair| f32::midpoint(pair[0], pair[1])).collect();
            let on_device = |numbers: &[f32]| Tensor::f_from_slice(numbers)?.f_to_device(device);
            Ok(Map { values: on_device(&values)?, middles: on_device(&middles)? })
        };
        Ok(Self { signed: map(Signed::Yes)?, unsigned: map(Signed::No)? })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Signed {
    Yes,
    No,
}

/// The dynamic map (section 1.3): leading zeros of a code are a power of ten, the bits after them divide 0.1 to 1 evenly.
/// Each number is the middle of its interval; 0 and 1 are there too.
fn dynamic_map(signed: Signed) -> Vec<f32> {
    let mut map = vec![0.0, 1.0];
    for exponent in 0..7 {
        // The sign takes a bit.
        let intervals = 1 << if signed == Signed::Yes { exponent } else { exponent + 1 };
        let power = 10f64.powi(exponent - 6);
        for i in 0..intervals {
            let middle = 0.1 + 0.9 * (f64::from(i) + 0.5) / f64::from(intervals);
            map.push((power * middle) as f32);
            if signed == Signed::Yes {
                map.push((-power * middle) as f32);
            }
        }
    }
    map.sort_by(f32::total_cmp);
    map
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn floats(value: &Value) -> Vec<f32> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32) {
        assert_eq!(actual.len(), expected.len());
        for (a, b) in actual.iter().zip(expected) {
            assert!((a - b).abs() <= tolerance, "{a}, not {b}");
        }
    }

    /// `reference.py`, `moments`: three steps on a block and a quarter, with the maps of bitsandbytes.
    #[test]
    fn steps_are_those_of_pytorch_with_quantised_moments() {
        let reference: Value = serde_json::from_str(include_str!("../../../tests/policy/reference.json")).unwrap();
        let reference = &reference["moments"];
        let parameter = Tensor::from_slice(&floats(&reference["start"]));
        let maps = Maps::new(Device::Cpu).unwrap();
        let values = |map: &Map| Vec::<f32>::try_from(&map.values).unwrap();
        assert_close(&values(&maps.signed), &floats(&reference["signed"]), 1e-7);
        assert_close(&values(&maps.unsigned), &floats(&reference["unsigned"]), 1e-7);
        let moments = Moments::zeros(parameter.numel(), Device::Cpu).unwrap();
        for (step, expected) in (1..).zip(reference["steps"].as_array().unwrap()) {
            let coefficients = AdamwStep {
                step,
                learning_rate: 0.01,
                beta1: 0.9,
                beta2: 0.99,
                weight_decay: 0.1,
                eps: 1e-8,
                gradient_scale: 1.0,
            };
            let gradient = Tensor::from_slice(&floats(&expected["gradient"]));
            moments.step(&maps, &parameter, &parameter, &gradient, &coefficients).unwrap();
            assert_close(&Vec::<f32>::try_from(&parameter).unwrap(), &floats(&expected["weights"]), 2e-6);
            for (moment, key) in [(&moments.exp_avg, "exp_avg"), (&moments.exp_avg_sq, "exp_avg_sq")] {
                let codes = Vec::<u8>::try_from(moment.codes.view([-1])).unwrap();
                let expected_codes: Vec<u8> = serde_json::from_value(expected[key]["codes"].clone()).unwrap();
                assert_eq!(codes[..parameter.numel()], expected_codes, "{key} after step {step}");
                let scales = Vec::<f32>::try_from(moment.scales.view([-1])).unwrap();
                assert_close(&scales, &floats(&expected[key]["scales"]), 1e-7);
            }
        }
    }
}
