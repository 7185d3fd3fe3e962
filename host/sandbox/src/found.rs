//! What a path of a granted directory leads to, or why to nothing.

use std::io::{self, ErrorKind};

use serde::{Deserialize, Serialize};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Found {
    Directory,
    /// Of so many bytes.
    File(u64),
}

/// Why there is nothing, for guests that are told by a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FileError {
    NotFound,
    NotPermitted,
    NotADirectory,
    IsADirectory,
    Invalid,
    NameTooLong,
    /// More was read than a call may.
    Quota,
    Other,
}

impl From<&io::Error> for FileError {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::PermissionDenied => Self::NotPermitted,
            ErrorKind::NotADirectory => Self::NotADirectory,
            ErrorKind::IsADirectory => Self::IsADirectory,
            ErrorKind::InvalidInput => Self::Invalid,
            ErrorKind::InvalidFilename => Self::NameTooLong,
            ErrorKind::QuotaExceeded => Self::Quota,
            _ => Self::Other,
        }
    }
}
