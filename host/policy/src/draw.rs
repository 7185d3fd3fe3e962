//! Choosing one token from a distribution.

use azr_core::sampling::Sampling;
use std::cmp::Ordering;

use anyhow::Result;
use tch::{Kind, Tensor};

/// Which tokens may be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Truncation {
    /// Keep the smallest set of the most likely tokens with at least this probability; 1 keeps all.
    pub top_p: f32,
    /// Keep only the k most likely tokens; 0 keeps all. Applied before `top_p`.
    pub top_k: usize,
}

impl From<&Sampling> for Truncation {
    fn from(sampling: &Sampling) -> Self {
        Self { top_p: sampling.top_p, top_k: sampling.top_k }
    }
}

impl Truncation {
    /// The token at `uniform`, in [0, 1), of the distribution function of `probabilities` after truncation.
    pub(crate) fn draw(&self, probabilities: &[f32], uniform: f64) -> usize {
        if self.top_p >= 1.0 && self.top_k == 0 {
            return walk(probabilities.iter().copied().enumerate(), uniform);
        }
        let kept = self.kept(probabilities);
        let mass: f64 = kept.iter().map(|&(_, probability)| f64::from(probability)).sum();
        walk(kept.into_iter(), uniform * mass)
    }

    /// The same for every row of `probabilities`, `[rows, vocab]`, at its own number in `uniforms`, `[rows]` in f64, on
    /// the device where they are: `[rows, 1]`.
    ///
    /// Sums are of f64 here as there, so that a CPU draws the same. A GPU adds in another order: another token is drawn
    /// where a number comes as close to a sum as f64 rounds. And where rounding leaves the sum of all below a number, this
    /// takes the last token that changes the sum, which can come before the last with a probability above 0.
    pub(crate) fn draw_rows(&self, probabilities: &Tensor, uniforms: &Tensor) -> Result<Tensor> {
        let (_rows, vocab) = probabilities.size2()?;
        let uniforms = uniforms.f_unsqueeze(1)?;
        if self.top_p >= 1.0 && self.top_k == 0 {
            let sums = probabilities.f_cumsum(1, Kind::Double)?;
            return walk_rows(&sums, &uniforms, &sums.f_narrow(1, vocab - 1, 1)?);
        }
        // Stable, so that ties go to the smaller token.
        let (sorted, tokens) = probabilities.f_sort_stable(true, 1, true)?;
        let kept = if self.top_k == 0 { vocab } else { vocab.min(self.top_k as i64) };
        let sums = sorted.f_narrow(1, 0, kept)?.f_cumsum(1, Kind::Double)?;
        let mut mass = sums.f_narrow(1, kept - 1, 1)?;
        if self.top_p < 1.0 {
            let enough = mass.f_mul_scalar(f64::from(self.top_p))?;
            mass = sums.f_gather(1, &first(&sums, &enough, Reach::Equal)?, false)?;
        }
        let places = walk_rows(&sums, &uniforms.f_mul(&mass)?, &mass)?;
        Ok(tokens.f_gather(1, &places, false)?)
    }

    /// The tokens that stay, most likely first, with their probabilities as they were.
    fn kept(&self, probabilities: &[f32]) -> Vec<(usize, f32)> {
        let mut kept: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
        // Ties go to the smaller token, so that the result does not depend on the sorting algorithm.
        let likelier = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.top_k > 0 && self.top_k < kept.len() {
            kept.select_nth_unstable_by(self.top_k - 1, likelier);
            kept.truncate(self.top_k);
        }
        kept.sort_unstable_by(likelier);
        if self.top_p < 1.0 {
            let mass: f64 = kept.iter().map(|&(_, probability)| f64::from(probability)).sum();
            let enough = f64::from(self.top_p) * mass;
            let mut sum = 0.0;
            let reaching = kept.iter().position(|&(_, probability)| {
                sum += f64::from(probability);
                sum >= enough
            });
            kept.truncate(reaching.map_or(kept.len(), |last| last + 1));
        }
        kept
    }
}

/// The most likely token; the smallest of equals.
pub(crate) fn most_likely(probabilities: &[f32]) -> usize {
    let better = |best: usize, i: usize| match probabilities[i].total_cmp(&probabilities[best]) {
        Ordering::Greater => i,
        _ => best,
    };
    (1..probabilities.len()).fold(0, better)
}

/// The first token at which the running sum exceeds `target`.
fn walk(tokens: impl Iterator<Item = (usize, f32)>, target: f64) -> usize {
    let mut sum = 0.0;
    let mut last = 0;
    for (token, probability) in tokens {
        sum += f64::from(probability);
        if probability > 0.0 {
            if sum > target {
                return token;
            }
            last = token;
        }
    }
    // Rounded probabilities may sum to a little less than 1.
    last
}

/// For each row of `sums`, `[rows, n]`, the first column above `targets`, but none after that which reaches `mass`, both
/// `[rows, 1]`.
fn walk_rows(sums: &Tensor, targets: &Tensor, mass: &Tensor) -> Result<Tensor> {
    Ok(first(sums, targets, Reach::Above)?.f_minimum(&first(sums, mass, Reach::Equal)?)?)
}

/// What a sum must reach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Equal,
    Above,
}

/// For each row of `sums`, `[rows, n]`, the first column that reaches `targets`, `[rows, 1]`; the last where none does, as
/// among NaN.
fn first(sums: &Tensor, targets: &Tensor, reach: Reach) -> Result<Tensor> {
    let (_rows, n) = sums.size2()?;
    let (right, side) = if reach == Reach::Above { (true, "right") } else { (false, "left") };
    let places = targets.f_contiguous()?.f_searchsorted(sums, false, right, side, None::<&Tensor>)?;
    Ok(places.f_clamp_max(n - 1)?)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use azr_core::rng::{Purpose, Stream};

    /// `tests/policy/reference.py`, `truncation`: the logits warpers of transformers.
    #[test]
    fn truncation_keeps_what_transformers_keeps() {
        let reference: Value = serde_json::from_str(include_str!("../../../tests/policy/reference.json")).unwrap();
        let floats = |key: &str| -> Vec<f32> { serde_json::from_value(reference["truncation"][key].clone()).unwrap() };
        let all = floats("all");
        for (key, top_k, top_p) in [("top-k 5", 5, 1.0), ("top-p 0.8", 0, 0.8), ("top-k 6, top-p 0.9", 6, 0.9)] {
            let kept = Truncation { top_p, top_k }.kept(&all);
            let mass: f32 = kept.iter().map(|(_, probability)| probability).sum();
            let mut left = vec![0.0; all.len()];
            kept.iter().for_each(|&(token, probability)| left[token] = probability / mass);
            for (token, (left, expected)) in left.iter().zip(floats(key)).enumerate() {
                assert!((left - expected).abs() < 1e-6, "{key}: token {token} has {left}, not {expected}");
            }
        }
    }

    /// With 100,000 evenly spaced numbers every token comes as often as its probability says.
    #[test]
    fn draws_follow_the_distribution() {
        let probabilities = [0.5, 0.0, 0.2, 0.25, 0.05];
        let mut counts = [0; 5];
        for i in 0..100_000 {
            counts[Truncation { top_p: 1.0, top_k: 0 }.draw(&probabilities, f64::from(i) / 100_000.0)] += 1;
        }
        for (count, probability) in counts.iter().zip(probabilities) {
            assert!((f64::from(*count) / 100_000.0 - f64::from(probability)).abs() < 1e-4, "{counts:?}");
        }
    }

    /// Distributions from flat to steep, every other one with many ties, and numbers from one end to the other.
    #[test]
    fn rows_draw_what_each_would_draw_alone() {
        const VOCAB: usize = 997;
        for case in 0..40 {
            let mut draws = Stream::new(11, Purpose::Evaluate, 0, case).draws();
            let steepness = 0.5 * case as f64;
            let logits: Vec<f32> = (0..64 * VOCAB)
                .map(|_| {
                    let logit = steepness * draws.uniform();
                    if case % 2 == 0 { logit as f32 } else { (4.0 * logit).round() as f32 / 4.0 }
                })
                .collect();
            let probabilities = Tensor::from_slice(&logits).view([64, -1]).softmax(-1, Kind::Float);
            let mut uniforms: Vec<f64> = (0..64).map(|_| draws.uniform()).collect();
            uniforms[..2].copy_from_slice(&[0.0, 0.999_9]);
            let rows: Vec<f32> = Vec::try_from(probabilities.view([-1])).unwrap();
            for (top_p, top_k) in [(1.0, 0), (1.0, 1), (1.0, 40), (0.9, 0), (0.5, 30), (1e-6, 0), (1.0, 5000)] {
                let truncation = Truncation { top_p, top_k };
                let together = truncation.draw_rows(&probabilities, &Tensor::from_slice(&uniforms)).unwrap();
                let together: Vec<i64> = Vec::try_from(together.view([-1])).unwrap();
                for (row, &token) in together.iter().enumerate() {
                    let alone = truncation.draw(&rows[row * VOCAB..][..VOCAB], uniforms[row]);
                    assert_eq!(token as usize, alone, "case {case}, top-p {top_p}, top-k {top_k}, row {row}");
                }
            }
        }
    }

    /// A number draws the first token above it, so one at a sum the next that is possible.
    #[test]
    fn rows_at_a_sum_draw_the_token_after_it() {
        let probabilities = [0.0f32, 0.5, 0.0, 0.25, 0.25];
        let row = Tensor::from_slice(&probabilities).view([1, 5]);
        for (top_k, uniform, expected) in [(0, 0.0, 1), (0, 0.5, 3), (0, 0.75, 4), (2, 0.0, 1), (3, 0.5, 3)] {
            let truncation = Truncation { top_p: 1.0, top_k };
            assert_eq!(truncation.draw(&probabilities, uniform), expected);
            let drawn = truncation.draw_rows(&row, &Tensor::from_slice(&[uniform])).unwrap();
            assert_eq!(drawn.int64_value(&[0, 0]), expected as i64, "top-k {top_k} at {uniform}");
        }
    }

    #[test]
    fn rows_of_nan_draw_some_token() {
        let probabilities = Tensor::from_slice(&[f32::NAN; 5]).view([1, 5]);
        for (top_p, top_k) in [(1.0, 0), (0.5, 3)] {
            let drawn = Truncation { top_p, top_k }.draw_rows(&probabilities, &Tensor::from_slice(&[0.5])).unwrap();
            assert!((0..5).contains(&drawn.int64_value(&[0, 0])));
        }
    }

    #[test]
    fn the_last_possible_token_is_drawn_at_the_very_end() {
        let all = Truncation { top_p: 1.0, top_k: 0 };
        assert_eq!(all.draw(&[0.25, 0.7499, 0.0], 0.999_999_9), 1);
        let probabilities = Tensor::from_slice(&[0.25f32, 0.7499, 0.0]).view([1, 3]);
        let drawn = all.draw_rows(&probabilities, &Tensor::from_slice(&[0.999_999_9])).unwrap();
        assert_eq!(drawn.int64_value(&[0, 0]), 1);
        assert_eq!(most_likely(&[0.2, 0.4, 0.4]), 1);
    }
}
