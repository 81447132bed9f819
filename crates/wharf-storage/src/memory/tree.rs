//! Directories and files in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::{Entry, EntryKind, StorageError, StorageKey};

/// The content of a file. Who opened it keeps it, whatever becomes of its name.
pub(super) type Bytes = Arc<RwLock<Vec<u8>>>;

#[derive(Debug)]
pub(super) enum Node {
    File(Bytes),
    Directory(Directory),
}

/// Children by name.
#[derive(Debug, Default)]
pub(super) struct Directory(BTreeMap<String, Node>);

impl Directory {
    /// What is under `key`, counted from here.
    pub(super) fn find(&self, key: &StorageKey) -> Option<&Node> {
        let mut segments = key.segments();
        let mut node = self.0.get(segments.next()?)?;
        for segment in segments {
            match node {
                Node::Directory(directory) => node = directory.0.get(segment)?,
                Node::File(_) => return None,
            }
        }
        Some(node)
    }

    /// The file under `key`.
    pub(super) fn file(&self, key: &StorageKey) -> Result<Bytes, StorageError> {
        match self.find(key) {
            Some(Node::File(bytes)) => Ok(Arc::clone(bytes)),
            Some(Node::Directory(_)) => Err(StorageError::NotFile { key: key.clone() }),
            None => Err(StorageError::NotFound { key: key.clone() }),
        }
    }

    /// Puts a file in the place of `key`, making parents. `operation` is for the error.
    pub(super) fn put(&mut self, operation: &'static str, key: &StorageKey, bytes: Bytes) -> Result<(), StorageError> {
        let Some(parent) = self.make_parents(key) else {
            let source = io::ErrorKind::NotADirectory.into();
            return Err(StorageError::Io {
                operation,
                key: key.clone(),
                source,
            });
        };
        if let Some(Node::Directory(_)) = parent.0.get(key.name()) {
            return Err(StorageError::NotFile { key: key.clone() });
        }
        parent.0.insert(key.name().to_owned(), Node::File(bytes));
        Ok(())
    }

    /// The directory that shall hold `key`; `None` when a file stands where one is needed.
    fn make_parents(&mut self, key: &StorageKey) -> Option<&mut Self> {
        let mut directory = self;
        let Some(parent) = key.parent() else {
            return Some(directory);
        };
        for segment in parent.segments() {
            let node = directory.0.entry(segment.to_owned());
            match node.or_insert_with(|| Node::Directory(Self::default())) {
                Node::Directory(child) => directory = child,
                Node::File(_) => return None,
            }
        }
        Some(directory)
    }

    /// Takes out what is under `key`.
    pub(super) fn take(&mut self, key: &StorageKey) -> Option<Node> {
        let mut directory = self;
        if let Some(parent) = key.parent() {
            for segment in parent.segments() {
                match directory.0.get_mut(segment)? {
                    Node::Directory(child) => directory = child,
                    Node::File(_) => return None,
                }
            }
        }
        directory.0.remove(key.name())
    }

    /// The direct children.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |(name, node): (&String, &Node)| Entry {
            name: name.clone(),
            kind: match node {
                Node::File(_) => EntryKind::File,
                Node::Directory(_) => EntryKind::Directory,
            },
        };
        self.0.iter().map(entry).collect()
    }
}
