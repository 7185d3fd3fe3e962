//! `azr-host train`, and `azr-host --env FILE`.

use std::path::PathBuf;

use azr_config::{Algorithm, Control};
use azr_dataset::Mapped;
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use clap::Args;

use super::{config::ConfigArgs, policy::PolicyArgs};

/// What to train, on what, and where to write.
#[derive(Args)]
pub struct TrainArgs {
    /// An environment: a component file, or oci://host/name@sha256:digest in a registry. Repeat for several.
    #[arg(long = "env", value_name = "FILE|oci://…", required_unless_present = "resume")]
    pub envs: Vec<EnvSource>,

    #[command(flatten)]
    pub policy: PolicyArgs,

    #[command(flatten)]
    pub config: ConfigArgs,

    /// How rewards become an update: keys that replace the preset's.
    #[arg(long, value_enum, default_value_t = Algorithm::TrrPlusPlus)]
    pub algorithm: Algorithm,

    /// Optimiser updates; short for `--set steps=N`.
    #[arg(long)]
    pub steps: Option<u64>,

    /// Everything random follows from it; short for `--set seed=N`.
    #[arg(long)]
    pub seed: Option<u64>,

    /// Train on deliberately meaningless rewards, to compare with.
    #[arg(long, value_enum)]
    pub control: Option<Control>,

    /// A data set to train on: a file of JSON lines, also compressed by gzip, or of Parquet, of which each line is a
    /// task in the environment's own format. With several environments
    /// write NAME=FILE, where NAME is the environment's. May be repeated.
    #[arg(long = "tasks", value_name = "[NAME=]FILE")]
    pub tasks: Vec<String>,

    /// Give a field of every line another name as well: NEW=OLD, where OLD may lead into objects and lists, as in
    /// answer=reward_model.ground_truth. May be repeated.
    #[arg(long, value_name = "NEW=OLD", requires = "tasks")]
    pub map: Vec<Mapped>,

    /// Held-out tasks or proposals of the first environment, one JSON object per line; measured before and after, and
    /// never trained on [default: those of the embedded policy, with it; otherwise tasks that the environment generates
    /// and a share of its data sets].
    #[arg(long, value_name = "FILE")]
    pub held_out: Option<PathBuf>,

    /// The experiment directory [default: the next free experiments/<environment>-NNNN].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Continue an experiment from its last checkpoint, with the configuration it was started with.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["preset", "algorithm", "config", "overrides", "steps", "seed", "control", "out", "tasks", "map", "held_out", "policy"])]
    pub resume: Option<PathBuf>,

    /// With several ranks: seconds after which a rank that does not take part counts as hung. One whose process ended is
    /// noticed within ten.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub distributed_timeout: u64,

    /// How the process ends after Ctrl-C or SIGTERM, to itself or to another rank, has stopped it before the last step: for
    /// schedulers that take 0 for a job that is done.
    #[arg(long, value_name = "STATUS", default_value_t = 0)]
    pub stopped_status: u8,

    /// Print the resolved configuration and stop.
    #[arg(long)]
    pub print_config: bool,

    #[command(flatten)]
    pub sandbox: SandboxArgs,
}
