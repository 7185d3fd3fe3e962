//! A process where guests are: it loads their code, gives up everything that it does not need for calling them, and calls
//! them one after the other.

use std::{fs::File, io, os::fd::AsFd as _, thread, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use wasmtime::{Engine, component::Component};

#[cfg(feature = "test-guards")]
use super::{
    bindings::{Outcome, Report},
    judge::Called,
    log::Logged,
};
use super::{
    calls::{ExecutorCall, JudgeCall, Ran},
    code,
    engine::thread_stack_bytes,
    executor::{self, Executor},
    files::GuestFiles,
    guests::{self, Role},
    judge::Judge,
    processes::{Ready, Start},
    ring::{self, Allowance},
    wire::{Asker, Channel, Said, receive_file},
};

/// Of what a process is told when it starts.
const START_MAX_BYTES: usize = 4096;
/// A judge's engine reserves gigabytes for each memory of an instance; none of it is used before the limiter has granted
/// it.
const RESERVED_BYTES: u64 = 64 << 30;

/// What the process does until there is no more to do.
pub(super) fn serve(arguments: &[String]) -> Result<()> {
    let [codes] = arguments else { bail!("this process is started by the sandbox only") };
    // A process that waits for a call ends with the sandbox, because nobody writes any more. This is for one in a call.
    // SAFETY: it only sets what the kernel does when the sandbox ends.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // What a scheduler sends to every process of a job asks the sandbox to come to an end, and calls end with it.
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2] {
        // SAFETY: a signal that is ignored runs nothing.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let codes = (0..codes.parse::<usize>()?).map(|_| receive_file(&socket)).collect::<io::Result<Vec<File>>>()?;
    let mut channel = Channel::new(File::from(socket));
    let start: Start = channel.receive(START_MAX_BYTES, None)?;
    let asker = Asker::new(channel);
    let prepared = prepare(&start, &codes);
    // From here on there is nothing to be opened.
    drop(codes);
    let served = prepared.and_then(|(engine, components, missing)| {
        let asker = asker.clone();
        let stack_bytes = thread_stack_bytes(start.guards);
        let work = move || work(&start, &engine, &components, missing, &asker);
        let worker = thread::Builder::new().stack_size(stack_bytes).spawn(work).context("no thread for guests")?;
        worker.join().map_err(|_| anyhow::anyhow!("the thread for guests panicked"))?
    });
    if let Err(error) = &served {
        // The sandbox waits to hear whether this process is ready.
        let _ = asker.send(&Err::<Ready, String>(format!("{error:#}")));
    }
    served
}

/// Loads code, of which nothing runs yet, and gives up what the process needs no more.
fn prepare(start: &Start, codes: &[File]) -> Result<(Engine, Vec<Component>, Vec<String>)> {
    let (engine, components) = start.role.load(start.guards, |engine| {
        let component = |(index, file): (usize, &File)| {
            let part = match start.role {
                Role::Judge(_) => "judge".to_owned(),
                Role::Executors(_) => format!("executor {index}"),
            };
            code::component(engine, file).with_context(|| format!("its {part} does not fit"))
        };
        codes.iter().enumerate().map(component).collect::<Result<Vec<_>>>()
    })?;
    let allowance = Allowance { memory_bytes: start.memory_bytes, reserved_bytes: RESERVED_BYTES, cpu_seconds: None };
    let missing = ring::limit(allowance, start.guards)?;
    Ok((engine, components, missing.into_iter().map(str::to_owned).collect()))
}

fn work(
    start: &Start,
    engine: &Engine,
    components: &[Component],
    mut missing: Vec<String>,
    asker: &Asker,
) -> Result<()> {
    missing.extend(ring::seal(start.guards)?.into_iter().map(str::to_owned));
    if start.required && !missing.is_empty() {
        bail!("sandbox.ring is \"require\", but this kernel has no {}", missing.join(" and "));
    }
    match start.role {
        Role::Judge(budget) => {
            let [component] = components else { bail!("one judge is one component") };
            let (judge, imports) = guests::judge(engine, component, budget, start.guards)?;
            asker.send(&Ok::<_, String>(Ready { imports: vec![imports], missing }))?;
            judge_calls(&judge, asker)
        }
        Role::Executors(_) => {
            let (executors, imports) = guests::executors(engine, components, start.guards)?;
            asker.send(&Ok::<_, String>(Ready { imports, missing }))?;
            executor_calls(&executors, asker)
        }
    }
}

fn judge_calls(judge: &Judge, asker: &Asker) -> Result<()> {
    while let Some(call) = next::<JudgeCall<'_>>(asker)? {
        #[cfg(feature = "test-guards")]
        if let JudgeCall::ShowValue(value) = &call
            && let Some(said) = super::escape::asked(value)
        {
            let called = Called { returned: Ok(said.into()), logged: Logged::default(), fuel: 0 };
            asker.send(&Said::Done(called))?;
            continue;
        }
        asker.send(&Said::Done(judge.call(&call, GuestFiles::Away(asker.clone()))))?;
    }
    Ok(())
}

fn executor_calls(executors: &[Executor], asker: &Asker) -> Result<()> {
    while let Some(call) = next::<ExecutorCall<'_>>(asker)? {
        #[cfg(feature = "test-guards")]
        if let Some(run) = &call.run
            && let Some(said) = super::escape::asked(run.program.as_bytes())
        {
            let outcomes = vec![Outcome::Value(said.into_bytes())];
            asker.send(&Said::Done(Ran::Ok(Report { outcomes, fuel: 0 })))?;
            continue;
        }
        // The sandbox's clock ends what takes too long, and this process with it.
        let (ran, left) = match executor::call(executors, &call, Duration::MAX) {
            Ok((report, left)) => (Ran::Ok(report), left),
            Err(failed) => (Err(failed), None),
        };
        asker.send(&Said::Done(ran))?;
        drop(left);
    }
    Ok(())
}

/// The next request. There is none when the sandbox has gone.
fn next<M: DeserializeOwned>(asker: &Asker) -> Result<Option<M>> {
    match asker.next() {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        request => Ok(Some(request?)),
    }
}
