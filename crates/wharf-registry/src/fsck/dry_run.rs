//! A tree that remembers changes and makes none.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::iter::successors;
use std::sync::Arc;

use parking_lot::RwLock;
use wharf_storage::{Appender, Driver, Durability, Entry, EntryKind, Memory, Object, Stat, StorageError, StorageKey};

/// What was written lies in memory over the tree below, of which it hides what was removed. Of what was moved only the name is
/// remembered.
#[derive(Debug)]
pub(super) struct DryRun {
    below: Arc<dyn Driver>,
    written: Memory,
    removed: RwLock<BTreeSet<StorageKey>>,
}

impl DryRun {
    pub(super) fn new(below: Arc<dyn Driver>) -> Self {
        Self {
            below,
            written: Memory::new(),
            removed: RwLock::default(),
        }
    }

    /// Forgets the changes below a key, which nobody will look at again.
    pub(super) fn forget(&self, key: &StorageKey) {
        // Nothing may have been written there.
        let _ = self.written.remove_tree(key, Durability::Lazy);
        let below = format!("{key}/");
        self.removed
            .write()
            .retain(|removed| !removed.as_str().starts_with(&below));
    }

    fn is_removed(&self, key: &StorageKey) -> bool {
        let removed = self.removed.read();
        !removed.is_empty() && successors(Some(key.clone()), StorageKey::parent).any(|key| removed.contains(&key))
    }

    /// The tree that has the object.
    fn owner(&self, key: &StorageKey) -> Result<&dyn Driver, StorageError> {
        if self.written.stat(key).is_ok() {
            Ok(&self.written)
        } else if self.is_removed(key) {
            Err(StorageError::NotFound { key: key.clone() })
        } else {
            Ok(&*self.below)
        }
    }

    /// Fails where a file could not be made because of what is in its place, or on the way to it.
    fn check_place(&self, key: &StorageKey) -> Result<(), StorageError> {
        if self.stat(key).is_ok_and(|stat| stat.kind == EntryKind::Directory) {
            return Err(StorageError::NotFile { key: key.clone() });
        }
        let mut above = successors(key.parent(), StorageKey::parent);
        let is_blocked = above.any(|directory| {
            let kind = self.kind(&directory);
            kind.is_some_and(|kind| kind != EntryKind::Directory)
        });
        if is_blocked {
            return Err(StorageError::Io {
                operation: "write",
                key: key.clone(),
                source: io::ErrorKind::NotADirectory.into(),
            });
        }
        Ok(())
    }

    /// What a directory lists something as, which tells links that lead nowhere.
    fn kind(&self, key: &StorageKey) -> Option<EntryKind> {
        let entries = self.list(&key.parent()?).ok()?;
        entries
            .into_iter()
            .find_map(|entry| (entry.name == key.name()).then_some(entry.kind))
    }
}

impl Driver for DryRun {
    fn name(&self) -> &'static str {
        self.below.name()
    }

    fn stat(&self, key: &StorageKey) -> Result<Stat, StorageError> {
        self.owner(key)?.stat(key)
    }

    fn read(&self, key: &StorageKey, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.owner(key)?.read(key, max_bytes)
    }

    fn open(&self, key: &StorageKey) -> Result<Box<dyn Object>, StorageError> {
        self.owner(key)?.open(key)
    }

    fn write(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> Result<(), StorageError> {
        self.check_place(key)?;
        self.written.write(key, bytes, durability)
    }

    fn append(&self, key: &StorageKey, offset: u64) -> Result<Box<dyn Appender>, StorageError> {
        self.written.append(key, offset)
    }

    fn rename(&self, from: &StorageKey, to: &StorageKey) -> Result<(), StorageError> {
        self.write(to, b"", Durability::Lazy)?;
        self.remove(from, Durability::Lazy)
    }

    fn list(&self, key: &StorageKey) -> Result<Vec<Entry>, StorageError> {
        let below = if self.is_removed(key) {
            Err(StorageError::NotFound { key: key.clone() })
        } else {
            self.below.list(key)
        };
        let Ok(mut entries) = self.written.list(key) else {
            let mut entries = below?;
            entries.retain(|entry| !key.join(&entry.name).is_ok_and(|key| self.is_removed(&key)));
            return Ok(entries);
        };
        let names: HashSet<_> = entries.iter().map(|entry| entry.name.clone()).collect();
        for entry in below.unwrap_or_default() {
            if !names.contains(&entry.name) && !key.join(&entry.name).is_ok_and(|key| self.is_removed(&key)) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    fn remove(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        self.remove_tree(key, durability)
    }

    fn remove_tree(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        let was_written = self.written.remove_tree(key, durability).is_ok();
        let was_there = self.removed.write().insert(key.clone());
        if was_written || was_there {
            Ok(())
        } else {
            Err(StorageError::NotFound { key: key.clone() })
        }
    }
}
