//! The steps that most cases have in common.

use serde_json::{Value, json};
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use super::Torture;

pub(crate) const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Torture {
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        self.send(Request::get(target))
    }

    #[track_caller]
    pub(crate) fn delete(&self, target: &str) -> Response {
        self.send(Request::delete(target))
    }

    /// Pushes a blob in one request and returns its digest.
    #[track_caller]
    pub(crate) fn push_blob(&self, repository: &str, content: &[u8]) -> String {
        let digest = sha256(content);
        let target = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        self.send(Request::post(target).body(content)).expect_status(201);
        digest
    }

    #[track_caller]
    pub(crate) fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) -> Response {
        let target = format!("/v2/{repository}/manifests/{reference}");
        self.send(Request::put(target).header("Content-Type", media_type).body(bytes))
    }

    /// Pushes an image whose config and layer are made from `seed`, and returns its manifest's bytes.
    #[track_caller]
    pub(crate) fn push_image(&self, repository: &str, reference: &str, seed: &str) -> Vec<u8> {
        let manifest = self.image(repository, seed).to_string().into_bytes();
        self.put_manifest(repository, reference, OCI_IMAGE, &manifest)
            .expect_status(201);
        manifest
    }

    /// Pushes a config and a layer made from `seed`, and returns an image manifest of them that is not pushed yet.
    #[track_caller]
    pub(crate) fn image(&self, repository: &str, seed: &str) -> Value {
        let config = json!({"architecture": "amd64", "os": "linux", "author": seed}).to_string();
        let layer = format!("layer of {seed}");
        self.push_blob(repository, config.as_bytes());
        self.push_blob(repository, layer.as_bytes());
        json!({
            "schemaVersion": 2,
            "mediaType": OCI_IMAGE,
            "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer.as_bytes())],
        })
    }

    /// Checks that a manifest or blob is served byte for byte.
    #[track_caller]
    pub(crate) fn expect_content(&self, target: &str, content: &[u8]) {
        let answer = self.get(target).expect_status(200);
        assert!(answer.body == content, "other bytes at {target}: {answer}");
    }

    /// The status of a manifest by tag or digest.
    #[track_caller]
    pub(crate) fn manifest_status(&self, repository: &str, reference: &str) -> u16 {
        self.send(Request::head(format!("/v2/{repository}/manifests/{reference}")))
            .status
    }
}

/// A descriptor of these bytes, by sha256.
pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(content), "size": content.len() })
}

/// An index of these entries. Without any it can be pushed anywhere.
pub(crate) fn index(entries: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries })
        .to_string()
        .into_bytes()
}
