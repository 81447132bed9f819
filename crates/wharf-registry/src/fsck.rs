//! Comparing tree and index of a root that nobody serves, and mending what can be mended.
//!
//! Content comes first, then each repository with its rows, then the content that nothing refers to. Mending a class never makes
//! another one that is not told in the same run, so that a second run finds only what was left; and it never deletes content: what is
//! damaged is moved to `<root>/wharf/quarantine`, where it can be looked at. Each step is whole by itself, so that a run that is ended
//! goes on with the next. What fails is told, and all else goes on.
//!
//! There is one run, which mends. To only tell, it is let loose on a tree and an index that remember the changes and pass them on to
//! nobody, so that what is told is what would be done.

mod content;
mod dry_run;
mod images;
mod links;
mod repositories;
#[cfg(test)]
mod tests;
mod uploads;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use wharf_spec::Digest;
use wharf_storage::{Driver, Entry, EntryKind, StorageKey, is_temporary_name};

use self::dry_run::DryRun;
use crate::blob::remove_tree;
use crate::damage::{Damage, Remedy, Severity};
use crate::error::{Failure, OpenError};
use crate::registry::{Registry, Settings};
use crate::state::StateDirectory;

/// A stopped root, to be looked at.
#[derive(Debug)]
pub struct Fsck {
    registry: Registry,
    /// Remembers what a run that only tells would have done.
    dry_run: Option<Arc<DryRun>>,
    /// Whether the root has an index; without one its rows say nothing.
    has_index: bool,
    /// Holds the index of such a run, and removes it in the end.
    _temporary: Option<TempDir>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub damage: Damage,
    /// Where: a path below the root, with the tag or digest behind it where a row is meant.
    pub path: String,
    /// What was done, or would be.
    pub remedy: Remedy,
    /// Why that failed.
    pub error: Option<String>,
    /// Content that is not there.
    pub missing: Vec<Digest>,
    /// What has to be pushed again, as `name:tag` or `name@digest`.
    pub push_again: Vec<String>,
}

impl Finding {
    fn new(damage: Damage, path: impl Into<String>, remedy: Remedy) -> Self {
        Self {
            damage,
            path: path.into(),
            remedy,
            error: None,
            missing: Vec::new(),
            push_again: Vec::new(),
        }
    }

    fn left(damage: Damage, path: impl Into<String>, advice: impl Into<Cow<'static, str>>) -> Self {
        Self::new(damage, path, Remedy::Leave(advice.into()))
    }

    /// Whether it is still there after mending.
    pub fn is_left(&self) -> bool {
        self.error.is_some() || matches!(self.remedy, Remedy::Leave(_))
    }
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
    /// Damage.
    pub damaged: u64,
    /// What mending leaves although it is damage, and what could not be mended.
    pub left: u64,
    /// Left-overs, which mending tidies up.
    pub leftovers: u64,
    /// What is only told.
    pub notes: u64,
}

impl Fsck {
    /// Takes possession of the root below `root`, whose tree `driver` holds. Unless it is to `repair`, nothing below it changes.
    pub fn open(driver: Arc<dyn Driver>, root: &Path, repair: bool) -> Result<Self, OpenError> {
        let state = if repair {
            StateDirectory::open(root)?
        } else {
            StateDirectory::look(root)?
        };
        let has_index = state.has_index();
        let (index, temporary) = if has_index && repair {
            (state.open_index()?, None)
        } else {
            let (index, directory) = state.open_index_copy()?;
            (index, Some(directory))
        };
        index.check()?;
        let dry_run = (!repair).then(|| Arc::new(DryRun::new(Arc::clone(&driver))));
        let driver = dry_run.clone().map_or(driver, |dry_run| dry_run as Arc<dyn Driver>);
        Ok(Self {
            registry: Registry::with_index(driver, state, Settings::offline(), index)?,
            dry_run,
            has_index,
            _temporary: temporary,
        })
    }

    /// Looks at everything, at content byte by byte if it is to `read_data`. Tells each finding as it comes, and now and then how far it
    /// is. Ends early when that is what hearing of a finding comes to.
    pub fn run(
        &self,
        read_data: bool,
        found: &mut dyn FnMut(&Finding) -> ControlFlow<()>,
        progress: &mut dyn FnMut(FsckProgress),
    ) -> Result<FsckSummary, Failure> {
        let mut run = Run {
            fsck: self,
            registry: &self.registry,
            read_data,
            found,
            progress,
            summary: FsckSummary::default(),
            unreadable: BTreeSet::new(),
            no_manifests: BTreeSet::new(),
            has_ended: false,
        };
        run.check_content()?;
        run.check_repositories()?;
        run.note_unreferenced()?;
        Ok(run.summary)
    }
}

/// A run under way.
struct Run<'a> {
    fsck: &'a Fsck,
    registry: &'a Registry,
    read_data: bool,
    found: &'a mut dyn FnMut(&Finding) -> ControlFlow<()>,
    progress: &'a mut dyn FnMut(FsckProgress),
    summary: FsckSummary,
    /// What could not be read, to be told only once.
    unreadable: BTreeSet<String>,
    /// What is linked as a manifest and is none, which no row tells.
    no_manifests: BTreeSet<Digest>,
    has_ended: bool,
}

/// What became of an entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Gone,
    /// It is not known.
    Unknown,
}

/// What is in a directory in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contents {
    Something,
    /// Something, and not all of it is known.
    Unknown,
    /// Nothing, because all of it was mended away.
    NothingLeft,
    /// Nothing, as before.
    Nothing,
}

impl Run<'_> {
    /// Mends something and tells of it. Says whether it was mended.
    fn mend(
        &mut self,
        mut finding: Finding,
        mend: impl FnOnce(&Registry) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        if self.has_ended {
            return Ok(false);
        }
        match mend(self.registry) {
            // Without an index nothing can be gone on with.
            Err(failure @ Failure::Index(_)) => return Err(failure),
            Err(failure) => finding.error = Some(failure.with_causes()),
            Ok(()) => {}
        }
        let summary = &mut self.summary;
        match finding.damage.severity() {
            Severity::Damage => summary.damaged += 1,
            Severity::Leftover => summary.leftovers += 1,
            Severity::Note => summary.notes += 1,
        }
        if finding.error.is_some() || finding.is_left() && finding.damage.severity() == Severity::Damage {
            summary.left += 1;
        }
        self.has_ended = (self.found)(&finding).is_break();
        Ok(!finding.is_left())
    }

    /// Tells of something that is left alone.
    fn tell(&mut self, finding: Finding) -> Result<(), Failure> {
        self.mend(finding, |_| Ok(())).map(drop)
    }

    /// Removes a file or directory.
    fn remove(&mut self, damage: Damage, key: &StorageKey) -> Result<Fate, Failure> {
        let finding = Finding::new(damage, key.as_str(), Remedy::Remove);
        let is_gone = self.mend(finding, |registry| remove_tree(&*registry.driver, key))?;
        Ok(if is_gone { Fate::Gone } else { Fate::Stays })
    }

    /// Tells, once, of what can't be read, and goes on.
    fn pass_over(&mut self, key: &StorageKey, failure: Failure) -> Result<(), Failure> {
        let Failure::Storage(error) = &failure else {
            return Err(failure);
        };
        let path = error.key().unwrap_or(key).to_string();
        if !self.unreadable.insert(path.clone()) {
            return Ok(());
        }
        self.tell(Finding::left(Damage::Unreadable, path, failure.with_causes()))
    }

    /// Tells of what is there, but is not what should be there.
    fn not_a(&mut self, kind: &'static str, key: &StorageKey) -> Result<Fate, Failure> {
        if self.unreadable.insert(key.to_string()) {
            self.tell(Finding::left(
                Damage::Unreadable,
                key.as_str(),
                format!("it is no {kind}"),
            ))?;
        }
        Ok(Fate::Stays)
    }

    /// Visits what is in a directory, in order. Says what is left.
    fn visit(
        &mut self,
        directory: &StorageKey,
        visit: &mut dyn FnMut(&mut Self, &Entry, &StorageKey) -> Result<Fate, Failure>,
    ) -> Result<Contents, Failure> {
        let mut entries = match crate::tree::entries(&*self.registry.driver, directory) {
            Ok(entries) => entries,
            Err(failure) => return self.pass_over(directory, failure).map(|()| Contents::Something),
        };
        entries.sort();
        let mut contents = Contents::Nothing;
        for entry in entries {
            if self.has_ended {
                return Ok(Contents::Something);
            }
            let fate = match directory.join(&entry.name) {
                Err(_) => Fate::Unknown,
                Ok(key) if entry.kind == EntryKind::File && is_temporary_name(&entry.name) => {
                    self.remove(Damage::TemporaryFile, &key)?
                }
                Ok(key) => match visit(self, &entry, &key) {
                    Err(failure) => self.pass_over(&key, failure).map(|()| Fate::Stays)?,
                    Ok(fate) => fate,
                },
            };
            if fate == Fate::Unknown {
                let path = format!("{directory}/{}", entry.name);
                self.tell(Finding::left(Damage::UnknownFile, path, ""))?;
            }
            contents = match (contents, fate) {
                (Contents::Unknown, _) | (_, Fate::Unknown) => Contents::Unknown,
                (Contents::Something, _) | (_, Fate::Stays) => Contents::Something,
                (Contents::Nothing | Contents::NothingLeft, Fate::Gone) => Contents::NothingLeft,
            };
        }
        Ok(contents)
    }

    /// The same, and removes the directory if nothing is left.
    fn tidy(
        &mut self,
        directory: &StorageKey,
        visit: &mut dyn FnMut(&mut Self, &Entry, &StorageKey) -> Result<Fate, Failure>,
    ) -> Result<Fate, Failure> {
        let contents = self.visit(directory, visit)?;
        self.remove_empty(directory, contents)
    }

    /// Removes a directory that is empty. It is told only if it was so before.
    fn remove_empty(&mut self, directory: &StorageKey, contents: Contents) -> Result<Fate, Failure> {
        match contents {
            Contents::Something | Contents::Unknown => Ok(Fate::Stays),
            Contents::NothingLeft => remove_tree(&*self.registry.driver, directory).map(|()| Fate::Gone),
            Contents::Nothing => self.remove(Damage::EmptyDirectory, directory),
        }
    }

    fn tell_progress(&mut self) {
        (self.progress)(self.summary.progress);
    }
}
