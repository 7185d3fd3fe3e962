//! `azr-host eval`: pass@1 and pass@k on held-out tasks, or on published benchmarks.

use std::path::PathBuf;

use azr_dataset::Mapped;
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use clap::{Args, ValueEnum};

use super::{config::ConfigArgs, policy::PolicyArgs};

/// Who words the prompts, and who says where in a completion the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PromptProtocol {
    /// The benchmark: its prompts, token limits and reading of answers, for scores that can be compared.
    Published,
    /// The environment: reasoning and answer in tags, as in self-play.
    Azr,
}

impl PromptProtocol {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Azr => "azr",
        }
    }
}

/// Measures a policy on held-out tasks, or on published benchmarks.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    azr-host eval --env envs/python.wasm --policy experiments/python-0001/checkpoints/step-000150/policy --samples 8\n  \
    azr-host eval --env envs/codegen.wasm --policy DIR --suite HumanEvalPlus.jsonl --suite MbppPlus.jsonl\n  \
    azr-host eval --env envs/math.wasm --policy DIR --suite MATH-500.jsonl --results math.jsonl\n\n\
    Suites are files of published benchmarks as they are. Which environment reads what:\n  \
    codegen  EvalPlus (HumanEvalPlus, MbppPlus), LiveCodeBench (code_generation_lite); HumanEval, MBPP with\n           \
             --set environments.codegen.asserts=accept\n  \
    python   CRUXEval, LiveCodeBench's code execution; --set environments.python.imported-kind=abduction for their inputs\n  \
    math     MATH, MATH-500, AIME, GSM8K\n\n\
    By default they are asked as their authors ask: EvalPlus's instruction and open fence, LiveCodeBench's and CRUXEval's\n\
    own prompts (--set environments.python.reasoning=cot for those with thoughts), \\boxed answers of mathematics.\n\
    --set environments.codegen.template=base asks base models.")]
pub struct EvalArgs {
    /// The environment that judges.
    #[arg(long, value_name = "FILE|oci://…")]
    pub env: EnvSource,

    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Held-out tasks as `env validate` prints them, or proposals {"kind", "completion"}, one JSON object per line
    /// [default: the tasks of the embedded policy; of another environment, tasks that it generates].
    #[arg(long, value_name = "FILE")]
    pub held_out: Option<PathBuf>,

    /// A published benchmark: JSON lines, also compressed by gzip, or Parquet, in a format that the environment reads. Can
    /// be given several times.
    #[arg(long = "suite", value_name = "FILE", conflicts_with = "held_out")]
    pub suites: Vec<PathBuf>,

    /// Give a field of every line another name as well: NEW=OLD, where OLD may lead into objects and lists, as in
    /// answer=reward_model.ground_truth. May be repeated.
    #[arg(long, value_name = "NEW=OLD", requires = "suites")]
    pub map: Vec<Mapped>,

    /// Who words the prompts [default: published for suites and a policy of the instruct style, azr otherwise].
    #[arg(long, value_enum)]
    pub protocol: Option<PromptProtocol>,

    /// Look only at the first N lines of each suite.
    #[arg(long, value_name = "N", requires = "suites")]
    pub limit: Option<usize>,

    /// Write one JSON object for each task of the suites: how many attempts were right, what was asked, the first
    /// answer, and why it is right or wrong.
    #[arg(long, value_name = "FILE", requires = "suites")]
    pub results: Option<PathBuf>,

    /// Attempts per task. The table has pass@1 and pass@SAMPLES.
    #[arg(long, default_value_t = 1)]
    pub samples: usize,

    /// 0 is greedy [default: 1; of suites 0].
    #[arg(long)]
    pub temperature: Option<f32>,

    #[command(flatten)]
    pub config: ConfigArgs,

    /// One JSON object instead of a table.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub sandbox: SandboxArgs,
}
