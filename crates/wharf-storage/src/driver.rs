//! The contract that every storage driver keeps.

use std::fmt::Debug;
use std::fs::File;
use std::io::IoSlice;
use std::sync::Arc;

use crate::{StorageError, StorageKey};

/// When a change is on stable storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the call returns: the object and every directory on the way to it.
    Synced,
    /// At some time, or never when the power fails. For what can be made anew.
    Lazy,
}

/// What is under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// An object with bytes.
    File,
    /// A directory.
    Directory,
    /// Neither: a device, a pipe, a socket, or a symbolic link that leads nowhere.
    Other,
}

/// Kind and size of what is under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a file; 0 for everything else.
    pub size_bytes: u64,
}

/// One child of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last segment of its key. [`StorageKey::join`] takes it, unless no key can have it.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// A place for objects. Calls block.
///
/// # Contract
///
/// - Directories come into being with the first object below them and stay until
///   [`remove_tree`](Self::remove_tree) takes them away.
/// - [`write`](Self::write) and [`rename`](Self::rename) are atomic: whoever reads at the same time
///   finds the old object or the new one, and what was [opened](Self::open) before stays readable.
/// - Calls for different keys never disturb each other. That includes making an object while
///   another thread removes its directory: the object is made, before or after.
/// - A failed change leaves the old object or the new one. No call that returned leaves a temporary
///   file behind, but a process that was killed may (see [`is_temporary_name`]).
/// - A key below a file is `NotFound` for everything that looks for an object, and `Io` with
///   [`NotADirectory`] for what would make one. A directory where an object is expected is
///   `NotFile`.
/// - Symbolic links are followed wherever a path is resolved, as registry:2 does. Only `write`,
///   `rename`, `remove` and `remove_tree` act on a link in the last place itself.
/// - The crate's documentation says what *durable* means.
///
/// [`is_temporary_name`]: crate::is_temporary_name
/// [`NotADirectory`]: std::io::ErrorKind::NotADirectory
pub trait Driver: Debug + Send + Sync + 'static {
    /// The driver's name in registry:2's configuration and metrics, such as `filesystem`.
    fn name(&self) -> &'static str;

    /// Kind and size of what is under `key`. Follows symbolic links; one that leads nowhere is
    /// `NotFound`.
    fn stat(&self, key: &StorageKey) -> Result<Stat, StorageError>;

    /// The whole object, when it has at most `max_bytes`; otherwise `TooLarge`.
    fn read(&self, key: &StorageKey, max_bytes: u64) -> Result<Vec<u8>, StorageError>;

    /// The object for reading in pieces.
    fn open(&self, key: &StorageKey) -> Result<Box<dyn Object>, StorageError>;

    /// Makes `bytes` the whole object, at once, with its parents where they are missing.
    fn write(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> Result<(), StorageError>;

    /// The object for writing on from `offset` (bytes). At 0 the object is created, with its
    /// parents, where it is missing; further on a missing one is `NotFound`. A longer object is
    /// cut to `offset` at once, a shorter one is `Short`. One caller at a time per key.
    fn append(&self, key: &StorageKey, offset: u64) -> Result<Box<dyn Appender>, StorageError>;

    /// Moves a file to `to`, durably, replacing the file there and making parents. Durable are the
    /// new name and the directories on the way; the bytes must have been made so before, by
    /// [`Appender::sync`] or a synced [`write`](Self::write). After a power cut the old name may
    /// be there as well. `NotFound` when `from` is absent, or when the directory of `to` was
    /// removed before the new name was durable.
    fn rename(&self, from: &StorageKey, to: &StorageKey) -> Result<(), StorageError>;

    /// The direct children of a directory, in no order. `NotFound` when it is absent or a file.
    /// Symbolic links are reported as what they lead to, or `Other`. Files that are being written
    /// ([`is_temporary_name`](crate::is_temporary_name)) are listed. Names that no key can have
    /// (not UTF-8, backslashes, control characters) are listed escaped and as `Other`: no call can
    /// reach them, and [`StorageKey::join`] refuses them. `remove_tree` of the directory removes
    /// them too.
    fn list(&self, key: &StorageKey) -> Result<Vec<Entry>, StorageError>;

    /// Removes one file; the directory stays.
    fn remove(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError>;

    /// Removes a directory with all it holds, or a file. Not atomic: who looks meanwhile, or after
    /// a failure, finds a part.
    fn remove_tree(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError>;
}

/// An object opened for reading. It stays readable when its key is replaced or removed.
pub trait Object: Debug + Send + Sync {
    /// Size in bytes when it was opened.
    fn size_bytes(&self) -> u64;

    /// Reads at `offset` (bytes) into `buffer` and says how many bytes came. 0 for a buffer that is
    /// not empty means the object ends there, which is an error for a caller who expected more:
    /// someone cut it. Fewer bytes than asked for mean nothing.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError>;

    /// The local file that has exactly these bytes, where there is one, for a caller that can have the system move them.
    /// [`is_in_memory`](crate::is_in_memory) tells whether that would wait for the disk.
    fn file(&self) -> Option<&File> {
        None
    }
}

/// An object opened for writing at its end. Dropping it flushes nothing.
///
/// After the first error every further call is `Failed` and nothing is flushed any more; the bytes
/// that an earlier [`sync`](Self::sync) covered are safe. Going on takes a new appender, which cuts
/// off whatever a failed write left.
pub trait Appender: Debug + Send {
    /// Appends all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError>;

    /// Appends all of `pieces`, one behind the other: at once, where that can be.
    fn write_pieces(&mut self, pieces: &[IoSlice<'_>]) -> Result<(), StorageError> {
        pieces.iter().try_for_each(|piece| self.write(piece))
    }

    /// The offset of the start plus all bytes that were written without error.
    fn size_bytes(&self) -> u64;

    /// Makes everything written so far, the object's name and the directories on the way durable.
    /// `NotFound` when the object's directory was removed meanwhile.
    fn sync(&mut self) -> Result<(), StorageError>;
}

impl<D: Driver + ?Sized> Driver for Arc<D> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn stat(&self, key: &StorageKey) -> Result<Stat, StorageError> {
        (**self).stat(key)
    }

    fn read(&self, key: &StorageKey, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        (**self).read(key, max_bytes)
    }

    fn open(&self, key: &StorageKey) -> Result<Box<dyn Object>, StorageError> {
        (**self).open(key)
    }

    fn write(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> Result<(), StorageError> {
        (**self).write(key, bytes, durability)
    }

    fn append(&self, key: &StorageKey, offset: u64) -> Result<Box<dyn Appender>, StorageError> {
        (**self).append(key, offset)
    }

    fn rename(&self, from: &StorageKey, to: &StorageKey) -> Result<(), StorageError> {
        (**self).rename(from, to)
    }

    fn list(&self, key: &StorageKey) -> Result<Vec<Entry>, StorageError> {
        (**self).list(key)
    }

    fn remove(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        (**self).remove(key, durability)
    }

    fn remove_tree(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        (**self).remove_tree(key, durability)
    }
}
