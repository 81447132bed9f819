//! Objects in memory, gone with the process.

mod tree;

use std::sync::Arc;

use parking_lot::Mutex;

use self::tree::{Bytes, Directory, Node};
use crate::{Appender, Driver, Durability, Entry, EntryKind, Object, Stat, StorageError, StorageKey};

/// Objects in memory, with the semantics of [`Filesystem`](crate::Filesystem). Clones share what
/// is stored. Nothing is durable, whatever is asked for.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    root: Arc<Mutex<Directory>>,
}

impl Memory {
    /// A driver that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Driver for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn stat(&self, key: &StorageKey) -> Result<Stat, StorageError> {
        match self.root.lock().find(key) {
            Some(Node::File(bytes)) => Ok(Stat {
                kind: EntryKind::File,
                size_bytes: bytes.read().len() as u64,
            }),
            Some(Node::Directory(_)) => Ok(Stat {
                kind: EntryKind::Directory,
                size_bytes: 0,
            }),
            None => Err(StorageError::NotFound { key: key.clone() }),
        }
    }

    fn read(&self, key: &StorageKey, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        let bytes = self.root.lock().file(key)?;
        let bytes = bytes.read();
        if bytes.len() as u64 > max_bytes {
            return Err(StorageError::TooLarge {
                key: key.clone(),
                max_bytes,
            });
        }
        Ok(bytes.clone())
    }

    fn open(&self, key: &StorageKey) -> Result<Box<dyn Object>, StorageError> {
        let bytes = self.root.lock().file(key)?;
        let size_bytes = bytes.read().len() as u64;
        Ok(Box::new(MemoryObject { bytes, size_bytes }))
    }

    fn write(&self, key: &StorageKey, bytes: &[u8], _: Durability) -> Result<(), StorageError> {
        let bytes = Bytes::new(bytes.to_vec().into());
        self.root.lock().put("write", key, bytes)
    }

    fn append(&self, key: &StorageKey, offset: u64) -> Result<Box<dyn Appender>, StorageError> {
        let mut directory = self.root.lock();
        let bytes = match directory.file(key) {
            Err(StorageError::NotFound { .. }) if offset == 0 => {
                let bytes = Bytes::default();
                directory.put("append to", key, Arc::clone(&bytes))?;
                bytes
            }
            result => result?,
        };
        let have = bytes.read().len();
        match usize::try_from(offset) {
            Ok(offset) if offset <= have => bytes.write().truncate(offset),
            _ => {
                let have = have as u64;
                return Err(StorageError::Short {
                    key: key.clone(),
                    have,
                    want: offset,
                });
            }
        }
        let root = Arc::clone(&self.root);
        Ok(Box::new(MemoryAppender {
            root,
            key: key.clone(),
            bytes,
            failed: false,
        }))
    }

    fn rename(&self, from: &StorageKey, to: &StorageKey) -> Result<(), StorageError> {
        let mut directory = self.root.lock();
        let bytes = directory.file(from)?;
        directory.put("rename to", to, bytes)?;
        if from != to {
            directory.take(from);
        }
        Ok(())
    }

    fn list(&self, key: &StorageKey) -> Result<Vec<Entry>, StorageError> {
        match self.root.lock().find(key) {
            Some(Node::Directory(directory)) => Ok(directory.entries()),
            _ => Err(StorageError::NotFound { key: key.clone() }),
        }
    }

    fn remove(&self, key: &StorageKey, _: Durability) -> Result<(), StorageError> {
        let mut directory = self.root.lock();
        directory.file(key)?;
        directory.take(key);
        Ok(())
    }

    fn remove_tree(&self, key: &StorageKey, _: Durability) -> Result<(), StorageError> {
        match self.root.lock().take(key) {
            Some(_) => Ok(()),
            None => Err(StorageError::NotFound { key: key.clone() }),
        }
    }
}

#[derive(Debug)]
struct MemoryObject {
    bytes: Bytes,
    size_bytes: u64,
}

impl Object for MemoryObject {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let bytes = self.bytes.read();
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

#[derive(Debug)]
struct MemoryAppender {
    root: Arc<Mutex<Directory>>,
    key: StorageKey,
    bytes: Bytes,
    failed: bool,
}

impl Appender for MemoryAppender {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed { key: self.key.clone() });
        }
        self.bytes.write().extend_from_slice(bytes);
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        self.bytes.read().len() as u64
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed { key: self.key.clone() });
        }
        let Some(parent) = self.key.parent() else {
            return Ok(());
        };
        if !matches!(self.root.lock().find(&parent), Some(Node::Directory(_))) {
            self.failed = true;
            return Err(StorageError::NotFound { key: self.key.clone() });
        }
        Ok(())
    }
}
