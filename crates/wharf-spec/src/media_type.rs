//! Media types of manifests, and negotiation by `Accept`.

use std::fmt;

/// A manifest type that wharf stores and serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// Docker image manifest, schema 2.
    DockerManifest,
    /// Docker manifest list.
    DockerList,
    /// OCI image manifest.
    OciManifest,
    /// OCI image index.
    OciIndex,
    /// OCI artifact manifest, of the image specification's 1.1 release candidates.
    OciArtifact,
}

/// An unsigned schema 1 manifest.
pub const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// The type of a blob's bytes.
pub const OCTET_STREAM: &str = "application/octet-stream";

impl MediaType {
    /// All manifest types.
    pub const ALL: [Self; 5] = [
        Self::DockerManifest,
        Self::DockerList,
        Self::OciManifest,
        Self::OciIndex,
        Self::OciArtifact,
    ];

    /// The type as it stands in `Content-Type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DockerManifest => "application/vnd.docker.distribution.manifest.v2+json",
            Self::DockerList => "application/vnd.docker.distribution.manifest.list.v2+json",
            Self::OciManifest => "application/vnd.oci.image.manifest.v1+json",
            Self::OciIndex => "application/vnd.oci.image.index.v1+json",
            Self::OciArtifact => "application/vnd.oci.artifact.manifest.v1+json",
        }
    }

    /// Finds the type in a header value. Parameters after `;` are left aside, as registry:2 does.
    pub fn find(value: &str) -> Option<Self> {
        let value = essence(value);
        Self::ALL.into_iter().find(|known| known.as_str() == value)
    }

    /// Whether it is one of docker's own types, which must name themselves and may be converted for old clients.
    pub const fn is_docker(self) -> bool {
        matches!(self, Self::DockerManifest | Self::DockerList)
    }

    /// Whether it lists other manifests.
    pub const fn is_index(self) -> bool {
        matches!(self, Self::DockerList | Self::OciIndex)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A header value without its parameters.
pub fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// What a client says it can read: all its `Accept` lines together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accept {
    types: Vec<String>,
}

impl Accept {
    /// Reads every line. Parameters, `q` among them, are left aside.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let types = lines
            .into_iter()
            .flat_map(|line| line.split(','))
            .map(essence)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect();
        Self { types }
    }

    /// Whether the client leaves the choice to the server: it names no type, or a wildcard.
    pub fn is_open(&self) -> bool {
        self.types.is_empty()
            || self
                .types
                .iter()
                .any(|value| value == "*/*" || value == "application/*")
    }

    /// Whether the client named this very type.
    pub fn names(&self, media_type: MediaType) -> bool {
        self.types.iter().any(|value| value == media_type.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_without_their_parameters() {
        for known in MediaType::ALL {
            assert_eq!(MediaType::find(&format!("{known}; charset=utf-8")), Some(known));
        }
        assert_eq!(MediaType::find("text/plain"), None);
        assert_eq!(MediaType::find(""), None);
    }

    #[test]
    fn accept_reads_every_line() {
        let accept = Accept::parse([
            MediaType::OciIndex.as_str(),
            "text/plain;q=0.5, application/vnd.docker.distribution.manifest.v2+json;q=1",
        ]);
        assert!(accept.names(MediaType::OciIndex) && accept.names(MediaType::DockerManifest));
        assert!(!accept.names(MediaType::DockerList) && !accept.is_open());
        assert!(Accept::parse([]).is_open());
        assert!(Accept::parse(["text/html, */*;q=0.1"]).is_open());
    }
}
