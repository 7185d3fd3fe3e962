//! `azr-host warm-start` without an environment.

use std::path::PathBuf;

use azr_config::language::Language;
use clap::Args;

/// What a policy learns from programs, and how it is examined.
#[derive(Args)]
pub struct FromGrammar {
    /// Train nothing, only print what this policy reaches
    #[arg(long, value_name = "DIR", help_heading = "Without --env")]
    pub examine: Option<PathBuf>,
    /// What the programs are written in
    #[arg(long, value_enum, default_value_t, help_heading = "Without --env")]
    pub language: Language,
    /// How often the policy should think before it answers, if it is not told to (0 to 1)
    #[arg(long, default_value_t = 0.1, help_heading = "Without --env")]
    pub think_share: f64,
    /// Held-out programs of the examination at the end
    #[arg(long, default_value_t = 700, help_heading = "Without --env")]
    pub programs: usize,
}
