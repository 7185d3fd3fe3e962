//! The command line: one file per subcommand.

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
pub mod env;
mod eval;
mod policy;
mod replay;
mod report;
mod sandbox;
mod train;
mod warm_start;

pub use policy::PolicyArgs;
pub use sandbox::SandboxArgs;

/// Trains a language model by self-play on verifiable tasks.
///
/// One policy proposes tasks and solves them; an environment, a WebAssembly component, decides which proposals are
/// tasks and which attempts are right. Without --policy the small embedded policy is trained, on any CPU.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        azr-host --env envs/python.wasm                      train the embedded policy\n  \
        azr-host --env envs/python.wasm --policy DIR         train a Hugging Face model\n  \
        azr-host --env envs/mine.wasm --tasks tasks.jsonl    train on a data set\n  \
        azr-host --resume experiments/python-0001            continue after Ctrl-C or a crash\n  \
        azr-host report experiments/python-0001              write its report.html\n  \
        azr-host replay experiments/python-0001              judge every row of its ledger again"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    train: train::TrainArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Measure a policy on held-out tasks.
    Eval(eval::EvalArgs),
    /// Write one self-contained HTML page about an experiment.
    Report(report::ReportCommand),
    Replay(replay::ReplayCommand),
    /// Look at an environment, or use it by hand.
    #[command(subcommand)]
    Env(env::EnvCommand),
    /// Merge adapters, and plan memory.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    WarmStart(warm_start::WarmStartCommand),
    /// Measure throughput on this machine.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

impl Cli {
    /// Does what the command line asks for.
    pub fn run(self) -> Result<()> {
        match self.command {
            None => self.train.run(),
            Some(Command::Eval(args)) => args.run(),
            Some(Command::Report(command)) => command.run(),
            Some(Command::Replay(command)) => command.run(),
            Some(Command::Env(command)) => command.run(),
            Some(Command::Policy(command)) => command.run(),
            Some(Command::WarmStart(command)) => command.run(),
            Some(Command::Bench(command)) => command.run(),
        }
    }
}
