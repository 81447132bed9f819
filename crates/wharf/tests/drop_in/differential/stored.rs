//! What a root of registry:2 holds, read from its files. It says what wharf must answer where it answers more than
//! registry 2.8 does.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A root's tree.
pub(crate) struct Stored {
    tree: PathBuf,
}

/// A manifest with what a client sees of it.
pub(crate) struct StoredManifest {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

impl Stored {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            tree: root.join("docker/registry/v2"),
        }
    }

    fn link(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.tree.join("repositories").join(path)).ok()
    }

    /// Content by digest.
    pub(crate) fn content(&self, digest: &str) -> Option<Vec<u8>> {
        let (algorithm, hex) = digest.split_once(':')?;
        fs::read(
            self.tree
                .join(format!("blobs/{algorithm}/{}/{hex}/data", hex.get(..2)?)),
        )
        .ok()
    }

    /// Whether a repository has a manifest of this digest.
    pub(crate) fn has_manifest(&self, repository: &str, digest: &str) -> bool {
        let path = format!("{repository}/_manifests/revisions/{}/link", digest.replace(':', "/"));
        self.link(&path).is_some()
    }

    /// The digest that a tag points to, or the reference itself.
    pub(crate) fn resolve(&self, repository: &str, reference: &str) -> Option<String> {
        if reference.contains(':') {
            return Some(reference.to_owned());
        }
        self.link(&format!("{repository}/_manifests/tags/{reference}/current/link"))
    }

    /// A manifest by tag or digest.
    pub(crate) fn manifest(&self, repository: &str, reference: &str) -> Option<StoredManifest> {
        let digest = self.resolve(repository, reference)?;
        if !self.has_manifest(repository, &digest) {
            return None;
        }
        let bytes = self.content(&digest)?;
        let manifest: Value = serde_json::from_slice(&bytes).ok()?;
        let media_type = match manifest["mediaType"].as_str() {
            Some(named) => named,
            None if manifest.get("manifests").is_some() => crate::differential::content::INDEX,
            None => crate::differential::content::OCI,
        };
        Some(StoredManifest {
            digest,
            media_type: media_type.to_owned(),
            bytes,
        })
    }

    /// The manifests of a repository, by digest.
    pub(crate) fn manifests(&self, repository: &str) -> Vec<(String, Vec<u8>)> {
        let revisions = self
            .tree
            .join(format!("repositories/{repository}/_manifests/revisions/sha256"));
        let entries = fs::read_dir(revisions).into_iter().flatten().flatten();
        let linked = entries.filter(|entry| entry.path().join("link").exists());
        let mut manifests: Vec<_> = linked
            .filter_map(|entry| {
                let digest = format!("sha256:{}", entry.file_name().to_string_lossy());
                let bytes = self.content(&digest)?;
                Some((digest, bytes))
            })
            .collect();
        manifests.sort();
        manifests
    }

    /// The bytes that an upload holds.
    pub(crate) fn upload_size(&self, repository: &str, id: &str) -> u64 {
        let data = self.tree.join(format!("repositories/{repository}/_uploads/{id}/data"));
        fs::metadata(data).map_or(0, |metadata| metadata.len())
    }

    /// Whether a repository has a blob.
    pub(crate) fn has_blob(&self, repository: &str, digest: &str) -> bool {
        let path = format!("{repository}/_layers/{}/link", digest.replace(':', "/"));
        self.link(&path).is_some()
    }

    /// Every repository's directory, by name.
    pub(crate) fn directories(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect(&self.tree.join("repositories"), "", &mut names);
        names
    }

    /// The repositories that hold a manifest, in the catalog's order.
    pub(crate) fn repositories_with_manifests(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .directories()
            .into_iter()
            .filter(|name| self.holds_manifests(name))
            .collect();
        names.sort_by_key(|name| name.replace('/', "\0"));
        names
    }

    /// Whether a repository holds a manifest.
    pub(crate) fn holds_manifests(&self, repository: &str) -> bool {
        !self.manifests(repository).is_empty()
    }
}

/// Names the directories that hold `_` directories.
fn collect(directory: &Path, name: &str, names: &mut Vec<String>) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let children: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if children.iter().any(|child| child.starts_with('_')) {
        names.push(name.to_owned());
    }
    for child in children.iter().filter(|child| !child.starts_with('_')) {
        let path = if name.is_empty() {
            child.clone()
        } else {
            format!("{name}/{child}")
        };
        collect(&directory.join(child), &path, names);
    }
}
