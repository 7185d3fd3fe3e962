//! The command line: one file per subcommand. What needs a policy is done by the program `azr-trainer`, which knows libtorch
//! and reads the same command line; everything else is done here.

use anyhow::Result;
use azr_env::{
    cli::EnvCommand,
    logging::{self, Verbosity},
    shell::{Completions, Man},
};
use clap::{CommandFactory as _, Parser, Subcommand};

pub mod bench;
pub mod config;
pub mod eval;
pub mod plan;
pub mod policy;
pub mod replay;
pub mod report;
pub mod sample;
pub mod train;
pub mod warm_start;

/// Trains a language model by self-play on verifiable tasks.
///
/// One policy proposes tasks and solves them; an environment, a WebAssembly component, decides which proposals are
/// tasks and which attempts are right. Without --policy the small embedded policy is trained, on any CPU.
#[derive(Parser)]
#[command(
    name = "azr-host",
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
    pub command: Option<Command>,
    /// Without a command: train.
    #[command(flatten)]
    pub train: train::TrainArgs,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

#[derive(Subcommand)]
pub enum Command {
    /// Train a policy; the name of the command may be left out.
    Train(train::TrainArgs),
    /// Measure a policy on held-out tasks.
    Eval(eval::EvalArgs),
    Sample(sample::SampleArgs),
    Plan(plan::PlanArgs),
    /// Write one self-contained HTML page about an experiment.
    Report(report::ReportCommand),
    Replay(replay::ReplayCommand),
    /// Look at an environment, or use it by hand.
    #[command(subcommand)]
    Env(EnvCommand),
    /// Merge adapters, and plan memory.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    WarmStart(warm_start::WarmStartCommand),
    /// Measure throughput on this machine.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Print what a shell needs to complete commands, as in `azr-host completions bash`.
    Completions(Completions),
    /// Write man pages into a folder.
    Man(Man),
}

/// What is left to do by the program that knows libtorch.
pub enum Rest {
    Train(train::TrainArgs),
    Eval(eval::EvalArgs),
    Sample(sample::SampleArgs),
    Plan(plan::PlanArgs),
    Policy(policy::PolicyCommand),
    WarmStart(warm_start::WarmStartCommand),
    BenchPolicy(bench::policy::BenchPolicy),
}

impl Cli {
    /// Does what the command line asks for, as far as that takes no policy; returns the rest.
    pub fn run(self) -> Result<Option<Rest>> {
        self.verbosity.start("azr-host");
        let command = self.command.unwrap_or(Command::Train(self.train));
        if !matches!(command, Command::Train(_)) {
            logging::end_with_the_pipe();
        }
        match command {
            Command::Train(args) => Ok(Some(Rest::Train(args))),
            Command::Eval(args) => Ok(Some(Rest::Eval(args))),
            Command::Sample(args) => Ok(Some(Rest::Sample(args))),
            Command::Plan(args) => Ok(Some(Rest::Plan(args))),
            Command::Policy(command) => Ok(Some(Rest::Policy(command))),
            Command::WarmStart(command) => Ok(Some(Rest::WarmStart(command))),
            Command::Bench(command) => command.run().map(|rest| rest.map(Rest::BenchPolicy)),
            Command::Report(command) => command.run().map(|()| None),
            Command::Replay(command) => command.run().map(|()| None),
            Command::Env(command) => command.run().map(|()| None),
            Command::Completions(completions) => {
                completions.run(Self::command());
                Ok(None)
            }
            Command::Man(man) => man.run(Self::command()).map(|()| None),
        }
    }
}
