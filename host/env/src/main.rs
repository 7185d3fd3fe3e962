use std::process::ExitCode;

use azr_core::terminal;
use azr_env::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    if let Some(ended) = azr_sandbox::serve_if_asked() {
        return ended;
    }
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("azr-env: {}", terminal::lines(format!("{error:#}").trim_end()));
            ExitCode::FAILURE
        }
    }
}
