//! Rewards: a pure function of what was concluded. `AZR` section 4 of the reference, arXiv:2505.03335 equations 4–6.

use crate::config::{RepeatReward, RewardConfig};

/// What became of a proposal, as far as its reward is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProposalOutcome {
    /// Not a task.
    Rejected,
    /// A task, but the completion broke the format.
    Malformed,
    /// A well-formed task. No solve rate: it could not be attempted, because its prompt is too long.
    Task { solve_rate: Option<f64>, repeats: Repeats },
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
    let (solve_rate, repeats) = match outcome {
        ProposalOutcome::Rejected => return config.rejected,
        ProposalOutcome::Malformed => return config.malformed,
        ProposalOutcome::Task { solve_rate, repeats } => (solve_rate, repeats),
    };
    match (repeats, config.familiar, config.duplicate) {
        (Repeats::Subject, RepeatReward::Fixed(reward), _) | (Repeats::Task, _, RepeatReward::Fixed(reward)) => reward,
        _ => match solve_rate {
            Some(rate) if rate > 0.0 && rate < 1.0 => 1.0 - rate,
            _ => config.unlearnable,
        },
    }
}

/// The solver's reward for an attempt with `score` in [0, 1]. Half-right attempts get half-way between wrong and right.
pub fn solver_reward(config: &RewardConfig, score: f64, well_formed: bool) -> f64 {
    if well_formed { config.wrong + (1.0 - config.wrong) * score } else { config.malformed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Preset, RunConfig};

    fn config() -> RewardConfig {
        RunConfig::resolve(Preset::Paper, None, &[]).unwrap().reward
    }

    fn solved(count: f64, repeats: Repeats) -> ProposalOutcome {
        ProposalOutcome::Task { solve_rate: Some(count / 8.0), repeats }
    }

    /// The ladder of the reference with eight Monte-Carlo attempts.
    #[test]
    fn proposer_ladder() {
        let reward = |outcome| proposer_reward(&config(), outcome);
        assert_eq!(reward(ProposalOutcome::Rejected), -1.0);
        assert_eq!(reward(ProposalOutcome::Malformed), -1.0);
        assert_eq!(reward(ProposalOutcome::Task { solve_rate: None, repeats: Repeats::Nothing }), -0.5);
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

    #[test]
    fn solver_ladder() {
        assert_eq!(solver_reward(&config(), 1.0, true), 1.0);
        assert_eq!(solver_reward(&config(), 0.0, true), -0.5);
        assert_eq!(solver_reward(&config(), 0.5, true), 0.25);
        assert_eq!(solver_reward(&config(), 1.0, false), -1.0);
    }
}
