//! What an experiment was started with, and how far it has come: for its readers.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use azr_config::RunConfig;
use azr_core::task::Digest;
use azr_env::env_source::EnvSource;
use azr_selfplay::{data_set::DataSetRecord, fingerprint::EnvFingerprint};
use serde::{Deserialize, Serialize};

use crate::{
    checkpoint::{Checkpoint, Trust, latest_checkpoint},
    log::Log,
    regular,
};

/// The tasks that an experiment never trains on.
pub(crate) const HELD_OUT: &str = "held-out.jsonl";

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
        let latest = latest_checkpoint(path, Trust::Manifest)?;
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
        regular::open(&self.path, log.file_name()).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Whether there is an experiment at `path`.
pub fn exists(path: &Path) -> bool {
    path.join("experiment.json").is_file()
}

/// The lines of an experiment's held-out tasks.
pub fn held_out(path: &Path) -> Result<String> {
    regular::read_to_string(path, HELD_OUT)
}

/// What an experiment was started with.
pub fn read_manifest(path: &Path) -> Result<(RunConfig, Experiment)> {
    ensure!(exists(path), "{} holds no experiment: experiment.json is missing", path.display());
    let text = |name: &str| regular::read_to_string(path, name);
    let damaged = |name: &str| format!("{} is damaged, or of another version of azr-host", path.join(name).display());
    let config = RunConfig::from_toml(&text("config.toml")?).with_context(|| damaged("config.toml"))?;
    let experiment = serde_json::from_str(&text("experiment.json")?).with_context(|| damaged("experiment.json"))?;
    Ok((config, experiment))
}
