//! The experiment directory: the one place that a run writes to.
//!
//! Logs only grow; a checkpoint remembers how long each was. To resume, the logs are cut back to those lengths, so that
//! a run that was killed anywhere continues as if it had stopped at its last checkpoint. A checkpoint is written beside
//! the others under a temporary name and renamed when it is complete.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, BufWriter, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use cap_std::{
    ambient_authority,
    fs::{Dir, File, OpenOptions},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{config::RunConfig, task::Digest, tensorboard::EventWriter};

/// A file that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    Metrics,
    Evaluations,
    Ledger,
    Tasks,
    Events,
}

impl Log {
    const ALL: [Self; 5] = [Self::Metrics, Self::Evaluations, Self::Ledger, Self::Tasks, Self::Events];

    fn file_name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics.jsonl",
            Self::Evaluations => "evaluations.jsonl",
            Self::Ledger => "ledger.jsonl",
            Self::Tasks => "tasks.jsonl",
            Self::Events => "events.out.tfevents.0.azr-host",
        }
    }
}

/// What an experiment was started with, besides its configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Experiment {
    /// Of azr-host.
    pub version: String,
    pub seed: u64,
    /// "embedded" or the directory the policy was loaded from.
    pub policy: String,
    pub device: String,
    /// Files with held-out proposals, by environment name; "embedded" for those of the embedded policy.
    pub held_out: BTreeMap<String, String>,
    pub environments: Vec<EnvironmentRecord>,
    pub started_unix_s: u64,
}

/// A component that an experiment uses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnvironmentRecord {
    pub path: PathBuf,
    pub name: String,
    pub version: String,
    pub digest: Digest,
    pub executors: Vec<Digest>,
    pub kinds: Vec<String>,
}

/// Where a run can be continued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u64,
    /// Bytes of each log at that time.
    pub log_bytes: BTreeMap<Log, u64>,
}

/// An open experiment directory. While it is open no other process can open it.
pub struct RunDir {
    path: PathBuf,
    dir: Dir,
    logs: BTreeMap<Log, BufWriter<File>>,
    _lock: fs::File,
}

impl RunDir {
    /// Makes the directory for a new experiment. It must not exist, or be empty.
    pub fn create(path: &Path, config: &RunConfig, experiment: &Experiment) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make the experiment directory {}", path.display()))?;
        let occupied = fs::read_dir(path)?.next().is_some();
        ensure!(
            !occupied,
            "{0} is not empty; continue what is there with --resume {0}, or give another --out",
            path.display()
        );
        let mut run_dir = Self::lock(path)?;
        run_dir.write("config.toml", config.to_toml().as_bytes())?;
        run_dir.write("experiment.json", &serde_json::to_vec_pretty(experiment)?)?;
        run_dir.dir.create_dir("checkpoints")?;
        run_dir.open_logs()?;
        Ok(run_dir)
    }

    /// Opens an experiment to continue it.
    pub fn open(path: &Path) -> Result<(Self, RunConfig, Experiment)> {
        let there = path.join("experiment.json").is_file();
        ensure!(there, "{} holds no experiment: experiment.json is missing", path.display());
        let mut run_dir = Self::lock(path)?;
        let config = RunConfig::from_toml(&run_dir.dir.read_to_string("config.toml")?)
            .with_context(|| format!("{} is damaged", path.join("config.toml").display()))?;
        let experiment = serde_json::from_slice(&run_dir.dir.read("experiment.json")?)
            .with_context(|| format!("{} is damaged", path.join("experiment.json").display()))?;
        run_dir.open_logs()?;
        Ok((run_dir, config, experiment))
    }

    fn lock(path: &Path) -> Result<Self> {
        let lock = fs::File::create(path.join("lock"))
            .with_context(|| format!("cannot write in {}; check its permissions", path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another process is using {}; wait for it to end, or give another --out", path.display());
        }
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { path: path.to_owned(), dir, logs: BTreeMap::new(), _lock: lock })
    }

    fn open_logs(&mut self) -> Result<()> {
        for log in Log::ALL {
            let file = self.dir.open_with(log.file_name(), OpenOptions::new().create(true).append(true).read(true))?;
            self.logs.insert(log, BufWriter::new(file));
        }
        Ok(())
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds rows to a log of JSON lines.
    pub fn append<T: Serialize>(&mut self, log: Log, rows: impl IntoIterator<Item = T>) -> Result<()> {
        let file = self.logs.get_mut(&log).expect("all logs are open");
        for row in rows {
            serde_json::to_writer(&mut *file, &row)
                .map_err(std::io::Error::from)
                .and_then(|()| file.write_all(b"\n"))
                .with_context(|| format!("cannot append to {}", self.path.join(log.file_name()).display()))?;
        }
        Ok(())
    }

    /// Adds scalars to the TensorBoard log.
    pub fn append_scalars(&mut self, step: u64, scalars: &[(String, f64)]) -> Result<()> {
        let wall_time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let file = self.logs.get_mut(&Log::Events).expect("all logs are open");
        let empty = file.get_ref().metadata()?.len() == 0 && file.buffer().is_empty();
        let mut events = if empty { EventWriter::new(file, wall_time)? } else { EventWriter::resume(file) };
        for (tag, value) in scalars {
            events.scalar(tag, *value as f32, step, wall_time)?;
        }
        Ok(())
    }

    /// Makes what was appended visible to readers. Called once a step.
    pub fn flush(&mut self) -> Result<()> {
        for (log, file) in &mut self.logs {
            file.flush().with_context(|| format!("cannot append to {}", self.path.join(log.file_name()).display()))?;
        }
        Ok(())
    }

    /// The rows of a log, as far as they are complete.
    pub fn rows<T: DeserializeOwned>(&self, log: Log) -> Result<Vec<T>> {
        let name = self.path.join(log.file_name());
        let lines = BufReader::new(self.dir.open(log.file_name())?).lines();
        let parse = |line: std::io::Result<String>| Ok(serde_json::from_str(&line?)?);
        lines.map(parse).collect::<Result<_>>().with_context(|| format!("{} is damaged", name.display()))
    }

    /// Writes a checkpoint; `save` puts policy and optimiser into the directory it is given.
    pub fn checkpoint(&mut self, step: u64, keep: usize, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let name = checkpoint_name(step);
        let staging = format!("checkpoints/.{name}");
        self.write_checkpoint(step, &staging, save)
            .and_then(|()| Ok(self.dir.rename(&staging, &self.dir, format!("checkpoints/{name}"))?))
            .with_context(|| {
                format!(
                    "cannot write the checkpoint of step {step} in {}; earlier ones are intact",
                    self.path.display()
                )
            })?;
        let names = self.checkpoint_names()?;
        for old in &names[..names.len().saturating_sub(keep)] {
            self.dir.remove_dir_all(format!("checkpoints/{old}"))?;
        }
        Ok(())
    }

    fn write_checkpoint(&mut self, step: u64, staging: &str, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        if self.dir.exists(staging) {
            self.dir.remove_dir_all(staging)?;
        }
        self.dir.create_dir(staging)?;
        save(&self.path.join(staging))?;
        let log_bytes = self.sync_logs()?;
        self.write(&format!("{staging}/checkpoint.json"), &serde_json::to_vec_pretty(&Checkpoint { step, log_bytes })?)
    }

    fn sync_logs(&mut self) -> Result<BTreeMap<Log, u64>> {
        self.flush()?;
        let sync = |(log, file): (&Log, &BufWriter<File>)| {
            file.get_ref().sync_data()?;
            Ok((*log, file.get_ref().metadata()?.len()))
        };
        self.logs.iter().map(sync).collect()
    }

    /// The newest complete checkpoint and its directory.
    pub fn latest_checkpoint(&self) -> Result<Option<(Checkpoint, PathBuf)>> {
        let Some(name) = self.checkpoint_names()?.pop() else { return Ok(None) };
        let folder = format!("checkpoints/{name}");
        let checkpoint = serde_json::from_slice(&self.dir.read(format!("{folder}/checkpoint.json"))?)
            .with_context(|| format!("{} is damaged", self.path.join(&folder).display()))?;
        Ok(Some((checkpoint, self.path.join(folder))))
    }

    /// Forgets what was logged after a checkpoint.
    pub fn rewind(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        for (log, &bytes) in &checkpoint.log_bytes {
            let name = self.path.join(log.file_name());
            let file = self.logs.get_mut(log).context("a checkpoint names a log that does not exist")?.get_mut();
            let length = file.metadata()?.len();
            ensure!(
                length >= bytes,
                "{} has {length} bytes, but had {bytes} at the checkpoint of step {}: it was damaged from outside",
                name.display(),
                checkpoint.step
            );
            file.set_len(bytes)?;
            file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }

    fn checkpoint_names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.dir.read_dir("checkpoints")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.starts_with("step-") {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Writes a small file so that it is either there whole or not at all.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let temporary = format!("{name}.tmp");
        let mut file = self.dir.create(&temporary)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| self.dir.rename(&temporary, &self.dir, name))
            .with_context(|| format!("cannot write {}", self.path.join(name).display()))
    }
}

fn checkpoint_name(step: u64) -> String {
    format!("step-{step:06}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    fn new_run(path: &Path) -> Result<RunDir> {
        let config = RunConfig::resolve(Preset::Tiny, None, &[])?;
        let experiment = Experiment {
            version: "0".into(),
            seed: 1,
            policy: "embedded".into(),
            device: "cpu".into(),
            held_out: BTreeMap::new(),
            environments: Vec::new(),
            started_unix_s: 0,
        };
        RunDir::create(path, &config, &experiment)
    }

    fn save_nothing(_: &Path) -> Result<()> {
        Ok(())
    }

    #[test]
    fn rewinding_forgets_what_came_after_the_checkpoint_torn_lines_included() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let mut run = new_run(&path).unwrap();
        run.append(Log::Metrics, [1, 2]).unwrap();
        run.checkpoint(2, 2, save_nothing).unwrap();
        run.append(Log::Metrics, [3]).unwrap();
        run.flush().unwrap();
        drop(run);
        fs::write(path.join("metrics.jsonl"), "1\n2\n3\n{\"torn").unwrap();
        let (mut run, _, _) = RunDir::open(&path).unwrap();
        let (checkpoint, _) = run.latest_checkpoint().unwrap().unwrap();
        run.rewind(&checkpoint).unwrap();
        run.append(Log::Metrics, [4]).unwrap();
        run.flush().unwrap();
        assert_eq!(run.rows::<u32>(Log::Metrics).unwrap(), [1, 2, 4]);
    }

    #[test]
    fn a_failed_checkpoint_leaves_the_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = new_run(dir.path()).unwrap();
        run.checkpoint(1, 2, save_nothing).unwrap();
        run.checkpoint(2, 2, |_| bail!("no space")).unwrap_err();
        assert_eq!(run.latest_checkpoint().unwrap().unwrap().0.step, 1);
        run.checkpoint(2, 2, save_nothing).unwrap();
        run.checkpoint(3, 2, save_nothing).unwrap();
        assert_eq!(run.checkpoint_names().unwrap(), ["step-000002", "step-000003"]);
    }

    #[test]
    fn a_directory_is_used_by_one_process_and_one_experiment() {
        let dir = tempfile::tempdir().unwrap();
        let run = new_run(dir.path()).unwrap();
        let message = |result: Result<_>| format!("{:#}", result.err().unwrap());
        assert!(message(RunDir::open(dir.path()).map(|_| ())).contains("another process"));
        drop(run);
        assert!(message(new_run(dir.path()).map(|_| ())).contains("--resume"));
        let empty = tempfile::tempdir().unwrap();
        assert!(message(RunDir::open(empty.path()).map(|_| ())).contains("experiment.json is missing"));
    }
}
