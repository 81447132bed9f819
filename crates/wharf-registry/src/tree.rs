//! Reading what the tree says of a repository, and telling what is wrong in it on the way.

use std::collections::BTreeSet;
use std::iter::successors;

use wharf_index::{BlobRow, Snapshot};
use wharf_spec::{Algorithm, Digest, RepositoryName, Tag};
use wharf_storage::{Driver, Entry, EntryKind, StorageError, StorageKey};

use crate::damage::Damage;
use crate::error::Failure;
use crate::paths;
use crate::registry::Registry;

/// A link holds a digest, and nothing else.
const LINK_BYTES_MAX: u64 = 256;

/// Hears what is wrong while a repository is read.
pub(crate) trait Visitor {
    /// Damage, where it is found. May be mended: a broken link or tag is read again afterwards.
    fn found(&mut self, damage: Damage, key: &StorageKey) -> Result<(), Failure>;

    /// Something that the system can't read. It is passed over if this comes back without an error.
    fn unreadable(&mut self, key: &StorageKey, failure: Failure) -> Result<(), Failure>;
}

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Absent,
    Broken,
    /// There is something else than a file.
    NoFile,
    To(Digest),
}

impl Registry {
    /// What the tree says of a repository.
    pub(crate) fn snapshot(&self, repository: &RepositoryName, visitor: &mut dyn Visitor) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::default();
        self.snapshot_blobs(repository, &mut snapshot, visitor)?;
        self.snapshot_manifests(repository, &mut snapshot, visitor)?;
        self.snapshot_tags(repository, &mut snapshot, visitor)?;
        Ok(snapshot)
    }

    fn snapshot_blobs(
        &self,
        repository: &RepositoryName,
        snapshot: &mut Snapshot,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Failure> {
        let known = self.index.blobs(repository)?;
        for digest in self.linked(repository, paths::layers, visitor)? {
            let link = paths::layer_link(repository, &digest);
            // registry:2 stores a sha512 upload under its sha256, so that a link may name another digest than its directory.
            let fits = |to| to == digest || digest.algorithm() == Algorithm::Sha512;
            let Some(content) = self.read_mended(&link, visitor, fits)? else {
                continue;
            };
            let lost = (Damage::LinkWithoutBlob, &link);
            let Some(size_bytes) = self.linked_bytes(content, lost, visitor)? else {
                continue;
            };
            if size_bytes == 0 && content != Digest::of(content.algorithm(), b"") {
                visitor.found(Damage::EmptyData, &paths::blob_data(&content))?;
                continue;
            }
            // A size that is known stays: content of another size is damaged, and must not become whole by a restart.
            let recorded = match known.get(&digest).filter(|row| row.content == content) {
                Some(row) => Some(row.size_bytes),
                None => self.index.content_size(content)?,
            };
            if recorded.is_some_and(|recorded| recorded != size_bytes) {
                visitor.found(Damage::WrongSize, &paths::blob_data(&content))?;
            }
            let size_bytes = recorded.unwrap_or(size_bytes);
            snapshot.blobs.insert(digest, BlobRow { content, size_bytes });
        }
        Ok(())
    }

    fn snapshot_manifests(
        &self,
        repository: &RepositoryName,
        snapshot: &mut Snapshot,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Failure> {
        let known = self.index.manifest_digests(repository)?;
        for digest in self.linked(repository, paths::revisions, visitor)? {
            let link = paths::revision_link(repository, &digest);
            if self.read_mended(&link, visitor, |to| to == digest)?.is_none() {
                continue;
            }
            let lost = (Damage::LinkWithoutManifest, &link);
            if self.linked_bytes(digest, lost, visitor)?.is_none() {
                continue;
            }
            if known.contains(&digest) {
                snapshot.known_manifests.insert(digest);
                continue;
            }
            match self.read_stored(digest) {
                Ok(Some(stored)) => snapshot.new_manifests.push(stored.row),
                Ok(None) => visitor.found(Damage::NotAManifest, &link)?,
                Err(failure) => visitor.unreadable(&link, failure)?,
            }
        }
        Ok(())
    }

    fn snapshot_tags(
        &self,
        repository: &RepositoryName,
        snapshot: &mut Snapshot,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Failure> {
        let new = snapshot.new_manifests.iter().map(|manifest| manifest.digest);
        let manifests: BTreeSet<Digest> = snapshot.known_manifests.iter().copied().chain(new).collect();
        for name in self.directories_in(&paths::tags(repository), visitor)? {
            let Ok(tag) = name.parse::<Tag>() else { continue };
            let current = paths::tag_current(repository, &tag);
            let mut link = self.read_link(&current);
            if matches!(link, Ok(Link::Absent | Link::Broken)) {
                visitor.found(Damage::BrokenTag, &current)?;
                link = self.read_link(&current);
            }
            match link {
                Ok(Link::To(digest)) if manifests.contains(&digest) => drop(snapshot.tags.insert(name, digest)),
                Ok(Link::To(digest)) => match self.is_gone(repository, digest) {
                    Ok(true) => visitor.found(Damage::DanglingTag, &current)?,
                    // It is told what is wrong with the manifest.
                    Ok(false) => {}
                    Err(failure) => visitor.unreadable(&current, failure)?,
                },
                Ok(Link::NoFile) => visitor.found(Damage::Unreadable, &current)?,
                Ok(Link::Absent | Link::Broken) => {}
                Err(failure) => visitor.unreadable(&current, failure)?,
            }
        }
        Ok(())
    }

    /// Whether nothing is left of a manifest.
    fn is_gone(&self, repository: &RepositoryName, digest: Digest) -> Result<bool, Failure> {
        let link = self.read_link(&paths::revision_link(repository, &digest))?;
        Ok(link == Link::Absent || self.stored_bytes(digest).is_ok_and(|size| size.is_none()))
    }

    /// The digest in a link that `fits`. One that is broken is reported, and read again in case it was mended.
    fn read_mended(
        &self,
        key: &StorageKey,
        visitor: &mut dyn Visitor,
        fits: impl Fn(Digest) -> bool,
    ) -> Result<Option<Digest>, Failure> {
        for attempt in 0..2 {
            match self.read_link(key) {
                Ok(Link::To(digest)) if fits(digest) => return Ok(Some(digest)),
                Ok(Link::Absent) => return Ok(None),
                Ok(Link::To(_) | Link::Broken) if attempt == 0 => visitor.found(Damage::BrokenLink, key)?,
                Ok(Link::To(_) | Link::Broken) => {}
                Ok(Link::NoFile) => return visitor.found(Damage::Unreadable, key).map(|()| None),
                Err(failure) => return visitor.unreadable(key, failure).map(|()| None),
            }
        }
        Ok(None)
    }

    /// What a link says.
    pub(crate) fn read_link(&self, key: &StorageKey) -> Result<Link, Failure> {
        match self.driver.read(key, LINK_BYTES_MAX) {
            Ok(bytes) => {
                let digest = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
                Ok(digest.map_or(Link::Broken, Link::To))
            }
            Err(error) if error.is_not_found() => match self.obstacle(key)? {
                None => Ok(Link::Absent),
                Some(_) => Ok(Link::NoFile),
            },
            Err(StorageError::TooLarge { .. }) => Ok(Link::Broken),
            Err(StorageError::NotFile { .. }) => Ok(Link::NoFile),
            Err(error) => Err(error.into()),
        }
    }

    /// The size of linked content. It is reported which link has lost it.
    fn linked_bytes(
        &self,
        content: Digest,
        (damage, link): (Damage, &StorageKey),
        visitor: &mut dyn Visitor,
    ) -> Result<Option<u64>, Failure> {
        match self.stored_bytes(content) {
            Ok(Some(size_bytes)) => return Ok(Some(size_bytes)),
            Ok(None) => visitor.found(damage, link)?,
            Err(Failure::Storage(StorageError::NotFile { key })) => visitor.found(Damage::Unreadable, &key)?,
            Err(failure) => visitor.unreadable(link, failure)?,
        }
        Ok(None)
    }

    /// The size of stored content, `None` when there is none. What is no file is an error.
    pub(crate) fn stored_bytes(&self, content: Digest) -> Result<Option<u64>, Failure> {
        let key = paths::blob_data(&content);
        match self.driver.stat(&key) {
            Ok(stat) if stat.kind == EntryKind::File => Ok(Some(stat.size_bytes)),
            Ok(_) => Err(StorageError::NotFile { key }.into()),
            Err(error) if error.is_not_found() => match self.obstacle(&key)? {
                None => Ok(None),
                Some(key) => Err(StorageError::NotFile { key }.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// What keeps a file from being found although something is there, as a symbolic link that leads nowhere: it stands in the file's
    /// place, or in that of a directory on the way.
    fn obstacle(&self, key: &StorageKey) -> Result<Option<StorageKey>, Failure> {
        for key in successors(Some(key.clone()), StorageKey::parent) {
            let Some(directory) = key.parent() else { break };
            match self.driver.list(&directory) {
                Ok(entries) => {
                    let entry = entries.into_iter().find(|entry| entry.name == key.name());
                    return Ok(entry.filter(|entry| entry.kind != EntryKind::Directory).map(|_| key));
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// The digests that a directory of links names.
    fn linked(
        &self,
        repository: &RepositoryName,
        directory: fn(&RepositoryName, Algorithm) -> StorageKey,
        visitor: &mut dyn Visitor,
    ) -> Result<Vec<Digest>, Failure> {
        let mut digests = Vec::new();
        for algorithm in Algorithm::ALL {
            let names = self.directories_in(&directory(repository, algorithm), visitor)?;
            let parsed = names.iter().map(|hex| format!("{algorithm}:{hex}").parse::<Digest>());
            digests.extend(parsed.filter_map(Result::ok));
        }
        Ok(digests)
    }

    fn directories_in(&self, key: &StorageKey, visitor: &mut dyn Visitor) -> Result<Vec<String>, Failure> {
        match directories(&*self.driver, key) {
            Ok(names) => Ok(names),
            Err(failure) => visitor.unreadable(key, failure).map(|()| Vec::new()),
        }
    }
}

/// Calls `visit` for every repository of the tree, and `unreadable` for what can't be listed.
pub(crate) fn for_each_repository(
    driver: &dyn Driver,
    visit: &mut dyn FnMut(RepositoryName) -> Result<(), Failure>,
    unreadable: &mut dyn FnMut(Failure) -> Result<(), Failure>,
) -> Result<(), Failure> {
    Walk {
        driver,
        visit,
        unreadable,
    }
    .walk(&paths::repositories(), "")
}

struct Walk<'a> {
    driver: &'a dyn Driver,
    visit: &'a mut dyn FnMut(RepositoryName) -> Result<(), Failure>,
    unreadable: &'a mut dyn FnMut(Failure) -> Result<(), Failure>,
}

impl Walk<'_> {
    fn walk(&mut self, directory: &StorageKey, prefix: &str) -> Result<(), Failure> {
        let directories = match directories(self.driver, directory) {
            Ok(directories) => directories,
            Err(failure) => return (self.unreadable)(failure),
        };
        let (reserved, nested): (Vec<_>, Vec<_>) = directories
            .into_iter()
            .partition(|name| name.starts_with(paths::RESERVED_PREFIX));
        if !reserved.is_empty()
            && let Ok(name) = prefix.parse()
        {
            (self.visit)(name)?;
        }
        for component in nested {
            let name = if prefix.is_empty() {
                component.clone()
            } else {
                format!("{prefix}/{component}")
            };
            if let Ok(child) = directory.join(&component) {
                self.walk(&child, &name)?;
            }
        }
        Ok(())
    }
}

/// What is in a directory; nothing when it is not there.
pub(crate) fn entries(driver: &dyn Driver, key: &StorageKey) -> Result<Vec<Entry>, Failure> {
    match driver.list(key) {
        Ok(entries) => Ok(entries),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The directories in a directory, in order.
pub(crate) fn directories(driver: &dyn Driver, key: &StorageKey) -> Result<Vec<String>, Failure> {
    let mut entries = entries(driver, key)?;
    entries.retain(|entry| entry.kind == EntryKind::Directory);
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    names.sort();
    Ok(names)
}

/// Whether there is something under a key.
pub(crate) fn exists(driver: &dyn Driver, key: &StorageKey) -> Result<bool, Failure> {
    match driver.stat(key) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
