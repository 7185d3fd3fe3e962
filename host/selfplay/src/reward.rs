//! Rewards: a pure function of what was concluded. arXiv:2505.03335, equations 4 to 6.

use crate::measures::Measured;
use azr_config::{Combination, RepeatReward, RewardConfig};

/// What became of a proposal, as far as its reward is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProposalOutcome<'a> {
    /// Not a task.
    Rejected,
    /// A task, but the completion broke the format.
    Malformed,
    /// A well-formed task. No solve rate: it could not be attempted, because its prompt is too long.
    Task { solve_rate: Option<f64>, repeats: Repeats, measures: &'a [Measured] },
}

/// How much of a task was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    Nothing,
    /// Its kind has had its subject.
    Subject,
    /// The buffer holds the very task.
    Task,
}

/// The proposer's reward: high for tasks that are solved sometimes, and seldom.
pub fn proposer_reward(config: &RewardConfig, outcome: ProposalOutcome) -> f64 {
    let (solve_rate, repeats, measures) = match outcome {
        ProposalOutcome::Rejected => return config.rejected,
        ProposalOutcome::Malformed => return config.malformed,
        ProposalOutcome::Task { solve_rate, repeats, measures } => (solve_rate, repeats, measures),
    };
    match (repeats, config.familiar, config.duplicate) {
        (Repeats::Subject, RepeatReward::Fixed(reward), _) | (Repeats::Task, _, RepeatReward::Fixed(reward)) => reward,
        _ => match solve_rate {
            Some(rate) if rate > 0.0 && rate < 1.0 => with_measures(config, 1.0 - rate, measures),
            _ => config.unlearnable,
        },
    }
}

/// The reward of a learnable task together with the terms of its measures that have a weight.
fn with_measures(config: &RewardConfig, learnability: f64, measures: &[Measured]) -> f64 {
    let term = |measured: &Measured| {
        let weighted = config.measures.get(&measured.name)?;
        Some((weighted.weight * measured.amount).min(weighted.max))
    };
    let terms: Vec<f64> = measures.iter().filter_map(term).collect();
    if terms.is_empty() {
        return learnability;
    }
    let (sum, product) = (terms.iter().sum::<f64>(), terms.iter().product::<f64>());
    match config.combination {
        Combination::Sum => learnability + sum,
        Combination::Multiply => learnability * product,
        Combination::SumMultiply => learnability + product,
        Combination::MultiplySum => learnability * sum,
    }
}

/// The solver's reward for an attempt with `score` in [0, 1]. Half-right attempts get half-way between wrong and right.
pub fn solver_reward(config: &RewardConfig, score: f64, well_formed: bool) -> f64 {
    if well_formed { config.wrong + (1.0 - config.wrong) * score } else { config.malformed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_config::{Preset, RunConfig};

    fn config() -> RewardConfig {
        RunConfig::resolve(Preset::Paper, None, &[]).unwrap().reward
    }

    fn solved(count: f64, repeats: Repeats) -> ProposalOutcome<'static> {
        ProposalOutcome::Task { solve_rate: Some(count / 8.0), repeats, measures: &[] }
    }

    /// The ladder of the reference with eight Monte-Carlo attempts.
    #[test]
    fn proposer_ladder() {
        let reward = |outcome| proposer_reward(&config(), outcome);
        assert_eq!(reward(ProposalOutcome::Rejected), -1.0);
        assert_eq!(reward(ProposalOutcome::Malformed), -1.0);
        let unattempted = ProposalOutcome::Task { solve_rate: None, repeats: Repeats::Nothing, measures: &[] };
        assert_eq!(reward(unattempted), -0.5);
        let ladder = [0.0, 1.0, 4.0, 7.0, 8.0].map(|count| reward(solved(count, Repeats::Nothing)));
        assert_eq!(ladder, [-0.5, 0.875, 0.5, 0.125, -0.5]);
    }

    #[test]
    fn repetition_is_rewarded_as_configured() {
        assert_eq!(proposer_reward(&config(), solved(2.0, Repeats::Task)), 0.75);
        assert_eq!(proposer_reward(&config(), solved(2.0, Repeats::Subject)), 0.75);
        let (duplicate, familiar) = (RepeatReward::Fixed(-0.75), RepeatReward::Fixed(-0.25));
        let strict = RewardConfig { duplicate, familiar, ..config() };
        assert_eq!(proposer_reward(&strict, solved(2.0, Repeats::Task)), -0.75);
        assert_eq!(proposer_reward(&strict, solved(2.0, Repeats::Subject)), -0.25);
        assert_eq!(proposer_reward(&strict, solved(2.0, Repeats::Nothing)), 0.75);
    }

    /// The reference: min(coefficient · amount, max) each, beside the reward for learnability where that is above 0.
    #[test]
    fn measures_join_the_reward_of_learnable_tasks() {
        let measured = |name: &str, amount| Measured { name: name.into(), amount, text: None };
        let measures = [measured("complexity", 0.6), measured("edit-distance", 0.9), measured("other", 7.0)];
        let with = |combination: &str, solve_rate: f64, repeats: Repeats| {
            let set = [
                format!("reward.combination={combination}"),
                "reward.measures.complexity={weight = 0.5, max = 0.5}".to_owned(),
                "reward.measures.edit-distance={weight = 1.0, max = 0.5}".to_owned(),
                "reward.duplicate=-0.5".to_owned(),
            ];
            let config = RunConfig::resolve(Preset::Paper, None, &set).unwrap().reward;
            let outcome = ProposalOutcome::Task { solve_rate: Some(solve_rate), repeats, measures: &measures };
            proposer_reward(&config, outcome)
        };
        // The terms are 0.5 · 0.6 = 0.3 and min(0.9, 0.5) = 0.5.
        for (combination, expected) in [
            ("sum", 0.75 + 0.8),
            ("multiply", 0.75 * 0.15),
            ("sum-multiply", 0.75 + 0.15),
            ("multiply-sum", 0.75 * 0.8),
        ] {
            let reward = with(combination, 0.25, Repeats::Nothing);
            assert!((reward - expected).abs() < 1e-12, "{combination} {reward}");
            assert_eq!(with(combination, 1.0, Repeats::Nothing), -0.5);
            assert_eq!(with(combination, 0.25, Repeats::Task), -0.5);
            let unmeasured = proposer_reward(&config(), solved(2.0, Repeats::Nothing));
            assert_eq!(unmeasured, 0.75, "{combination}");
        }
    }

    #[test]
    fn solver_ladder() {
        assert_eq!(solver_reward(&config(), 1.0, true), 1.0);
        assert_eq!(solver_reward(&config(), 0.0, true), -0.5);
        assert_eq!(solver_reward(&config(), 0.5, true), 0.25);
        assert_eq!(solver_reward(&config(), 1.0, false), -1.0);
    }
}
