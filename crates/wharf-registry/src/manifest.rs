//! Manifests and the tags on them.

use std::sync::Arc;

use bytes::Bytes;
use wharf_index::NewManifest;
use wharf_spec::{Algorithm, Digest, Manifest, MediaType, Reference, RepositoryName, Tag};
use wharf_storage::Durability;

use crate::blob::remove_tree;
use crate::error::{Failure, PutManifestError};
use crate::hot::HotManifest;
use crate::paths;
use crate::registry::Registry;

/// A manifest to be stored.
#[derive(Debug, Clone)]
pub struct PutManifest {
    /// Its bytes, which are stored and served as they are.
    pub bytes: Bytes,
    /// The type it is sent as.
    pub media_type: MediaType,
    /// The digest it must have; SHA-256 of the bytes when none is demanded.
    pub digest: Option<Digest>,
    /// Tags that shall point to it.
    pub tags: Vec<Tag>,
}

/// What a repository knows of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// Its digest.
    pub digest: Digest,
    /// The type it was pushed as.
    pub media_type: String,
    /// The number of its bytes.
    pub size_bytes: u64,
}

impl Registry {
    /// Finds a manifest by tag or digest, without touching its bytes.
    pub fn find_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<StoredManifest>, Failure> {
        self.confirm(repository)?;
        let row = self.index.find_manifest(repository, reference)?;
        Ok(row.map(|row| StoredManifest {
            digest: row.digest,
            media_type: row.media_type,
            size_bytes: row.size_bytes,
        }))
    }

    /// A manifest that was read lately. Never waits for a disk.
    pub fn hot_manifest(&self, repository: &RepositoryName, reference: &Reference) -> Option<Arc<HotManifest>> {
        self.hot.manifest(repository, reference)
    }

    /// Finds a manifest by tag or digest and reads it. `None` when it is not there, or its bytes are gone.
    pub fn read_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<Arc<HotManifest>>, Failure> {
        self.confirm(repository)?;
        let is_there = |hot: &HotManifest| {
            let stored = &hot.manifest;
            Ok(self.content_size(stored.digest)? == Some(stored.size_bytes))
        };
        self.hot.load_manifest(repository, reference, is_there, || {
            let Some(manifest) = self.find_manifest(repository, reference)? else {
                return Ok(None);
            };
            let bytes = self.read_content(manifest.digest, manifest.size_bytes)?;
            Ok(bytes.map(|bytes| {
                Arc::new(HotManifest {
                    manifest,
                    bytes: bytes.into(),
                })
            }))
        })
    }

    /// Stores a manifest and points tags to it. Returns what it says and its digest.
    pub fn put_manifest(
        &self,
        repository: &RepositoryName,
        put: PutManifest,
    ) -> Result<(Digest, Manifest), PutManifestError> {
        self.check_writable()?;
        let algorithm = put.digest.map_or(Algorithm::Sha256, |digest| digest.algorithm());
        let digest = Digest::of(algorithm, &put.bytes);
        if let Some(expected) = put.digest.filter(|expected| *expected != digest) {
            return Err(PutManifestError::Digest {
                expected,
                actual: digest,
            });
        }
        let manifest = Manifest::parse(put.media_type, &put.bytes)?;
        self.rules.check(&manifest)?;
        self.confirm_for_write(repository)?;

        let _guard = self.locks.add(repository);
        self.check_references(repository, &manifest)?;
        let _tag_guards = self.locks.tags(repository, &put.tags);
        self.write_manifest(repository, digest, &put)?;
        let row = new_manifest(digest, put.bytes.len() as u64, &manifest);
        let changed: Vec<_> = put.tags.iter().cloned().map(Reference::Tag).collect();
        self.index
            .put_manifest(repository, row, put.tags)
            .inspect_err(|_| self.doubt(repository))?;
        for reference in changed.iter().chain([&Reference::Digest(digest)]) {
            self.hot.forget_manifest(repository, reference);
        }
        Ok((digest, manifest))
    }

    /// Everything the rules demand must be in the repository, with the size the manifest says.
    fn check_references(&self, repository: &RepositoryName, manifest: &Manifest) -> Result<(), PutManifestError> {
        let mut missing = Vec::new();
        for (descriptor, is_manifest) in self.rules.demanded(manifest) {
            let size_bytes = if is_manifest {
                let reference = Reference::Digest(descriptor.digest);
                self.index
                    .find_manifest(repository, &reference)?
                    .map(|row| row.size_bytes)
            } else {
                self.whole_blob(repository, descriptor.digest)?
            };
            match size_bytes {
                None => missing.push(descriptor.digest),
                Some(actual_bytes) if actual_bytes != descriptor.size_bytes => {
                    let (digest, claimed_bytes) = (descriptor.digest, descriptor.size_bytes);
                    return Err(PutManifestError::Size {
                        digest,
                        claimed_bytes,
                        actual_bytes,
                    });
                }
                _ => {}
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(PutManifestError::Missing(missing))
        }
    }

    /// The size of a blob of the repository whose bytes are there.
    fn whole_blob(&self, repository: &RepositoryName, digest: Digest) -> Result<Option<u64>, Failure> {
        let Some(row) = self.index.find_blob(repository, digest)? else {
            return Ok(None);
        };
        if self.content_size(row.content)? == Some(row.size_bytes) {
            return Ok(Some(row.size_bytes));
        }
        // Who is told that it is missing asks for it before pushing it again, and must hear the same.
        self.hot.forget_blob(repository, digest);
        Ok(None)
    }

    /// Content, revision, and for each tag its history before its present.
    fn write_manifest(&self, repository: &RepositoryName, digest: Digest, put: &PutManifest) -> Result<(), Failure> {
        self.put_content(digest, &put.bytes)?;
        let link = digest.to_string();
        let write = |key| self.driver.write(&key, link.as_bytes(), Durability::Synced);
        write(paths::revision_link(repository, &digest))?;
        for tag in &put.tags {
            write(paths::tag_index(repository, tag, &digest))?;
            write(paths::tag_current(repository, tag))?;
        }
        Ok(())
    }

    /// Takes a manifest and every tag on it out of a repository. Its bytes stay for other repositories. Says whether it was there.
    pub fn delete_manifest(&self, repository: &RepositoryName, digest: Digest) -> Result<bool, Failure> {
        self.check_writable()?;
        self.confirm(repository)?;
        let _guard = self.locks.remove(repository);
        let deleted = self.index.delete_manifest(repository, digest);
        self.hot.forget_repository(repository);
        let Some(tags) = deleted? else {
            return Ok(false);
        };
        let tags = tags.iter().filter_map(|tag| tag.parse::<Tag>().ok());
        let mut directories = tags
            .map(|tag| paths::tag(repository, &tag))
            .chain([paths::revision(repository, &digest)]);
        let removed = directories.try_for_each(|directory| remove_tree(&*self.driver, &directory));
        self.finish_delete(repository, removed)?;
        Ok(true)
    }

    /// Takes a tag out of a repository, and nothing else. Says whether it was there.
    pub fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<bool, Failure> {
        self.check_writable()?;
        self.confirm(repository)?;
        let _guard = self.locks.remove(repository);
        let deleted = self.index.delete_tag(repository, tag);
        self.hot.forget_manifest(repository, &Reference::Tag(tag.clone()));
        let was_there = deleted?;
        if was_there {
            self.finish_delete(repository, remove_tree(&*self.driver, &paths::tag(repository, tag)))?;
        }
        Ok(was_there)
    }
}

/// What the index keeps of a manifest.
pub(crate) fn new_manifest(digest: Digest, size_bytes: u64, manifest: &Manifest) -> NewManifest {
    NewManifest {
        digest,
        size_bytes,
        media_type: manifest.media_type.as_str().to_owned(),
        references: manifest.references().map(|reference| reference.digest).collect(),
        subject: manifest.subject.as_ref().map(|subject| subject.digest),
        artifact_type: manifest.artifact_type().map(str::to_owned),
        annotations: manifest
            .annotations
            .as_ref()
            .and_then(|annotations| serde_json::to_string(annotations).ok()),
    }
}
