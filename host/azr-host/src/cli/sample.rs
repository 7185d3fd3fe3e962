//! `azr-host sample`: what a policy answers to an environment's prompts.

use std::path::PathBuf;

use azr_dataset::Mapped;
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use clap::Args;

use super::{config::ConfigArgs, policy::PolicyArgs};

/// Show what a policy answers to an environment's prompts, with verdicts and reasons, before anybody trains on it.
///
/// Of each kind it proposes tasks, which are validated and attempted, and solves tasks that are there: seeds, generated ones,
/// those of --tasks, and what it has just proposed. Nothing is learned. The table counts what came of all samples, and the
/// lines below it say what the others were lost by, the most frequent first.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    azr-host sample --env envs/python.wasm --policy DIR\n  \
    azr-host sample --env envs/python.wasm --policy DIR --kind deduction --count 64 --show 0\n  \
    azr-host sample --env envs/python.wasm --policy DIR --set environments.python.wording=brief --prompts\n  \
    azr-host sample --env envs/math.wasm --policy DIR --tasks gsm8k.jsonl --results samples.jsonl")]
pub struct SampleArgs {
    /// The environment that asks and judges.
    #[arg(long, value_name = "FILE|oci://…")]
    pub env: EnvSource,

    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Only this kind of task. Can be given several times.
    #[arg(long = "kind", value_name = "KIND")]
    pub kinds: Vec<String>,

    /// A data set whose tasks are solved, as for training.
    #[arg(long, value_name = "[ENV=]FILE")]
    pub tasks: Vec<String>,

    /// Give a field of every line another name as well: NEW=OLD, where OLD may lead into objects and lists, as in
    /// answer=reward_model.ground_truth. May be repeated.
    #[arg(long, value_name = "NEW=OLD", requires = "tasks")]
    pub map: Vec<Mapped>,

    /// Samples of each kind and role.
    #[arg(long, default_value_t = 8)]
    pub count: usize,

    /// Attempts at each proposed task, from which it is known whether it is learnable: solved sometimes. 0 for none.
    #[arg(long, default_value_t = 4)]
    pub attempts: usize,

    /// How many samples of each kind and role are shown.
    #[arg(long, default_value_t = 2)]
    pub show: usize,

    /// Show their prompts as well, the chat template included.
    #[arg(long)]
    pub prompts: bool,

    /// Write one JSON object for each sample: prompt, completion, and what was concluded.
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,

    #[command(flatten)]
    pub config: ConfigArgs,

    /// One JSON object instead of samples and a table.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub sandbox: SandboxArgs,
}
