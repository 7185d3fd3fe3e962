//! Compiling in a process of its own, which gives up everything but memory, processor time and its three streams before it
//! reads what a stranger made.
//!
//! A program of ours starts itself for that, by an argument that nobody types. What comes back is native code, so a hole
//! in the compiler is still one; what a compilation takes, and what it could do meanwhile, is bounded.

use std::{
    io::{self, Read, Write as _},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    process::{Child, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use azr_core::{limits::Ring, terminal};

use super::{
    confined::{self, Errand},
    engine::{self, EngineKind},
    guard::Guards,
    ring::{self, Allowance},
};

/// Memory for one compilation. CPython takes 0.9 GB.
const MEMORY_BYTES: u64 = 4 << 30;
/// Threads of one compilation, so that their stacks and heaps stay within its memory on large machines.
const THREADS_MAX: usize = 16;
/// Of compiled code; CPython has 40 MB.
const CODE_MAX_BYTES: u64 = 1 << 30;
/// Of what a compiler says when it fails.
const MESSAGE_MAX_BYTES: u64 = 16 << 10;

/// What the compiler's process does.
pub(super) fn serve(arguments: &[String]) -> Result<()> {
    let [kind, ring, seconds] = arguments else { bail!("the compiler is started by azr-host and azr-env only") };
    let engine = engine::compiling_engine(kind.parse()?, Guards::ALL)?;
    let allowance =
        Allowance { memory_bytes: MEMORY_BYTES, reserved_bytes: MEMORY_BYTES, cpu_seconds: Some(seconds.parse()?) };
    let mut missing = ring::limit(allowance, Guards::ALL)?;
    // Starts the compiler's threads, which cannot be started later.
    engine.precompile_component(b"(component (core module (func) (func)))")?;
    missing.extend(ring::seal(Guards::ALL)?);
    if !missing.is_empty() {
        let missing = missing.join(" and ");
        ensure!(ring != "require", "sandbox.ring is \"require\", but this kernel has no {missing}");
        eprint!("{missing}");
    }
    let mut wasm = Vec::new();
    io::stdin().read_to_end(&mut wasm)?;
    let code = engine.precompile_component(&wasm)?;
    Ok(io::stdout().write_all(&code)?)
}

/// The compiled form of a component.
pub(super) fn compile(kind: EngineKind, ring: Ring, wasm: &[u8], deadline: Duration) -> Result<Vec<u8>> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let cpu_seconds = deadline.as_secs().saturating_mul(threads as u64).saturating_add(1);
    let wanted = if ring == Ring::Require { "require" } else { "auto" };
    // Not a pipe: where a compiler ends early, writing to one would end a program that `head` may end.
    let (mut ours, theirs) = UnixStream::pair().context("no socket for a compiler")?;
    let mut child = confined::command(Errand::Compile)?
        .args([&kind.to_string(), wanted, &cpu_seconds.to_string()])
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start a process to compile in")?;
    let wasm = wasm.to_vec();
    // A compiler that ended early has said why.
    thread::spawn(move || ours.write_all(&wasm));
    let code = collected(child.stdout.take().expect("it is piped"), CODE_MAX_BYTES);
    let said = collected(child.stderr.take().expect("it is piped"), MESSAGE_MAX_BYTES);
    let end = Instant::now() + deadline.min(Duration::from_secs(u32::MAX.into()));
    let code = received(&code, end);
    let said = received(&said, end);
    let (Ok(code), Ok(said)) = (code, said) else {
        stop(&mut child);
        bail!("it was still compiling after {deadline:?}; raise sandbox.deadline-ms on a slow machine");
    };
    let status = child.wait()?;
    let said = terminal::line(String::from_utf8_lossy(&said).trim());
    if status.success() {
        if !said.is_empty() {
            confined::tell_missing(&[said], ring)?;
        }
        return Ok(code);
    }
    Err(failure(status, said))
}

/// Whatever can be read, up to a limit, by a thread that ends with the process that writes it.
fn collected(from: impl Read + Send + 'static, max_bytes: u64) -> Receiver<Vec<u8>> {
    let (done, collected) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What cannot be read is not there; the process's status says what became of it.
        let _ = from.take(max_bytes).read_to_end(&mut bytes);
        let _ = done.send(bytes);
    });
    collected
}

fn received(from: &Receiver<Vec<u8>>, end: Instant) -> Result<Vec<u8>, RecvTimeoutError> {
    from.recv_timeout(end.saturating_duration_since(Instant::now()))
}

fn stop(child: &mut Child) {
    // It may have ended by itself meanwhile.
    let _ = child.kill();
    let _ = child.wait();
}

fn failure(status: ExitStatus, said: String) -> Error {
    match status.signal() {
        Some(libc::SIGXCPU | libc::SIGKILL) => anyhow!("the compiler used up its processor time or was killed"),
        Some(libc::SIGABRT) => {
            anyhow!("the compiler gave up; it may use {} MiB of memory ({said})", MEMORY_BYTES >> 20)
        }
        Some(signal) => anyhow!("the compiler was ended by signal {signal}"),
        None if said.is_empty() => anyhow!("the compiler ended with {status}"),
        None => anyhow!("{said}"),
    }
}
