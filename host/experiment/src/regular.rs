//! Files of an experiment's directory, which may come from somebody else: read within the directory only, and without
//! waiting for a pipe in the place of a file.

use std::{
    fs,
    io::{self, Error, ErrorKind, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions, OpenOptionsExt as _},
};

/// Opens a file of `folder` to read it. A link that leads out of the folder is refused.
pub(crate) fn open(folder: &Path, name: &str) -> io::Result<fs::File> {
    let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
    let file = dir.open_with(name, OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK))?.into_std();
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(Error::other("it is no file")),
    }
}

/// Opens a file that may not have been written yet.
pub(crate) fn open_if_exists(folder: &Path, name: &str) -> Result<Option<fs::File>> {
    match open(folder, name) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", folder.join(name).display())),
    }
}

/// The text of a file.
pub(crate) fn read_to_string(folder: &Path, name: &str) -> Result<String> {
    let mut text = String::new();
    open(folder, name)
        .and_then(|mut file| file.read_to_string(&mut text))
        .with_context(|| format!("cannot read {}", folder.join(name).display()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_out_and_pipes_are_refused_at_once() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("secret"), "token").unwrap();
        fs::write(folder.path().join("own"), "text").unwrap();
        symlink(outside.path().join("secret"), folder.path().join("out")).unwrap();
        symlink("own", folder.path().join("within")).unwrap();
        let pipe = std::ffi::CString::new(folder.path().join("pipe").to_str().unwrap()).unwrap();
        // SAFETY: the path is a string that ends with a zero.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        assert_eq!(read_to_string(folder.path(), "own").unwrap(), "text");
        assert_eq!(read_to_string(folder.path(), "within").unwrap(), "text");
        assert!(read_to_string(folder.path(), "out").is_err());
        assert!(read_to_string(folder.path(), "pipe").is_err());
        assert!(open_if_exists(folder.path(), "absent").unwrap().is_none());
    }
}
