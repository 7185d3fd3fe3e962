//! The experiment directory: the one place that a run writes to.
//!
//! Logs only grow; a checkpoint remembers how long each was. To resume, the logs are cut back to those lengths, so that
//! a run that was killed anywhere continues as if it had stopped at its last checkpoint. A checkpoint is written beside
//! the others under a temporary name, forced to the disk and renamed when it is complete. It holds the checksums of its
//! files; one that does not match them, after a power failure say, is passed over for the one before.
//!
//! Of several ranks the first writes. The others follow: they read what was there when they began, and what they would
//! write is dropped, but for a log file of what they print and one of what their judges say, in `logs/`.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use cap_std::{
    ambient_authority,
    fs::{Dir, File, OpenOptions},
};
use serde::{Serialize, de::DeserializeOwned};

use azr_config::RunConfig;

use crate::{
    checkpoint::{Checkpoint, Trust, checkpoint_name, checkpoint_names, checksums, force_to_disk, latest_checkpoint},
    log::Log,
    record::{Experiment, HELD_OUT, read_manifest},
    tensorboard::EventWriter,
};

/// An open experiment directory. While it is open no other process can open it, except to follow.
pub struct RunDir {
    path: PathBuf,
    dir: Dir,
    logs: BTreeMap<Log, BufWriter<File>>,
    access: Access,
}

/// Whether this process writes the experiment.
enum Access {
    Writes {
        _lock: fs::File,
    },
    /// So many bytes of each log were there when it began.
    Follows {
        log_bytes: BTreeMap<Log, u64>,
        /// What this process prints belongs here.
        printed: fs::File,
    },
}

impl RunDir {
    /// Makes the directory for a new experiment. It must not exist, or hold nothing but what a start leaves that was
    /// killed before it wrote `experiment.json`.
    pub fn create(path: &Path, config: &RunConfig, experiment: &Experiment, held_out: &str) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make the experiment directory {}", path.display()))?;
        let leftover = |name: &std::ffi::OsStr| {
            const LEFT: [&str; 6] = [
                "lock",
                "config.toml",
                "config.toml.tmp",
                "held-out.jsonl",
                "held-out.jsonl.tmp",
                "experiment.json.tmp",
            ];
            LEFT.iter().any(|left| name == *left)
        };
        let entries = fs::read_dir(path)?.collect::<std::io::Result<Vec<_>>>()?;
        ensure!(
            entries.iter().all(|entry| leftover(&entry.file_name())),
            "{0} is not empty; continue what is there with --resume {0}, or give another --out",
            path.display()
        );
        let mut run_dir = Self::lock(path)?;
        run_dir.write("config.toml", config.to_toml().as_bytes())?;
        run_dir.write(HELD_OUT, held_out.as_bytes())?;
        run_dir.write("experiment.json", &serde_json::to_vec_pretty(experiment)?)?;
        run_dir.open_logs()?;
        Ok(run_dir)
    }

    /// Opens an experiment to continue it.
    pub fn open(path: &Path) -> Result<(Self, RunConfig, Experiment)> {
        let (config, experiment) = read_manifest(path)?;
        let mut run_dir = Self::lock(path)?;
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
        Ok(Self { path: path.to_owned(), dir, logs: BTreeMap::new(), access: Access::Writes { _lock: lock } })
    }

    /// Opens an experiment that another rank writes.
    pub fn open_as_follower(path: &Path, rank: usize) -> Result<(Self, RunConfig, Experiment)> {
        let (config, experiment) = read_manifest(path)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        dir.create_dir_all("logs")?;
        let open = |name: String| dir.open_with(name, OpenOptions::new().create(true).append(true));
        let logs = BTreeMap::from([(Log::Judge, BufWriter::new(open(format!("logs/rank-{rank}.judge.jsonl"))?))]);
        let printed = open(format!("logs/rank-{rank}.txt"))?.into_std();
        let access = Access::Follows { log_bytes: BTreeMap::new(), printed };
        Ok((Self { path: path.to_owned(), dir, logs, access }, config, experiment))
    }

    /// Where a process that follows prints.
    pub fn printed(&self) -> Option<&fs::File> {
        match &self.access {
            Access::Writes { .. } => None,
            Access::Follows { printed, .. } => Some(printed),
        }
    }

    fn follows(&self) -> bool {
        matches!(self.access, Access::Follows { .. })
    }

    fn open_logs(&mut self) -> Result<()> {
        self.dir.create_dir_all("checkpoints")?;
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
        let Some(file) = self.logs.get_mut(&log) else { return Ok(()) };
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
        let Some(file) = self.logs.get_mut(&Log::Events) else { return Ok(()) };
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

    /// The rows of a log.
    pub fn rows<T: DeserializeOwned>(&self, log: Log) -> Result<Vec<T>> {
        let name = self.path.join(log.file_name());
        let bytes = match &self.access {
            Access::Writes { .. } => u64::MAX,
            Access::Follows { log_bytes, .. } => log_bytes.get(&log).copied().unwrap_or(0),
        };
        let lines = BufReader::new(self.dir.open(log.file_name())?.take(bytes)).lines();
        let parse = |line: std::io::Result<String>| Ok(serde_json::from_str(&line?)?);
        lines.map(parse).collect::<Result<_>>().with_context(|| format!("{} is damaged", name.display()))
    }

    /// Writes a checkpoint; `save` puts policy and optimiser into the directory it is given.
    pub fn checkpoint(&mut self, step: u64, keep: usize, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        if self.follows() {
            return Ok(());
        }
        let name = checkpoint_name(step);
        let staging = format!("checkpoints/.{name}");
        self.write_checkpoint(step, &staging, save)
            .and_then(|()| Ok(self.dir.rename(&staging, &self.dir, format!("checkpoints/{name}"))?))
            .and_then(|()| Ok(fs::File::open(self.path.join("checkpoints"))?.sync_all()?))
            .with_context(|| {
                format!(
                    "cannot write the checkpoint of step {step} in {}; earlier ones are intact",
                    self.path.display()
                )
            })?;
        self.prune(keep)
    }

    /// Deletes all but the newest `keep` checkpoints.
    pub fn prune(&self, keep: usize) -> Result<()> {
        if self.follows() {
            return Ok(());
        }
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
        let folder = self.path.join(staging);
        save(&folder)?;
        let mut files = BTreeMap::new();
        checksums(&folder, "", &mut files)?;
        force_to_disk(&folder, &files)?;
        let log_bytes = self.sync_logs()?;
        let checkpoint = Checkpoint { step, log_bytes, files };
        self.write(&format!("{staging}/checkpoint.json"), &serde_json::to_vec_pretty(&checkpoint)?)?;
        Ok(fs::File::open(folder)?.sync_all()?)
    }

    /// Writes a folder that is either there whole or not at all. One that is there stays as it is.
    pub fn write_folder(&self, name: &str, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        if self.follows() || self.dir.exists(name) {
            return Ok(());
        }
        let staging = format!(".{name}");
        if self.dir.exists(&staging) {
            self.dir.remove_dir_all(&staging)?;
        }
        self.dir.create_dir(&staging)?;
        let folder = self.path.join(&staging);
        save(&folder)?;
        let mut files = BTreeMap::new();
        checksums(&folder, "", &mut files)?;
        force_to_disk(&folder, &files)?;
        self.dir
            .rename(&staging, &self.dir, name)
            .with_context(|| format!("cannot write {}", self.path.join(name).display()))
    }

    fn sync_logs(&mut self) -> Result<BTreeMap<Log, u64>> {
        self.flush()?;
        let sync = |(log, file): (&Log, &BufWriter<File>)| {
            file.get_ref().sync_data()?;
            Ok((*log, file.get_ref().metadata()?.len()))
        };
        self.logs.iter().map(sync).collect()
    }

    /// The newest sound checkpoint and its directory.
    pub fn latest_checkpoint(&self) -> Result<Option<(Checkpoint, PathBuf)>> {
        latest_checkpoint(&self.path, if self.follows() { Trust::Manifest } else { Trust::Files })
    }

    /// Forgets what was logged after a checkpoint, damaged checkpoints after it, and those that were being written.
    /// Without a checkpoint, everything.
    pub fn rewind(&mut self, checkpoint: Option<&Checkpoint>) -> Result<()> {
        if let Access::Follows { log_bytes, .. } = &mut self.access {
            *log_bytes = checkpoint.map_or_else(BTreeMap::new, |checkpoint| checkpoint.log_bytes.clone());
            return Ok(());
        }
        let kept = checkpoint.map(|checkpoint| checkpoint_name(checkpoint.step));
        for damaged in self.checkpoint_names()?.into_iter().rev().take_while(|name| Some(name) != kept.as_ref()) {
            self.dir.remove_dir_all(format!("checkpoints/{damaged}"))?;
        }
        for entry in self.dir.read_dir("checkpoints")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.starts_with(".step-") {
                self.dir.remove_dir_all(format!("checkpoints/{name}"))?;
            }
        }
        for log in Log::ALL {
            let bytes = checkpoint.and_then(|checkpoint| checkpoint.log_bytes.get(&log).copied()).unwrap_or(0);
            let name = self.path.join(log.file_name());
            let file = self.logs.get_mut(&log).expect("all logs are open").get_mut();
            let length = file.metadata()?.len();
            ensure!(
                length >= bytes,
                "{} has {length} bytes, but had {bytes} at the last checkpoint: it was damaged from outside",
                name.display()
            );
            file.set_len(bytes)?;
            file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }

    fn checkpoint_names(&self) -> Result<Vec<String>> {
        checkpoint_names(&self.path)
    }

    /// Writes a small file so that it is either there whole or not at all.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let temporary = format!("{name}.tmp");
        let mut file = self.dir.create(&temporary)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| self.dir.rename(&temporary, &self.dir, name))
            .and_then(|()| fs::File::open(&self.path)?.sync_all())
            .with_context(|| format!("cannot write {}", self.path.join(name).display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_config::Preset;

    fn new_run(path: &Path) -> Result<RunDir> {
        let config = RunConfig::resolve(Preset::Tiny, None, &[])?;
        let experiment = Experiment {
            version: "0".into(),
            seed: 1,
            policy: "embedded".into(),
            device: "cpu".into(),
            held_out: BTreeMap::new(),
            data_sets: Vec::new(),
            environments: Vec::new(),
            started_unix_s: 0,
        };
        RunDir::create(path, &config, &experiment, "")
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
        run.rewind(Some(&checkpoint)).unwrap();
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
    fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = new_run(dir.path()).unwrap();
        let save = |folder: &Path| {
            fs::create_dir(folder.join("policy"))?;
            Ok(fs::write(folder.join("policy/weights"), "0123456789")?)
        };
        for step in 1..=3 {
            run.append(Log::Metrics, [step]).unwrap();
            run.checkpoint(step, 9, save).unwrap();
        }
        let weights = |step| dir.path().join("checkpoints").join(checkpoint_name(step)).join("policy/weights");
        fs::write(weights(3), "01234").unwrap();
        assert_eq!(run.latest_checkpoint().unwrap().unwrap().0.step, 2, "a torn file");
        fs::write(weights(2), "0123456780").unwrap();
        let (checkpoint, _) = run.latest_checkpoint().unwrap().unwrap();
        assert_eq!(checkpoint.step, 1, "another content");
        run.rewind(Some(&checkpoint)).unwrap();
        assert_eq!(run.checkpoint_names().unwrap(), ["step-000001"]);
        assert_eq!(run.rows::<u64>(Log::Metrics).unwrap(), [1]);
        fs::remove_file(weights(1)).unwrap();
        let message = format!("{:#}", run.latest_checkpoint().unwrap_err());
        assert!(message.contains("all checkpoints") && message.contains("policy/weights"), "{message}");
    }

    #[test]
    fn a_start_that_was_killed_before_it_began_can_be_made_again() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["lock", "config.toml", "experiment.json.tmp"] {
            fs::write(dir.path().join(name), "half").unwrap();
        }
        drop(new_run(dir.path()).unwrap());
        RunDir::open(dir.path()).unwrap();
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
