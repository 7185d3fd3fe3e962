use std::process::ExitCode;

use anyhow::Result;
use azr_core::terminal;
use azr_host::cli::{Cli, Rest};
use azr_trainer::{bench, eval, plan, policy, sample, train, warm_start};
use clap::Parser as _;

// Unit tests of the program are not told where libtorch is, and need none without it.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: azr_policy::metered::Metered = azr_policy::metered::Metered;

fn main() -> ExitCode {
    // Its neighbour is what the sandbox's processes are: it starts without libtorch. Where there is none, there are none.
    if let Ok(own) = std::env::current_exe() {
        let _ = azr_sandbox::confine_with(&own.with_file_name("azr-host"));
    }
    match Cli::parse().run().and_then(|rest| rest.map_or(Ok(()), run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("azr-host: {}", terminal::lines(format!("{error:#}").trim_end()));
            ExitCode::FAILURE
        }
    }
}

fn run(rest: Rest) -> Result<()> {
    match rest {
        Rest::Train(args) => train::run(args),
        Rest::Eval(args) => eval::run(args),
        Rest::Sample(args) => sample::run(args),
        Rest::Plan(args) => plan::run(args),
        Rest::Policy(command) => policy::run(&command),
        Rest::WarmStart(command) => warm_start::run(command),
        Rest::BenchPolicy(args) => bench::run(args),
    }
}
