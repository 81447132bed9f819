//! Confirming the index against the tree.
//!
//! registry:2 may have written to the root before wharf or in between, and a crash may have come between a file and its row. So a
//! repository is compared with its tree when it is first touched after a start, and a sweep in the background compares the rest.
//! What counts is the tree.

use std::collections::HashSet;

use wharf_index::{BlobRow, Snapshot};
use wharf_spec::{Algorithm, Digest, Manifest, MediaType, RepositoryName, Tag};
use wharf_storage::{EntryKind, StorageError, StorageKey};

use crate::error::Failure;
use crate::manifest::new_manifest;
use crate::paths;
use crate::registry::Registry;

/// A link holds a digest, and nothing else.
const LINK_BYTES_MAX: u64 = 256;
/// Larger manifests were never accepted by any registry known.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

impl Registry {
    /// Compares a repository with its tree, unless that was done since the start. Before anything of it is read.
    pub(crate) fn confirm(&self, repository: &RepositoryName) -> Result<(), Failure> {
        self.confirm_once(repository, false)
    }

    /// The same before something is written: a repository that is not there yet needs no comparison later.
    pub(crate) fn confirm_for_write(&self, repository: &RepositoryName) -> Result<(), Failure> {
        self.confirm_once(repository, true)
    }

    fn confirm_once(&self, repository: &RepositoryName, even_if_absent: bool) -> Result<(), Failure> {
        if self.confirmed.read().contains(repository) {
            return Ok(());
        }
        // Whoever adds to the repository has confirmed it before, so that nothing is added during the comparison.
        let _guard = self.locks.remove(repository);
        if self.confirmed.read().contains(repository) {
            return Ok(());
        }
        let is_there = exists(self.driver.stat(&paths::repository(repository)))?;
        if is_there || !self.index.manifest_digests(repository)?.is_empty() {
            let snapshot = self.snapshot(repository)?;
            let change = self.index.apply_snapshot(repository, snapshot)?;
            if change != wharf_index::SnapshotChange::default() {
                tracing::info!(%repository, added = change.added, removed = change.removed, "took in what the tree says");
            }
        }
        // Names that are nowhere are not remembered: a client can think of any number of them.
        if is_there || even_if_absent {
            self.confirmed.write().insert(repository.clone());
        }
        Ok(())
    }

    /// Compares every repository that the tree or the index has. What can't be read is reported and passed over.
    pub fn sweep(&self) {
        let _swept = Swept(self);
        let mut names = HashSet::new();
        self.find_repositories(&paths::repositories(), "", &mut names);
        match self.index.repositories() {
            Ok(known) => names.extend(known.iter().filter_map(|name| name.parse().ok())),
            Err(error) => tracing::error!(%error, "could not list the index"),
        }
        for name in &names {
            if let Err(error) = self.confirm(name) {
                tracing::error!(repository = %name, %error, "could not compare a repository with its tree");
            }
        }
        tracing::debug!(repositories = names.len(), "compared the index with the tree");
    }

    /// Waits for the first sweep of a new index, before which a list of everything would lack most of it.
    pub async fn wait_until_swept(&self) {
        // The sender lives as long as the registry.
        let _ = self.swept.subscribe().wait_for(|swept| *swept).await;
    }

    pub(crate) fn find_repositories(&self, directory: &StorageKey, prefix: &str, names: &mut HashSet<RepositoryName>) {
        let entries = match self.driver.list(directory) {
            Ok(entries) => entries,
            Err(error) if error.is_not_found() => return,
            Err(error) => return tracing::error!(%error, "could not list a directory"),
        };
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Directory) {
            if entry.name.starts_with(paths::RESERVED_PREFIX) {
                names.extend(prefix.parse());
                continue;
            }
            let name = if prefix.is_empty() {
                entry.name.clone()
            } else {
                format!("{prefix}/{}", entry.name)
            };
            if let Ok(child) = directory.join(&entry.name) {
                self.find_repositories(&child, &name, names);
            }
        }
    }

    fn snapshot(&self, repository: &RepositoryName) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::default();
        self.snapshot_blobs(repository, &mut snapshot)?;
        self.snapshot_manifests(repository, &mut snapshot)?;
        self.snapshot_tags(repository, &mut snapshot)?;
        Ok(snapshot)
    }

    fn snapshot_blobs(&self, repository: &RepositoryName, snapshot: &mut Snapshot) -> Result<(), Failure> {
        for digest in self.linked(repository, paths::layers)? {
            let Some(content) = self.read_link(&paths::layer_link(repository, &digest))? else {
                continue;
            };
            if let Some(size_bytes) = self.content_size(content)? {
                snapshot.blobs.insert(digest, BlobRow { content, size_bytes });
            } else {
                tracing::warn!(%repository, %digest, "link to a blob without bytes");
            }
        }
        Ok(())
    }

    fn snapshot_manifests(&self, repository: &RepositoryName, snapshot: &mut Snapshot) -> Result<(), Failure> {
        let known: HashSet<Digest> = self.index.manifest_digests(repository)?.into_iter().collect();
        for digest in self.linked(repository, paths::revisions)? {
            if self.read_link(&paths::revision_link(repository, &digest))? != Some(digest) {
                continue;
            }
            if known.contains(&digest) && self.content_size(digest)?.is_some() {
                snapshot.known_manifests.push(digest);
                continue;
            }
            let bytes = match self.driver.read(&paths::blob_data(&digest), MANIFEST_BYTES_MAX) {
                Ok(bytes) => bytes,
                Err(error) if error.is_not_found() => continue,
                Err(error) => {
                    tracing::warn!(%repository, %digest, %error, "could not read a manifest");
                    continue;
                }
            };
            if let Some(manifest) = parse_stored(&bytes) {
                snapshot
                    .new_manifests
                    .push(new_manifest(digest, bytes.len() as u64, &manifest));
            } else {
                tracing::warn!(%repository, %digest, "a revision is no manifest that wharf knows");
            }
        }
        Ok(())
    }

    fn snapshot_tags(&self, repository: &RepositoryName, snapshot: &mut Snapshot) -> Result<(), Failure> {
        let manifests: HashSet<Digest> = snapshot
            .known_manifests
            .iter()
            .copied()
            .chain(snapshot.new_manifests.iter().map(|manifest| manifest.digest))
            .collect();
        for name in self.directories(&paths::tags(repository))? {
            let Ok(tag) = name.parse::<Tag>() else { continue };
            match self.read_link(&paths::tag_current(repository, &tag))? {
                Some(digest) if manifests.contains(&digest) => {
                    snapshot.tags.insert(name, digest);
                }
                Some(digest) => tracing::warn!(%repository, %tag, %digest, "tag on a manifest that is not there"),
                None => {}
            }
        }
        Ok(())
    }

    /// The digests that a directory of links names.
    fn linked(
        &self,
        repository: &RepositoryName,
        directory: fn(&RepositoryName, Algorithm) -> StorageKey,
    ) -> Result<Vec<Digest>, Failure> {
        let mut digests = Vec::new();
        for algorithm in Algorithm::ALL {
            let names = self.directories(&directory(repository, algorithm))?;
            digests.extend(
                names
                    .iter()
                    .filter_map(|hex| format!("{algorithm}:{hex}").parse::<Digest>().ok()),
            );
        }
        Ok(digests)
    }

    fn directories(&self, key: &StorageKey) -> Result<Vec<String>, Failure> {
        match self.driver.list(key) {
            Ok(entries) => {
                let directories = entries.into_iter().filter(|entry| entry.kind == EntryKind::Directory);
                Ok(directories.map(|entry| entry.name).collect())
            }
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// The digest in a link; `None` when there is no link, or one that a crash left broken.
    fn read_link(&self, key: &StorageKey) -> Result<Option<Digest>, Failure> {
        match self.driver.read(key, LINK_BYTES_MAX) {
            Ok(bytes) => {
                let digest = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
                if digest.is_none() {
                    tracing::warn!(%key, "broken link");
                }
                Ok(digest)
            }
            Err(error) if error.is_not_found() || matches!(error, StorageError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Lets the catalog go on when a sweep ends, in whatever way.
struct Swept<'a>(&'a Registry);

impl Drop for Swept<'_> {
    fn drop(&mut self) {
        self.0.swept.send_replace(true);
    }
}

fn exists(stat: Result<wharf_storage::Stat, StorageError>) -> Result<bool, Failure> {
    match stat {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Parses a manifest whose type nothing tells but itself. One without a type is an index if it lists manifests, else an image, as
/// registry:2 takes it.
fn parse_stored(bytes: &[u8]) -> Option<Manifest> {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(rename = "mediaType", default)]
        media_type: String,
        manifests: Option<serde::de::IgnoredAny>,
    }
    let head: Head = serde_json::from_slice(bytes).ok()?;
    let media_type = match (head.media_type.as_str(), head.manifests) {
        ("", Some(_)) => MediaType::OciIndex,
        ("", None) => MediaType::OciManifest,
        (named, _) => MediaType::find(named)?,
    };
    Manifest::parse(media_type, bytes).ok()
}
