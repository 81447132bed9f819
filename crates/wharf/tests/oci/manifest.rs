//! Manifests as the bytes that go over the wire.

use serde_json::{Value, json};
use wharf_testing::encoding::{sha256, sha512};

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const EMPTY_JSON: &str = "application/vnd.oci.empty.v1+json";

/// A manifest: bytes and the type under which they are pushed.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    bytes: Vec<u8>,
    media_type: &'static str,
}

impl Manifest {
    /// The JSON as it is serialised here, pushed as this type.
    pub(crate) fn of(media_type: &'static str, json: &Value) -> Self {
        Self::raw(media_type, json.to_string())
    }

    /// Any bytes, pushed as this type.
    pub(crate) fn raw(media_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            media_type,
        }
    }

    /// An image of these contents.
    pub(crate) fn image(config: &[u8], layers: &[&[u8]]) -> Self {
        Self::of(IMAGE, &image_json(config, layers))
    }

    /// An index of these manifests, in this order.
    pub(crate) fn index(children: &[&Self]) -> Self {
        Self::of(INDEX, &index_json(children))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// The sha256 digest of the bytes.
    pub(crate) fn digest(&self) -> String {
        sha256(&self.bytes)
    }

    /// The sha512 digest of the bytes.
    pub(crate) fn sha512(&self) -> String {
        sha512(&self.bytes)
    }

    /// A descriptor of it.
    pub(crate) fn descriptor(&self) -> Value {
        descriptor(self.media_type, &self.bytes)
    }

    /// The same manifest with another member, or with another value of it.
    pub(crate) fn with(&self, name: &str, value: Value) -> Self {
        let mut json: Value = serde_json::from_slice(&self.bytes).expect("the manifest is JSON");
        json[name] = value;
        Self::of(self.media_type, &json)
    }

    /// The same manifest, about another one.
    pub(crate) fn about(&self, subject: &Self) -> Self {
        self.with("subject", subject.descriptor())
    }
}

/// The JSON of an image, to be changed before it becomes a manifest.
pub(crate) fn image_json(config: &[u8], layers: &[&[u8]]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": descriptor(CONFIG, config),
        "layers": layers.iter().map(|layer| descriptor(LAYER, layer)).collect::<Vec<_>>(),
    })
}

/// The JSON of an index, to be changed before it becomes a manifest.
pub(crate) fn index_json(children: &[&Manifest]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": children.iter().map(|child| child.descriptor()).collect::<Vec<_>>(),
    })
}

/// A descriptor of these bytes, by sha256.
pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(content), "size": content.len() })
}

/// An artifact whose only contents are the two empty objects, so that pushing `{}` is all it needs.
pub(crate) fn artifact(artifact_type: &str) -> Manifest {
    let mut json = image_json(b"{}", &[b"{}"]);
    json["artifactType"] = json!(artifact_type);
    json["config"]["mediaType"] = json!(EMPTY_JSON);
    json["layers"][0]["mediaType"] = json!(EMPTY_JSON);
    Manifest::of(IMAGE, &json)
}
