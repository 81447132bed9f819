//! `skopeo` of Debian.

use std::fs;
use std::path::Path;

use super::containers::configure;
use super::tool::Tool;
use super::{Client, ImageSource, IndexSource, Pulled, TAG, pulled};
use crate::encoding::{encoded, sha256};
use crate::packages;

/// `skopeo`; it pulls into OCI layouts and directories.
#[derive(Debug)]
pub struct Skopeo(Tool);

impl Skopeo {
    /// A new configuration.
    pub fn new() -> Self {
        let mut tool = Tool::new(packages::debian("skopeo"));
        configure(&mut tool);
        Self(tool)
    }

    /// `skopeo copy` with these options from and to any transport; returns the digest it reports.
    pub fn transfer(&self, options: &[&str], from: &str, to: &str) -> String {
        let file = self.0.path_text("digest");
        let common = [
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            "--digestfile",
            &file,
            from,
            to,
        ];
        self.0.run(["copy"].iter().chain(options).chain(&common));
        fs::read_to_string(file)
            .expect("skopeo writes the digest")
            .trim()
            .to_owned()
    }

    /// Copies into a `dir:` directory, which keeps docker's manifests as they are, and reads it.
    fn pull_dir(&self, options: &[&str], from: &str) -> Pulled {
        let dir = tempfile::tempdir_in(self.0.path("temporary")).expect("a temporary directory can be made");
        let digest = self.transfer(
            options,
            &format!("docker://{from}"),
            &format!("dir:{}", dir.path().display()),
        );
        pulled(digest.clone(), |wanted| {
            let bytes = read_dir_file(dir.path(), wanted == digest, wanted);
            assert_eq!(sha256(&bytes), wanted, "skopeo keeps other bytes under this digest");
            bytes
        })
    }
}

/// A blob or manifest of a `dir:` directory.
fn read_dir_file(dir: &Path, top: bool, digest: &str) -> Vec<u8> {
    let hex = encoded(digest);
    let names = if top {
        vec!["manifest.json".to_owned()]
    } else {
        vec![hex.to_owned(), format!("{hex}.manifest.json")]
    };
    let found = names.iter().find_map(|name| fs::read(dir.join(name)).ok());
    found.unwrap_or_else(|| panic!("skopeo has not pulled {digest}"))
}

impl Default for Skopeo {
    fn default() -> Self {
        Self::new()
    }
}

impl Client for Skopeo {
    fn name(&self) -> &'static str {
        "skopeo"
    }

    fn keeps_bytes(&self) -> bool {
        true
    }

    fn push(&self, source: &ImageSource, to: &str) -> String {
        self.transfer(&[], &source.oci(), &format!("docker://{to}"))
    }

    fn pull(&self, from: &str) -> Pulled {
        self.pull_dir(&[], from)
    }

    fn copy(&self, from: &str, to: &str) -> String {
        self.transfer(&[], &format!("docker://{from}"), &format!("docker://{to}"))
    }

    fn push_index(&self, source: &IndexSource, to: &str) -> String {
        let from = format!("oci:{}:{TAG}", source.layout().display());
        self.transfer(&["--all"], &from, &format!("docker://{to}"))
    }

    fn pull_index(&self, from: &str) -> Pulled {
        self.pull_dir(&["--all"], from)
    }
}
