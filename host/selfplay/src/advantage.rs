//! Advantages: how much better a reward is than others.
//!
//! TRR++ normalises rewards within their group (arXiv:2505.03335, equation 8): (environment, kind, role). GRPO and its
//! kin compare attempts at the same task; `presets/algorithms/` says which take what. With `Weighting::Token` mean and
//! variance are taken over tokens, as the reference's code does: a completion of l tokens counts l times, and the variance
//! has Bessel's correction over all tokens. With `Weighting::Sequence` each completion counts once, as the papers'
//! formulas read.

use std::collections::BTreeMap;

use azr_config::{AdvantageConfig, Baseline, Scale, Weighting};

/// The reward of one rollout and what its normalisation depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rewarded<G> {
    pub group: G,
    /// Attempts at the same task have the same number; none where nothing else was tried at it.
    pub task: Option<usize>,
    pub reward: f64,
    /// Completion tokens, the end-of-sequence token included.
    pub tokens: usize,
}

/// One advantage per rollout, the same for each of its tokens, in the order given.
pub fn advantages<G: Ord + Copy>(config: &AdvantageConfig, rollouts: &[Rewarded<G>]) -> Vec<f64> {
    let peers = |rollout: &Rewarded<G>| match config.baseline {
        Baseline::Role => (Some(rollout.group), None),
        Baseline::Task | Baseline::OthersAtTask => (Some(rollout.group), rollout.task),
        Baseline::Global => (None, None),
    };
    let sample = |rollout: &Rewarded<G>, value| {
        assert!(rollout.tokens > 0, "a completion has at least one token");
        let weight = match config.weighting {
            Weighting::Token => rollout.tokens as f64,
            Weighting::Sequence => 1.0,
        };
        Sample { value, weight }
    };
    let mut members: BTreeMap<_, Vec<Sample>> = BTreeMap::new();
    for rollout in rollouts {
        members.entry(peers(rollout)).or_default().push(sample(rollout, rollout.reward));
    }
    let moments: BTreeMap<_, _> = members.into_iter().map(|(peers, samples)| (peers, Moments::of(&samples))).collect();
    let difference = |rollout: &Rewarded<G>| {
        let Moments { total, mean, .. } = moments[&peers(rollout)];
        let difference = rollout.reward - mean;
        let others = total - sample(rollout, 0.0).weight;
        match config.baseline {
            // The mean of the others is as much further away.
            Baseline::OthersAtTask if others > 0.0 => difference * total / others,
            _ => difference,
        }
    };
    let differences: Vec<f64> = rollouts.iter().map(difference).collect();
    let all: Vec<Sample> = rollouts.iter().zip(&differences).map(|(rollout, &value)| sample(rollout, value)).collect();
    let all = Moments::of(&all);
    // The reference's numerical floor.
    let deviation = |moments: &Moments| (moments.variance + 1e-8).sqrt().max(config.std_min);
    let scale = |rollout: &Rewarded<G>| match config.scale {
        Scale::Deviation => deviation(&moments[&peers(rollout)]),
        Scale::GlobalDeviation => deviation(&all),
        Scale::None => 1.0,
    };
    rollouts.iter().zip(differences).map(|(rollout, difference)| difference / scale(rollout)).collect()
}

struct Sample {
    value: f64,
    weight: f64,
}

#[derive(Clone, Copy)]
struct Moments {
    /// Of the weights.
    total: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Weighted mean and Bessel-corrected variance. A single token or sequence has variance 0, where the reference
    /// raises.
    fn of(samples: &[Sample]) -> Self {
        let total: f64 = samples.iter().map(|sample| sample.weight).sum();
        let mean = samples.iter().map(|sample| sample.weight * sample.value).sum::<f64>() / total;
        let squares: f64 = samples.iter().map(|sample| sample.weight * (sample.value - mean).powi(2)).sum();
        let variance = if total > 1.0 { squares / (total - 1.0) } else { 0.0 };
        Self { total, mean, variance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(weighting: Weighting) -> AdvantageConfig {
        AdvantageConfig { baseline: Baseline::Role, scale: Scale::Deviation, weighting, std_min: 0.0 }
    }

    fn rollouts(rewards: &[f64], tokens: &[usize]) -> Vec<Rewarded<u8>> {
        let rollout = |(&reward, &tokens)| Rewarded { group: 0, task: None, reward, tokens };
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
        mixed.push(Rewarded { group: 1, task: None, reward: 100.0, tokens: 7 });
        mixed.push(Rewarded { group: 1, task: None, reward: -100.0, tokens: 7 });
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

    /// Attempts at two tasks, and two proposals.
    fn at_tasks() -> Vec<Rewarded<u8>> {
        let mut attempts = rollouts(&[1.0, 0.0, 0.0, 1.0, 0.5, 0.5], &[5, 6, 7, 8, 9, 3]);
        for (at, task) in [0, 1, 0, 0, 1, 0].into_iter().enumerate() {
            attempts[at].task = Some(task);
        }
        let proposal = |reward| Rewarded { group: 1, task: None, reward, tokens: 4 };
        attempts.extend([proposal(0.5), proposal(-0.5)]);
        attempts
    }

    // Per task t in PyTorch, of [1, 0, 1, 0.5] and [0, 0.5]: (t - t.mean()) / t.std(); proposals likewise.
    #[test]
    fn a_tasks_attempts_are_compared_with_each_other() {
        let task = AdvantageConfig { baseline: Baseline::Task, ..config(Weighting::Sequence) };
        let root = std::f64::consts::FRAC_1_SQRT_2;
        let expected = [0.783349, -root, -1.305582, 0.783349, root, -0.261116, root, -root];
        assert_close(&advantages(&task, &at_tasks()), &expected);
        let centred = AdvantageConfig { scale: Scale::None, ..task.clone() };
        let expected = [0.375, -0.25, -0.625, 0.375, 0.25, -0.125, 0.5, -0.5];
        assert_close(&advantages(&centred, &at_tasks()), &expected);
        // All eight differences d in PyTorch: d / d.std().
        let global = AdvantageConfig { scale: Scale::GlobalDeviation, ..task };
        let expected = [0.866025, -0.577350, -1.443376, 0.866025, 0.577350, -0.288675, 1.154701, -1.154701];
        assert_close(&advantages(&global, &at_tasks()), &expected);
    }

    /// Each reward less the mean of the others' at its task.
    #[test]
    fn leaving_one_out_compares_with_the_others_only() {
        let others =
            AdvantageConfig { baseline: Baseline::OthersAtTask, scale: Scale::None, ..config(Weighting::Sequence) };
        let expected = [0.5, -0.5, -2.5 / 3.0, 0.5, 0.5, -0.5 / 3.0, 1.0, -1.0];
        assert_close(&advantages(&others, &at_tasks()), &expected);
        let alone = [Rewarded { task: Some(0), ..at_tasks()[0] }];
        assert_close(&advantages(&others, &alone), &[0.0]);
    }

    #[test]
    fn a_smallest_deviation_tempers_nearly_constant_groups() {
        let tempered = AdvantageConfig { std_min: 0.5, ..config(Weighting::Sequence) };
        assert_close(&advantages(&tempered, &rollouts(&[0.1, -0.1], &[1, 1])), &[0.2, -0.2]);
    }
}
