//! An experiment that goes on at its last checkpoint.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use azr_config::RunConfig;
use azr_core::{gather::Gather, task::Task, training::Trainer as _};
use azr_env::{env_source::EnvSource, sandbox_args::SandboxArgs};
use azr_selfplay::{
    data_set::{DataSet, DataSetRecord},
    env_state::EnvState,
    faults::Breaker,
    held_out,
    saved_state::SavedState,
    step::SelfPlay,
};

use super::{
    Models, OPTIMIZER, POLICY, START_POLICY, STATE, Session,
    load::{first_tasks, load_envs},
};
use crate::{
    ledger::TaskRow,
    log::Log,
    observer::Observer,
    record::{self, Experiment},
    run_dir::RunDir,
};

impl<'a, M: Models> Session<'a, M> {
    /// Takes an experiment up at its last checkpoint, or begins it again where it has none. `sources` replace the recorded
    /// ones, for files that have moved; their contents must be the same. `models` makes the recorded policy.
    pub fn resume(
        dir: &Path,
        sources: &[EnvSource],
        sandbox: &SandboxArgs,
        models: impl FnOnce(&Experiment) -> M,
        gather: Box<dyn Gather>,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let rewound = |(mut run_dir, config, experiment): (RunDir, RunConfig, Experiment)| {
            let (checkpoint, folder) = run_dir.latest_checkpoint()?.unzip();
            run_dir.rewind(checkpoint.as_ref())?;
            run_dir.prune(config.checkpoint.keep)?;
            Ok((run_dir, config, experiment, checkpoint, folder))
        };
        let (run_dir, config, experiment, checkpoint, folder) = gather
            .in_turn(|| rewound(RunDir::open(dir)?), || rewound(RunDir::open_as_follower(dir, gather.rank())?))?;
        run_dir.printed().map_or(Ok(()), |file| observer.follows(file))?;
        let sandbox = sandbox.start(&config.sandbox)?;
        let recorded: Vec<EnvSource> = experiment.environments.iter().map(|env| env.source.clone()).collect();
        let mut envs = load_envs(&sandbox, if sources.is_empty() { &recorded } else { sources }, &config)?;
        same_environments(&experiment, &envs)?;
        let held_out = held_out::read(&record::held_out(dir)?, &envs)?;
        let held_out = held_out::hold_out(&mut envs, held_out, config.evaluation.tasks)?;
        experiment.data_sets.iter().try_for_each(DataSetRecord::check)?;
        let seeded = match &checkpoint {
            Some(_) => Vec::new(),
            None => {
                let data_sets = experiment.data_sets.iter().map(|record| DataSet::again(record, &envs));
                let data_sets = data_sets.collect::<Result<Vec<_>>>()?;
                first_tasks(&mut envs, &data_sets, &config, &*gather)?
            }
        };
        refill(&run_dir, &mut envs)?;
        let breaker = match &folder {
            Some(folder) => saved_state(folder)?.restore(&mut envs, &config.faults)?,
            None => Breaker::new(&config.faults),
        };
        let models = models(&experiment);
        let saved = folder.as_deref().map(|folder| folder.join(POLICY));
        let plan = models.plan(&config, saved.as_deref())?;
        let policy = models.policy(&config, saved.as_deref())?;
        if config.needs_start_policy() && folder.is_none() {
            run_dir.write_folder(START_POLICY, |folder| models.save(&policy, folder))?;
            gather.barrier()?;
        }
        let start_policy = config.needs_start_policy().then(|| run_dir.path().join(START_POLICY));
        let mut learner = models.learner(&config, &policy, start_policy.as_deref())?;
        if let Some(folder) = &folder {
            learner.load(&folder.join(OPTIMIZER))?;
        }
        observer.loaded(&experiment, &plan, run_dir.path());
        let selfplay = SelfPlay { config, envs, policy, learner, breaker, gather };
        let done = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.step);
        let mut session = Self { selfplay, models, run_dir, held_out, done, observer };
        if checkpoint.is_none() {
            session.begin(&seeded)?;
        }
        Ok(session)
    }
}

fn saved_state(folder: &Path) -> Result<SavedState> {
    let path = folder.join(STATE);
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
}

fn same_environments(experiment: &Experiment, envs: &[EnvState]) -> Result<()> {
    ensure!(
        experiment.environments.len() == envs.len(),
        "the experiment has {} environments, {} were given",
        experiment.environments.len(),
        envs.len()
    );
    for (recorded, env) in experiment.environments.iter().zip(envs) {
        let digest = env.environment.digest();
        let recorded_digest = recorded.fingerprint.environment;
        ensure!(
            recorded_digest == digest,
            "the experiment was started with environment {} {}, but the file given is {}; give the same file with --env",
            recorded.name,
            recorded_digest.short(),
            digest.short()
        );
        ensure!(
            recorded.fingerprint.same_grants(env.fingerprint()),
            "environment {} has other limits or directories than when the experiment was started; give the same --grants, \
             and check with `azr-env inspect`",
            recorded.name
        );
    }
    Ok(())
}

/// Fills the buffers from the log of tasks.
fn refill(run_dir: &RunDir, envs: &mut [EnvState]) -> Result<()> {
    let mut logged: Vec<TaskRow<'static>> = run_dir.rows(Log::Tasks)?;
    for env in envs {
        let mine: Vec<TaskRow> = logged.extract_if(.., |row| row.env == env.name()).collect();
        let task = |row: &TaskRow| Task { kind: (&*row.kind).into(), body: (&*row.body).into() };
        let tasks: Vec<Task> = mine.iter().map(task).collect();
        let subjects = env.subjects_of(&tasks)?;
        for ((TaskRow { step, .. }, task), subject) in mine.into_iter().zip(tasks).zip(subjects) {
            let kind = env.kind_index(&task.kind).with_context(|| format!("no kind {:?}", task.kind))?;
            env.subjects[kind].insert(subject);
            env.buffers[kind].add(task, step);
        }
    }
    ensure!(logged.is_empty(), "the log of tasks names an environment that is not loaded");
    Ok(())
}
