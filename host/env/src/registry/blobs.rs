//! What registries sent, kept by digest.

use std::{
    fs::{DirBuilder, File},
    io::{Read as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use tempfile::NamedTempFile;

use azr_core::task::Digest;
use azr_sandbox::FILE_MAX_BYTES;

/// A folder of files, each called by the SHA-256 of its content. Content is compared with its name whenever it is read,
/// so neither a torn file nor a changed one is ever used, and several processes may share the folder.
pub(super) struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// The folder is made when something is kept.
    pub(super) fn new(cache: &Path) -> Self {
        Self { folder: cache.join("blobs/sha256") }
    }

    /// The content that is kept under `digest`, or else what `fetch` gets, which must be that content. A folder that
    /// cannot be written costs time, not the run.
    pub(super) fn get(&self, digest: Digest, fetch: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        if let Some(bytes) = self.find(digest) {
            return Ok(bytes);
        }
        let bytes = fetch()?;
        let sent = Digest::of(&bytes);
        ensure!(sent == digest, "the registry sent other bytes than were asked for: {sent} instead of {digest}");
        if let Err(error) = self.keep(digest, &bytes) {
            tracing::warn!("what the registry sent is not kept for the next time: {error:#}");
        }
        Ok(bytes)
    }

    fn find(&self, digest: Digest) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.folder.join(digest.to_string())).ok()?;
        file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).ok()?;
        (Digest::of(&bytes) == digest).then_some(bytes)
    }

    fn keep(&self, digest: Digest, bytes: &[u8]) -> Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.folder.join(digest.to_string()))?;
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}
