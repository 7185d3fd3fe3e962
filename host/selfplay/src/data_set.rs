//! Data sets: files of which each line or row is a task, in the format of the environment that it is for.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    env_state::EnvState,
    generate::{Origin, Seeded, insert},
};
use azr_config::RunConfig;
use azr_core::task::{Digest, Task};
use azr_dataset::{Line, Mapped};

/// A file that was imported.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// Index of the environment.
    pub env: usize,
    path: PathBuf,
    digest: Digest,
    map: Vec<Mapped>,
    tasks: Vec<ImportedTask>,
}

#[derive(Clone, Debug)]
struct ImportedTask {
    task: Task,
    subject: Digest,
}

/// What `experiment.json` says about a data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DataSetRecord {
    /// The environment's name.
    pub env: String,
    pub path: PathBuf,
    /// Of the file.
    pub digest: Digest,
    /// Fields that were given other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub map: Vec<Mapped>,
    pub tasks: usize,
}

impl DataSet {
    /// Imports what `--tasks` names: `ENVIRONMENT=FILE`, or `FILE` where there is one environment.
    pub fn named(argument: &str, map: &[Mapped], envs: &[EnvState]) -> Result<Self> {
        let position = |name: &str| envs.iter().position(|env| env.name() == name);
        if let Some((name, path)) = argument.split_once('=')
            && let Some(env) = position(name)
        {
            return Self::import(envs, env, Path::new(path), map);
        }
        let names: Vec<&str> = envs.iter().map(EnvState::name).collect();
        ensure!(
            names.len() == 1,
            "--tasks {argument} does not say for which environment; write --tasks NAME=FILE with one of: {}",
            names.join(", ")
        );
        Self::import(envs, 0, Path::new(argument), map)
    }

    /// Imports the same file as before.
    pub fn again(record: &DataSetRecord, envs: &[EnvState]) -> Result<Self> {
        let env = envs.iter().position(|env| env.name() == record.env);
        let env = env.with_context(|| format!("a data set is for {:?}, which is not loaded", record.env))?;
        Self::import(envs, env, &record.path, &record.map)
    }

    fn import(envs: &[EnvState], env: usize, path: &Path, map: &[Mapped]) -> Result<Self> {
        let digest = Digest::of(read(path)?);
        let lines = azr_dataset::open_mapped(path, map)?.map(|line| line.map(|Line { number, text }| (number, text)));
        let (numbers, lines): (Vec<usize>, Vec<String>) = lines.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let imported = envs[env].import_tasks(&lines);
        let rejected = imported.iter().filter(|imported| matches!(imported, Ok(Err(_)))).count();
        let mut tasks = Vec::new();
        for (number, imported) in numbers.into_iter().zip(imported) {
            let at = || format!("{}, line {number}", path.display());
            match imported.with_context(at)? {
                Ok(task) => tasks.push(task),
                Err(rejection) => bail!(
                    "{}: {}: {} ({rejected} of {} lines are no tasks of environment {})",
                    at(),
                    rejection.code,
                    rejection.message,
                    lines.len(),
                    envs[env].name()
                ),
            }
        }
        ensure!(!tasks.is_empty(), "{} holds no tasks", path.display());
        let subjects = envs[env].subjects_of(&tasks)?;
        let tasks = tasks.into_iter().zip(subjects).map(|(task, subject)| ImportedTask { task, subject }).collect();
        let path = path.canonicalize()?;
        Ok(Self { env, path, digest, map: map.to_vec(), tasks })
    }

    /// The tasks that are held out when a `share` of the subjects is. A subject is always on the same side, whatever the
    /// seed and whatever else is in the file.
    pub fn picked(&self, share: f64) -> impl Iterator<Item = &Task> {
        let picked = move |subject: &Digest| {
            let [a, b, c, d, ..] = subject.0;
            f64::from(u32::from_be_bytes([a, b, c, d])) < share * 2f64.powi(32)
        };
        self.tasks.iter().filter(move |imported| picked(&imported.subject)).map(|imported| &imported.task)
    }

    /// Puts the tasks that are not held out into the buffers.
    pub fn insert_into(&self, envs: &mut [EnvState], config: &RunConfig) -> Result<Vec<Seeded>> {
        let env = &envs[self.env];
        let mut distinct: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
        for ImportedTask { task, subject } in &self.tasks {
            if !env.held_out.contains(subject) {
                distinct.entry(&task.kind).or_default().insert(&task.body);
            }
        }
        for (kind, bodies) in distinct {
            let held = env.kind_index(kind).map_or(0, |kind| env.buffers[kind].len());
            let (needed, capacity) = (held + bodies.len(), config.buffer.capacity);
            ensure!(
                needed <= capacity,
                "{} has {} tasks of kind {kind}, which with the {held} that are there already is more than \
                 buffer.capacity = {capacity}; set buffer.capacity={needed} or more",
                self.path.display(),
                bodies.len()
            );
        }
        let tasks = self.tasks.iter().map(|imported| (self.env, imported.task.clone(), imported.subject));
        Ok(insert(envs, tasks, 0, Origin::DataSet))
    }

    /// For `experiment.json`.
    pub fn record(&self, envs: &[EnvState]) -> DataSetRecord {
        let Self { env, path, digest, map, tasks } = self;
        let name = envs[*env].name().to_owned();
        DataSetRecord { env: name, path: path.clone(), digest: *digest, map: map.clone(), tasks: tasks.len() }
    }
}

impl DataSetRecord {
    /// Whether the file is still what it was.
    pub fn check(&self) -> Result<()> {
        let Self { path, digest, .. } = self;
        let now = Digest::of(read(path)?);
        ensure!(
            now == *digest,
            "the data set {} has changed since the experiment was started: its digest is {}, not {}; put the old file \
             there, or start another experiment",
            path.display(),
            now.short(),
            digest.short()
        );
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read the data set {}", path.display()))
}
