//! TRR++: rewards normalised within their group (arXiv:2505.03335, equation 8).
//!
//! A group is (environment, kind, role). With `Weighting::Token` mean and variance are taken over tokens, as the
//! reference's code does: a completion of l tokens counts l times, and the variance has Bessel's correction over all
//! tokens. With `Weighting::Sequence` each completion counts once, as the paper's formula reads.

use std::collections::BTreeMap;

use crate::config::{AdvantageConfig, Baseline, Weighting};

/// The reward of one rollout and what its normalisation depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rewarded<G> {
    pub group: G,
    pub reward: f64,
    /// Completion tokens, the end-of-sequence token included.
    pub tokens: usize,
}

/// One advantage per rollout, the same for each of its tokens, in the order given.
pub fn advantages<G: Ord + Copy>(config: &AdvantageConfig, rollouts: &[Rewarded<G>]) -> Vec<f64> {
    let key = |rollout: &Rewarded<G>| match config.baseline {
        Baseline::Role => Some(rollout.group),
        Baseline::Global => None,
    };
    let mut members: BTreeMap<Option<G>, Vec<Sample>> = BTreeMap::new();
    for rollout in rollouts {
        assert!(rollout.tokens > 0, "a completion has at least one token");
        let weight = match config.weighting {
            Weighting::Token => rollout.tokens as f64,
            Weighting::Sequence => 1.0,
        };
        members.entry(key(rollout)).or_default().push(Sample { reward: rollout.reward, weight });
    }
    let moments: BTreeMap<_, _> = members.into_iter().map(|(key, samples)| (key, Moments::of(&samples))).collect();
    let normalise = |rollout: &Rewarded<G>| {
        let Moments { mean, variance } = moments[&key(rollout)];
        // The reference's numerical floor.
        (rollout.reward - mean) / (variance + 1e-8).sqrt().max(config.std_min)
    };
    rollouts.iter().map(normalise).collect()
}

struct Sample {
    reward: f64,
    weight: f64,
}

#[derive(Clone, Copy)]
struct Moments {
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Weighted mean and Bessel-corrected variance. A single token or sequence has variance 0, where the reference
    /// raises.
    fn of(samples: &[Sample]) -> Self {
        let total: f64 = samples.iter().map(|sample| sample.weight).sum();
        let mean = samples.iter().map(|sample| sample.weight * sample.reward).sum::<f64>() / total;
        let squares: f64 = samples.iter().map(|sample| sample.weight * (sample.reward - mean).powi(2)).sum();
        let variance = if total > 1.0 { squares / (total - 1.0) } else { 0.0 };
        Self { mean, variance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(weighting: Weighting) -> AdvantageConfig {
        AdvantageConfig { baseline: Baseline::Role, weighting, std_min: 0.0 }
    }

    fn rollouts(rewards: &[f64], tokens: &[usize]) -> Vec<Rewarded<u8>> {
        let rollout = |(&reward, &tokens)| Rewarded { group: 0, reward, tokens };
        rewards.iter().zip(tokens).map(rollout).collect()
    }

    fn assert_close(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 1e-6, "{actual:?} is not {expected:?}");
        }
    }

    // The reference's masked whitening, run in PyTorch:
    //   R = torch.tensor(rewards)[:, None].expand(-1, T); mask[i, :l[i]] = 1
    //   mean = (R*mask).sum()/mask.sum(); var = (((R-mean)**2)*mask).sum()/mask.sum() * mask.sum()/(mask.sum()-1)
    //   (R - mean) * torch.rsqrt(var + 1e-8)
    #[test]
    fn token_weighting_matches_the_reference() {
        let token = config(Weighting::Token);
        let short = rollouts(&[1.0, -0.5, -1.0], &[2, 3, 1]);
        assert_close(&advantages(&token, &short), &[1.257934, -0.483821, -1.064405]);
        let long = rollouts(&[0.625, -0.5, -1.0, 0.875], &[10, 20, 30, 40]);
        assert_close(&advantages(&token, &long), &[0.730941, -0.611604, -1.208291, 1.029285]);
    }

    // (R - R.mean()) / R.std() in PyTorch.
    #[test]
    fn sequence_weighting_matches_the_papers_formula() {
        let sequence = config(Weighting::Sequence);
        let short = rollouts(&[1.0, -0.5, -1.0], &[2, 3, 1]);
        assert_close(&advantages(&sequence, &short), &[1.120897, -0.320256, -0.800641]);
        let long = rollouts(&[0.625, -0.5, -1.0, 0.875], &[10, 20, 30, 40]);
        assert_close(&advantages(&sequence, &long), &[0.697863, -0.558291, -1.116581, 0.977008]);
    }

    #[test]
    fn groups_do_not_influence_each_other_unless_the_baseline_is_global() {
        let mut mixed = rollouts(&[1.0, -0.5, -1.0], &[2, 3, 1]);
        mixed.push(Rewarded { group: 1, reward: 100.0, tokens: 7 });
        mixed.push(Rewarded { group: 1, reward: -100.0, tokens: 7 });
        let role = advantages(&config(Weighting::Token), &mixed);
        assert_close(&role[..3], &[1.257934, -0.483821, -1.064405]);
        let global = AdvantageConfig { baseline: Baseline::Global, ..config(Weighting::Sequence) };
        assert!(advantages(&global, &mixed)[0].abs() < 0.1);
    }

    #[test]
    fn a_group_without_variance_gets_zeros() {
        let same = rollouts(&[-0.5; 4], &[1, 2, 3, 4]);
        assert_close(&advantages(&config(Weighting::Token), &same), &[0.0; 4]);
        assert_close(&advantages(&config(Weighting::Token), &rollouts(&[1.0], &[1])), &[0.0]);
    }

    #[test]
    fn permuting_rollouts_permutes_advantages() {
        let token = config(Weighting::Token);
        let forward = advantages(&token, &rollouts(&[1.0, -0.5, -1.0], &[2, 3, 1]));
        let backward = advantages(&token, &rollouts(&[-1.0, -0.5, 1.0], &[1, 3, 2]));
        assert_close(&backward, &forward.into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_smallest_deviation_tempers_nearly_constant_groups() {
        let tempered = AdvantageConfig { std_min: 0.5, ..config(Weighting::Sequence) };
        assert_close(&advantages(&tempered, &rollouts(&[0.1, -0.1], &[1, 1])), &[0.2, -0.2]);
    }
}
