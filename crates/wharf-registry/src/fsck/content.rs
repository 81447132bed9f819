//! The content of blobs and manifests.

use wharf_spec::{Algorithm, Digest, Hasher};
use wharf_storage::{EntryKind, StorageKey};

use super::{Fate, Finding, Run};
use crate::damage::{Damage, Remedy};
use crate::error::Failure;
use crate::paths;
use crate::registry::Registry;
use crate::tree::directories;

const READ_BYTES: usize = 1 << 20;

impl Run<'_> {
    /// Looks at all content, and at the directories it lies in.
    pub(super) fn check_content(&mut self) -> Result<(), Failure> {
        self.visit(&paths::tree(), &mut |_, entry, _| {
            let is_known =
                entry.kind == EntryKind::Directory && ["blobs", "repositories"].contains(&entry.name.as_str());
            Ok(if is_known { Fate::Stays } else { Fate::Unknown })
        })?;
        self.visit(
            &paths::all_blobs(),
            &mut |run, entry, key| match (entry.name.parse(), entry.kind) {
                (Ok(algorithm), EntryKind::Directory) => run.check_algorithm(algorithm, key),
                _ => Ok(Fate::Unknown),
            },
        )?;
        Ok(())
    }

    /// `blobs/<algorithm>`.
    fn check_algorithm(&mut self, algorithm: Algorithm, directory: &StorageKey) -> Result<Fate, Failure> {
        self.visit(directory, &mut |run, prefix, key| {
            if prefix.kind != EntryKind::Directory {
                return Ok(Fate::Unknown);
            }
            run.tidy(
                key,
                &mut |run, entry, key| match format!("{algorithm}:{}", entry.name).parse::<Digest>() {
                    Ok(digest) if entry.kind == EntryKind::Directory && digest.hex().starts_with(&prefix.name) => {
                        run.check_blob(digest, key)
                    }
                    _ => Ok(Fate::Unknown),
                },
            )
        })?;
        Ok(Fate::Stays)
    }

    /// A blob's directory.
    fn check_blob(&mut self, digest: Digest, directory: &StorageKey) -> Result<Fate, Failure> {
        self.summary.progress.blobs += 1;
        self.tell_progress();
        self.tidy(
            directory,
            &mut |run, entry, key| match (entry.name.as_str(), entry.kind) {
                ("data", EntryKind::File) => run.check_data(digest, key),
                ("data", _) => run.not_a("file", key),
                _ => Ok(Fate::Unknown),
            },
        )
    }

    /// The bytes of a blob.
    fn check_data(&mut self, digest: Digest, key: &StorageKey) -> Result<Fate, Failure> {
        let size_bytes = self.registry.driver.stat(key)?.size_bytes;
        let recorded = self.registry.index.content_size(digest)?;
        let is_misrecorded = recorded.is_some_and(|recorded| recorded != size_bytes);
        if is_misrecorded && self.registry.hashes_to(digest, key)? {
            let finding = Finding::new(Damage::WrongRow, key.as_str(), Remedy::WriteRow);
            self.mend(finding, |registry| {
                Ok(registry.index.record_content(digest, size_bytes)?)
            })?;
            return Ok(Fate::Stays);
        }
        let damage = if size_bytes == 0 && digest != Digest::of(digest.algorithm(), b"") {
            Damage::EmptyData
        } else if is_misrecorded {
            Damage::WrongSize
        } else if self.read_data && !self.registry.hashes_to(digest, key)? {
            Damage::WrongHash
        } else {
            return Ok(Fate::Stays);
        };
        let target = self.registry.free_quarantine(&digest)?;
        let finding = Finding::new(damage, key.as_str(), Remedy::Move(target.clone()));
        let is_gone = self.mend(finding, |registry| Ok(registry.driver.rename(key, &target)?))?;
        Ok(if is_gone { Fate::Gone } else { Fate::Stays })
    }

    /// Tells of content that no repository refers to, unless something could not be read that may do so.
    pub(super) fn note_unreferenced(&mut self) -> Result<(), Failure> {
        if !self.unreadable.is_empty() {
            return Ok(());
        }
        let registry = self.registry;
        for algorithm in Algorithm::ALL {
            let directory = paths::blobs(algorithm);
            for prefix in directories(&*registry.driver, &directory).unwrap_or_default() {
                let Ok(prefix) = directory.join(&prefix) else { continue };
                let names = directories(&*registry.driver, &prefix).unwrap_or_default();
                for digest in names.iter().filter_map(|hex| format!("{algorithm}:{hex}").parse().ok()) {
                    let is_there = registry.stored_bytes(digest).is_ok_and(|size| size.is_some());
                    if is_there && !self.no_manifests.contains(&digest) && !registry.index.is_referenced(digest)? {
                        let path = paths::blob_data(&digest).to_string();
                        self.tell(Finding::left(
                            Damage::UnreferencedBlob,
                            path,
                            "garbage collection takes it",
                        ))?;
                    }
                }
                if self.has_ended {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Registry {
    /// Whether the bytes under a key have a digest.
    pub(super) fn hashes_to(&self, digest: Digest, key: &StorageKey) -> Result<bool, Failure> {
        let object = self.driver.open(key)?;
        let mut hasher = Hasher::new(digest.algorithm());
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match object.read_at(hasher.size_bytes(), &mut buffer)? {
                0 => return Ok(hasher.finish() == digest),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    /// Where damaged content can be moved to without being moved over what was kept before.
    fn free_quarantine(&self, digest: &Digest) -> Result<StorageKey, Failure> {
        let mut number = 0;
        loop {
            let key = paths::quarantine(digest, number);
            if !crate::tree::exists(&*self.driver, &key)? {
                return Ok(key);
            }
            number += 1;
        }
    }
}
