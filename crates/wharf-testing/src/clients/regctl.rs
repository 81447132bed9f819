//! `regctl` of regclient.

use super::tool::Tool;
use super::{Client, ImageSource, IndexSource, Pulled, TAG, read_layout};
use crate::packages;

/// `regctl`; it pulls into OCI layouts.
#[derive(Debug)]
pub struct Regctl(Tool);

impl Regctl {
    /// A new configuration that speaks plain HTTP to the registry at `HOST:PORT`; `None` where Go is not installed.
    pub fn new(registry: &str) -> Option<Self> {
        let mut tool = Tool::new(packages::go("regctl")?);
        tool.env("REGCTL_CONFIG", "regctl.json");
        tool.env("DOCKER_CONFIG", "config");
        tool.args(["--host".to_owned(), format!("reg={registry},tls=disabled")]);
        Some(Self(tool))
    }

    /// Copies from and to a registry or a layout and returns the digest of what is there then.
    fn transfer(&self, from: &str, to: &str) -> String {
        self.0.run(["image", "copy", from, to]);
        self.0.run(["image", "digest", to]).trim().to_owned()
    }

    /// The digests of what refers to an image, of all types or of one.
    pub fn referrers(&self, of: &str, artifact_type: Option<&str>) -> Vec<String> {
        let filter = artifact_type.map(|kind| format!("--filter-artifact-type={kind}"));
        let template = "{{range .Descriptors}}{{println .Digest}}{{end}}";
        let words = ["artifact", "list", of, "--format", template].map(str::to_owned);
        let listed = self.0.run(words.into_iter().chain(filter));
        listed.split_whitespace().map(str::to_owned).collect()
    }
}

impl Client for Regctl {
    fn name(&self) -> &'static str {
        "regctl"
    }

    fn keeps_bytes(&self) -> bool {
        true
    }

    fn push(&self, source: &ImageSource, to: &str) -> String {
        self.transfer(&format!("ocidir://{}:{TAG}", source.layout().display()), to)
    }

    fn pull(&self, from: &str) -> Pulled {
        let dir = tempfile::tempdir_in(self.0.path("temporary")).expect("a temporary directory can be made");
        let layout = format!("ocidir://{}:pulled", dir.path().display());
        let digest = self.transfer(from, &layout);
        let pulled = read_layout(dir.path());
        assert_eq!(pulled.digest, digest, "regctl pulls another manifest than it names");
        pulled
    }

    fn copy(&self, from: &str, to: &str) -> String {
        self.transfer(from, to)
    }

    fn push_index(&self, source: &IndexSource, to: &str) -> String {
        self.transfer(&format!("ocidir://{}:{TAG}", source.layout().display()), to)
    }

    fn pull_index(&self, from: &str) -> Pulled {
        self.pull(from)
    }
}
