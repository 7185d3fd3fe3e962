//! The processes of a judge or of an environment's executors, as the sandbox sees them.
//!
//! Each call has one process for itself. One that ends, answers too late or says what none of ours says is killed, and the
//! next call gets another. There are never more of them than threads that call.

use std::{
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    process::{Child, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use azr_core::limits::Ring;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    cancel::{Cancel, Cancelled},
    code::Code,
    confined::{self, Errand},
    fault::{Died, Fault},
    files::CallFiles,
    found::FileError,
    guard::Guards,
    guests::Role,
    wire::{Channel, Said, send_file},
};

/// What a process may say beyond what guests return: reasons, log lines, the frame around them.
const SAID_MAX_BYTES: usize = 1 << 20;
/// Memory of a process beside guests' and what crosses: its heap, its tables.
const OWN_MEMORY_BYTES: u64 = 1 << 30;
/// A process that does not start in this time will not do so. Half a second is usual on a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// What a process is told when it starts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) role: Role,
    pub(super) guards: Guards,
    /// Whether it may go on where the kernel lacks something.
    pub(super) required: bool,
    /// That it may write to.
    pub(super) memory_bytes: u64,
}

/// What it answers when it is ready for calls.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    /// The interfaces that each component takes functions from.
    pub(super) imports: Vec<Vec<String>>,
    /// What the kernel lacks.
    pub(super) missing: Vec<String>,
}

/// What guests of a role may use, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) ring: Ring,
    /// Memory of one call.
    pub(super) memory_max_bytes: u64,
    /// What a call may return.
    pub(super) output_max_bytes: u64,
    pub(super) deadline: Duration,
}

/// Processes that are alike.
pub(super) struct Processes {
    start: Start,
    codes: Vec<Code>,
    answer_max_bytes: usize,
    deadline: Duration,
    idle: Mutex<Vec<Process>>,
}

impl Processes {
    /// Starts the first one, which says whether the code fits, and the interfaces that each part takes functions from.
    pub(super) fn start(
        role: Role,
        guards: Guards,
        codes: Vec<Code>,
        bounds: Bounds,
    ) -> Result<(Self, Vec<Vec<String>>)> {
        let Bounds { ring, memory_max_bytes, output_max_bytes, deadline } = bounds;
        let code_bytes: u64 = codes.iter().map(|code| code.bytes).sum();
        // What crosses exists as the guest's, as values, and encoded.
        let crossing = output_max_bytes.saturating_add(memory_max_bytes).saturating_mul(3);
        let memory_bytes = crossing.saturating_add(code_bytes).saturating_add(OWN_MEMORY_BYTES);
        let start = Start { role, guards, required: ring == Ring::Require, memory_bytes };
        let answer_max_bytes = usize::try_from(output_max_bytes).unwrap_or(usize::MAX).saturating_add(SAID_MAX_BYTES);
        let processes = Self { start, codes, answer_max_bytes, deadline, idle: Mutex::default() };
        let (first, Ready { imports, missing }) = processes.another()?;
        confined::tell_missing(&missing, ring)?;
        processes.keep(first);
        Ok((processes, imports))
    }

    /// Makes a call, during which a judge may read `files`. Where it is cancelled, its process ends with it.
    pub(super) fn call<A: DeserializeOwned>(
        &self,
        name: &'static str,
        request: &impl Serialize,
        mut files: CallFiles,
        cancel: &Cancel,
    ) -> Result<A, Fault> {
        let cancelled = || Fault::Host(Cancelled.into());
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        // Beyond some thirty years nothing can be told from for ever.
        let end = Instant::now() + self.deadline.min(Duration::from_secs(1 << 30));
        let mut process = self.ready(request, end).map_err(Fault::Host)?;
        let stream = Arc::clone(&process.channel.stream().0);
        if !cancel.begin(&stream) {
            return Err(cancelled());
        }
        let answer = process.answer(self.answer_max_bytes, &mut files, end);
        if !cancel.end(&stream) {
            return Err(cancelled());
        }
        match answer {
            Ok(answer) => {
                self.keep(process);
                Ok(answer)
            }
            Err(error) if late(&error) => Err(Fault::of_clock(name, self.deadline)),
            Err(error) => Err(Fault::Host(Died { call: name, how: process.end(&error) }.into())),
        }
    }

    /// A process that has got the request. One that ended while it had nothing to do is nobody's fault.
    fn ready(&self, request: &impl Serialize, end: Instant) -> Result<Process> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let new = idle.is_none();
            let mut process = idle.map_or_else(|| self.another().map(|(process, _)| process), Ok)?;
            match process.channel.send(request, Some(end)) {
                Ok(()) => return Ok(process),
                Err(error) if new => return Err(anyhow!("a new process takes no request: {}", process.end(&error))),
                Err(_) => {}
            }
        }
    }

    fn keep(&self, process: Process) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    fn another(&self) -> Result<(Process, Ready)> {
        let (ours, theirs) = UnixStream::pair().context("no socket for a process")?;
        let child = confined::command(Errand::Work)?
            .arg(self.codes.len().to_string())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .context("cannot start a process for guests; `sandbox.ring=off` does without")?;
        for code in &self.codes {
            send_file(&ours, code).context("cannot send code to a process")?;
        }
        ours.set_write_timeout(Some(START_DEADLINE))?;
        ours.set_read_timeout(Some(START_DEADLINE))?;
        let mut process = Process { child, channel: Channel::new(Stream(Arc::new(ours))) };
        let end = Some(Instant::now() + START_DEADLINE);
        let ready = process.channel.send(&self.start, end);
        let ready = ready.and_then(|()| process.channel.receive::<Result<Ready, String>>(SAID_MAX_BYTES, end));
        let ready = ready.map_err(|error| anyhow!("a process for guests does not start: {}", process.end(&error)))?;
        let ready = ready.map_err(|why| anyhow!(why))?;
        let most = self.deadline.clamp(Duration::from_millis(1), Duration::from_secs(1 << 30));
        process.channel.stream().0.set_write_timeout(Some(most))?;
        process.channel.stream().0.set_read_timeout(Some(most))?;
        Ok((process, ready))
    }
}

/// One of them. It is killed when it is dropped.
struct Process {
    child: Child,
    channel: Channel<Stream>,
}

/// The way to a process, which whoever cancels a run can end.
struct Stream(Arc<UnixStream>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

impl Process {
    fn answer<A: DeserializeOwned>(&mut self, max_bytes: usize, files: &mut CallFiles, end: Instant) -> io::Result<A> {
        loop {
            match self.channel.receive(max_bytes, Some(end))? {
                Said::Done(answer) => return Ok(answer),
                Said::Read { directory, path } => self.channel.send(&files.read(&directory, &path), Some(end))?,
                Said::Names { directory, path } => self.channel.send(&files.names(&directory, &path), Some(end))?,
                Said::Directories => self.channel.send(&Ok::<_, FileError>(files.directories()), Some(end))?,
                Said::Find { directory, path } => self.channel.send(&files.find(&directory, &path), Some(end))?,
                Said::Content { directory, path } => self.channel.send(&files.content(&directory, &path), Some(end))?,
                Said::Sorted { directory, path } => self.channel.send(&files.sorted(&directory, &path), Some(end))?,
            }
        }
    }

    /// What became of it, as a person would say it.
    fn end(&mut self, error: &io::Error) -> String {
        let _ = self.child.kill();
        match self.child.wait() {
            // Killed just now, or out of memory.
            Ok(status) if status.signal() == Some(libc::SIGKILL) => error.to_string(),
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
