//! `azr-host report`: one HTML page about an experiment.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use azr_core::terminal;
use azr_experiment::report;

/// Write one self-contained HTML page about an experiment
///
/// The page holds the curves, the held-out results before and after, a sample of tasks and attempts with their
/// verdicts, and the configuration. It opens from the file system, needs no network and can be sent to others. An
/// experiment that is still running can be reported on.
///
/// Example: azr-host report experiments/demo
#[derive(Args, Debug)]
pub struct ReportCommand {
    /// The experiment's directory, as training printed it
    dir: PathBuf,
    /// Where to write the page [default: report.html in the experiment's directory]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl ReportCommand {
    pub fn run(self) -> Result<()> {
        let out = self.out.unwrap_or_else(|| self.dir.join("report.html"));
        for notice in report::write(&self.dir, &out)? {
            eprintln!("note: {}", terminal::line(&notice));
        }
        println!("{}", out.display());
        Ok(())
    }
}
