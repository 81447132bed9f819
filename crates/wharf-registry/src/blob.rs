//! Blobs: reading, mounting, deleting. How they come in is the business of uploads.

use wharf_spec::{Algorithm, Digest, RepositoryName};
use wharf_storage::{Driver, Durability, StorageError};

use crate::error::Failure;
use crate::hot::{BlobContent, OpenBlob};
use crate::paths;
use crate::registry::Registry;

/// A blob that a repository has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// The digest it was asked for by.
    pub digest: Digest,
    /// The digest its bytes lie under.
    content: Digest,
    /// The number of its bytes.
    pub size_bytes: u64,
}

impl Registry {
    /// Finds a blob in a repository, without touching its bytes.
    pub fn find_blob(&self, repository: &RepositoryName, digest: Digest) -> Result<Option<Blob>, Failure> {
        self.confirm(repository)?;
        let row = self.index.find_blob(repository, digest)?;
        Ok(row.map(|row| Blob {
            digest,
            content: row.content,
            size_bytes: row.size_bytes,
        }))
    }

    /// A blob that was read lately. Never waits for a disk.
    pub fn hot_blob(&self, repository: &RepositoryName, digest: Digest) -> Option<OpenBlob> {
        self.hot.blob(repository, digest)
    }

    /// Finds a blob in a repository and opens it. `None` when it is not there, or its bytes are gone.
    pub fn open_blob(&self, repository: &RepositoryName, digest: Digest) -> Result<Option<OpenBlob>, Failure> {
        self.confirm(repository)?;
        let is_there = |blob: Blob| Ok(self.content_size(blob.content)? == Some(blob.size_bytes));
        let open = || match self.find_blob(repository, digest)? {
            Some(blob) => self.open_content(blob),
            None => Ok(None),
        };
        self.hot.load_blob(repository, digest, is_there, open)
    }

    fn open_content(&self, blob: Blob) -> Result<Option<OpenBlob>, Failure> {
        let object = match self.driver.open(&paths::blob_data(&blob.content)) {
            Ok(object) => object,
            Err(error) if error.is_not_found() => {
                tracing::error!(digest = %blob.digest, "bytes of a blob are gone");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let damaged = |actual_bytes| Failure::Damaged {
            digest: blob.digest,
            expected_bytes: blob.size_bytes,
            actual_bytes,
        };
        if object.size_bytes() != blob.size_bytes {
            return Err(damaged(object.size_bytes()));
        }
        let open = OpenBlob::new(blob, object)?;
        match &open.content {
            BlobContent::Bytes(bytes) if bytes.len() as u64 != blob.size_bytes => Err(damaged(bytes.len() as u64)),
            _ => Ok(Some(open)),
        }
    }

    /// The whole of a small blob, at most `max_bytes`. `None` when it is not there or larger.
    pub fn read_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        match self.find_blob(repository, digest)? {
            Some(blob) if blob.size_bytes <= max_bytes => self.read_content(blob.content, blob.size_bytes),
            _ => Ok(None),
        }
    }

    /// Takes a blob of `from`, or of any repository, into `repository` without moving its bytes. `None` when it is not there.
    pub fn mount_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        from: Option<&RepositoryName>,
    ) -> Result<Option<Blob>, Failure> {
        self.check_writable()?;
        self.confirm_for_write(repository)?;
        let row = match from {
            Some(from) => {
                self.confirm(from)?;
                self.index.find_blob(from, digest)?
            }
            None => self.index.find_blob_anywhere(digest)?,
        };
        let Some(row) = row else { return Ok(None) };
        if self.content_size(row.content)? != Some(row.size_bytes) {
            return Ok(None);
        }
        let blob = Blob {
            digest,
            content: row.content,
            size_bytes: row.size_bytes,
        };
        self.link_blob(repository, blob)?;
        Ok(Some(blob))
    }

    /// Takes a blob out of a repository. Its bytes stay for other repositories. Says whether it was there.
    pub fn delete_blob(&self, repository: &RepositoryName, digest: Digest) -> Result<bool, Failure> {
        self.check_writable()?;
        self.confirm(repository)?;
        let _guard = self.locks.remove(repository);
        let unlinked = self.index.unlink_blob(repository, digest);
        self.hot.forget_blob(repository, digest);
        let was_there = unlinked?;
        if was_there {
            self.finish_delete(
                repository,
                remove_tree(&*self.driver, &paths::layer(repository, &digest)),
            )?;
        }
        Ok(was_there)
    }

    /// Stores a small blob whole. For content that the registry itself makes.
    pub fn put_small_blob(&self, repository: &RepositoryName, bytes: &[u8]) -> Result<Blob, Failure> {
        self.check_writable()?;
        self.confirm_for_write(repository)?;
        let digest = Digest::of(Algorithm::Sha256, bytes);
        self.put_content(digest, bytes)?;
        let blob = Blob {
            digest,
            content: digest,
            size_bytes: bytes.len() as u64,
        };
        self.link_blob(repository, blob)?;
        Ok(blob)
    }

    /// Makes stored content a blob of a repository: link, then index.
    pub(crate) fn link_blob(&self, repository: &RepositoryName, blob: Blob) -> Result<(), Failure> {
        let _guard = self.locks.add(repository);
        let linked = self.index.find_blob(repository, blob.digest)?;
        if linked.is_some_and(|row| row.content == blob.content && row.size_bytes == blob.size_bytes) {
            return Ok(());
        }
        let link = blob.content.to_string();
        self.driver.write(
            &paths::layer_link(repository, &blob.digest),
            link.as_bytes(),
            Durability::Synced,
        )?;
        Ok(self
            .index
            .link_blob(repository, blob.digest, blob.content, blob.size_bytes)?)
    }

    /// The size of stored content, `None` when there is none.
    pub(crate) fn content_size(&self, content: Digest) -> Result<Option<u64>, Failure> {
        match self.driver.stat(&paths::blob_data(&content)) {
            Ok(stat) => Ok(Some(stat.size_bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether content is stored, whole and durably: what the index knows was synced before it got there.
    pub(crate) fn has_content(&self, content: Digest, size_bytes: u64) -> Result<bool, Failure> {
        let is_known = self.index.content_size(content)? == Some(size_bytes);
        Ok(is_known && self.content_size(content)? == Some(size_bytes))
    }

    /// Stores content that is not there yet, or not whole.
    pub(crate) fn put_content(&self, digest: Digest, bytes: &[u8]) -> Result<(), Failure> {
        if !self.has_content(digest, bytes.len() as u64)? {
            self.driver
                .write(&paths::blob_data(&digest), bytes, Durability::Synced)?;
        }
        Ok(())
    }

    /// Reads stored content of a known size.
    pub(crate) fn read_content(&self, digest: Digest, size_bytes: u64) -> Result<Option<Vec<u8>>, Failure> {
        let damaged = |actual_bytes| Failure::Damaged {
            digest,
            expected_bytes: size_bytes,
            actual_bytes,
        };
        match self.driver.read(&paths::blob_data(&digest), size_bytes) {
            Ok(bytes) if bytes.len() as u64 == size_bytes => Ok(Some(bytes)),
            Ok(bytes) => Err(damaged(bytes.len() as u64)),
            Err(StorageError::TooLarge { .. }) => Err(damaged(self.content_size(digest)?.unwrap_or_default())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Blob {
    /// A blob whose content was just stored under its own digest.
    pub(crate) fn stored(digest: Digest, size_bytes: u64) -> Self {
        Self {
            digest,
            content: digest,
            size_bytes,
        }
    }
}

/// Removes a directory durably; none there is as good.
pub(crate) fn remove_tree(driver: &dyn Driver, key: &wharf_storage::StorageKey) -> Result<(), Failure> {
    match driver.remove_tree(key, Durability::Synced) {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}
