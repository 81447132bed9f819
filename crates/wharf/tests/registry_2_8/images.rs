//! Manifests to push, written as text, since the bytes are what counts.

use serde_json::{Value, json};
use wharf_testing::encoding::sha256;

use crate::expect::Expect;
use crate::subject::Subject;

pub(crate) const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
pub(crate) const SCHEMA2_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub(crate) const SCHEMA2_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
pub(crate) const SCHEMA2_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The config of every image here: one layer and one empty history entry, so that it can be converted to schema 1.
pub(crate) const CONFIG: &str = r#"{"architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z", "config": {"Cmd": ["/bin/sh"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"]}, "history": [{"created": "2020-01-01T00:00:00Z", "created_by": "ADD x"}, {"created": "2020-01-02T00:00:00Z", "created_by": "CMD sh", "empty_layer": true}]}"#;

/// The only layer of every image here.
pub(crate) const LAYER: &str = "hello world";

/// A descriptor of these bytes.
pub(crate) fn descriptor(media_type: &str, bytes: &str) -> Value {
    json!({"mediaType": media_type, "size": bytes.len(), "digest": sha256(bytes)})
}

/// A descriptor of a digest whose content is nowhere.
pub(crate) fn missing(media_type: &str, seed: &str) -> Value {
    json!({"mediaType": media_type, "size": seed.len(), "digest": sha256(seed)})
}

/// An image manifest of either kind with this config and these layers.
pub(crate) fn image(media_type: &str, config: &Value, layers: &[Value]) -> Value {
    let (config, layers) = (config.clone(), layers.to_vec());
    json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers})
}

/// An index of either kind with these children.
pub(crate) fn index(media_type: &str, children: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": media_type, "manifests": children})
}

/// A child of an index: a manifest for this architecture of Linux.
pub(crate) fn child(media_type: &str, manifest: &str, architecture: &str) -> Value {
    let mut child = descriptor(media_type, manifest);
    child["platform"] = json!({"architecture": architecture, "os": "linux"});
    child
}

/// The manifest of the image, docker's schema 2.
pub(crate) fn schema2() -> Value {
    let layers = [descriptor(SCHEMA2_LAYER, LAYER)];
    image(SCHEMA2, &descriptor(SCHEMA2_CONFIG, CONFIG), &layers)
}

/// The manifest of the image, OCI.
pub(crate) fn oci() -> Value {
    image(OCI, &descriptor(OCI_CONFIG, CONFIG), &[descriptor(OCI_LAYER, LAYER)])
}

/// Pushes config and layer.
pub(crate) fn push_blobs(c: &Subject, repository: &str) {
    c.push_blob(repository, CONFIG);
    c.push_blob(repository, LAYER);
}

/// Pushes the docker image to this repository and tag; the manifest's text.
pub(crate) fn push_schema2(c: &Subject, repository: &str, tag: &str) -> String {
    push(c, repository, tag, SCHEMA2, &schema2())
}

/// Pushes the OCI image to this repository and tag; the manifest's text.
pub(crate) fn push_oci(c: &Subject, repository: &str, tag: &str) -> String {
    push(c, repository, tag, OCI, &oci())
}

fn push(c: &Subject, repository: &str, tag: &str, media_type: &str, manifest: &Value) -> String {
    push_blobs(c, repository);
    let text = format!("{manifest:#}");
    c.push_manifest(repository, tag, media_type, &text);
    text
}

/// The answer to GET of a manifest.
pub(crate) fn found(media_type: &str, text: &str) -> Expect {
    let digest = sha256(text);
    Expect::bytes(200, text)
        .header("content-type", media_type)
        .header("etag", format!("\"{digest}\""))
        .header("docker-content-digest", digest)
}

/// The answer to PUT of a manifest.
pub(crate) fn stored(c: &Subject, repository: &str, text: &str) -> Expect {
    let digest = sha256(text);
    let location = c.url(&format!("/v2/{repository}/manifests/{digest}"));
    Expect::empty(201)
        .header("docker-content-digest", digest)
        .header("location", location)
}
