//! Each repository: its links and tags, its uploads, and its rows in the index.

use wharf_index::{Record, Snapshot};
use wharf_spec::{Algorithm, Digest, RepositoryName, Tag, UploadId};
use wharf_storage::{Durability, EntryKind, StorageKey, is_temporary_name};

use super::Run;
use crate::blob::remove_tree;
use crate::damage::Damage;
use crate::error::Failure;
use crate::paths;
use crate::registry::Registry;
use crate::tree::{directories, for_each_repository};

impl Run<'_> {
    /// Looks at every repository. Says whether the index fits the tree, after mending if that was asked for.
    pub(super) fn check_repositories(&mut self) -> Result<bool, Failure> {
        let mut index_fits = true;
        let registry = self.registry;
        for_each_repository(
            &*registry.driver,
            &mut |name| {
                index_fits &= self.check_repository(&name)?;
                Ok(())
            },
            &mut Err,
        )?;
        let mut only_indexed = Vec::new();
        registry.for_each_indexed(&mut |name| only_indexed.push(name))?;
        for name in only_indexed {
            if !crate::tree::exists(&*registry.driver, &paths::repository(&name))? {
                index_fits &= self.check_rows(&name, Snapshot::default())?;
            }
        }
        Ok(index_fits)
    }

    fn check_repository(&mut self, name: &RepositoryName) -> Result<bool, Failure> {
        self.summary.progress.repositories += 1;
        self.tell_progress();
        let registry = self.registry;
        let snapshot = registry.snapshot(name, &mut |damage, key| self.mend_link(name, damage, key))?;
        let fits = self.check_rows(name, snapshot)?;
        for algorithm in Algorithm::ALL {
            self.check_link_directories(&paths::layers(name, algorithm))?;
            self.check_link_directories(&paths::revisions(name, algorithm))?;
        }
        self.check_tag_directories(name)?;
        self.check_uploads(name)?;
        Ok(fits)
    }

    /// What a broken link or tag is mended to.
    fn mend_link(&mut self, name: &RepositoryName, damage: Damage, key: &StorageKey) -> Result<(), Failure> {
        // Content was looked at before, and told of once.
        if matches!(damage, Damage::EmptyData | Damage::WrongSize) {
            return Ok(());
        }
        let mended = self.report(damage, key.as_str(), |registry| match damage {
            Damage::BrokenLink => registry.rewrite_link(key),
            Damage::BrokenTag => registry.mend_tag(name, key),
            // The link's directory, or the tag's.
            Damage::LinkWithoutBlob => remove_parent(registry, key, 1),
            Damage::DanglingTag => remove_parent(registry, key, 2),
            _ => Ok(()),
        });
        mended.map(drop)
    }

    fn check_rows(&mut self, name: &RepositoryName, snapshot: Snapshot) -> Result<bool, Failure> {
        if self.registry.temporary_index.is_some() {
            return Ok(false);
        }
        let differences = self.registry.index.compare_snapshot(name, &snapshot)?;
        if self.options.repair && !differences.is_empty() {
            self.registry.index.apply_snapshot(name, snapshot)?;
        }
        for record in &differences.missing {
            self.report(Damage::FileWithoutRow, described(name, record), |_| Ok(()))?;
        }
        for record in &differences.surplus {
            self.report(Damage::RowWithoutFile, described(name, record), |_| Ok(()))?;
        }
        Ok(differences.is_empty() || self.options.repair)
    }

    /// Directories that hold a link each. Says whether none is left.
    fn check_link_directories(&mut self, directory: &StorageKey) -> Result<bool, Failure> {
        let mut is_empty = true;
        for entry in self.registry.driver_entries(directory)? {
            let Ok(key) = directory.join(&entry.name) else { continue };
            let is_hex = entry.name.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_empty &= if entry.kind == EntryKind::Directory && is_hex {
                self.check_directory(&key, &["link"])?
            } else {
                self.note(Damage::UnknownFile, &key)?;
                false
            };
        }
        Ok(is_empty)
    }

    /// A directory of known files. Says whether it is gone.
    fn check_directory(&mut self, directory: &StorageKey, known: &[&str]) -> Result<bool, Failure> {
        let mut is_empty = true;
        for entry in self.registry.driver_entries(directory)? {
            let Ok(key) = directory.join(&entry.name) else { continue };
            is_empty &= if is_temporary_name(&entry.name) {
                self.remove(Damage::TemporaryFile, &key)?
            } else {
                if !known.contains(&entry.name.as_str()) {
                    self.note(Damage::UnknownFile, &key)?;
                }
                false
            };
        }
        if is_empty && crate::tree::exists(&*self.registry.driver, directory)? {
            return self.remove(Damage::EmptyDirectory, directory);
        }
        Ok(is_empty)
    }

    fn check_tag_directories(&mut self, name: &RepositoryName) -> Result<(), Failure> {
        let tags = paths::tags(name);
        for entry in self.registry.driver_entries(&tags)? {
            let Ok(key) = tags.join(&entry.name) else { continue };
            let Ok(tag) = entry.name.parse::<Tag>() else {
                self.note(Damage::UnknownFile, &key)?;
                continue;
            };
            for algorithm in Algorithm::ALL {
                self.check_link_directories(&paths::tag_history(name, &tag, algorithm))?;
            }
            if let Ok(current) = key.join("current") {
                self.check_directory(&current, &["link"])?;
            }
        }
        Ok(())
    }

    fn check_uploads(&mut self, name: &RepositoryName) -> Result<(), Failure> {
        let uploads = paths::uploads(name);
        for entry in self.registry.driver_entries(&uploads)? {
            let Ok(key) = uploads.join(&entry.name) else { continue };
            match entry.name.parse::<UploadId>() {
                Ok(id) if entry.kind == EntryKind::Directory => {
                    let started_at = paths::upload_started_at(name, &id);
                    if !crate::tree::exists(&*self.registry.driver, &started_at)? {
                        self.remove(Damage::LeftoverUpload, &key)?;
                    }
                }
                _ => self.note(Damage::UnknownFile, &key)?,
            }
        }
        Ok(())
    }
}

/// A row, by what it says.
fn described(name: &RepositoryName, record: &Record) -> String {
    match record {
        Record::Blob(digest) => format!("{} (blob {digest})", paths::repository(name)),
        Record::Manifest(digest) => format!("{} (manifest {digest})", paths::repository(name)),
        Record::Tag(tag) => format!("{} (tag {tag})", paths::repository(name)),
    }
}

/// Removes the directory some levels above a key.
fn remove_parent(registry: &Registry, key: &StorageKey, levels: usize) -> Result<(), Failure> {
    let mut directory = Some(key.clone());
    for _ in 0..levels {
        directory = directory.and_then(|directory| directory.parent());
    }
    match directory {
        Some(directory) => remove_tree(&*registry.driver, &directory),
        None => Ok(()),
    }
}

impl Registry {
    /// Writes into a link what its directory is named after: `…/<algorithm>/<hex>/link`.
    fn rewrite_link(&self, key: &StorageKey) -> Result<(), Failure> {
        let segments: Vec<&str> = key.segments().collect();
        let [.., algorithm, hex, _] = segments.as_slice() else {
            return Ok(());
        };
        let Ok(digest) = format!("{algorithm}:{hex}").parse::<Digest>() else {
            return Ok(());
        };
        // A sha512 upload of registry:2 lies under its sha256, which nothing tells any more if there is no such content.
        if self.content_size(digest)?.is_none() {
            return remove_parent(self, key, 1);
        }
        Ok(self
            .driver
            .write(key, digest.to_string().as_bytes(), Durability::Synced)?)
    }

    /// Points a tag to what its link plainly says, else to the only manifest it ever pointed to, else removes it. The index is not asked:
    /// registry:2 may have moved the tag since, and an old image served under it would be worse than none.
    fn mend_tag(&self, name: &RepositoryName, current: &StorageKey) -> Result<(), Failure> {
        let tag = current.parent().and_then(|directory| directory.parent());
        let tag = tag.and_then(|directory| directory.name().parse::<Tag>().ok());
        let Some(tag) = tag else { return Ok(()) };
        let mut candidates: Vec<Digest> = self.readable_link(current).into_iter().collect();
        if candidates.is_empty() {
            for algorithm in Algorithm::ALL {
                let names = directories(&*self.driver, &paths::tag_history(name, &tag, algorithm))?;
                candidates.extend(
                    names
                        .iter()
                        .filter_map(|hex| format!("{algorithm}:{hex}").parse::<Digest>().ok()),
                );
            }
        }
        match candidates.as_slice() {
            [digest] if crate::tree::exists(&*self.driver, &paths::revision_link(name, digest))? => Ok(self
                .driver
                .write(current, digest.to_string().as_bytes(), Durability::Synced)?),
            _ => remove_tree(&*self.driver, &paths::tag(name, &tag)),
        }
    }

    /// The digest in a link that has white space around it.
    fn readable_link(&self, link: &StorageKey) -> Option<Digest> {
        let bytes = self.driver.read(link, 256).ok()?;
        std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
    }
}
