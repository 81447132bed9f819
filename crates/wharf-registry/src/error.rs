//! What can go wrong, one type per family of operations.

use std::path::PathBuf;

use wharf_index::IndexError;
use wharf_spec::{Digest, ManifestError};
use wharf_storage::{LockError, StorageError};

/// A failure of the registry itself; nothing the client did.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The storage refused or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The index refused or failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The bytes on disk are not those that were stored.
    #[error("content of `{digest}` is damaged: {expected_bytes} bytes were stored, {actual_bytes} are there")]
    Damaged {
        /// Whose bytes.
        digest: Digest,
        /// The size they should have.
        expected_bytes: u64,
        /// The size they have.
        actual_bytes: u64,
    },
    /// The root can't be written to.
    #[error("the registry is read-only")]
    ReadOnly,
}

impl Failure {
    /// What failed and why, down to what the system said: for logs, not for clients.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// Whether the index is no longer what was written, so that it has to be made anew.
    pub fn is_index_damaged(&self) -> bool {
        matches!(self, Self::Index(error) if error.is_damaged())
    }

    /// Whether trying again later may help: the disk is full or was made read-only.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_no_space() || error.is_read_only(),
            Self::Index(error) => error.is_temporary(),
            Self::ReadOnly => true,
            Self::Damaged { .. } => false,
        }
    }
}

/// Why a registry can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns the root.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory that wharf keeps its own files in can't be used.
    #[error("could not use `{path}`")]
    State {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The storage or the index failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There was an index, and it is gone.
    #[error("the index `{path}` is gone")]
    IndexMissing {
        /// Where it was.
        path: PathBuf,
    },
    /// The index can't be opened.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl OpenError {
    /// Whether the index is gone, or no longer what was written, so that it has to be made anew.
    pub fn is_index_damaged(&self) -> bool {
        match self {
            Self::IndexMissing { .. } => true,
            Self::Index(error) => error.is_damaged(),
            Self::Failure(failure) => failure.is_index_damaged(),
            Self::Lock(_) | Self::State { .. } => false,
        }
    }
}

/// Why a manifest was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PutManifestError {
    /// It is no manifest of its type.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The reference of the request is another digest than the manifest's.
    #[error("provided digest `{expected}` did not match the manifest's `{actual}`")]
    Digest {
        /// The digest asked for.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// Blobs or manifests it refers to are not in the repository.
    #[error("{} of the referenced blobs and manifests are not in the repository", .0.len())]
    Missing(Vec<Digest>),
    /// A reference has another size than its content.
    #[error("`{digest}` has {actual_bytes} bytes, not {claimed_bytes} as the manifest says")]
    Size {
        /// Which reference.
        digest: Digest,
        /// What the manifest says.
        claimed_bytes: u64,
        /// What is stored.
        actual_bytes: u64,
    },
    /// A layer names a URL that the configuration does not allow.
    #[error("invalid URL on layer `{0}`")]
    Url(Digest),
    /// The configuration does not take this class of content.
    #[error("registry does not allow {0} manifest")]
    Class(&'static str),
    /// The registry failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Why an upload did not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is no such upload in this repository.
    #[error("blob upload unknown")]
    Unknown,
    /// Too many uploads are open.
    #[error("too many open uploads, at most {max}")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// The content has another digest than the client said. The upload is gone.
    #[error("invalid digest for referenced layer: {expected}, content does not match digest")]
    Digest {
        /// What the client said.
        expected: Digest,
    },
    /// The registry failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

macro_rules! failure_from {
    ($($outer:ty),*) => {$(
        impl From<StorageError> for $outer {
            fn from(error: StorageError) -> Self {
                Self::Failure(error.into())
            }
        }
        impl From<IndexError> for $outer {
            fn from(error: IndexError) -> Self {
                Self::Failure(error.into())
            }
        }
    )*};
}

failure_from!(PutManifestError, UploadError);
