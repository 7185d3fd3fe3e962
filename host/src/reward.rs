//! Rewards: a pure function of what was concluded. `AZR` section 4 of the reference, arXiv:2505.03335 equations 4–6.

use crate::config::{DuplicateReward, RewardConfig};

/// What became of a proposal, as far as its reward is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProposalOutcome {
    /// Not a task.
    Rejected,
    /// A task, but the completion broke the format.
    Malformed,
    /// A well-formed task that the buffer already holds.
    Duplicate { solve_rate: Option<f64> },
    /// A well-formed new task. No solve rate: it could not be attempted, because its prompt is too long.
    New { solve_rate: Option<f64> },
}

/// The proposer's reward: high for tasks that are solved sometimes, and seldom.
pub fn proposer_reward(config: &RewardConfig, outcome: ProposalOutcome) -> f64 {
    match (outcome, config.duplicate) {
        (ProposalOutcome::Rejected | ProposalOutcome::Malformed, _) => config.malformed,
        (ProposalOutcome::Duplicate { .. }, DuplicateReward::Fixed(reward)) => reward,
        (ProposalOutcome::Duplicate { solve_rate } | ProposalOutcome::New { solve_rate }, _) => match solve_rate {
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

    /// The ladder of the reference with eight Monte-Carlo attempts.
    #[test]
    fn proposer_ladder() {
        let reward = |outcome| proposer_reward(&config(), outcome);
        let solved = |count: f64| ProposalOutcome::New { solve_rate: Some(count / 8.0) };
        assert_eq!(reward(ProposalOutcome::Rejected), -1.0);
        assert_eq!(reward(ProposalOutcome::Malformed), -1.0);
        assert_eq!(reward(ProposalOutcome::New { solve_rate: None }), -0.5);
        assert_eq!([0.0, 1.0, 4.0, 7.0, 8.0].map(|count| reward(solved(count))), [-0.5, 0.875, 0.5, 0.125, -0.5]);
    }

    #[test]
    fn a_duplicate_is_rewarded_as_configured() {
        let duplicate = ProposalOutcome::Duplicate { solve_rate: Some(0.25) };
        assert_eq!(proposer_reward(&config(), duplicate), 0.75);
        let strict = RewardConfig { duplicate: DuplicateReward::Fixed(-0.5), ..config() };
        assert_eq!(proposer_reward(&strict, duplicate), -0.5);
    }

    #[test]
    fn solver_ladder() {
        assert_eq!(solver_reward(&config(), 1.0, true), 1.0);
        assert_eq!(solver_reward(&config(), 0.0, true), -0.5);
        assert_eq!(solver_reward(&config(), 0.5, true), 0.25);
        assert_eq!(solver_reward(&config(), 1.0, false), -1.0);
    }
}
