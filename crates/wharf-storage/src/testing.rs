//! The suite that every driver passes.

mod appending;
mod concurrency;
mod directories;
mod objects;

use crate::{Appender, Driver, Durability, EntryKind, StorageError, StorageKey, is_temporary_name};

/// A case of the suite.
type Case = fn(&Bench<'_>);

/// More than any object of the suite has.
const ENOUGH_BYTES: u64 = 1 << 24;

/// Holds `driver` to the contract of [`Driver`]. Everything happens below the key `conformance`,
/// which must be absent and is absent in the end; after each case, temporary files that were left
/// behind fail it.
///
/// # Panics
///
/// When the driver breaks the contract; the message names the case.
pub fn conformance(driver: &dyn Driver) {
    let base = key("conformance");
    for (name, case) in cases() {
        let bench = Bench {
            driver,
            name,
            base: join(&base, name),
        };
        case(&bench);
        bench.tear_down();
    }
    let left = driver.list(&base).expect("the suite's directory");
    assert_eq!(left, [], "cases left something behind");
    driver
        .remove_tree(&base, Durability::Synced)
        .expect("removing the suite's directory");
}

fn cases() -> impl Iterator<Item = (&'static str, Case)> {
    let modules = [objects::CASES, appending::CASES, directories::CASES, concurrency::CASES];
    modules.into_iter().flatten().copied()
}

/// A driver, and the directory in which one case may work.
struct Bench<'a> {
    driver: &'a dyn Driver,
    name: &'static str,
    base: StorageKey,
}

impl Bench<'_> {
    /// The key of `path` in this case's directory.
    fn key(&self, path: &str) -> StorageKey {
        path.split('/')
            .fold(self.base.clone(), |key, segment| join(&key, segment))
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let result = self.driver.write(&self.key(path), bytes, Durability::Synced);
        result.unwrap_or_else(|error| panic!("{}: write `{path}`: {error:?}", self.name));
    }

    fn read(&self, path: &str) -> Vec<u8> {
        let result = self.driver.read(&self.key(path), ENOUGH_BYTES);
        result.unwrap_or_else(|error| panic!("{}: read `{path}`: {error:?}", self.name))
    }

    fn append(&self, path: &str, offset: u64) -> Box<dyn Appender> {
        let result = self.driver.append(&self.key(path), offset);
        result.unwrap_or_else(|error| panic!("{}: append to `{path}`: {error:?}", self.name))
    }

    /// The children of a directory, sorted.
    fn list(&self, path: &str) -> Vec<(String, EntryKind)> {
        let result = self.driver.list(&self.key(path));
        let entries = result.unwrap_or_else(|error| panic!("{}: list `{path}`: {error:?}", self.name));
        let mut entries: Vec<_> = entries.into_iter().map(|e| (e.name, e.kind)).collect();
        entries.sort();
        entries
    }

    #[track_caller]
    fn assert_absent(&self, path: &str) {
        assert_not_found(self.driver.stat(&self.key(path)), &self.key(path));
    }

    /// Fails on temporary files, and removes the rest.
    fn tear_down(&self) {
        match self.driver.stat(&self.base) {
            Err(error) if error.is_not_found() => return,
            result => assert_eq!(result.expect(self.name).kind, EntryKind::Directory),
        }
        self.assert_no_temporary_files(&self.base);
        self.driver
            .remove_tree(&self.base, Durability::Synced)
            .expect(self.name);
        assert_not_found(self.driver.stat(&self.base), &self.base);
    }

    fn assert_no_temporary_files(&self, directory: &StorageKey) {
        for entry in self.driver.list(directory).expect(self.name) {
            let key = join(directory, &entry.name);
            match entry.kind {
                EntryKind::Directory => self.assert_no_temporary_files(&key),
                _ => assert!(!is_temporary_name(&entry.name), "{}: left `{key}`", self.name),
            }
        }
    }
}

fn key(text: &str) -> StorageKey {
    text.parse().expect("a storage key")
}

fn join(key: &StorageKey, segment: &str) -> StorageKey {
    key.join(segment).expect("a segment")
}

/// Asserts that a call failed with `NotFound`, naming `key`.
#[track_caller]
fn assert_not_found<T: std::fmt::Debug>(result: Result<T, StorageError>, key: &StorageKey) {
    match result {
        Err(StorageError::NotFound { key: named }) => assert_eq!(named, *key),
        other => panic!("`{key}` should not be found, but: {other:?}"),
    }
}

/// Asserts that a call failed with `NotFile`, naming `key`.
#[track_caller]
fn assert_not_file<T: std::fmt::Debug>(result: Result<T, StorageError>, key: &StorageKey) {
    match result {
        Err(StorageError::NotFile { key: named }) => assert_eq!(named, *key),
        other => panic!("`{key}` should be no file, but: {other:?}"),
    }
}
