//! The directory that wharf keeps its own files in, `<root>/wharf`: the lock, the index and the secret of upload tokens. They lie
//! beside registry:2's tree, which does not look there.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tempfile::TempDir;
use wharf_index::Index;
use wharf_storage::{LockError, RootLock};

use crate::error::OpenError;

/// Where wharf's own files are. Whoever holds it owns the root.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    /// `None` for a root that can't be written to, where nobody can harm anybody.
    lock: Option<RootLock>,
    /// Holds the index of a read-only root, and removes it in the end.
    _temporary: Option<TempDir>,
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

    /// Looks at `root` and changes nothing. Fails when another process has it; one that was never served, or that can't be written to, is
    /// not locked.
    pub fn look(root: &Path) -> Result<Self, OpenError> {
        let path = root.join("wharf");
        let lock = match path
            .join("lock")
            .exists()
            .then(|| RootLock::acquire(&path.join("lock")))
        {
            Some(Err(held @ LockError::Held { .. })) => return Err(held.into()),
            lock => lock.and_then(Result::ok),
        };
        Ok(Self {
            path,
            lock,
            _temporary: None,
        })
    }

    /// For a root that can't be written to: keeps what is needed while serving in a temporary directory.
    pub fn read_only() -> Result<Self, OpenError> {
        let directory = temporary()?;
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

    /// Opens the index. An index that was there once and is gone is an error: it is made anew only
    /// when asked for, because that takes its time.
    pub(crate) fn open_index(&self) -> Result<Index, OpenError> {
        self.check_index()?;
        let marker = self.path.join("indexed");
        let index = Index::open(&self.index_path())?;
        if !marker.exists() {
            write_private(&marker, b"").map_err(|source| OpenError::State { path: marker, source })?;
        }
        Ok(index)
    }

    /// Whether the root has an index, or had one.
    pub(crate) fn has_index(&self) -> bool {
        self.index_path().exists() || self.path.join("indexed").exists()
    }

    /// Opens a copy of the index, empty if the root never had one, in a directory that goes when it is dropped.
    pub(crate) fn open_index_copy(&self) -> Result<(Index, TempDir), OpenError> {
        let directory = temporary()?;
        let copy = directory.path().join("index.sqlite");
        if self.has_index() {
            self.check_index()?;
            // What was committed last may still be in the log beside the database.
            for suffix in ["", "-wal"] {
                let file = with_suffix(&self.index_path(), suffix);
                match fs::copy(&file, with_suffix(&copy, suffix)) {
                    Err(error) if suffix.is_empty() || error.kind() != io::ErrorKind::NotFound => {
                        return Err(OpenError::State {
                            path: file,
                            source: error,
                        });
                    }
                    _ => {}
                }
            }
        }
        Ok((Index::open(&copy)?, directory))
    }

    /// Fails when an index that was there once is gone, or nothing but an empty file.
    fn check_index(&self) -> Result<(), OpenError> {
        let path = self.index_path();
        let is_there = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0);
        if !is_there && self.path.join("indexed").exists() {
            return Err(OpenError::IndexMissing { path });
        }
        Ok(())
    }

    fn index_path(&self) -> PathBuf {
        self.path.join("index.sqlite")
    }

    /// Where an index is made anew, beside the one in use.
    fn new_index_path(&self) -> PathBuf {
        self.path.join("reindex.sqlite")
    }

    /// Opens an empty index beside the one in use. What an interrupted run left is thrown away.
    pub(crate) fn open_new_index(&self) -> Result<Index, OpenError> {
        let path = self.new_index_path();
        remove_database(&path).map_err(|source| OpenError::State {
            path: path.clone(),
            source,
        })?;
        Ok(Index::open(&path)?)
    }

    /// Puts the new index, which must be closed, in the place of the other. Ended in the middle, there is the old one, or none and a
    /// marker that says so.
    pub(crate) fn adopt_new_index(&self) -> Result<(), OpenError> {
        let (path, marker) = (self.index_path(), self.path.join("indexed"));
        let failed = |source| OpenError::State {
            path: path.clone(),
            source,
        };
        write_private(&marker, b"").map_err(failed)?;
        // A write-ahead log of the old database must never meet the new one.
        remove_database(&path).map_err(failed)?;
        fs::rename(self.new_index_path(), &path).map_err(failed)?;
        fs::File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(failed)
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

/// A directory that goes with the process.
fn temporary() -> Result<TempDir, OpenError> {
    let directory = tempfile::Builder::new().prefix("wharf-").tempdir();
    directory.map_err(|source| OpenError::State {
        path: PathBuf::from("temporary directory"),
        source,
    })
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

/// Removes a database with its side files, the main file first: without it they mean nothing.
fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match fs::remove_file(with_suffix(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The path of a database's side file.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(suffix);
    PathBuf::from(file)
}
