//! What the configuration demands of a manifest.

use std::fmt;
use std::sync::Arc;

use wharf_spec::{Descriptor, Manifest, MediaType};

use crate::error::PutManifestError;

/// Whether the entries of an index must be in the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IndexRule {
    /// All of them.
    #[default]
    All,
    /// None: a sparse index is taken.
    None,
    /// Those of the named platforms, as pairs of `os` and `architecture`.
    Platforms(Vec<(String, String)>),
}

impl IndexRule {
    fn demands(&self, entry: &Descriptor) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Platforms(platforms) => entry.platform.as_ref().is_some_and(|platform| {
                platforms
                    .iter()
                    .any(|(os, architecture)| *os == platform.os && *architecture == platform.architecture)
            }),
        }
    }
}

/// Which URLs layers may name. Wharf never fetches one.
#[derive(Clone)]
pub struct UrlRule(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl UrlRule {
    /// A rule that permits what `permits` says.
    pub fn new(permits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(permits))
    }
}

impl Default for UrlRule {
    /// Permits every URL.
    fn default() -> Self {
        Self::new(|_| true)
    }
}

impl fmt::Debug for UrlRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlRule")
    }
}

/// Checks of a manifest beyond its form.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What a manifest refers to need not be in the repository.
    pub sparse: bool,
    /// Which URLs layers may name.
    pub urls: UrlRule,
    /// Which entries of an index must exist.
    pub index: IndexRule,
    /// Classes of content that are taken (`image`, `plugin`); all when empty.
    pub classes: Vec<String>,
}

impl Rules {
    /// The references that must be in the repository, each with whether it is a manifest.
    pub(crate) fn demanded<'a>(&'a self, manifest: &'a Manifest) -> Vec<(&'a Descriptor, bool)> {
        if self.sparse {
            return Vec::new();
        }
        let layers = manifest
            .layers
            .iter()
            .filter(|layer| layer.urls.is_empty() && !is_foreign(layer));
        let blobs = manifest.config.iter().chain(layers).map(|blob| (blob, false));
        let entries = manifest.manifests.iter().filter(|entry| self.index.demands(entry));
        blobs.chain(entries.map(|entry| (entry, true))).collect()
    }

    /// Checks layer URLs and the class.
    pub(crate) fn check(&self, manifest: &Manifest) -> Result<(), PutManifestError> {
        if let Some(layer) = manifest
            .layers
            .iter()
            .find(|layer| layer.urls.iter().any(|url| !(self.urls.0)(url)))
        {
            return Err(PutManifestError::Url(layer.digest));
        }
        match class(manifest) {
            Some(class) if !self.classes.is_empty() && !self.classes.iter().any(|allowed| allowed == class) => {
                Err(PutManifestError::Class(class))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the content of a layer need not be in a registry, by its type.
fn is_foreign(layer: &Descriptor) -> bool {
    layer
        .media_type
        .starts_with("application/vnd.oci.image.layer.nondistributable.v1.")
        || layer.media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
}

/// The class of content, by the type of the configuration, as registry:2 tells it.
fn class(manifest: &Manifest) -> Option<&'static str> {
    match manifest.config.as_ref()?.media_type.as_str() {
        "application/vnd.docker.plugin.v1+json" => Some("plugin"),
        "application/vnd.docker.container.image.v1+json" => Some("image"),
        _ if manifest.media_type == MediaType::OciManifest => Some("image"),
        _ => None,
    }
}
