//! `crane` of go-containerregistry.

use super::tool::Tool;
use super::{Client, ImageSource, IndexSource, Pulled, find_digest, read_layout};
use crate::packages;

/// `crane`; it pulls into OCI layouts.
#[derive(Debug)]
pub struct Crane(Tool);

impl Crane {
    /// A new configuration; `None` where Go is not installed.
    pub fn new() -> Option<Self> {
        let mut tool = Tool::new(packages::go("crane")?);
        tool.env("DOCKER_CONFIG", "config");
        Some(Self(tool))
    }
}

impl Client for Crane {
    fn name(&self) -> &'static str {
        "crane"
    }

    fn keeps_bytes(&self) -> bool {
        true
    }

    fn push(&self, source: &ImageSource, to: &str) -> String {
        find_digest(&self.0.run(["push", &source.layout().display().to_string(), to]))
    }

    fn pull(&self, from: &str) -> Pulled {
        let dir = tempfile::tempdir_in(self.0.path("temporary")).expect("a temporary directory can be made");
        self.0
            .run(["pull", "--format=oci", from, &dir.path().display().to_string()]);
        let digest = self.0.run(["digest", from]);
        let pulled = read_layout(dir.path());
        assert_eq!(
            pulled.digest,
            digest.trim(),
            "crane pulls another manifest than it names"
        );
        pulled
    }

    fn copy(&self, from: &str, to: &str) -> String {
        self.0.run(["copy", from, to]);
        self.0.run(["digest", to]).trim().to_owned()
    }

    fn push_index(&self, source: &IndexSource, to: &str) -> String {
        find_digest(&self.0.run(["push", &source.layout().display().to_string(), to]))
    }

    fn pull_index(&self, from: &str) -> Pulled {
        self.pull(from)
    }
}
