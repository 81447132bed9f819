//! A root on disk, file by file and byte by byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A file or an empty directory.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File {
        mode: u32,
        bytes: Vec<u8>,
    },
    /// A directory without any file below it.
    Empty {
        mode: u32,
    },
}

/// Everything below a root. Ids of uploads are replaced by their labels, and the time that an upload started at by its
/// shape.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    pub(crate) entries: BTreeMap<String, Entry>,
    /// The modes of the directories that hold something.
    pub(crate) directories: BTreeMap<String, u32>,
}

impl Tree {
    /// Reads a root.
    pub(crate) fn read(root: &Path, label: &dyn Fn(&str) -> String) -> Self {
        let mut tree = Self::default();
        tree.collect(root, "", label);
        tree
    }

    /// Whether there is a file below.
    fn collect(&mut self, directory: &Path, path: &str, label: &dyn Fn(&str) -> String) -> bool {
        let mut holds_files = false;
        let mut children = Vec::new();
        let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("`{}`: {error}", directory.display()));
        for entry in entries {
            let entry = entry.expect("the directory can be read");
            let name = label(&entry.file_name().to_string_lossy());
            let child = if path.is_empty() {
                name
            } else {
                format!("{path}/{name}")
            };
            let metadata = entry.metadata().expect("nobody removes files now");
            let mode = metadata.permissions().mode() & 0o7777;
            if metadata.is_dir() {
                let is_empty = !self.collect(&entry.path(), &child, label);
                holds_files |= !is_empty;
                children.push((child, mode, is_empty));
            } else {
                holds_files = true;
                let bytes = fs::read(entry.path()).expect("nobody removes files now");
                let bytes = if child.ends_with("/startedat") {
                    shape(&bytes)
                } else {
                    bytes
                };
                self.entries.insert(child, Entry::File { mode, bytes });
            }
        }
        for (child, mode, is_empty) in children {
            if is_empty {
                self.entries.insert(child, Entry::Empty { mode });
            } else {
                self.directories.insert(child, mode);
            }
        }
        holds_files
    }

    /// The bytes of a file.
    pub(crate) fn file(&self, path: &str) -> Option<&[u8]> {
        match self.entries.get(path) {
            Some(Entry::File { bytes, .. }) => Some(bytes),
            _ => None,
        }
    }

    /// Whether there is anything of this name.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path) || self.directories.contains_key(path)
    }
}

/// The paths at which two trees differ. A directory that holds something in one of them only is not among them: what it
/// holds is.
pub(crate) fn differing(one: &Tree, other: &Tree) -> BTreeSet<String> {
    let paths = one.entries.keys().chain(other.entries.keys());
    let mut differing: BTreeSet<_> = paths
        .filter(|path| one.entries.get(*path) != other.entries.get(*path))
        .filter(|path| !one.directories.contains_key(*path) && !other.directories.contains_key(*path))
        .cloned()
        .collect();
    for (path, mode) in &one.directories {
        if other.directories.get(path).is_some_and(|other| other != mode) {
            differing.insert(path.clone());
        }
    }
    differing
}

/// Every digit as `9`.
fn shape(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| if byte.is_ascii_digit() { b'9' } else { *byte };
    bytes.iter().map(digit).collect()
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty { mode } => write!(f, "an empty directory, {mode:o}"),
            Self::File { mode, bytes } => {
                let shown: String = String::from_utf8_lossy(bytes).chars().take(100).collect();
                write!(f, "{} bytes, {mode:o}: {shown:?}", bytes.len())
            }
        }
    }
}
