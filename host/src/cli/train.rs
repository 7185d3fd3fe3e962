//! `azr-host --env FILE`: trains.

use std::{
    path::PathBuf,
    process,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use super::{policy::PolicyArgs, sandbox::SandboxArgs};
use crate::{
    config::{Algorithm, Control, Preset, RunConfig},
    env_source::EnvSource,
    ranks::{Launch, Ranks},
    run_dir,
    session::{Session, Start},
};

/// What to train, on what, and where to write.
#[derive(Args)]
pub struct TrainArgs {
    /// An environment: a component file, or oci://host/name@sha256:digest in a registry. Repeat for several.
    #[arg(long = "env", value_name = "FILE|oci://…", required_unless_present = "resume")]
    envs: Vec<EnvSource>,

    #[command(flatten)]
    policy: PolicyArgs,

    /// The setting to start from [default: what azr-host.toml in the policy's directory names, as a warm start writes it;
    /// otherwise paper].
    #[arg(long, value_enum)]
    preset: Option<Preset>,

    /// How rewards become an update: keys that replace the preset's.
    #[arg(long, value_enum, default_value_t = Algorithm::TrrPlusPlus)]
    algorithm: Algorithm,

    /// A TOML file with keys that replace the preset's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Replace one key, as in `--set update.learning-rate=1e-5`. May be repeated; wins over the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,

    /// Optimiser updates; short for `--set steps=N`.
    #[arg(long)]
    steps: Option<u64>,

    /// Everything random follows from it; short for `--set seed=N`.
    #[arg(long)]
    seed: Option<u64>,

    /// Train on deliberately meaningless rewards, to compare with.
    #[arg(long, value_enum)]
    control: Option<Control>,

    /// A data set to train on: a file with one task per line, in the environment's own format. With several environments
    /// write NAME=FILE, where NAME is the environment's. May be repeated.
    #[arg(long = "tasks", value_name = "[NAME=]FILE")]
    tasks: Vec<String>,

    /// Held-out tasks or proposals of the first environment, one JSON object per line; measured before and after, and
    /// never trained on [default: those of the embedded policy, with it; otherwise tasks that the environment generates
    /// and a share of its data sets].
    #[arg(long, value_name = "FILE")]
    held_out: Option<PathBuf>,

    /// The experiment directory [default: the next free experiments/<environment>-NNNN].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Continue an experiment from its last checkpoint, with the setting it was started with.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["preset", "algorithm", "config", "overrides", "steps", "seed", "control", "out", "tasks", "held_out", "policy"])]
    resume: Option<PathBuf>,

    /// With several ranks: seconds after which a rank that does not take part counts as hung. One whose process ended is
    /// noticed within ten.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    distributed_timeout: u64,

    /// How the process ends after Ctrl-C or SIGTERM, to itself or to another rank, has stopped it before the last step: for
    /// schedulers that take 0 for a job that is done.
    #[arg(long, value_name = "STATUS", default_value_t = 0)]
    stopped_status: u8,

    /// Print the resolved configuration and stop.
    #[arg(long)]
    print_config: bool,

    #[command(flatten)]
    sandbox: SandboxArgs,
}

impl TrainArgs {
    /// Trains until the last step or the first Ctrl-C.
    pub fn run(mut self) -> Result<()> {
        handle_interrupts()?;
        self.policy.fetch()?;
        self.envs.iter().try_for_each(EnvSource::ensure_pinned)?;
        if self.print_config && self.resume.is_none() {
            print!("{}", self.configuration()?.to_toml());
            return Ok(());
        }
        let launch = Launch::from_env()?;
        let ranks = Ranks::join(&launch, Duration::from_secs(self.distributed_timeout))?;
        let stopped_status = self.stopped_status;
        let finished = ranks.leave(self.train(&ranks, launch.restarts))?;
        if !finished && stopped_status != 0 {
            process::exit(stopped_status.into());
        }
        Ok(())
    }

    /// Returns whether it came to the last step. `restarts`: how often a launcher has started all ranks again.
    fn train(self, ranks: &Ranks, restarts: usize) -> Result<bool> {
        let begun = self.out.clone().filter(|out| restarts > 0 && run_dir::exists(out));
        let mut session = match ranks.agree(self.resume.clone().or(begun))? {
            Some(dir) => Session::resume(&dir, &self.envs, self.policy.device.as_deref(), &self.sandbox, ranks)?,
            None => {
                let config = self.configuration()?;
                ensure!(restarts == 0 || self.out.is_some(), "a restart needs --out DIR, to find what it goes on with");
                let out = ranks.agree(self.out.map_or_else(|| free_directory(&self.envs[0]), Ok)?)?;
                let Self { envs, policy, tasks, held_out, .. } = self;
                Session::start(Start { config, envs, policy, tasks, held_out, out }, &self.sandbox, ranks)?
            }
        };
        TRAINING.store(true, Ordering::Relaxed);
        session.train(&INTERRUPTED)
    }

    fn configuration(&self) -> Result<RunConfig> {
        let preset = self.preset.map_or_else(|| self.policy.preset(), Ok)?;
        let mut overrides = self.overrides.clone();
        overrides.extend(self.steps.map(|steps| format!("steps={steps}")));
        overrides.extend(self.seed.map(|seed| format!("seed={seed}")));
        overrides.extend((self.control == Some(Control::Shuffle)).then(|| "control=\"shuffle\"".to_owned()));
        RunConfig::resolve_with(preset, self.algorithm, self.config.as_deref(), &overrides)
    }
}

/// `experiments/<environment>-NNNN` with the lowest number that is free.
fn free_directory(env: &EnvSource) -> Result<PathBuf> {
    let stem = env.stem()?;
    let mut candidates = (1..10_000).map(|number| PathBuf::from(format!("experiments/{stem}-{number:04}")));
    let free = candidates.find(|path| !path.exists());
    free.context("experiments/ is full; give --out DIR")
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
