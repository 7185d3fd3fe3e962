//! `azr-host train`: a training from its start, or from its last checkpoint.

use std::{
    fs,
    io::ErrorKind,
    path::PathBuf,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use azr_config::{Control, RunConfig, Style};
use azr_core::{launch::Launch, meter::Meter};
use azr_env::env_source::EnvSource;
use azr_experiment::{
    record::{self, Experiment},
    session::{Session, Start},
};
use azr_host::cli::train::TrainArgs;
use azr_policy::embedded;
use azr_ranks::Ranks;

use crate::{
    models::TorchModels,
    policy_source::{self, PolicySource},
    progress::Progress,
};

/// Trains until the last step or the first Ctrl-C.
pub fn run(mut args: TrainArgs) -> Result<()> {
    handle_interrupts()?;
    if args.print_config {
        // The policy's directory may name the preset; with --preset it need not be fetched.
        if args.resume.is_none() && args.config.preset.is_none() {
            policy_source::fetch(&mut args.policy)?;
        }
        print!("{}", printed_configuration(&args)?.to_toml());
        return Ok(());
    }
    policy_source::fetch(&mut args.policy)?;
    args.envs.iter().try_for_each(EnvSource::ensure_pinned)?;
    let launch = Launch::from_env()?;
    let ranks = Ranks::join(&launch, Duration::from_secs(args.distributed_timeout))?;
    let stopped_status = args.stopped_status;
    let finished = ranks.leave(train(args, &ranks, launch.restarts))?;
    if !finished && stopped_status != 0 {
        process::exit(stopped_status.into());
    }
    Ok(())
}

/// Returns whether the last step was reached. `restarts`: how often a launcher has started all ranks again.
fn train(args: TrainArgs, ranks: &Ranks, restarts: usize) -> Result<bool> {
    let gather = ranks.as_gather();
    let begun = args.out.clone().filter(|out| restarts > 0 && record::exists(out));
    let meter = Arc::new(Meter::default());
    let progress = Progress::new(Arc::clone(&meter));
    let mut session = match gather.agree(args.resume.clone().or(begun))? {
        Some(dir) => {
            let models = |experiment: &Experiment| {
                let device = args.policy.device.as_deref().unwrap_or(&experiment.device).to_owned();
                let source = PolicySource::recorded(&experiment.policy, device);
                TorchModels { source, ranks, meter: Arc::clone(&meter) }
            };
            Session::resume(&dir, &args.envs, &args.sandbox, models, Box::new(ranks.clone()), &progress)?
        }
        None => {
            let config = configuration(&args)?;
            ensure!(restarts == 0 || args.out.is_some(), "a restart needs --out DIR, to find what it goes on with");
            let TrainArgs { envs: sources, policy, tasks, map, held_out, out, sandbox, .. } = args;
            let out = gather.agree(out.map_or_else(|| free_directory(&sources[0]), Ok)?)?;
            let directory = out.clone();
            let models = TorchModels { source: PolicySource::from(&policy), ranks, meter };
            let embedded = models.source.dir.is_none() && config.style == Style::Compact;
            let policys_held_out = embedded.then_some((embedded::ENVIRONMENT, embedded::HELD_OUT));
            let start = Start { config, sources, tasks, map, held_out, policys_held_out, out };
            let begun = Session::start(start, &sandbox, models, Box::new(ranks.clone()), &progress);
            // An experiment that did not begin leaves no empty directory.
            begun.inspect_err(|_| _ = fs::remove_dir(&directory))?
        }
    };
    TRAINING.store(true, Ordering::Relaxed);
    session.train(&INTERRUPTED)
}

/// The recorded one of an experiment to resume, or the one that a training would begin with.
fn printed_configuration(args: &TrainArgs) -> Result<RunConfig> {
    match &args.resume {
        Some(dir) => Ok(record::read_manifest(dir)?.0),
        None => configuration(args),
    }
}

fn configuration(args: &TrainArgs) -> Result<RunConfig> {
    let steps = args.steps.map(|steps| format!("steps={steps}"));
    let seed = args.seed.map(|seed| format!("seed={seed}"));
    let control = (args.control == Some(Control::Shuffle)).then(|| "control=\"shuffle\"".to_owned());
    let keys: Vec<String> = [steps, seed, control].into_iter().flatten().collect();
    args.config.resolve_with(&args.policy, args.algorithm, &keys)
}

/// `experiments/<environment>-NNNN` with the lowest number that is free. It is made at once, so that another training that
/// starts now takes the next.
fn free_directory(env: &EnvSource) -> Result<PathBuf> {
    let stem = env.stem()?;
    fs::create_dir_all("experiments").context("cannot create experiments/; give --out DIR")?;
    for number in 1..10_000 {
        let path = PathBuf::from(format!("experiments/{stem}-{number:04}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot create {}", path.display())),
        }
    }
    bail!("experiments/ is full; give --out DIR")
}

/// Whether there are steps to finish, and whether Ctrl-C or SIGTERM has come meanwhile.
static TRAINING: AtomicBool = AtomicBool::new(false);
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C and SIGTERM end the process before it trains, and while it trains the second one does. From the
/// beginning, because the first process of a container is not ended by signals that it does not handle.
fn handle_interrupts() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let context = runtime.enter();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    drop(context);
    let listen = async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if !TRAINING.load(Ordering::Relaxed) || INTERRUPTED.swap(true, Ordering::Relaxed) {
                process::exit(130);
            }
            eprintln!("\nazr-host: finishing this step and writing a checkpoint; once more to stop at once");
        }
    };
    std::thread::spawn(move || runtime.block_on(listen));
    Ok(())
}
