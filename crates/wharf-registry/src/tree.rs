//! Reading what the tree says of a repository, and telling what is wrong in it on the way.

use std::collections::BTreeSet;

use serde_json::Value;
use wharf_index::{BlobRow, NewManifest, Snapshot};
use wharf_spec::{Algorithm, Digest, Manifest, MediaType, RepositoryName, Tag, schema1};
use wharf_storage::{Driver, Entry, EntryKind, StorageError, StorageKey};

use crate::damage::Damage;
use crate::error::Failure;
use crate::manifest::new_manifest;
use crate::paths;
use crate::registry::Registry;

/// A link holds a digest, and nothing else.
const LINK_BYTES_MAX: u64 = 256;
/// Larger manifests were never accepted by any registry known.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// Is told of damage where it is found. May mend it: a broken link or tag is read again afterwards.
pub(crate) type Report<'a> = dyn FnMut(Damage, &StorageKey) -> Result<(), Failure> + 'a;

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Absent,
    Broken,
    To(Digest),
}

impl Registry {
    /// What the tree says of a repository.
    pub(crate) fn snapshot(&self, repository: &RepositoryName, report: &mut Report<'_>) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::default();
        self.snapshot_blobs(repository, &mut snapshot, report)?;
        self.snapshot_manifests(repository, &mut snapshot, report)?;
        self.snapshot_tags(repository, &mut snapshot, report)?;
        Ok(snapshot)
    }

    fn snapshot_blobs(
        &self,
        repository: &RepositoryName,
        snapshot: &mut Snapshot,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        let known = self.index.blobs(repository)?;
        for digest in linked(&*self.driver, repository, paths::layers)? {
            let link = paths::layer_link(repository, &digest);
            // registry:2 stores a sha512 upload under its sha256, so that a link may name another digest than its directory.
            let fits = |to| to == digest || digest.algorithm() == Algorithm::Sha512;
            let Some(content) = self.read_mended(&link, report, fits)? else {
                continue;
            };
            let Some(size_bytes) = self.content_size(content)? else {
                report(Damage::LinkWithoutBlob, &link)?;
                continue;
            };
            if size_bytes == 0 && content != Digest::of(content.algorithm(), b"") {
                report(Damage::EmptyData, &paths::blob_data(&content))?;
                continue;
            }
            // A size that is known stays: content of another size is damaged, and must not become whole by a restart.
            let recorded = match known.get(&digest).filter(|row| row.content == content) {
                Some(row) => Some(row.size_bytes),
                None => self.index.content_size(content)?,
            };
            if recorded.is_some_and(|recorded| recorded != size_bytes) {
                report(Damage::WrongSize, &paths::blob_data(&content))?;
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
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        let known = self.index.manifest_digests(repository)?;
        for digest in linked(&*self.driver, repository, paths::revisions)? {
            let link = paths::revision_link(repository, &digest);
            if self.read_mended(&link, report, |to| to == digest)?.is_none() {
                continue;
            }
            if self.content_size(digest)?.is_none() {
                report(Damage::LinkWithoutBlob, &link)?;
            } else if known.contains(&digest) {
                snapshot.known_manifests.insert(digest);
            } else if let Some(manifest) = self.read_unknown_manifest(digest)? {
                snapshot.new_manifests.push(manifest);
            } else {
                report(Damage::NotAManifest, &link)?;
            }
        }
        Ok(())
    }

    fn snapshot_tags(
        &self,
        repository: &RepositoryName,
        snapshot: &mut Snapshot,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        let new = snapshot.new_manifests.iter().map(|manifest| manifest.digest);
        let manifests: BTreeSet<Digest> = snapshot.known_manifests.iter().copied().chain(new).collect();
        for name in directories(&*self.driver, &paths::tags(repository))? {
            let Ok(tag) = name.parse::<Tag>() else { continue };
            let current = paths::tag_current(repository, &tag);
            let mut link = self.read_link(&current)?;
            if !matches!(link, Link::To(_)) {
                report(Damage::BrokenTag, &current)?;
                link = self.read_link(&current)?;
            }
            match link {
                Link::To(digest) if manifests.contains(&digest) => drop(snapshot.tags.insert(name, digest)),
                Link::To(_) => report(Damage::DanglingTag, &current)?,
                Link::Absent | Link::Broken => {}
            }
        }
        Ok(())
    }

    /// The digest in a link that `fits`. One that is broken is reported, and read again in case it was mended.
    fn read_mended(
        &self,
        key: &StorageKey,
        report: &mut Report<'_>,
        fits: impl Fn(Digest) -> bool,
    ) -> Result<Option<Digest>, Failure> {
        for attempt in 0..2 {
            match self.read_link(key)? {
                Link::To(digest) if fits(digest) => return Ok(Some(digest)),
                Link::Absent => return Ok(None),
                Link::To(_) | Link::Broken if attempt == 0 => report(Damage::BrokenLink, key)?,
                Link::To(_) | Link::Broken => {}
            }
        }
        Ok(None)
    }

    fn read_link(&self, key: &StorageKey) -> Result<Link, Failure> {
        match self.driver.read(key, LINK_BYTES_MAX) {
            Ok(bytes) => {
                let digest = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
                Ok(digest.map_or(Link::Broken, Link::To))
            }
            Err(error) if error.is_not_found() => Ok(Link::Absent),
            Err(StorageError::TooLarge { .. } | StorageError::NotFile { .. }) => Ok(Link::Broken),
            Err(error) => Err(error.into()),
        }
    }

    /// A manifest that the index does not know. `None` when the content is none.
    fn read_unknown_manifest(&self, digest: Digest) -> Result<Option<NewManifest>, Failure> {
        match self.driver.read(&paths::blob_data(&digest), MANIFEST_BYTES_MAX) {
            Ok(bytes) => Ok(parse_stored(digest, &bytes)),
            Err(StorageError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error.into()),
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

/// The digests that a directory of links names.
fn linked(
    driver: &dyn Driver,
    repository: &RepositoryName,
    directory: fn(&RepositoryName, Algorithm) -> StorageKey,
) -> Result<Vec<Digest>, Failure> {
    let mut digests = Vec::new();
    for algorithm in Algorithm::ALL {
        let names = directories(driver, &directory(repository, algorithm))?;
        digests.extend(
            names
                .iter()
                .filter_map(|hex| format!("{algorithm}:{hex}").parse::<Digest>().ok()),
        );
    }
    Ok(digests)
}

/// What is in a directory; nothing when it is not there.
pub(crate) fn entries(driver: &dyn Driver, key: &StorageKey) -> Result<Vec<Entry>, Failure> {
    match driver.list(key) {
        Ok(entries) => Ok(entries),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The directories in a directory.
pub(crate) fn directories(driver: &dyn Driver, key: &StorageKey) -> Result<Vec<String>, Failure> {
    let directories = entries(driver, key)?
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::Directory);
    Ok(directories.map(|entry| entry.name).collect())
}

/// Whether there is something under a key.
pub(crate) fn exists(driver: &dyn Driver, key: &StorageKey) -> Result<bool, Failure> {
    match driver.stat(key) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Reads a manifest whose type nothing tells but itself. One without a type is an index if it lists manifests, else an image, as
/// registry:2 takes it; one of schema version 1 is what registry:2 keeps of signed manifests. What registry:2 took although wharf would not
/// is served as it is: it is too late to refuse it.
fn parse_stored(digest: Digest, bytes: &[u8]) -> Option<NewManifest> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
        return None;
    };
    let named = fields.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    let is_schema1 = fields.get("schemaVersion").and_then(Value::as_u64) == Some(1);
    let media_type = match MediaType::find(named) {
        _ if is_schema1 => None,
        Some(known) => Some(known),
        None if !named.is_empty() => return None,
        None if fields.contains_key("manifests") => Some(MediaType::OciIndex),
        None if fields.contains_key("config") => Some(MediaType::OciManifest),
        None => return None,
    };
    if let Some(media_type) = media_type
        && let Ok(manifest) = Manifest::parse(media_type, bytes)
    {
        return Some(new_manifest(digest, bytes.len() as u64, &manifest));
    }
    Some(NewManifest {
        digest,
        size_bytes: bytes.len() as u64,
        media_type: media_type.map_or(schema1::MEDIA_TYPE, MediaType::as_str).to_owned(),
        references: if is_schema1 {
            schema1::layers(bytes)?
        } else {
            Vec::new()
        },
        subject: None,
        artifact_type: None,
        annotations: None,
    })
}
