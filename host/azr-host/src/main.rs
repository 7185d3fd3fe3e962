use std::process::ExitCode;

use azr_core::terminal;
use azr_host::{cli::Cli, libtorch};
use clap::Parser as _;

fn main() -> ExitCode {
    if let Some(ended) = azr_sandbox::serve_if_asked() {
        return ended;
    }
    let done = Cli::parse().run().and_then(|rest| match rest {
        None => Ok(()),
        Some(_) => libtorch::exec_trainer(),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("azr-host: {}", terminal::lines(format!("{error:#}").trim_end()));
            ExitCode::FAILURE
        }
    }
}
