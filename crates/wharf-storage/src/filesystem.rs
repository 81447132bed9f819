//! The local file system: a key is a path below the root.
//!
//! This module and those below it are the only ones of wharf that touch stored files.

mod durable;
mod failure;
mod file;
mod lock;
mod root;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::failure::Intent;
use self::file::{FileAppender, FileObject};
use self::root::Root;
use crate::key::is_segment;
use crate::temporary::temporary_name;
use crate::{Appender, Driver, Durability, Entry, EntryKind, Object, Stat, StorageError, StorageKey};

pub use self::lock::{LockError, RootLock};

/// Objects as files below a root directory, as registry:2 lays them out: directories get the mode
/// 0777 and files 0666, less the umask.
#[derive(Clone, Debug)]
pub struct Filesystem {
    root: Arc<Root>,
}

impl Filesystem {
    /// Opens the directory `root`, and creates it durably when it is absent. Fails with
    /// [`StorageError::Root`].
    pub fn open(root: &Path) -> Result<Self, StorageError> {
        let root = Root::open(root).map_err(|source| StorageError::Root {
            path: root.to_owned(),
            source,
        })?;
        Ok(Self { root: Arc::new(root) })
    }

    /// The root directory, with no symbolic links in its path.
    pub fn root(&self) -> &Path {
        self.root.directory()
    }

    /// Whether something can be stored right now. It is tried: a temporary file is made below the
    /// root and removed.
    pub fn is_writable(&self) -> bool {
        let path = self.root().join(temporary_name("writable"));
        fs::File::create_new(&path).and_then(|_| fs::remove_file(&path)).is_ok()
    }

    fn path(&self, key: &StorageKey) -> PathBuf {
        self.root.path(key)
    }

    fn finish_removal(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        match durability {
            Durability::Synced => self
                .sync_removal(key)
                .map_err(Intent::Change.error("sync the directory of", key)),
            Durability::Lazy => Ok(()),
        }
    }

    fn entries(&self, key: &StorageKey) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for child in fs::read_dir(self.path(key))? {
            let child = child?;
            let name = child.file_name();
            let Some(name) = name.to_str().filter(|name| is_segment(name)) else {
                entries.push(without_key(&name));
                continue;
            };
            let name = name.to_owned();
            match child_kind(&child) {
                Ok(kind) => entries.push(Entry { name, kind }),
                // It was removed since its name was read.
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// Makes the removal of `key` durable. Where its directory went as well, the nearest one that
    /// is left holds the name whose absence counts.
    fn sync_removal(&self, key: &StorageKey) -> io::Result<()> {
        let mut directory = key.parent();
        while let Some(present) = directory {
            match root::sync_directory(&self.path(&present)) {
                Err(error) if is_absent(&error) => {
                    directory = present.parent();
                }
                result => return result,
            }
        }
        root::sync_directory(self.root())
    }
}

impl Driver for Filesystem {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn stat(&self, key: &StorageKey) -> Result<Stat, StorageError> {
        let metadata = fs::metadata(self.path(key)).map_err(Intent::Find.error("stat", key))?;
        let kind = kind_of(metadata.file_type());
        let size_bytes = if kind == EntryKind::File { metadata.len() } else { 0 };
        Ok(Stat { kind, size_bytes })
    }

    fn read(&self, key: &StorageKey, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        FileObject::open(&self.path(key), key)?.read_all(max_bytes)
    }

    fn open(&self, key: &StorageKey) -> Result<Box<dyn Object>, StorageError> {
        Ok(Box::new(FileObject::open(&self.path(key), key)?))
    }

    fn write(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> Result<(), StorageError> {
        self.root
            .replace(key, bytes, durability)
            .map_err(Intent::Make.error("write", key))
    }

    fn append(&self, key: &StorageKey, offset: u64) -> Result<Box<dyn Appender>, StorageError> {
        Ok(Box::new(FileAppender::open(&self.root, key, offset)?))
    }

    fn rename(&self, from: &StorageKey, to: &StorageKey) -> Result<(), StorageError> {
        let source = self.path(from);
        let metadata = fs::symlink_metadata(&source).map_err(Intent::Change.error("rename", from))?;
        if metadata.is_dir() {
            return Err(StorageError::NotFile { key: from.clone() });
        }
        let target = self.path(to);
        let mut source_is_gone = false;
        self.root
            .with_parents(to, || match fs::rename(&source, &target) {
                // Absent is either the source, which is final, or the target's directory.
                Err(error) if is_absent(&error) && fs::symlink_metadata(&source).is_err() => {
                    source_is_gone = true;
                    Ok(())
                }
                result => result,
            })
            .map_err(Intent::Make.error("rename to", to))?;
        if source_is_gone {
            return Err(StorageError::NotFound { key: from.clone() });
        }
        self.root
            .sync_parents(to)
            .map_err(Intent::Change.error("sync the directory of", to))
    }

    fn list(&self, key: &StorageKey) -> Result<Vec<Entry>, StorageError> {
        self.entries(key).map_err(Intent::Find.error("list", key))
    }

    fn remove(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        fs::remove_file(self.path(key)).map_err(Intent::Change.error("remove", key))?;
        self.finish_removal(key, durability)
    }

    fn remove_tree(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        self.root
            .remove_tree(key)
            .map_err(Intent::Change.error("remove", key))?;
        self.finish_removal(key, durability)
    }
}

/// A child whose name no key can have. Escaped, the name has a backslash, so that it makes no key either.
fn without_key(name: &OsStr) -> Entry {
    Entry {
        name: name.as_encoded_bytes().escape_ascii().to_string(),
        kind: EntryKind::Other,
    }
}

fn kind_of(file_type: fs::FileType) -> EntryKind {
    if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}

/// The kind of a directory's child, which for a symbolic link is that of its target.
fn child_kind(child: &fs::DirEntry) -> io::Result<EntryKind> {
    let file_type = child.file_type()?;
    if !file_type.is_symlink() {
        return Ok(kind_of(file_type));
    }
    // A link that leads nowhere, or in circles, is there all the same.
    Ok(fs::metadata(child.path()).map_or(EntryKind::Other, |metadata| kind_of(metadata.file_type())))
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
