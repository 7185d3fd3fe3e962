//! Choosing one token from a distribution.

use std::cmp::Ordering;

/// Which tokens may be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Truncation {
    /// Keep the smallest set of likeliest tokens with at least this probability; 1 keeps all.
    pub top_p: f32,
    /// Keep so many likeliest tokens; 0 keeps all. Applied before `top_p`.
    pub top_k: usize,
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

    /// The tokens that stay, likeliest first, with their probabilities as they were.
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

/// The likeliest token; the smallest of equals.
pub(crate) fn likeliest(probabilities: &[f32]) -> usize {
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

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

    #[test]
    fn the_last_possible_token_is_drawn_at_the_very_end() {
        let all = Truncation { top_p: 1.0, top_k: 0 };
        assert_eq!(all.draw(&[0.25, 0.7499, 0.0], 0.999_999_9), 1);
        assert_eq!(likeliest(&[0.2, 0.4, 0.4]), 1);
    }
}
