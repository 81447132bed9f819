//! Reading what the tree says of a repository, and telling what is wrong in it on the way.

use std::collections::BTreeSet;

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
        for digest in linked(&*self.driver, repository, paths::layers)? {
            let link = paths::layer_link(repository, &digest);
            // registry:2 stores a sha512 upload under its sha256, so that a link may name another digest than its directory.
            let Some(content) = self.read_mended(&link, report, |to| {
                to == digest || digest.algorithm() == Algorithm::Sha512
            })?
            else {
                continue;
            };
            match self.content_size(content)? {
                Some(size_bytes) => drop(snapshot.blobs.insert(digest, BlobRow { content, size_bytes })),
                None => report(Damage::LinkWithoutBlob, &link)?,
            }
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

/// Calls `visit` for every repository of the tree.
pub(crate) fn for_each_repository(
    driver: &dyn Driver,
    visit: &mut dyn FnMut(RepositoryName) -> Result<(), Failure>,
) -> Result<(), Failure> {
    walk_repositories(driver, &paths::repositories(), "", visit)
}

fn walk_repositories(
    driver: &dyn Driver,
    directory: &StorageKey,
    prefix: &str,
    visit: &mut dyn FnMut(RepositoryName) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (reserved, nested): (Vec<_>, Vec<_>) = directories(driver, directory)?
        .into_iter()
        .partition(|name| name.starts_with(paths::RESERVED_PREFIX));
    if !reserved.is_empty()
        && let Ok(name) = prefix.parse()
    {
        visit(name)?;
    }
    for component in nested {
        let name = if prefix.is_empty() {
            component.clone()
        } else {
            format!("{prefix}/{component}")
        };
        if let Ok(child) = directory.join(&component) {
            walk_repositories(driver, &child, &name, visit)?;
        }
    }
    Ok(())
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

/// Parses a manifest whose type nothing tells but itself. One without a type is an index if it lists manifests, else an image, as
/// registry:2 takes it; one of schema version 1 is what registry:2 keeps of signed manifests.
fn parse_stored(digest: Digest, bytes: &[u8]) -> Option<NewManifest> {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(rename = "schemaVersion", default)]
        schema_version: u64,
        #[serde(rename = "mediaType", default)]
        media_type: String,
        manifests: Option<serde::de::IgnoredAny>,
    }
    let head: Head = serde_json::from_slice(bytes).ok()?;
    let size_bytes = bytes.len() as u64;
    if head.schema_version == 1 {
        let references = schema1::layers(bytes)?;
        let media_type = schema1::MEDIA_TYPE.to_owned();
        return Some(NewManifest {
            digest,
            size_bytes,
            media_type,
            references,
            subject: None,
            artifact_type: None,
            annotations: None,
        });
    }
    let media_type = match (head.media_type.as_str(), head.manifests) {
        ("", Some(_)) => MediaType::OciIndex,
        ("", None) => MediaType::OciManifest,
        (named, _) => MediaType::find(named)?,
    };
    let manifest = Manifest::parse(media_type, bytes).ok()?;
    Some(new_manifest(digest, size_bytes, &manifest))
}
