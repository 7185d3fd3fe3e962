//! `azr-host bench start`: how long it takes from a new file to the first verdict.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::json;

use azr_core::{limits::Limits, task::WrittenTask};
use azr_env::sandbox_args::SandboxArgs;
use azr_sandbox::Style;

/// From a copy of an environment's file to the verdict on its first example, in a new process.
#[derive(Args)]
pub struct BenchStart {
    /// The environment, a file.
    file: PathBuf,
    /// Times that it is measured.
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

impl BenchStart {
    pub(super) fn run(self) -> Result<()> {
        let Self { file, repeats, sandbox } = self;
        ensure!(repeats > 0, "--repeats is 0; it must be at least 1");
        // Also what fills the cache of compiled components.
        let env = sandbox.start(&Limits::default())?.load(&file)?;
        let examples = env.examples(&env.context(Style::Instruct, &[])?)?;
        let example = examples.attempts.into_iter().next().context("the environment has no example of an attempt")?;
        let (task, completion) = (WrittenTask::from(example.completed.task), example.completed.completion);
        let request = json!({ "task": task, "completion": completion, "style": "instruct" }).to_string();
        let bytes = azr_sandbox::read(&file)?;
        let mut took =
            (0..repeats).map(|_| first_verdict(&bytes, &request, &sandbox)).collect::<Result<Vec<Duration>>>()?;
        took.sort_unstable();
        println!(
            "{}: from a new file to the first verdict {:.2} s (median of {repeats}, {:.2} to {:.2})",
            file.display(),
            took[repeats / 2].as_secs_f64(),
            took[0].as_secs_f64(),
            took[repeats - 1].as_secs_f64()
        );
        Ok(())
    }
}

/// Writes the file where it has never been and has an attempt judged by it.
fn first_verdict(env: &[u8], request: &str, sandbox: &SandboxArgs) -> Result<Duration> {
    let start = Instant::now();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("env.wasm");
    fs::write(&file, env)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["env", "verify"]).arg(&file);
    if let Some(cache_dir) = &sandbox.cache_dir {
        command.arg("--cache-dir").arg(cache_dir);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().expect("stdin is piped").write_all(request.as_bytes())?;
    let output = child.wait_with_output()?;
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && said.contains("verdict"), "`azr-host env verify` failed: {said}");
    Ok(took)
}
