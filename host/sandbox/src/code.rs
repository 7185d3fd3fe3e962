//! Compiled code in memory that nobody can change any more, so that all processes may map it.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::{AsRawFd, FromRawFd as _, OwnedFd, RawFd},
};

use anyhow::{Context as _, Result, ensure};
use wasmtime::{Engine, component::Component};

/// The compiled code of a component.
pub(super) struct Code {
    file: File,
    pub(super) bytes: u64,
}

impl Code {
    pub(super) fn new(code: &[u8]) -> Result<Self> {
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        // SAFETY: the name is a string that ends with a zero.
        let file = unsafe { libc::memfd_create(c"azr-code".as_ptr(), flags) };
        ensure!(file >= 0, "cannot keep compiled code in memory: {}", io::Error::last_os_error());
        // SAFETY: it was opened just now, and nobody else has it.
        let mut file = File::from(unsafe { OwnedFd::from_raw_fd(file) });
        file.write_all(code).context("cannot keep compiled code in memory")?;
        let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
        // SAFETY: it only sets flags of a file of ours.
        let sealed = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } == 0;
        ensure!(sealed, "cannot seal compiled code in memory: {}", io::Error::last_os_error());
        Ok(Self { file, bytes: code.len() as u64 })
    }

    pub(super) fn component(&self, engine: &Engine) -> Result<Component> {
        component(engine, &self.file)
    }
}

impl AsRawFd for Code {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

/// The component in a file that [`Code`] made. Its pages are mapped, not copied.
pub(super) fn component(engine: &Engine, code: &impl AsRawFd) -> Result<Component> {
    let path = format!("/proc/self/fd/{}", code.as_raw_fd());
    // SAFETY: the file is sealed, and what is in it was compiled by us: it comes from the compiler, or from a cache that
    // only we can write to. Wasmtime itself refuses another version or configuration.
    Ok(unsafe { Component::deserialize_file(engine, path) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_changes_it() {
        let code = Code::new(b"code").unwrap();
        let path = format!("/proc/self/fd/{}", code.as_raw_fd());
        let mut again = File::options().write(true).open(&path).unwrap();
        assert_eq!(again.write(b"else").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(again.set_len(2).is_err() && again.set_len(8).is_err());
        assert_eq!(std::fs::read(path).unwrap(), b"code");
    }
}
