//! The files that a judge may read: names and contents, nothing of the disk they lie on.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, Read as _},
    path::Path,
    sync::Arc,
};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};

use super::{
    found::{FileError, Found},
    wire::Asker,
};

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

    pub(super) fn directory(&self, name: &str) -> Option<&Dir> {
        self.0.get(name)
    }
}

/// The files as a guest reaches them: where they are, or by asking.
pub(super) enum GuestFiles {
    Here(CallFiles),
    Away(Asker),
}

impl GuestFiles {
    pub(super) fn read(&mut self, directory: &str, path: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Here(files) => files.read(directory, path),
            Self::Away(asker) => asker.read(directory, path),
        }
    }

    pub(super) fn names(&mut self, directory: &str, path: &str) -> Result<Vec<String>, String> {
        match self {
            Self::Here(files) => files.names(directory, path),
            Self::Away(asker) => asker.names(directory, path),
        }
    }

    /// What an executor has.
    pub(super) fn none() -> Self {
        Self::Here(CallFiles::new(&Files::default()))
    }

    /// The names of the granted directories, sorted.
    pub(super) fn directories(&self) -> Vec<String> {
        match self {
            Self::Here(files) => files.directories(),
            Self::Away(asker) => asker.directories(),
        }
    }

    pub(super) fn find(&mut self, directory: &str, path: &str) -> Result<Found, FileError> {
        match self {
            Self::Here(files) => files.find(directory, path),
            Self::Away(asker) => asker.find(directory, path),
        }
    }

    pub(super) fn content(&mut self, directory: &str, path: &str) -> Result<Vec<u8>, FileError> {
        match self {
            Self::Here(files) => files.content(directory, path),
            Self::Away(asker) => asker.content(directory, path),
        }
    }

    pub(super) fn sorted(&mut self, directory: &str, path: &str) -> Result<Vec<String>, FileError> {
        match self {
            Self::Here(files) => files.sorted(directory, path),
            Self::Away(asker) => asker.sorted(directory, path),
        }
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
        self.try_content(directory, path).map_err(|error| refused(directory, path, &error))
    }

    /// The names in a folder, sorted. One that is not UTF-8 is shown with replacements.
    pub(super) fn names(&mut self, directory: &str, path: &str) -> Result<Vec<String>, String> {
        self.try_sorted(directory, path).map_err(|error| refused(directory, path, &error))
    }

    pub(super) fn directories(&self) -> Vec<String> {
        self.files.0.keys().cloned().collect()
    }

    /// What is there. A pipe or a device is an error, as it is for whoever would read it.
    pub(super) fn find(&mut self, directory: &str, path: &str) -> Result<Found, FileError> {
        let metadata = self.pay(0).and_then(|()| self.directory(directory)?.metadata(path));
        match metadata.map_err(|error| FileError::from(&error))? {
            metadata if metadata.is_dir() => Ok(Found::Directory),
            metadata if metadata.is_file() => Ok(Found::File(metadata.len())),
            _ => Err(FileError::Other),
        }
    }

    pub(super) fn content(&mut self, directory: &str, path: &str) -> Result<Vec<u8>, FileError> {
        self.try_content(directory, path).map_err(|error| FileError::from(&error))
    }

    pub(super) fn sorted(&mut self, directory: &str, path: &str) -> Result<Vec<String>, FileError> {
        self.try_sorted(directory, path).map_err(|error| FileError::from(&error))
    }

    fn try_content(&mut self, directory: &str, path: &str) -> io::Result<Vec<u8>> {
        let (file, bytes) = open(self.directory(directory)?, path)?;
        self.pay(bytes)?;
        let mut content = Vec::new();
        // No more than was paid for: the file may be growing.
        file.take(bytes).read_to_end(&mut content)?;
        Ok(content)
    }

    fn try_sorted(&mut self, directory: &str, path: &str) -> io::Result<Vec<String>> {
        let names =
            self.directory(directory)?.read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into()));
        let mut names = names.collect::<io::Result<Vec<String>>>()?;
        self.pay(names.iter().map(|name| name.len() as u64).sum())?;
        names.sort_unstable();
        Ok(names)
    }

    fn directory(&self, name: &str) -> io::Result<&Dir> {
        let missing = || io::Error::new(ErrorKind::NotFound, format!("{name} is not granted"));
        self.files.directory(name).ok_or_else(missing)
    }

    fn pay(&mut self, bytes: u64) -> io::Result<()> {
        let spent = || format!("more than {CALL_BYTES_MAX} bytes read in one call");
        let left = self.bytes_left.checked_sub(bytes.max(ACCESS_BYTES));
        self.bytes_left = left.ok_or_else(|| io::Error::new(ErrorKind::QuotaExceeded, spent()))?;
        Ok(())
    }
}

/// Opens a file and says how long it is. What is looked at is what was opened, which another process cannot exchange; a
/// pipe is opened without waiting for whoever writes to it, and then refused.
pub(super) fn open(dir: &Dir, path: impl AsRef<Path>) -> io::Result<(File, u64)> {
    let file = dir.open_with(path, OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK))?;
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok((file, metadata.len())),
        false => Err(io::Error::other("not a file")),
    }
}

fn refused(directory: &str, path: &str, error: &io::Error) -> String {
    format!("{directory}/{path}: {error}")
}

#[cfg(test)]
mod tests {
    use std::{ffi::CString, fs, io::Write as _};

    use cap_std::ambient_authority;

    use super::*;

    fn granted(folder: &Path) -> Files {
        let dir = Dir::open_ambient_dir(folder, ambient_authority()).unwrap();
        Files::new([("corpus".to_owned(), dir)].into())
    }

    /// Whatever a name stands for when it is opened is looked at, so a pipe is never waited for.
    #[test]
    fn pipes_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = CString::new(folder.path().join("pipe").to_str().unwrap()).unwrap();
        // SAFETY: the path is a string that ends with a zero.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        let error = CallFiles::new(&granted(folder.path())).read("corpus", "pipe").unwrap_err();
        assert!(error.contains("not a file"), "{error}");
    }

    #[test]
    fn no_more_is_read_than_was_paid_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "abc").unwrap();
        let files = granted(folder.path());
        let (file, bytes) = open(&files.0["corpus"], "file").unwrap();
        fs::File::options().append(true).open(folder.path().join("file")).unwrap().write_all(b"def").unwrap();
        let mut content = String::new();
        file.take(bytes).read_to_string(&mut content).unwrap();
        assert_eq!(content, "abc");
        assert_eq!(CallFiles::new(&files).read("corpus", "file").unwrap(), b"abcdef");
    }
}
