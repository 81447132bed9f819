//! The directory that wharf keeps its own files in, `<root>/wharf`: the lock, the index and the secret of upload tokens. They lie
//! beside registry:2's tree, which does not look there.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use wharf_index::Index;
use wharf_storage::RootLock;

use crate::error::OpenError;

/// Where wharf's own files are. Whoever holds it owns the root.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    /// `None` for a root that can't be written to, where nobody can harm anybody.
    lock: Option<RootLock>,
    /// Holds the index of a read-only root, and removes it in the end.
    _temporary: Option<tempfile::TempDir>,
}

impl StateDirectory {
    /// Takes possession of `root`. Fails when another process has it.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        let path = root.join("wharf");
        let lock = RootLock::acquire(&path.join("lock"))?;
        Ok(Self {
            path,
            lock: Some(lock),
            _temporary: None,
        })
    }

    /// For a root that can't be written to: keeps what is needed while serving in a temporary directory.
    pub fn read_only() -> Result<Self, OpenError> {
        let directory = tempfile::Builder::new()
            .prefix("wharf-")
            .tempdir()
            .map_err(|source| OpenError::State {
                path: PathBuf::from("temporary directory"),
                source,
            })?;
        Ok(Self {
            path: directory.path().to_owned(),
            lock: None,
            _temporary: Some(directory),
        })
    }

    /// Whether the root can't be written to.
    pub fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// Opens the index, and says whether it is a new one.
    pub(crate) fn open_index(&self) -> Result<(Index, bool), OpenError> {
        let path = self.path.join("index.sqlite");
        let is_new = !path.exists();
        Ok((Index::open(&path)?, is_new))
    }

    /// The secret that signs upload tokens, kept so that uploads survive a restart. Made when there is none.
    pub(crate) fn secret(&self) -> Result<Vec<u8>, OpenError> {
        let path = self.path.join("secret");
        let failed = |source| OpenError::State {
            path: path.clone(),
            source,
        };
        match fs::read(&path) {
            Ok(secret) if !secret.is_empty() => return Ok(secret),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(|error| failed(io::Error::other(error)))?;
        let secret = STANDARD_NO_PAD.encode(random).into_bytes();
        write_private(&path, &secret).map_err(failed)?;
        Ok(secret)
    }
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix("secret-").tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(directory)?.sync_all()
}
