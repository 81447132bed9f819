//! What can go wrong between a caller and its bytes.

use std::io;
use std::path::PathBuf;

use crate::StorageKey;

/// Why a call to a driver failed. The source is the operating system's error, where there is one.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is nothing under the key: it, or a directory on the way to it, is absent.
    #[error("`{key}` not found")]
    NotFound {
        /// What was looked for.
        key: StorageKey,
    },
    /// The object has more bytes than the caller wants to hold.
    #[error("`{key}` has more than {max_bytes} bytes")]
    TooLarge {
        /// The object.
        key: StorageKey,
        /// The caller's limit.
        max_bytes: u64,
    },
    /// The object ends before the offset at which the caller wants to go on.
    #[error("`{key}` has {have} bytes, which is less than {want}")]
    Short {
        /// The object.
        key: StorageKey,
        /// Its size in bytes.
        have: u64,
        /// The offset asked for, in bytes.
        want: u64,
    },
    /// Something else than a file is where a file was expected: a directory, or a device.
    #[error("`{key}` is not a file")]
    NotFile {
        /// The directory or other thing.
        key: StorageKey,
    },
    /// The disk or a quota is full, or the file is larger than the system allows
    /// (`ENOSPC`, `EDQUOT`, `EFBIG`).
    #[error("no space to {operation} `{key}`")]
    NoSpace {
        /// What was being done.
        operation: &'static str,
        /// To which object.
        key: StorageKey,
        /// The system's error.
        source: io::Error,
    },
    /// A change was refused (`EROFS`, `EACCES`, `EPERM`).
    #[error("not permitted to {operation} `{key}`")]
    ReadOnly {
        /// What was being done.
        operation: &'static str,
        /// To which object.
        key: StorageKey,
        /// The system's error.
        source: io::Error,
    },
    /// An earlier write or flush through this appender failed, so what is stored is not known.
    #[error("an earlier change of `{key}` failed")]
    Failed {
        /// The object.
        key: StorageKey,
    },
    /// Any other error of the system.
    #[error("cannot {operation} `{key}`")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// To which object.
        key: StorageKey,
        /// The system's error.
        source: io::Error,
    },
    /// The root directory cannot be used.
    #[error("cannot use the storage root `{}`", .path.display())]
    Root {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl StorageError {
    /// Whether there was nothing under the key.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether a disk or quota was full.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. })
    }

    /// Whether a change was refused.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::ReadOnly { .. })
    }

    /// The object the error is about; `None` for an error of the root.
    pub fn key(&self) -> Option<&StorageKey> {
        match self {
            Self::NotFound { key }
            | Self::TooLarge { key, .. }
            | Self::Short { key, .. }
            | Self::NotFile { key }
            | Self::NoSpace { key, .. }
            | Self::ReadOnly { key, .. }
            | Self::Failed { key }
            | Self::Io { key, .. } => Some(key),
            Self::Root { .. } => None,
        }
    }
}
