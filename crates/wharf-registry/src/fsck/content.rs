//! The content of blobs and manifests.

use wharf_spec::{Algorithm, Digest, Hasher};
use wharf_storage::{EntryKind, StorageKey, is_temporary_name};

use super::Run;
use crate::damage::Damage;
use crate::error::Failure;
use crate::paths;
use crate::tree::entries;

const READ_BYTES: usize = 1 << 20;

impl Run<'_> {
    /// Looks at all content, and at the directories it lies in.
    pub(super) fn check_content(&mut self) -> Result<(), Failure> {
        for algorithm in Algorithm::ALL {
            let directory = paths::blobs(algorithm);
            for prefix in self.registry.driver_entries(&directory)? {
                let Ok(key) = directory.join(&prefix.name) else {
                    continue;
                };
                if prefix.kind == EntryKind::Directory {
                    self.check_prefix(algorithm, &key)?;
                } else {
                    self.note(Damage::UnknownFile, &key)?;
                }
            }
        }
        Ok(())
    }

    /// `blobs/<algorithm>/<xx>`.
    fn check_prefix(&mut self, algorithm: Algorithm, directory: &StorageKey) -> Result<(), Failure> {
        let mut is_empty = true;
        for entry in self.registry.driver_entries(directory)? {
            let Ok(key) = directory.join(&entry.name) else { continue };
            match format!("{algorithm}:{}", entry.name).parse::<Digest>() {
                Ok(digest) if entry.kind == EntryKind::Directory => is_empty &= self.check_blob(digest, &key)?,
                _ => {
                    is_empty = false;
                    self.note(Damage::UnknownFile, &key)?;
                }
            }
        }
        if is_empty {
            self.remove(Damage::EmptyDirectory, directory)?;
        }
        Ok(())
    }

    /// A blob's directory. Says whether it is gone.
    fn check_blob(&mut self, digest: Digest, directory: &StorageKey) -> Result<bool, Failure> {
        self.summary.progress.blobs += 1;
        self.tell_progress();
        let mut is_empty = true;
        for entry in self.registry.driver_entries(directory)? {
            let Ok(key) = directory.join(&entry.name) else { continue };
            let is_gone = match (entry.name.as_str(), entry.kind) {
                ("data", EntryKind::File) => self.check_data(digest, &key)?,
                (name, _) if is_temporary_name(name) => self.remove(Damage::TemporaryFile, &key)?,
                _ => {
                    self.note(Damage::UnknownFile, &key)?;
                    false
                }
            };
            is_empty &= is_gone;
        }
        if is_empty {
            self.remove(Damage::EmptyDirectory, directory)
        } else {
            Ok(false)
        }
    }

    /// The bytes of a blob. Says whether they were moved away.
    fn check_data(&mut self, digest: Digest, key: &StorageKey) -> Result<bool, Failure> {
        let size_bytes = self.registry.driver.stat(key)?.size_bytes;
        let recorded = self.registry.index.content_size(digest)?;
        let is_misrecorded = recorded.is_some_and(|recorded| recorded != size_bytes);
        if is_misrecorded && self.hashes_to(digest, key)? {
            self.report(Damage::FileWithoutRow, key.as_str(), |registry| {
                Ok(registry.index.record_content(digest, size_bytes)?)
            })?;
            return Ok(false);
        }
        let damage = if size_bytes == 0 && digest != Digest::of(digest.algorithm(), b"") {
            Damage::EmptyData
        } else if is_misrecorded {
            Damage::WrongSize
        } else if self.options.read_data && !self.hashes_to(digest, key)? {
            Damage::WrongHash
        } else {
            return Ok(false);
        };
        self.report(damage, key.as_str(), |registry| {
            Ok(registry.driver.rename(key, &paths::quarantine(&digest))?)
        })
    }

    fn hashes_to(&self, digest: Digest, key: &StorageKey) -> Result<bool, Failure> {
        let object = self.registry.driver.open(key)?;
        let mut hasher = Hasher::new(digest.algorithm());
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match object.read_at(hasher.size_bytes(), &mut buffer)? {
                0 => return Ok(hasher.finish() == digest),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    /// Tells of content that no repository refers to.
    pub(super) fn note_unreferenced(&mut self) -> Result<(), Failure> {
        for algorithm in Algorithm::ALL {
            let directory = paths::blobs(algorithm);
            for prefix in crate::tree::directories(&*self.registry.driver, &directory)? {
                let Ok(prefix) = directory.join(&prefix) else { continue };
                for hex in crate::tree::directories(&*self.registry.driver, &prefix)? {
                    let Ok(digest) = format!("{algorithm}:{hex}").parse::<Digest>() else {
                        continue;
                    };
                    if self.registry.content_size(digest)?.is_some() && !self.registry.index.is_referenced(digest)? {
                        self.note(Damage::UnreferencedBlob, &paths::blob_data(&digest))?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl crate::registry::Registry {
    pub(super) fn driver_entries(&self, key: &StorageKey) -> Result<Vec<wharf_storage::Entry>, Failure> {
        entries(&*self.driver, key)
    }
}
