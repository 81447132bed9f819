//! Which directories are known to be durable.
//!
//! A directory is durable when its parent was flushed after it was made, and the parent is durable
//! itself. A file can only be durable in such a directory, so every publishing call has to know;
//! remembering saves it the flushes of all directories up to the root.
//!
//! What is remembered must never be about a directory that is gone, or another thread could make
//! it anew and take it for durable. So a removal first forgets its directories, and spoils the
//! watches of those who are about to remember one of them: a [`Watch`] is taken *before* the
//! directories are looked at and flushed, and it remembers only those that no removal touched
//! since. While a removal lasts, new watches of its directories are spoiled from the start.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use parking_lot::Mutex;

use crate::StorageKey;

/// Directories remembered at most; with keys of a hundred bytes, some 10 MiB.
const CAPACITY: usize = 65_536;

/// The directories below one root that this process made, or found, durable. With a directory all
/// those above it are remembered.
#[derive(Debug, Default)]
pub(super) struct DurableDirectories {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    durable: BTreeSet<StorageKey>,
    /// Per watch the deepest directory it may still remember.
    watches: HashMap<u64, Option<StorageKey>>,
    last_watch: u64,
    removals: Vec<StorageKey>,
}

/// The intent to remember a directory and those above it.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    directories: &'a DurableDirectories,
    id: u64,
}

/// A removal under way.
#[derive(Debug)]
pub(super) struct Removal<'a> {
    directories: &'a DurableDirectories,
    key: StorageKey,
}

impl DurableDirectories {
    /// Whether `directory` needs no flush of its parent.
    pub(super) fn contains(&self, directory: &StorageKey) -> bool {
        self.state.lock().durable.contains(directory)
    }

    /// Begins to watch `directory`. It must be seen to exist after this and before
    /// [`Watch::remember`].
    pub(super) fn watch(&self, directory: StorageKey) -> Watch<'_> {
        let mut state = self.state.lock();
        let mut allowed = Some(directory);
        for removed in &state.removals {
            allowed = outside(allowed, removed);
        }
        state.last_watch += 1;
        let id = state.last_watch;
        state.watches.insert(id, allowed);
        Watch { directories: self, id }
    }

    /// Forgets `key` and everything below, until the returned value is dropped and for good.
    pub(super) fn removal(&self, key: &StorageKey) -> Removal<'_> {
        let mut state = self.state.lock();
        state.forget(key);
        state.removals.push(key.clone());
        Removal {
            directories: self,
            key: key.clone(),
        }
    }

    /// Forgets `key` and everything below: it was just made, so what was known is outdated.
    pub(super) fn forget(&self, key: &StorageKey) {
        self.state.lock().forget(key);
    }
}

impl State {
    fn forget(&mut self, key: &StorageKey) {
        for allowed in self.watches.values_mut() {
            *allowed = outside(allowed.take(), key);
        }
        self.durable.remove(key);
        // `0` follows `/`, so the range holds exactly the keys that continue with a slash.
        let (first, end) = (format!("{key}/"), format!("{key}0"));
        let range = (Bound::Included(first.as_str()), Bound::Excluded(end.as_str()));
        let below: Vec<_> = self.durable.range::<str, _>(range).cloned().collect();
        for key in below {
            self.durable.remove(&key);
        }
    }
}

/// The deepest of `directory` and those above it that does not lie within `removed`.
fn outside(directory: Option<StorageKey>, removed: &StorageKey) -> Option<StorageKey> {
    match directory {
        Some(directory) if directory.is_within(removed) => removed.parent(),
        other => other,
    }
}

impl Watch<'_> {
    /// Remembers the watched directory and those above it, apart from what a removal touched since
    /// the watch began. All of them must have been flushed into their parents.
    pub(super) fn remember(self) {
        let mut state = self.directories.state.lock();
        let mut directory = state.watches.get(&self.id).cloned().flatten();
        while let Some(durable) = directory {
            directory = durable.parent();
            if state.durable.len() >= CAPACITY {
                state.durable.clear();
            }
            state.durable.insert(durable);
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.directories.state.lock().watches.remove(&self.id);
    }
}

impl Drop for Removal<'_> {
    fn drop(&mut self) {
        let mut state = self.directories.state.lock();
        if let Some(index) = state.removals.iter().position(|key| *key == self.key) {
            state.removals.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> StorageKey {
        text.parse().unwrap()
    }

    fn with(directories: &[&str]) -> DurableDirectories {
        let durable = DurableDirectories::default();
        for directory in directories {
            durable.watch(key(directory)).remember();
        }
        durable
    }

    #[test]
    fn a_directory_is_remembered_with_those_above() {
        let durable = with(&["a/b/c"]);
        for directory in ["a", "a/b", "a/b/c"] {
            assert!(durable.contains(&key(directory)), "{directory}");
        }
        assert!(!durable.contains(&key("a/b/c/d")));
    }

    #[test]
    fn a_removal_forgets_what_is_below_and_nothing_else() {
        let durable = with(&["a/b/c", "a/b-c/d", "a/b0"]);
        drop(durable.removal(&key("a/b")));
        assert!(!durable.contains(&key("a/b")));
        assert!(!durable.contains(&key("a/b/c")));
        for directory in ["a", "a/b-c", "a/b-c/d", "a/b0"] {
            assert!(durable.contains(&key(directory)), "{directory}");
        }
    }

    #[test]
    fn a_removal_spoils_the_watch_it_overlaps() {
        for begins_first in [true, false] {
            let durable = DurableDirectories::default();
            if begins_first {
                let watch = durable.watch(key("a/b/c"));
                drop(durable.removal(&key("a/b")));
                watch.remember();
            } else {
                let removal = durable.removal(&key("a/b"));
                durable.watch(key("a/b/c")).remember();
                drop(removal);
            }
            assert!(durable.contains(&key("a")));
            assert!(!durable.contains(&key("a/b")));
            assert!(!durable.contains(&key("a/b/c")));
        }
    }

    #[test]
    fn a_watch_after_the_removal_remembers() {
        let durable = DurableDirectories::default();
        drop(durable.removal(&key("a/b")));
        durable.watch(key("a/b/c")).remember();
        assert!(durable.contains(&key("a/b/c")));
    }

    #[test]
    fn what_was_made_anew_is_not_durable() {
        let durable = with(&["a/b"]);
        durable.forget(&key("a"));
        assert!(!durable.contains(&key("a")) && !durable.contains(&key("a/b")));
    }

    #[test]
    fn nothing_is_kept_of_what_ended() {
        let durable = with(&["a/b"]);
        drop(durable.watch(key("c")));
        drop(durable.removal(&key("a")));
        let state = durable.state.lock();
        assert!(state.watches.is_empty() && state.removals.is_empty() && state.durable.is_empty());
    }

    #[test]
    fn the_memory_is_capped() {
        let durable = DurableDirectories::default();
        for number in 0..=CAPACITY {
            durable.watch(key(&format!("d/{number}"))).remember();
        }
        assert!(durable.state.lock().durable.len() <= CAPACITY);
    }
}
