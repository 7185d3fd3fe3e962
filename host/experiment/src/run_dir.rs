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
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use cap_std::{
    ambient_authority,
    fs::{Dir, File, OpenOptions},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::tensorboard::EventWriter;
use azr_config::RunConfig;
use azr_core::task::Digest;
use azr_env::env_source::EnvSource;
use azr_selfplay::{data_set::DataSetRecord, fingerprint::EnvFingerprint};

/// A file that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    Metrics,
    Evaluations,
    Ledger,
    Tasks,
    /// What judges told the operator.
    Judge,
    Events,
}

impl Log {
    const ALL: [Self; 6] = [Self::Metrics, Self::Evaluations, Self::Ledger, Self::Tasks, Self::Judge, Self::Events];

    /// Within the experiment directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics.jsonl",
            Self::Evaluations => "evaluations.jsonl",
            Self::Ledger => "ledger.jsonl",
            Self::Tasks => "tasks.jsonl",
            Self::Judge => "judge.jsonl",
            Self::Events => "events.out.tfevents.0.azr-host",
        }
    }
}

/// The tasks that an experiment never trains on.
const HELD_OUT: &str = "held-out.jsonl";

/// What an experiment was started with, besides its configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Experiment {
    /// Of azr-host.
    pub version: String,
    pub seed: u64,
    /// "embedded" or the directory the policy was loaded from.
    pub policy: String,
    pub device: String,
    /// Where held-out tasks came from, by environment name: a file, "embedded" for those of the embedded policy, or "set
    /// apart" from what would be trained on. The tasks are in `held-out.jsonl`.
    pub held_out: BTreeMap<String, String>,
    pub data_sets: Vec<DataSetRecord>,
    pub environments: Vec<EnvironmentRecord>,
    pub started_unix_s: u64,
}

/// A component that an experiment uses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnvironmentRecord {
    /// Called `path` while it could only be a file.
    #[serde(alias = "path")]
    pub source: EnvSource,
    pub name: String,
    pub version: String,
    pub kinds: Vec<String>,
    /// What its verdicts depend on; rows of the ledger name the digest of this.
    #[serde(rename = "terms")]
    pub fingerprint: EnvFingerprint,
    #[serde(rename = "terms_digest")]
    pub fingerprint_digest: Digest,
}

/// Where a run can be continued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u64,
    /// Bytes of each log at that time.
    pub log_bytes: BTreeMap<Log, u64>,
    /// Length and CRC-32C of each file beside this one, by its path.
    pub files: BTreeMap<String, (u64, u32)>,
}

/// An experiment to read, running or finished: everything up to its last checkpoint.
pub struct Recorded {
    path: PathBuf,
    pub config: RunConfig,
    pub experiment: Experiment,
    pub checkpoint: Checkpoint,
}

impl Recorded {
    /// Reads what an experiment was started with, and how far it has come.
    pub fn open(path: &Path) -> Result<Self> {
        let (config, experiment) = read_manifest(path)?;
        let latest = latest_checkpoint(path)?;
        let (checkpoint, _) = latest.with_context(|| format!("{} has no checkpoint yet", path.display()))?;
        Ok(Self { path: path.to_owned(), config, experiment, checkpoint })
    }

    /// Bytes of a log.
    pub fn bytes(&self, log: Log) -> u64 {
        self.checkpoint.log_bytes.get(&log).copied().unwrap_or(0)
    }

    /// The lines of a log with where each begins.
    pub fn lines(&self, log: Log) -> Result<impl Iterator<Item = Result<(u64, String)>> + use<>> {
        let path = self.path.join(log.file_name());
        let (file, bytes) = (self.file(log)?, self.bytes(log));
        let length = file.metadata()?.len();
        ensure!(length >= bytes, "{} has {length} bytes, but had {bytes} at its checkpoint", path.display());
        let mut begin = 0;
        Ok(BufReader::new(file.take(bytes)).lines().map(move |line| {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            let at = begin;
            begin += line.len() as u64 + 1;
            Ok((at, line))
        }))
    }

    /// A log, to read at any place.
    pub fn file(&self, log: Log) -> Result<fs::File> {
        let path = self.path.join(log.file_name());
        fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Whether there is an experiment at `path`.
pub fn exists(path: &Path) -> bool {
    path.join("experiment.json").is_file()
}

/// The lines of an experiment's held-out tasks.
pub fn held_out(path: &Path) -> Result<String> {
    let path = path.join(HELD_OUT);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn read_manifest(path: &Path) -> Result<(RunConfig, Experiment)> {
    ensure!(exists(path), "{} holds no experiment: experiment.json is missing", path.display());
    let text = |name: &str| fs::read_to_string(path.join(name)).with_context(|| format!("cannot read {name}"));
    let damaged = |name: &str| format!("{} is damaged, or of another version of azr-host", path.join(name).display());
    let config = RunConfig::from_toml(&text("config.toml")?).with_context(|| damaged("config.toml"))?;
    let experiment = serde_json::from_str(&text("experiment.json")?).with_context(|| damaged("experiment.json"))?;
    Ok((config, experiment))
}

/// An open experiment directory. While it is open no other process can open it, except to follow.
pub struct RunDir {
    path: PathBuf,
    dir: Dir,
    logs: BTreeMap<Log, BufWriter<File>>,
    place: Place,
}

/// Whether this process writes the experiment.
enum Place {
    Writes {
        _lock: fs::File,
    },
    /// So many bytes of each log were there when it began.
    Follows {
        log_bytes: BTreeMap<Log, u64>,
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
        Ok(Self { path: path.to_owned(), dir, logs: BTreeMap::new(), place: Place::Writes { _lock: lock } })
    }

    /// Opens an experiment that another rank writes. From now on this process prints into a log file there.
    pub fn open_as_follower(path: &Path, rank: usize) -> Result<(Self, RunConfig, Experiment)> {
        let (config, experiment) = read_manifest(path)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        dir.create_dir_all("logs")?;
        let open = |name: String| dir.open_with(name, OpenOptions::new().create(true).append(true));
        print_into(&open(format!("logs/rank-{rank}.txt"))?)?;
        let logs = BTreeMap::from([(Log::Judge, BufWriter::new(open(format!("logs/rank-{rank}.judge.jsonl"))?))]);
        let place = Place::Follows { log_bytes: BTreeMap::new() };
        Ok((Self { path: path.to_owned(), dir, logs, place }, config, experiment))
    }

    fn follows(&self) -> bool {
        matches!(self.place, Place::Follows { .. })
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

    /// The rows of a log, as far as they are complete.
    pub fn rows<T: DeserializeOwned>(&self, log: Log) -> Result<Vec<T>> {
        let name = self.path.join(log.file_name());
        let bytes = match &self.place {
            Place::Writes { .. } => u64::MAX,
            Place::Follows { log_bytes } => log_bytes.get(&log).copied().unwrap_or(0),
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
        latest_checkpoint(&self.path)
    }

    /// Forgets what was logged after a checkpoint, damaged checkpoints after it, and those that were being written.
    /// Without a checkpoint, everything.
    pub fn rewind(&mut self, checkpoint: Option<&Checkpoint>) -> Result<()> {
        if let Place::Follows { log_bytes } = &mut self.place {
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

/// Standard output and standard error go into `file` from now on.
fn print_into(file: &File) -> Result<()> {
    for stream in [libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        // SAFETY: both are open descriptors.
        let copied = unsafe { libc::dup2(file.as_raw_fd(), stream) };
        ensure!(copied >= 0, "cannot print into a log file: {}", std::io::Error::last_os_error());
    }
    Ok(())
}

fn checkpoint_name(step: u64) -> String {
    format!("step-{step:06}")
}

/// Oldest first; those that are still being written are not among them.
fn checkpoint_names(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let folder = path.join("checkpoints");
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("step-") {
            names.push(name);
        }
    }
    // Beyond a million steps names grow longer.
    names.sort_by_key(|name| (name.len(), name.clone()));
    Ok(names)
}

/// The newest checkpoint whose files are as they were written.
fn latest_checkpoint(path: &Path) -> Result<Option<(Checkpoint, PathBuf)>> {
    let mut damages = Vec::new();
    for name in checkpoint_names(path)?.into_iter().rev() {
        let folder = path.join("checkpoints").join(name);
        match read_checkpoint(&folder) {
            Ok(checkpoint) => return Ok(Some((checkpoint, folder))),
            Err(damage) => {
                tracing::warn!("the checkpoint {} is damaged and passed over: {damage:#}", folder.display());
                damages.push(damage);
            }
        }
    }
    match damages.pop() {
        Some(damage) => Err(damage.context(format!("all checkpoints of {} are damaged", path.display()))),
        None => Ok(None),
    }
}

fn read_checkpoint(folder: &Path) -> Result<Checkpoint> {
    let bytes = fs::read(folder.join("checkpoint.json")).context("checkpoint.json cannot be read")?;
    let checkpoint: Checkpoint = serde_json::from_slice(&bytes).context("checkpoint.json is not whole")?;
    let mut files = BTreeMap::new();
    checksums(folder, "", &mut files)?;
    files.remove("checkpoint.json");
    for (name, written) in &checkpoint.files {
        ensure!(files.get(name) == Some(written), "{name} is not as it was written");
    }
    Ok(checkpoint)
}

/// Forces files below `folder`, and the folders that they are in, to the disk.
fn force_to_disk(folder: &Path, files: &BTreeMap<String, (u64, u32)>) -> Result<()> {
    for file in files.keys().map(|name| folder.join(name)) {
        fs::File::open(&file)?.sync_all()?;
        file.parent().map(|folder| fs::File::open(folder)?.sync_all()).transpose()?;
    }
    Ok(())
}

/// Length and CRC-32C of every file below `folder`, by its path.
fn checksums(folder: &Path, prefix: &str, files: &mut BTreeMap<String, (u64, u32)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().display());
        if entry.file_type()?.is_dir() {
            checksums(&entry.path(), &format!("{name}/"), files)?;
            continue;
        }
        let mut file = fs::File::open(entry.path())?;
        let (mut length, mut checksum, mut chunk) = (0, 0, vec![0; 1 << 20]);
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                count => {
                    length += count as u64;
                    checksum = crc32c::crc32c_append(checksum, &chunk[..count]);
                }
            }
        }
        files.insert(name, (length, checksum));
    }
    Ok(())
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
