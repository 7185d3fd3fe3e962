use clap::Parser as _;

fn main() -> std::process::ExitCode {
    match azr_host::cli::Cli::parse().run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("azr-host: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
