//! Confirming the index against the tree.
//!
//! registry:2 may have written to the root before wharf or in between, and a crash may have come between a file and its row. So a
//! repository is compared with its tree when it is first touched after a start, and a sweep in the background compares the rest.
//! What counts is the tree.

use std::sync::atomic::{AtomicU64, Ordering};

use wharf_spec::RepositoryName;
use wharf_storage::StorageKey;

use crate::damage::Damage;
use crate::error::Failure;
use crate::paths;
use crate::registry::Registry;
use crate::tree::{Visitor, exists, for_each_repository};

/// The sweep says how far it is after this many repositories.
const PROGRESS_EVERY: u64 = 1000;
/// Names that are read from the index at a time.
const NAMES_AT_A_TIME: usize = 1000;

/// What a sweep has done so far.
#[derive(Debug, Default)]
pub struct SweepProgress {
    /// Repositories compared.
    pub repositories: AtomicU64,
    /// Rows that differed from the tree.
    pub differences: AtomicU64,
    /// Repositories, or parts of the tree, that could not be compared.
    pub errors: AtomicU64,
}

impl Registry {
    /// Compares a repository with its tree, unless that was done since the start. Before anything of it is read.
    pub(crate) fn confirm(&self, repository: &RepositoryName) -> Result<(), Failure> {
        match self.confirm_once(repository, false) {
            // What the index knows can be pulled even where nothing can be written.
            Err(failure) if failure.is_temporary() => {
                tracing::warn!(%repository, error = failure.with_causes(), "could not compare a repository with its tree");
                Ok(())
            }
            confirmed => confirmed,
        }
    }

    /// The same before something is written: a repository that is not there yet needs no comparison later.
    pub(crate) fn confirm_for_write(&self, repository: &RepositoryName) -> Result<(), Failure> {
        self.confirm_once(repository, true)
    }

    /// Has a repository compared again when it is next touched, because tree and index may have come apart.
    pub(crate) fn doubt(&self, repository: &RepositoryName) {
        self.confirmed.write().remove(repository);
        self.hot.forget_repository(repository);
    }

    /// Ends a delete whose row is gone: where the tree could not be changed the row comes back, so that the delete can be tried again. The
    /// caller holds the lock of the repository.
    pub(crate) fn finish_delete(
        &self,
        repository: &RepositoryName,
        removed: Result<(), Failure>,
    ) -> Result<(), Failure> {
        removed.inspect_err(|_| {
            if let Err(failure) = self.take_in(repository) {
                tracing::error!(%repository, error = failure.with_causes(), "could not undo a delete that failed");
                self.doubt(repository);
            }
        })
    }

    fn confirm_once(&self, repository: &RepositoryName, even_if_absent: bool) -> Result<(), Failure> {
        if self.confirmed.read().contains(repository) {
            return Ok(());
        }
        // Whoever adds to the repository has confirmed it before, so that nothing is added during the comparison.
        let _guard = self.locks.remove(repository);
        if self.confirmed.read().contains(repository) {
            return Ok(());
        }
        let is_there = exists(&*self.driver, &paths::repository(repository))?;
        if is_there || self.index.knows(repository)? {
            self.take_in(repository)?;
        }
        // Names that are nowhere are not remembered: a client can think of any number of them.
        if is_there || even_if_absent {
            self.confirmed.write().insert(repository.clone());
        }
        Ok(())
    }

    fn take_in(&self, repository: &RepositoryName) -> Result<(), Failure> {
        let snapshot = self.snapshot(repository, &mut Warning { repository })?;
        let differences = self.index.apply_snapshot(repository, snapshot)?;
        if !differences.is_empty() {
            self.hot.forget_repository(repository);
            let (added, removed) = (differences.missing.len(), differences.surplus.len());
            self.sweep_progress
                .differences
                .fetch_add((added + removed) as u64, Ordering::Relaxed);
            tracing::info!(%repository, added, removed, "took in what the tree says");
        }
        Ok(())
    }

    /// Compares every repository that the tree or the index has. What can't be read is reported and passed over.
    pub fn sweep(&self) {
        let _swept = Swept(self);
        let mut visit = |name| {
            self.sweep_one(&name);
            Ok(())
        };
        let mut pass_over = |failure: Failure| {
            self.sweep_failed(&failure, "could not read a part of the tree");
            Ok(())
        };
        let walked = for_each_repository(&*self.driver, &mut visit, &mut pass_over);
        let indexed = walked.and_then(|()| self.for_each_indexed(&mut visit));
        if let Err(failure) = indexed.and_then(|()| Ok(self.index.forget_unreferenced()?)) {
            self.sweep_failed(&failure, "could not compare everything with the tree");
        }
        let errors = self.sweep_progress.errors.load(Ordering::Relaxed);
        let repositories = self.sweep_progress.repositories.load(Ordering::Relaxed);
        tracing::info!(repositories, errors, "compared the index with the tree");
    }

    fn sweep_failed(&self, failure: &Failure, what: &str) {
        self.sweep_progress.errors.fetch_add(1, Ordering::Relaxed);
        tracing::error!(error = failure.with_causes(), "{what}");
    }

    /// How far the sweep is.
    pub fn sweep_progress(&self) -> &SweepProgress {
        &self.sweep_progress
    }

    fn sweep_one(&self, name: &RepositoryName) {
        let is_new = !self.confirmed.read().contains(name);
        if let Err(failure) = self.confirm_once(name, false) {
            self.sweep_failed(
                &failure,
                &format!("could not compare the repository `{name}` with its tree"),
            );
        }
        if is_new {
            let done = self.sweep_progress.repositories.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(PROGRESS_EVERY) {
                tracing::info!(repositories = done, "comparing the index with the tree");
            }
        }
    }

    /// Calls `visit` for every repository of the index.
    pub(crate) fn for_each_indexed(
        &self,
        visit: &mut dyn FnMut(RepositoryName) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut after = Vec::new();
        loop {
            let names = self.index.repositories(&after, NAMES_AT_A_TIME)?;
            for name in names.iter().filter_map(|name| name.parse::<RepositoryName>().ok()) {
                after = name.sort_key();
                visit(name)?;
            }
            if names.len() < NAMES_AT_A_TIME {
                return Ok(());
            }
        }
    }

    /// Waits for the sweep after the start: what registry:2 did meanwhile is in no list before.
    pub async fn wait_until_swept(&self) {
        // The sender lives as long as the registry.
        let _ = self.swept.subscribe().wait_for(|swept| *swept).await;
    }
}

/// Warns of what is wrong in a repository.
struct Warning<'a> {
    repository: &'a RepositoryName,
}

impl Visitor for Warning<'_> {
    fn found(&mut self, damage: Damage, key: &StorageKey) -> Result<(), Failure> {
        let repository = self.repository;
        tracing::warn!(%repository, %key, "{}; `wharf fsck` tells more", damage.description());
        Ok(())
    }

    fn unreadable(&mut self, _: &StorageKey, failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }
}

/// Lets the catalog go on when a sweep ends, in whatever way.
struct Swept<'a>(&'a Registry);

impl Drop for Swept<'_> {
    fn drop(&mut self) {
        self.0.swept.send_replace(true);
    }
}
