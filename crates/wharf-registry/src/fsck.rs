//! Comparing tree and index of a root that nobody serves, and mending what can be mended.
//!
//! Content comes first, then each repository with its rows, then the content that nothing refers to. Mending a class never makes
//! another one, so that a second run finds nothing; and it never deletes content: what is damaged is moved to
//! `<root>/wharf/quarantine`, where it can be looked at. Each step is whole by itself, so that a run that is ended goes on with the next.

mod content;
mod repositories;

use wharf_storage::StorageKey;

use crate::damage::Damage;
use crate::error::Failure;
use crate::registry::Registry;

/// What is looked at, and done.
#[derive(Debug, Clone, Copy, Default)]
pub struct FsckOptions {
    /// Mend what is found.
    pub repair: bool,
    /// Read all content and compare it with its digest.
    pub read_data: bool,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub damage: Damage,
    /// Where: a path below the root, with the tag or digest behind it where a row is meant.
    pub path: String,
    /// Whether it was mended.
    pub mended: bool,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsckProgress {
    /// Blobs and manifests looked at.
    pub blobs: u64,
    /// Repositories looked at.
    pub repositories: u64,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsckSummary {
    /// How much was looked at.
    pub progress: FsckProgress,
    /// Damage that was found, mended or not.
    pub damaged: u64,
    /// Damage that was mended.
    pub mended: u64,
    /// What is only told.
    pub notes: u64,
}

impl Registry {
    /// Checks the root, telling each finding as it comes and now and then how far it is.
    pub fn fsck(
        &self,
        options: FsckOptions,
        found: &mut dyn FnMut(&Finding),
        progress: &mut dyn FnMut(FsckProgress),
    ) -> Result<FsckSummary, Failure> {
        let mut run = Run {
            registry: self,
            options,
            found,
            progress,
            summary: FsckSummary::default(),
        };
        run.check_content()?;
        let index_fits = run.check_repositories()?;
        if index_fits {
            run.note_unreferenced()?;
        }
        Ok(run.summary)
    }
}

/// A run under way.
struct Run<'a> {
    registry: &'a Registry,
    options: FsckOptions,
    found: &'a mut dyn FnMut(&Finding),
    progress: &'a mut dyn FnMut(FsckProgress),
    summary: FsckSummary,
}

impl Run<'_> {
    /// Tells of damage, and mends it if asked to. Says whether it was mended.
    fn report(
        &mut self,
        damage: Damage,
        path: impl Into<String>,
        mend: impl FnOnce(&Registry) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let mended = self.options.repair && !damage.is_note();
        if mended {
            mend(self.registry)?;
        }
        if damage.is_note() {
            self.summary.notes += 1;
        } else {
            self.summary.damaged += 1;
            self.summary.mended += u64::from(mended);
        }
        (self.found)(&Finding {
            damage,
            path: path.into(),
            mended,
        });
        Ok(mended)
    }

    /// A file or directory that mending removes.
    fn remove(&mut self, damage: Damage, key: &StorageKey) -> Result<bool, Failure> {
        self.report(damage, key.as_str(), |registry| {
            crate::blob::remove_tree(&*registry.driver, key)
        })
    }

    /// Something that is only told.
    fn note(&mut self, damage: Damage, key: &StorageKey) -> Result<(), Failure> {
        self.report(damage, key.as_str(), |_| Ok(())).map(drop)
    }

    fn tell_progress(&mut self) {
        (self.progress)(self.summary.progress);
    }
}
