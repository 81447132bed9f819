//! What is pushed before a root changes hands, and pulled after.

use serde_json::Value;
use wharf_testing::http::{Client, Request};
use wharf_testing::image::{Format, Image, ImageBuilder, Index, artifact};

use crate::differential::content::ALL_TYPES;

/// Images of every kind, in repositories that lie beside and within each other.
pub(super) struct Images {
    pub(super) first: Image,
    docker: Image,
    list: Index,
    index: Index,
    artifact: Image,
}

/// A small image of its own.
pub(super) fn image(seed: u64) -> Image {
    ImageBuilder::new(seed).layers(2).layer_bytes(500).build()
}

impl Images {
    pub(super) fn new() -> Self {
        let builder = |seed| ImageBuilder::new(seed).layers(2).layer_bytes(500);
        let platforms = ["linux/amd64", "linux/arm64"];
        let first = image(71);
        Self {
            docker: builder(72).format(Format::Docker).build(),
            list: builder(73).format(Format::Docker).build_index(&platforms),
            index: builder(74).build_index(&platforms),
            artifact: artifact(75, "application/vnd.example.sbom", &first.manifest),
            first,
        }
    }

    pub(super) fn push(&self, client: &Client) {
        self.first.push(client, "library/first", "v1");
        self.artifact.push(client, "library/first", "sbom");
        self.docker.push(client, "library/first/nested", "latest");
        self.docker.push(client, "library", "latest");
        self.list.push(client, "multi", "list");
        self.index.push(client, "multi", "index");
        // The same image under three tags, one of which was on another image before.
        self.docker.push(client, "multi", "moved");
        self.first.push(client, "multi", "moved");
        self.first.push(client, "multi", "v1");
        self.first.push(client, "multi", "v1.0");
    }

    /// Pulls all of them.
    pub(super) fn pull(&self, client: &Client) {
        pull(client, "library/first", "v1", &self.first);
        pull(client, "library/first", "sbom", &self.artifact);
        pull(client, "library/first/nested", "latest", &self.docker);
        pull(client, "library", "latest", &self.docker);
        for (tag, index) in [("list", &self.list), ("index", &self.index)] {
            assert_eq!(manifest(client, "multi", tag), index.manifest.bytes);
            for image in &index.images {
                pull(client, "multi", &image.manifest.digest, image);
            }
        }
        for tag in ["moved", "v1", "v1.0"] {
            pull(client, "multi", tag, &self.first);
        }
    }
}

fn manifest(client: &Client, repository: &str, reference: &str) -> Vec<u8> {
    let get = Request::get(format!("/v2/{repository}/manifests/{reference}"));
    client
        .send(get.header("Accept", ALL_TYPES.join(",")))
        .expect_status(200)
        .body
}

/// Pulls an image whole.
pub(super) fn pull(client: &Client, repository: &str, reference: &str, image: &Image) {
    assert!(
        manifest(client, repository, reference) == image.manifest.bytes,
        "{repository}:{reference}"
    );
    let manifest: Value = serde_json::from_slice(&image.manifest.bytes).expect("it was built as JSON");
    assert_eq!(manifest["config"]["digest"], image.id());
    for blob in image.blobs() {
        let pulled = client.send(Request::get(format!("/v2/{repository}/blobs/{}", blob.digest)));
        assert!(
            pulled.expect_status(200).body == blob.bytes,
            "{repository}@{}",
            blob.digest
        );
    }
}
