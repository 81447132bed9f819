//! Locks in memory that keep tree and index in step. One process owns a root, so they are all it takes.

use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use wharf_spec::{RepositoryName, Tag};

const STRIPES: usize = 256;

/// Which lock a repository or tag has. Two may share one; that costs waiting, never correctness.
#[derive(Debug)]
pub(crate) struct Locks {
    hasher: RandomState,
    repositories: Vec<RwLock<()>>,
    tags: Vec<Mutex<()>>,
}

impl Locks {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            repositories: (0..STRIPES).map(|_| RwLock::new(())).collect(),
            tags: (0..STRIPES).map(|_| Mutex::new(())).collect(),
        }
    }

    fn stripe(&self, value: impl Hash) -> usize {
        // Truncation is what spreads the hash over the stripes.
        usize::try_from(self.hasher.hash_one(value) % STRIPES as u64).unwrap_or_default()
    }

    /// Held while something is added to a repository: what it refers to does not go away meanwhile.
    pub(crate) fn add(&self, repository: &RepositoryName) -> RwLockReadGuard<'_, ()> {
        self.repositories[self.stripe(repository)].read()
    }

    /// Held while something is taken out of a repository.
    pub(crate) fn remove(&self, repository: &RepositoryName) -> RwLockWriteGuard<'_, ()> {
        self.repositories[self.stripe(repository)].write()
    }

    /// Held while tags are moved, so that file and row move in the same order. Taken after [`Locks::add`].
    pub(crate) fn tags(&self, repository: &RepositoryName, tags: &[Tag]) -> Vec<MutexGuard<'_, ()>> {
        // In the order of the stripes, so that two holders never wait for each other.
        let mut stripes: Vec<_> = tags.iter().map(|tag| self.stripe((repository, tag))).collect();
        stripes.sort_unstable();
        stripes.dedup();
        stripes.into_iter().map(|stripe| self.tags[stripe].lock()).collect()
    }
}
