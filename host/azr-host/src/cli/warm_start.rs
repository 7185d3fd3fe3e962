//! `azr-host warm-start`: makes a policy that self-play can start from.

pub mod environments;
pub mod grammar;

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use environments::FromEnvironments;
use grammar::FromGrammar;

/// Prepare a policy for self-play: from nothing by programs of a grammar, or with --env by demonstrations.
///
/// Without --env a tiny policy learns from nothing to work through programs step by step, but seldom does so of its own
/// accord: finding out that it pays is left to self-play. held-out.jsonl in its directory has proposals about programs
/// that the training never saw.
///
/// With --env a policy learns from environments that demonstrate their tasks, before it trains on them by reward: one
/// that never solves a task has nothing to be rewarded for. --until-solved leaves most of the learning to the training.
/// Tasks that a training with the same seed holds out are no lessons.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    azr-host warm-start --out my-policy --lessons 100000\n  \
    azr-host warm-start --language javascript --out js-policy\n  \
    azr-host warm-start --env envs/countdown.wasm --until-solved 0.2 --out countdown-policy")]
#[command(group = ArgGroup::new("with_env").multiple(true).requires("envs").args([
    "until_solved", "learning_rate", "tasks", "policy", "device", "preset", "config", "overrides", "workers", "cache_dir",
    "grants",
]))]
#[command(group = ArgGroup::new("without_env").multiple(true).conflicts_with("envs").args([
    "examine", "language", "think_share", "programs",
]))]
pub struct WarmStartCommand {
    /// Where to write the policy: a new or empty directory
    #[arg(long, value_name = "DIR", required_unless_present = "examine", conflicts_with = "examine")]
    pub out: Option<PathBuf>,
    /// Decides every lesson, and initial weights
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Lessons at most; the learning rate falls to zero at the last [default: 140000 of the grammar, 40000 of
    /// environments]
    #[arg(long)]
    pub lessons: Option<u64>,
    /// CPU threads
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    #[command(flatten)]
    pub grammar: FromGrammar,
    #[command(flatten)]
    pub environments: FromEnvironments,
}
