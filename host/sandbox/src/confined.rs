//! Programs of ours as processes of the sandbox.
//!
//! A program starts itself for that, by an argument that nobody types: to compile a component, or to be where guests are.
//! It gets no environment variables, and nothing of this process but what it is given to read and write.

use std::{
    ffi::OsString,
    fs::File,
    os::{fd::IntoRawFd as _, unix::process::CommandExt as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::{Context as _, Result, bail, ensure};
use azr_core::limits::Ring;

/// Makes of a program of ours a compiler.
pub(super) const COMPILE: &str = "compile-component-from-stdin";
/// Makes of it a process where guests are.
pub(super) const WORK: &str = "call-guests-of-stdin";

/// The program that becomes either, with what its arguments begin with.
static PROGRAM: OnceLock<(PathBuf, Vec<OsString>)> = OnceLock::new();

/// What a process is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    Compile,
    Work,
}

/// From now on the sandbox starts this program for its processes.
pub(super) fn confine_with_own() {
    // By this name it is the same file, also after somebody has replaced it.
    let _ = PROGRAM.set(("/proc/self/exe".into(), Vec::new()));
}

/// Names the program of the sandbox's processes, for programs that do not call [`super::serve_if_asked`]. The first one counts.
pub fn confine_with(program: &std::path::Path) -> Result<()> {
    if PROGRAM.get().is_some() {
        return Ok(());
    }
    let context = || format!("cannot open {}", program.display());
    // As long as it is open, it is the same file.
    let open = File::open(program).with_context(context)?.into_raw_fd();
    let _ = PROGRAM.set((format!("/proc/self/fd/{open}").into(), Vec::new()));
    Ok(())
}

/// For tests, which are programs without a `main` of ours: they start themselves with these arguments, so that
/// [`super::serve_in_test`] is called.
#[cfg(feature = "test-guards")]
pub fn confine_in_test(arguments: &[&str]) {
    let _ = PROGRAM.set(("/proc/self/exe".into(), arguments.iter().map(Into::into).collect()));
}

/// Whether the sandbox has processes of its own. There may be no program for them, which only `sandbox.ring = "require"`
/// makes an error.
pub(super) fn available(ring: Ring) -> Result<bool> {
    match (ring, PROGRAM.get()) {
        (Ring::Off, _) => Ok(false),
        (Ring::Auto, program) => Ok(program.is_some()),
        (Ring::Require, Some(_)) => Ok(true),
        (Ring::Require, None) => {
            bail!("sandbox.ring is \"require\", but this program does not start the sandbox's processes")
        }
    }
}

/// Whether components are compiled in one. A test as a program says more on its output than code.
pub(super) fn compiles(ring: Ring) -> Result<bool> {
    Ok(available(ring)? && PROGRAM.get().is_some_and(|(_, arguments)| arguments.is_empty()))
}

/// Starts a process without environment variables, whose three streams are pipes to be replaced.
pub(super) fn command(errand: Errand) -> Result<Command> {
    let (program, arguments) = PROGRAM.get().context("no program for the sandbox's processes")?;
    let (name, errand) = match errand {
        Errand::Compile => ("azr-compiler", COMPILE),
        Errand::Work => ("azr-sandbox", WORK),
    };
    let mut command = Command::new(program);
    // What a terminal sends to the programs in front of it is for the sandbox to obey.
    command.arg0(name).args(arguments).arg(errand).env_clear().current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

/// Says once what the kernel cannot do; where the ring is required, that is an error.
pub(super) fn tell_missing(missing: &[String], ring: Ring) -> Result<()> {
    static SAID: OnceLock<()> = OnceLock::new();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(" and ");
    ensure!(ring != Ring::Require, "sandbox.ring is \"require\", but this kernel has no {missing}");
    if SAID.set(()).is_ok() {
        tracing::warn!("the sandbox's processes are less confined than they could be: this kernel has no {missing}");
    }
    Ok(())
}
