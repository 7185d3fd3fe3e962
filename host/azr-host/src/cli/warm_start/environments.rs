//! `azr-host warm-start --env FILE`.

use azr_dataset::Mapped;
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use clap::Args;

use crate::cli::{config::ConfigArgs, policy::PolicyArgs};

/// What a policy learns from, and how.
#[derive(Args)]
#[command(next_help_heading = "With --env")]
pub struct FromEnvironments {
    /// An environment: a component file, or oci://host/name@sha256:… Repeat for several
    #[arg(long = "env", value_name = "FILE|oci://…")]
    pub envs: Vec<EnvSource>,
    /// End when this share of the policy's sampled attempts is right, of each kind, at tasks that are no lessons
    #[arg(long, value_name = "SHARE")]
    pub until_solved: Option<f64>,
    /// At its highest [default: 3e-3 for the embedded policy and its siblings, 1e-5 with the preset paper]
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// A data set to learn from beside generated tasks: as for training
    #[arg(long = "tasks", value_name = "[NAME=]FILE")]
    pub tasks: Vec<String>,

    /// Give a field of every line another name as well: NEW=OLD, where OLD may lead into objects and lists, as in
    /// answer=reward_model.ground_truth. May be repeated.
    #[arg(long, value_name = "NEW=OLD", requires = "tasks")]
    pub map: Vec<Mapped>,
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// That the policy will be trained with: its style of prompts, lengths and settings of environments count.
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub sandbox: SandboxArgs,
}
