//! The root directory: making, publishing in and removing what is below it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use parking_lot::RwLock;

use super::durable::DurableDirectories;
use crate::temporary::temporary_name;
use crate::{Durability, StorageKey};

/// How often a change is tried beside those that get in its way, before it is done alone.
const ATTEMPTS: usize = 4;

/// A root directory and what is known of the directories below.
#[derive(Debug)]
pub(super) struct Root {
    directory: PathBuf,
    durable: DurableDirectories,
    /// Shared by what makes names and what removes trees. Who keeps losing to the others, its
    /// directory removed or refilled each time, takes it alone.
    changes: RwLock<()>,
}

impl Root {
    /// Opens `directory`, creating it durably when it is absent.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let absolute = std::path::absolute(directory)?;
        let missing: Vec<_> = absolute.ancestors().take_while(|path| !path.exists()).collect();
        fs::create_dir_all(&absolute)?;
        for parent in missing.iter().filter_map(|path| path.parent()) {
            sync_directory(parent)?;
        }
        let directory = fs::canonicalize(&absolute)?;
        if !directory.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        if let (true, Some(parent)) = (missing.is_empty(), directory.parent()) {
            // Whoever made the root may have died before it was durable. It is not for this
            // process to insist: the parent can be unreadable or on a read-only file system.
            let _ = sync_directory(parent);
        }
        Ok(Self {
            directory,
            durable: DurableDirectories::default(),
            changes: RwLock::new(()),
        })
    }

    /// The root itself.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where `key` is.
    pub(super) fn path(&self, key: &StorageKey) -> PathBuf {
        self.directory.join(key.as_str())
    }

    /// Runs `attempt`. While it fails because the directory of `key` is missing, makes that and
    /// tries again; another thread may be removing it.
    pub(super) fn with_parents<T>(
        &self,
        key: &StorageKey,
        mut attempt: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        for _ in 0..ATTEMPTS {
            let _shared = self.changes.read();
            match attempt() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_parents(key)?,
                result => return result,
            }
        }
        let _alone = self.changes.write();
        self.make_parents(key)?;
        attempt()
    }

    /// Makes the directories above `key`. One that another thread removes while the next is made
    /// is no error here; the caller tries again.
    fn make_parents(&self, key: &StorageKey) -> io::Result<()> {
        let above = std::iter::successors(key.parent(), StorageKey::parent);
        let mut directories: Vec<_> = above.collect();
        while let Some(directory) = directories.pop() {
            match fs::create_dir(self.path(&directory)) {
                Ok(()) => self.durable.forget(&directory),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes the name `key` durable: flushes its directory, and the parents of all directories
    /// above that are not durable yet.
    pub(super) fn sync_parents(&self, key: &StorageKey) -> io::Result<()> {
        let Some(directory) = key.parent() else {
            return sync_directory(&self.directory);
        };
        let watch = self.durable.watch(directory.clone());
        sync_directory(&self.path(&directory))?;
        let mut unsure = Some(directory);
        while let Some(directory) = unsure.filter(|directory| !self.durable.contains(directory)) {
            unsure = directory.parent();
            let parent = unsure.as_ref().map(|parent| self.path(parent));
            sync_directory(parent.as_deref().unwrap_or(&self.directory))?;
        }
        watch.remember();
        Ok(())
    }

    /// Puts a file with `bytes` in the place of `key`.
    pub(super) fn replace(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> io::Result<()> {
        // The directory may go between any two steps; then all of them are done again.
        self.with_parents(key, || self.replace_once(key, bytes, durability))
    }

    fn replace_once(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> io::Result<()> {
        let path = self.path(key);
        let mut temporary = Temporary::make(path.with_file_name(temporary_name(key.name())))?;
        temporary.file.write_all(bytes)?;
        if durability == Durability::Synced {
            temporary.file.sync_data()?;
        }
        fs::rename(&temporary.path, &path)?;
        temporary.published = true;
        match durability {
            Durability::Synced => self.sync_parents(key),
            Durability::Lazy => Ok(()),
        }
    }

    /// Removes a directory with all it holds, or a file.
    pub(super) fn remove_tree(&self, key: &StorageKey) -> io::Result<()> {
        let path = self.path(key);
        let _removal = self.durable.removal(key);
        for _ in 0..ATTEMPTS {
            let _shared = self.changes.read();
            match remove_all(&path) {
                // Another thread made something in a directory that was just emptied.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                result => return result,
            }
        }
        let _alone = self.changes.write();
        remove_all(&path)
    }
}

/// A file that is removed unless it got its name.
struct Temporary {
    path: PathBuf,
    file: File,
    published: bool,
}

impl Temporary {
    fn make(path: PathBuf) -> io::Result<Self> {
        let file = File::create_new(&path)?;
        Ok(Self {
            path,
            file,
            published: false,
        })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published {
            // The error that led here is the one to tell. The file may be gone with its directory.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn remove_all(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Flushes the names in `directory`.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
