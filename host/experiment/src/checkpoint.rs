//! Checkpoints: written beside the others, forced to the disk, renamed when complete, and read with their checksums.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::log::Log;

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

pub(crate) fn checkpoint_name(step: u64) -> String {
    format!("step-{step:06}")
}

/// Oldest first; those that are still being written are not among them.
pub(crate) fn checkpoint_names(path: &Path) -> Result<Vec<String>> {
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

/// How a checkpoint is known to be sound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Its files are read, and are as they were written.
    Files,
    /// Its manifest is whole. For those who read no weights, and for ranks after the first, which has looked.
    Manifest,
}

/// The newest sound checkpoint and its folder.
pub(crate) fn latest_checkpoint(path: &Path, trust: Trust) -> Result<Option<(Checkpoint, PathBuf)>> {
    let mut damages = Vec::new();
    for name in checkpoint_names(path)?.into_iter().rev() {
        let folder = path.join("checkpoints").join(name);
        match read_checkpoint(&folder, trust) {
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

fn read_checkpoint(folder: &Path, trust: Trust) -> Result<Checkpoint> {
    let bytes = fs::read(folder.join("checkpoint.json")).context("checkpoint.json cannot be read")?;
    let checkpoint: Checkpoint = serde_json::from_slice(&bytes).context("checkpoint.json is not whole")?;
    if trust == Trust::Manifest {
        return Ok(checkpoint);
    }
    let mut files = BTreeMap::new();
    checksums(folder, "", &mut files)?;
    files.remove("checkpoint.json");
    for (name, written) in &checkpoint.files {
        ensure!(files.get(name) == Some(written), "{name} is not as it was written");
    }
    Ok(checkpoint)
}

/// Forces files below `folder`, and the folders that they are in, to the disk.
pub(crate) fn force_to_disk(folder: &Path, files: &BTreeMap<String, (u64, u32)>) -> Result<()> {
    for file in files.keys().map(|name| folder.join(name)) {
        fs::File::open(&file)?.sync_all()?;
        file.parent().map(|folder| fs::File::open(folder)?.sync_all()).transpose()?;
    }
    Ok(())
}

/// Length and CRC-32C of every file below `folder`, by its path.
pub(crate) fn checksums(folder: &Path, prefix: &str, files: &mut BTreeMap<String, (u64, u32)>) -> Result<()> {
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
