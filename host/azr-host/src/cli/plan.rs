//! `azr-host plan`: what training a policy takes on this machine, and settings that fit it.

use clap::Args;

use super::{config::ConfigArgs, policy::PolicyArgs};

/// Say how much memory and time a step takes on this machine, from arithmetic and a short measurement, and write out
/// settings that fit it.
///
/// Memory is what `policy memory` says. For time a few completions are sampled and learned from; how long completions
/// will be is not known beforehand, so --completion-tokens is assumed.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    azr-host plan --policy DIR --preset laptop\n  \
    azr-host plan --policy DIR --kinds 1 --completion-tokens 500 --minutes 10")]
pub struct PlanArgs {
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Kinds of tasks that are trained on; python has three.
    #[arg(long, default_value_t = 3)]
    pub kinds: usize,

    /// Tokens of a prompt, on average.
    #[arg(long, default_value_t = 300)]
    pub prompt_tokens: usize,

    /// Tokens of a completion, on average; at most sampling.completion-max-tokens are assumed.
    #[arg(long, default_value_t = 200)]
    pub completion_tokens: usize,

    /// A step should take no longer: batches are made smaller until it does not.
    #[arg(long, default_value_t = 5.0)]
    pub minutes: f64,

    #[command(flatten)]
    pub config: ConfigArgs,
}
