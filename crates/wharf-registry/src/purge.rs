//! Throwing away uploads that nobody goes on with.

use std::time::Duration;

use jiff::Timestamp;
use wharf_spec::{RepositoryName, UploadId};
use wharf_storage::{Durability, EntryKind};

use crate::error::{Failure, UploadError};
use crate::paths;
use crate::registry::Registry;
use crate::tree::for_each_repository;

/// registry:2's `storage.maintenance.uploadpurging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadPurging {
    /// Uploads that were started, and last worked on, longer ago are removed.
    pub age: Duration,
    /// The time between two runs.
    pub interval: Duration,
    /// Whether uploads are only counted.
    pub dry_run: bool,
}

/// What a purge did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Uploads removed, or in a dry run those that would be.
    pub uploads: usize,
    /// Uploads that could not be removed.
    pub errors: usize,
}

impl Registry {
    /// Removes uploads that are older than the settings say. Those without a readable time are left-overs of an interrupted
    /// deletion and go too, unless somebody works on them.
    pub fn purge_uploads(&self, settings: &UploadPurging, now: Timestamp) -> Purged {
        let mut purged = Purged::default();
        let mut unreadable = 0;
        let mut visit = |repository| {
            self.purge_repository(&repository, settings, now, &mut purged);
            Ok(())
        };
        let mut pass_over = |failure: Failure| {
            tracing::error!(
                error = failure.with_causes(),
                "could not look for abandoned uploads everywhere"
            );
            unreadable += 1;
            Ok(())
        };
        // Neither of the two fails.
        let _ = for_each_repository(&*self.driver, &mut visit, &mut pass_over);
        purged.errors += unreadable;
        purged
    }

    fn purge_repository(
        &self,
        repository: &RepositoryName,
        settings: &UploadPurging,
        now: Timestamp,
        purged: &mut Purged,
    ) {
        let entries = self.driver.list(&paths::uploads(repository)).unwrap_or_default();
        let directories = entries.iter().filter(|entry| entry.kind == EntryKind::Directory);
        for id in directories.filter_map(|entry| entry.name.parse::<UploadId>().ok()) {
            // Held until the upload is gone, so that nobody begins to work on it meanwhile.
            let session = self.uploads.find(&id);
            let locked = session.as_ref().map(|session| session.try_lock());
            let active_at = match &locked {
                // Somebody works on it.
                Some(None) => continue,
                Some(Some(progress)) => Some(progress.active_at),
                None => None,
            };
            if self.is_abandoned(repository, &id, active_at, settings.age, now) {
                self.purge_upload(repository, &id, settings.dry_run, purged);
            }
        }
    }

    fn purge_upload(&self, repository: &RepositoryName, id: &UploadId, dry_run: bool, purged: &mut Purged) {
        tracing::info!(%repository, upload_id = %id, dry_run, "purging an upload");
        if dry_run {
            purged.uploads += 1;
            return;
        }
        match self
            .driver
            .remove_tree(&paths::upload(repository, id), Durability::Lazy)
        {
            Ok(()) => purged.uploads += 1,
            Err(error) => {
                tracing::error!(%repository, upload_id = %id, %error, "could not purge an upload");
                purged.errors += 1;
            }
        }
        self.uploads.forget(id);
    }

    fn is_abandoned(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        active_at: Option<Timestamp>,
        age: Duration,
        now: Timestamp,
    ) -> bool {
        let is_old = |time: Timestamp| now.duration_since(time).unsigned_abs() > age && time < now;
        if let Some(active_at) = active_at {
            return is_old(active_at);
        }
        match self.upload_status(repository, id) {
            Ok(status) => status.started_at.parse().map_or(true, is_old),
            Err(UploadError::Unknown) => true,
            Err(_) => false,
        }
    }
}
