//! The clients that people use, each with configuration, credentials and storage of its own.
//!
//! All of them push the same sources and say afterwards, in their own words, what they pushed or pulled. References are
//! `HOST:PORT/repository:tag` throughout.

mod containers;
mod crane;
mod docker;
mod regctl;
mod skopeo;
pub(crate) mod tool;

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;
use tempfile::TempDir;

pub use containers::Containers;
pub use crane::Crane;
pub use docker::Docker;
pub use regctl::Regctl;
pub use skopeo::Skopeo;

use crate::encoding::{encoded, sha256};
use crate::image::{Image, Index};

/// The tag of every source's OCI layout.
const TAG: &str = "source";

/// A program that pushes and pulls.
pub trait Client: Send {
    /// The program's name.
    fn name(&self) -> &'static str;
    /// Whether a manifest arrives as it was in the source, byte for byte.
    fn keeps_bytes(&self) -> bool;
    /// Pushes an image and returns the manifest's digest as the client reports it.
    fn push(&self, source: &ImageSource, to: &str) -> String;
    /// Pushes what it pushed to `from` to another reference, in another repository say, and returns the digest.
    fn copy(&self, from: &str, to: &str) -> String;
    /// Pulls an image.
    fn pull(&self, from: &str) -> Pulled;
    /// Pushes images of several platforms under one tag and returns the digest of their index as the client reports it.
    fn push_index(&self, source: &IndexSource, to: &str) -> String;
    /// Pulls an index: with all its images where the client can keep them, else the one for linux/amd64.
    fn pull_index(&self, from: &str) -> Pulled;
}

/// What a client says it has pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The digest of the manifest or index behind the reference.
    pub digest: String,
    /// The image IDs; of an index those of all images that were pulled.
    pub image_ids: Vec<String>,
}

/// An image on disk, in the forms that clients push from.
#[derive(Debug)]
pub struct ImageSource {
    /// The image.
    pub image: Image,
    dir: TempDir,
}

impl ImageSource {
    /// Writes an OCI layout and a docker-archive.
    pub fn new(image: Image) -> Self {
        let source = Self {
            image,
            dir: tempfile::tempdir().expect("a temporary directory can be made"),
        };
        source
            .image
            .write_layout(&source.layout(), TAG)
            .expect("a layout can be written");
        source
            .image
            .write_docker_archive(&source.archive(), &source.name())
            .expect("an archive can be written");
        pack(&source.layout(), &source.dir.path().join("layout.tar")).expect("an archive can be written");
        source
    }

    /// The directory of the OCI layout.
    pub fn layout(&self) -> PathBuf {
        self.dir.path().join("layout")
    }

    /// The docker-archive.
    pub fn archive(&self) -> PathBuf {
        self.dir.path().join("image.tar")
    }

    /// The name by which a client knows the image once it has loaded the docker-archive; no other source has it.
    pub fn name(&self) -> String {
        format!("localhost/source:{}", &encoded(self.image.id())[..12])
    }

    /// `oci:DIR:TAG`, as skopeo writes it.
    fn oci(&self) -> String {
        format!("oci:{}:{TAG}", self.layout().display())
    }

    /// `oci-archive:FILE`, as podman and buildah write it: the layout in a tar.
    fn oci_archive(&self) -> String {
        format!("oci-archive:{}", self.dir.path().join("layout.tar").display())
    }

    /// `docker-archive:FILE`, likewise.
    fn docker_archive(&self) -> String {
        format!("docker-archive:{}", self.archive().display())
    }
}

/// Images of several platforms on disk.
#[derive(Debug)]
pub struct IndexSource {
    /// The index with its images.
    pub index: Index,
    dir: TempDir,
    images: Vec<ImageSource>,
}

impl IndexSource {
    /// Writes an OCI layout of all, and each image by itself.
    pub fn new(index: Index) -> Self {
        let images = index.images.iter().cloned().map(ImageSource::new).collect();
        let source = Self {
            index,
            dir: tempfile::tempdir().expect("a temporary directory can be made"),
            images,
        };
        source
            .index
            .write_layout(source.layout(), TAG)
            .expect("a layout can be written");
        source
    }

    /// The directory of the OCI layout.
    pub fn layout(&self) -> &Path {
        self.dir.path()
    }
}

/// Packs a layout into a tar.
fn pack(layout: &Path, file: &Path) -> io::Result<()> {
    let mut archive = tar::Builder::new(fs::File::create(file)?);
    archive.append_dir_all("", layout)?;
    archive.finish()
}

/// What an OCI layout that a client wrote holds behind its only entry.
fn read_layout(layout: &Path) -> Pulled {
    let listed = read_json(&fs::read(layout.join("index.json")).expect("the layout has an index"));
    let digest = text(&listed["manifests"][0]["digest"]);
    let blob = |digest: &str| {
        let path = layout.join("blobs/sha256").join(encoded(digest));
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()));
        assert_eq!(sha256(&bytes), digest, "the client keeps other bytes under this digest");
        bytes
    };
    pulled(digest, blob)
}

/// What a client has pulled, when it keeps every blob and manifest under its digest.
fn pulled(digest: String, blob: impl Fn(&str) -> Vec<u8>) -> Pulled {
    let top = read_json(&blob(&digest));
    let manifests = match top["manifests"].as_array() {
        Some(children) => children
            .iter()
            .map(|child| read_json(&blob(&text(&child["digest"]))))
            .collect(),
        None => vec![top],
    };
    for layer in manifests
        .iter()
        .flat_map(|manifest| manifest["layers"].as_array().into_iter().flatten())
    {
        blob(&text(&layer["digest"]));
    }
    let image_ids = manifests
        .iter()
        .map(|manifest| text(&manifest["config"]["digest"]))
        .collect();
    Pulled { digest, image_ids }
}

fn read_json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(bytes)))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("`{value}` is no text"))
        .to_owned()
}

/// The first `sha256:<hex>` of a text.
fn find_digest(output: &str) -> String {
    let start = output
        .find("sha256:")
        .unwrap_or_else(|| panic!("no digest in `{output}`"));
    output[start..].chars().take("sha256:".len() + 64).collect()
}
