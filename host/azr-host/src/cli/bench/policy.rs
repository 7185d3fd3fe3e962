//! `azr-host bench policy`: how fast a policy samples and learns.

use std::path::PathBuf;

use clap::Args;

use crate::cli::policy::PolicyArgs;

/// Sample completions of full length, and take updates on them.
#[derive(Args)]
pub struct BenchPolicy {
    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Numbers of sequences at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    pub batches: Vec<usize>,

    #[arg(long, default_value_t = 32)]
    pub prompt_tokens: usize,

    #[arg(long, default_value_t = 64)]
    pub completion_tokens: usize,

    /// Each figure is the best of this many.
    #[arg(long, default_value_t = 3)]
    pub repeats: usize,

    /// Replace one key of the configuration, as in `--set policy.threads=1`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,

    /// One JSON object per figure instead of a table.
    #[arg(long)]
    pub json: bool,

    /// Keep what was computed, so that another implementation can compute it again: the last batch, its log-probabilities
    /// and its loss in DIR/update.json, the policy after the last update in DIR/policy. With --repeats 0 and one batch that
    /// is one update from the weights as they were.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}
