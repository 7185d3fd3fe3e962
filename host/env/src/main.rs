use std::process::ExitCode;

use azr_env::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("azr-env: {error:#}");
            ExitCode::FAILURE
        }
    }
}
