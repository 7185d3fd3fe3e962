//! `azr-env serve`: programs and judges over HTTP, for trainers that are not ours.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /run_code`, `GET /v1/ping` | as SandboxFusion has them: its clients need another address, no more |
//! | `POST /v1/envs/NAME/CALL` | `exec`, `validate`, `verify`, `prompt`, `generate`, `import`, with the JSON of the commands |
//! | `GET /v1/envs` | the environments, their digests and kinds |
//! | `GET /healthz`, `/metrics`, `/openapi.json` | for whoever operates it |
//!
//! What a program comes to is decided by fuel and memory, never by the clock, so the answer to a request is the same on
//! an idle machine and on a drowning one. A request is a pure question: whoever lost an answer may ask again.
//!
//! # Covered
//! - **More than can be done**: a request is taken in whole or refused with 429 and `Retry-After` before anything of it
//!   runs.
//! - **Large requests**: bodies announce their length, and all bodies together have a limit. What is refused is read and
//!   thrown away before the answer, up to a limit, for most clients look for one only when they have sent everything.
//! - **Strangers**: other addresses than loopback need a token. Bodies must be `application/json`, which a web page in
//!   a browser cannot send elsewhere without asking.
//! - **Clients that go** before they have their answer: what was asked for is not begun, and what runs is ended, with its
//!   process. With `sandbox.ring=off` it goes on to its own end.
//! - **The end**: after SIGTERM what was taken in is answered, and nothing else is taken in.
//!
//! # Not covered
//! - TLS, and more than one token: a proxy in front has both.
//! - Languages other than Python and JavaScript: refused by name.

mod admission;
mod http;
mod judging;
mod lanes;
mod metrics;
mod programs;
mod routes;
mod run_code;

use std::{
    future, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use azr_core::limits::{FUEL_PER_SECOND, Limits, Profile};
use azr_sandbox::{Environment, Sandbox};
use clap::Args;

use self::{
    admission::{Admission, Capacity},
    lanes::Lanes,
    metrics::Metrics,
    programs::Interpreters,
};
use crate::{env_source::EnvSource, sandbox_args::SandboxArgs};

/// Far above what the most fuel takes on a busy machine; what runs into it is a host fault.
const DEADLINE_MS: u64 = 1_800_000;

#[derive(Args)]
pub struct Serve {
    /// An environment: a .wasm file, or oci://host/name. `python -m azr_env codegen` prints the file of that name in the
    /// Python package. /run_code needs codegen for Python and javascript for JavaScript.
    #[arg(long = "env", value_name = "FILE", required = true)]
    envs: Vec<EnvSource>,
    /// Where to listen. Addresses other than loopback need --token-file. Port 0 takes a free one, which the first line
    /// of stdout tells.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// A file with the token that requests must bring, as `Authorization: Bearer TOKEN` or as the password of
    /// http://user:TOKEN@host.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    capacity: Capacity,
    /// The most seconds that a program may ask for in `run_timeout`; those that ask for more get this.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    run_timeout_max: u32,
    /// Memory per run, at most.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30,
          value_parser = clap::value_parser!(u64).range(run_code::MEMORY_MIN_BYTES..))]
    run_memory_max_bytes: u64,
    /// Bytes that a run may print and write, at most.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = clap::value_parser!(u32).range(4096..))]
    run_output_max_bytes: u32,
    /// After SIGTERM, how long requests that were taken in may still take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    stop_within: u64,
    /// Stop as after SIGTERM when standard input ends, as it does when the process that started this one dies.
    #[arg(long)]
    stop_with_stdin: bool,
    /// Write a line of JSON to stderr for every request, not only for those that went wrong.
    #[arg(long)]
    log_requests: bool,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

/// What all requests share.
struct Server {
    envs: Vec<Environment>,
    interpreters: Interpreters,
    lanes: Lanes,
    admission: Arc<Admission>,
    metrics: Metrics,
    token: Option<String>,
    log_requests: bool,
}

impl Serve {
    pub fn run(self) -> Result<()> {
        let token = self.token_file.as_deref().map(token).transpose()?;
        ensure!(
            self.listen.ip().is_loopback() || token.is_some(),
            "{} can be reached from other machines; write a token into a file and give it with --token-file, or listen on \
             127.0.0.1",
            self.listen
        );
        // Before environments are compiled, which may take a minute.
        let socket = http::bind(self.listen)?;
        let config = self.sandbox.config(&Limits {
            run_fuel_max: u64::from(self.run_timeout_max).saturating_mul(FUEL_PER_SECOND),
            run_memory_max_bytes: self.run_memory_max_bytes,
            run_output_max_bytes: self.run_output_max_bytes,
            deadline_ms: DEADLINE_MS,
            ..Limits::of(Profile::Benchmark)
        })?;
        let sandbox = Sandbox::new(&config)?;
        let envs = self.envs.iter().map(|source| source.load(&sandbox)).collect::<Result<Vec<_>>>()?;
        distinct_names(&envs)?;
        let server = Arc::new(Server {
            interpreters: Interpreters::find(&envs)?,
            envs,
            // A lane waits for a process, as a worker does: so many guests run at once.
            lanes: Lanes::start(config.workers.max(1))?,
            admission: Arc::new(Admission::new(&self.capacity)),
            metrics: Metrics::default(),
            token,
            log_requests: self.log_requests,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // Reading and writing JSON takes a fraction of what a run takes.
            .worker_threads((config.workers / 4).max(1))
            .enable_all()
            .build()
            .context("cannot start the threads of the server")?;
        let stop_within = Duration::from_secs(self.stop_within);
        let ends = async {
            match self.stop_with_stdin {
                true => drop(tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await),
                false => future::pending().await,
            }
        };
        let served = runtime.block_on(http::serve(socket, stop_within, ends, server));
        // A run that outlasts --stop-within is not waited for.
        runtime.shutdown_background();
        served
    }
}

/// Of a socket. Names are not looked up, but for the one that everybody tries.
fn address(text: &str) -> Result<SocketAddr> {
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = local.as_deref().unwrap_or(text).parse().ok();
    address.context("give an IP address and a port, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080")
}

fn token(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the token in {}", path.display()))?;
    let token = text.trim();
    let characters = token.chars().count();
    ensure!(characters >= 16, "the token in {} has {characters} characters; it needs at least 16", path.display());
    // As a header can carry them.
    ensure!(
        token.bytes().all(|byte| byte.is_ascii_graphic()),
        "the token in {} is not one word of letters, digits and signs of ASCII",
        path.display()
    );
    Ok(token.to_owned())
}

/// Routes name environments.
fn distinct_names(envs: &[Environment]) -> Result<()> {
    for (index, env) in envs.iter().enumerate() {
        let name = &env.description().name;
        let other = envs[..index].iter().find(|other| other.description().name == *name);
        ensure!(other.is_none(), "two environments are called {name}; serve one of them elsewhere");
    }
    Ok(())
}
