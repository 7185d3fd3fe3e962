//! A new experiment.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use azr_config::RunConfig;
use azr_core::{gather::Gather, task::Digest};
use azr_dataset::Mapped;
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use azr_selfplay::{
    data_set::DataSet,
    env_state::EnvState,
    faults::Breaker,
    held_out::{self, Source},
    step::SelfPlay,
};

use super::{
    Models, START_POLICY, Session,
    load::{first_tasks, load_envs},
};
use crate::{
    observer::Observer,
    record::{EnvironmentRecord, Experiment},
    run_dir::RunDir,
};

/// What a new experiment is made from.
pub struct Start {
    pub config: RunConfig,
    pub sources: Vec<EnvSource>,
    /// Data sets, as `--tasks` names them.
    pub tasks: Vec<String>,
    /// Names that fields of data sets are given beside their own.
    pub map: Vec<Mapped>,
    pub held_out: Option<PathBuf>,
    /// Held-out tasks that come with the policy: the environment's name and the text of the file.
    pub policys_held_out: Option<(&'static str, &'static str)>,
    pub out: PathBuf,
}

impl<'a, M: Models> Session<'a, M> {
    /// Loads everything, makes the experiment directory, seeds the buffers and measures the start policy.
    pub fn start(
        start: Start,
        sandbox: &SandboxArgs,
        models: M,
        gather: Box<dyn Gather>,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let Start { config, sources, tasks, map, held_out, policys_held_out, out } = start;
        let plan = models.plan(&config, None)?;
        let sandbox = sandbox.start(&config.sandbox)?;
        let mut envs = load_envs(&sandbox, &sources, &config)?;
        let data_sets =
            tasks.iter().map(|argument| DataSet::named(argument, &map, &envs)).collect::<Result<Vec<_>>>()?;
        let (mut held_out_tasks, mut held_out_sources) = (Vec::new(), BTreeMap::new());
        for (index, env) in envs.iter().enumerate() {
            let source = match (&held_out, policys_held_out) {
                (Some(path), _) if index == 0 => Source::File(path),
                (_, Some((name, text))) if env.name() == name => Source::Embedded(text),
                _ => Source::Apart(&data_sets),
            };
            held_out_tasks.extend(held_out::held_out_tasks(&envs, index, source, &config)?);
            held_out_sources.insert(env.name().to_owned(), source.to_string());
        }
        let written = held_out::written(&envs, &held_out_tasks);
        let fingerprints: Vec<Digest> = envs.iter().map(|env| env.fingerprint().digest()).collect();
        gather.ensure_same(
            "configuration, environment or held-out tasks",
            (config.to_toml(), fingerprints, written.clone()),
        )?;
        let held_out = held_out::hold_out(&mut envs, held_out_tasks, config.evaluation.tasks)?;
        let seeded = first_tasks(&mut envs, &data_sets, &config, &*gather)?;
        let policy = models.policy(&config, None)?;
        let experiment = Experiment {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: config.seed,
            policy: models.name(),
            device: models.device(),
            held_out: held_out_sources,
            data_sets: data_sets.iter().map(|data_set| data_set.record(&envs)).collect(),
            environments: sources.iter().zip(&envs).map(environment_record).collect::<Result<_>>()?,
            started_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        let run_dir = gather.in_turn(
            || RunDir::create(&out, &config, &experiment, &written),
            || Ok(RunDir::open_as_follower(&out, gather.rank())?.0),
        )?;
        run_dir.printed().map_or(Ok(()), |file| observer.follows(file))?;
        observer.loaded(&experiment, &plan, run_dir.path());
        if config.needs_start_policy() {
            run_dir.write_folder(START_POLICY, |folder| models.save(&policy, folder))?;
            gather.barrier()?;
        }
        let start_policy = config.needs_start_policy().then(|| run_dir.path().join(START_POLICY));
        let learner = models.learner(&config, &policy, start_policy.as_deref())?;
        let breaker = Breaker::new(&config.faults);
        let selfplay = SelfPlay { config, envs, policy, learner, breaker, gather };
        let mut session = Self { selfplay, models, run_dir, held_out, done: 0, observer };
        session.begin(&seeded)?;
        Ok(session)
    }
}

fn environment_record((source, env): (&EnvSource, &EnvState)) -> Result<EnvironmentRecord> {
    Ok(EnvironmentRecord {
        source: source.absolute()?,
        name: env.name().to_owned(),
        version: env.environment.description().version.clone(),
        kinds: env.playing().map(|(_, kind)| kind.name.clone()).collect(),
        fingerprint: env.fingerprint().clone(),
        fingerprint_digest: env.fingerprint().digest(),
    })
}
