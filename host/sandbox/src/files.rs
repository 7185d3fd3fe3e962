//! The files that a judge may read: names and contents, nothing of the disk they lie on.

use std::{collections::BTreeMap, io, sync::Arc};

use cap_std::fs::Dir;

/// What one call of a judge may read. Arbitrary: its memory is of that order. It bounds what a judge can make the host do,
/// for its fuel does not pay for the disk.
const CALL_BYTES_MAX: u64 = 256 << 20;
/// What an access counts for at least.
const ACCESS_BYTES: u64 = 4096;

/// Granted directories by name. They are opened once; cap-std keeps every path within.
#[derive(Clone, Default)]
pub(super) struct Files(Arc<BTreeMap<String, Dir>>);

impl Files {
    pub(super) fn new(directories: BTreeMap<String, Dir>) -> Self {
        Self(Arc::new(directories))
    }
}

/// The files as one call of a judge sees them.
pub(super) struct CallFiles {
    files: Files,
    bytes_left: u64,
}

impl CallFiles {
    pub(super) fn new(files: &Files) -> Self {
        Self { files: files.clone(), bytes_left: CALL_BYTES_MAX }
    }

    /// The content of a file.
    pub(super) fn read(&mut self, directory: &str, path: &str) -> Result<Vec<u8>, String> {
        let read = |dir: &Dir| {
            let metadata = dir.metadata(path)?;
            match metadata.is_file() {
                true => Ok(metadata.len()),
                // Opening a pipe would wait for whoever writes to it.
                false => Err(io::Error::other("not a file")),
            }
        };
        let bytes = read(self.directory(directory)?).map_err(|error| refused(directory, path, &error))?;
        self.pay(bytes)?;
        self.directory(directory)?.read(path).map_err(|error| refused(directory, path, &error))
    }

    /// The names in a folder, sorted. One that is not UTF-8 is shown with replacements.
    pub(super) fn names(&mut self, directory: &str, path: &str) -> Result<Vec<String>, String> {
        let names = |dir: &Dir| {
            let names = dir.read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
            names.collect::<io::Result<Vec<String>>>()
        };
        let mut names = names(self.directory(directory)?).map_err(|error| refused(directory, path, &error))?;
        self.pay(names.iter().map(|name| name.len() as u64).sum())?;
        names.sort_unstable();
        Ok(names)
    }

    fn directory(&self, name: &str) -> Result<&Dir, String> {
        self.files.0.get(name).ok_or_else(|| format!("{name} is not granted"))
    }

    fn pay(&mut self, bytes: u64) -> Result<(), String> {
        let left = self.bytes_left.checked_sub(bytes.max(ACCESS_BYTES));
        self.bytes_left = left.ok_or_else(|| format!("more than {CALL_BYTES_MAX} bytes read in one call"))?;
        Ok(())
    }
}

fn refused(directory: &str, path: &str, error: &io::Error) -> String {
    format!("{directory}/{path}: {error}")
}
