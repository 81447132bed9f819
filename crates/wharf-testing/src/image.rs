//! Seeded images, built in memory, and the forms in which clients and registries take them.
//!
//! The same builder gives the same bytes at every run, and different seeds share no blob. Nothing here uses wharf's own
//! types: digests are strings and manifests are JSON written by hand, so that a mistake in `wharf-spec` can't hide
//! itself.

mod layer;
mod on_disk;
mod push;
mod random;

use serde_json::{Value, json};

pub use layer::{Compression, Layer};
pub use on_disk::{LargeImage, write_large_docker_archive};
pub use push::{push_blob, push_manifest};
pub use random::Random;

use crate::encoding::sha256;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Whose media types an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Docker schema 2 and manifest list.
    Docker,
    /// OCI image manifest and image index.
    Oci,
}

/// Bytes with their media type and digest: a blob or a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The media type.
    pub media_type: String,
    /// `sha256:<hex>` of the bytes.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Content {
    /// Computes the digest.
    pub fn new(media_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            media_type: media_type.into(),
            digest: sha256(&bytes),
            bytes,
        }
    }

    fn json(media_type: &str, value: &Value) -> Self {
        Self::new(media_type, value.to_string())
    }

    /// Media type, digest and size as JSON.
    pub fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()})
    }
}

/// An image for one platform, or an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The manifest.
    pub manifest: Content,
    /// The image config; its digest is the image ID.
    pub config: Content,
    /// The layers, base first.
    pub layers: Vec<Layer>,
    /// `os/architecture`; empty for an artifact.
    pub platform: String,
}

impl Image {
    /// The image ID: the digest of the config.
    pub fn id(&self) -> &str {
        &self.config.digest
    }

    /// All blobs, each as often as the manifest names it: layers, then config.
    pub fn blobs(&self) -> impl Iterator<Item = &Content> {
        self.layers.iter().map(|layer| &layer.blob).chain([&self.config])
    }
}

/// Images of several platforms under one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The image index or manifest list.
    pub manifest: Content,
    /// The images, in the order in which it lists them.
    pub images: Vec<Image>,
}

impl Index {
    /// The image of this `os/architecture`.
    pub fn image(&self, platform: &str) -> &Image {
        let image = self.images.iter().find(|image| image.platform == platform);
        image.unwrap_or_else(|| panic!("no `{platform}` in the index"))
    }
}

/// Makes images; every setting has a default.
#[derive(Debug, Clone)]
pub struct ImageBuilder {
    seed: u64,
    format: Format,
    compression: Compression,
    layers: usize,
    layer_bytes: usize,
    platform: String,
}

impl ImageBuilder {
    /// OCI, three gzip layers of about 20,000 random bytes, linux/amd64.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            format: Format::Oci,
            compression: Compression::Gzip,
            layers: 3,
            layer_bytes: 20_000,
            platform: "linux/amd64".to_owned(),
        }
    }

    /// Sets the media types.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Sets how layers are compressed.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets the number of layers.
    #[must_use]
    pub fn layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Sets how many random, incompressible bytes each layer holds.
    #[must_use]
    pub fn layer_bytes(mut self, layer_bytes: usize) -> Self {
        self.layer_bytes = layer_bytes;
        self
    }

    /// Sets `os/architecture`, which also changes the layers' content.
    #[must_use]
    pub fn platform(mut self, platform: &str) -> Self {
        platform.clone_into(&mut self.platform);
        self
    }

    /// Builds the image.
    pub fn build(&self) -> Image {
        let mut random = Random::new(self.seed).with(&self.platform);
        let layers: Vec<_> = (0..self.layers)
            .map(|number| {
                let tar = layer::tar(number, self.layer_bytes, &mut random);
                Layer::new(tar, self.compression, self.format)
            })
            .collect();
        let config_type = match self.format {
            Format::Docker => DOCKER_CONFIG,
            Format::Oci => OCI_CONFIG,
        };
        let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let config = Content::json(config_type, &config_json(self.seed, &self.platform, &diff_ids));
        let media_type = match self.format {
            Format::Docker => DOCKER_MANIFEST,
            Format::Oci => OCI_MANIFEST,
        };
        let descriptors: Vec<_> = layers.iter().map(|layer| layer.blob.descriptor()).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config.descriptor(),
            "layers": descriptors,
        });
        Image {
            manifest: Content::json(media_type, &manifest),
            config,
            layers,
            platform: self.platform.clone(),
        }
    }

    /// Builds one image per `os/architecture` and the index over them.
    pub fn build_index(&self, platforms: &[&str]) -> Index {
        let images: Vec<_> = platforms
            .iter()
            .map(|platform| self.clone().platform(platform).build())
            .collect();
        let manifests: Vec<_> = images.iter().map(platform_descriptor).collect();
        let media_type = match self.format {
            Format::Docker => DOCKER_LIST,
            Format::Oci => OCI_INDEX,
        };
        let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests});
        Index {
            manifest: Content::json(media_type, &index),
            images,
        }
    }
}

/// An OCI artifact of this type with one blob, which refers to the manifest `subject`.
pub fn artifact(seed: u64, artifact_type: &str, subject: &Content) -> Image {
    let mut bytes = vec![0; 500];
    Random::new(seed).fill(&mut bytes);
    let config = Content::new(EMPTY, "{}");
    let layers = vec![Layer::plain(Content::new(artifact_type, bytes))];
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": config.descriptor(),
        "layers": [layers[0].blob.descriptor()],
        "subject": subject.descriptor(),
    });
    Image {
        manifest: Content::json(OCI_MANIFEST, &manifest),
        config,
        layers,
        platform: String::new(),
    }
}

fn config_json(seed: u64, platform: &str, diff_ids: &[String]) -> Value {
    let (os, architecture) = platform.split_once('/').expect("a platform is `os/architecture`");
    let created = "2024-05-06T07:08:09Z";
    let entry = |number| json!({"created": created, "created_by": format!("wharf-testing layer {number}")});
    let mut history: Vec<_> = (0..diff_ids.len()).map(entry).collect();
    history.push(json!({"created": created, "created_by": "CMD [\"/hello\"]", "empty_layer": true}));
    json!({
        "created": created,
        "architecture": architecture,
        "os": os,
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "Cmd": ["/hello"],
            "Labels": {"org.example.seed": seed.to_string()},
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    })
}

fn platform_descriptor(image: &Image) -> Value {
    let (os, architecture) = image.platform.split_once('/').expect("a platform is `os/architecture`");
    let mut descriptor = image.manifest.descriptor();
    descriptor["platform"] = json!({"architecture": architecture, "os": os});
    descriptor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_builder_gives_the_same_bytes() {
        let digests = |seed| {
            ImageBuilder::new(seed)
                .build_index(&["linux/amd64", "linux/arm64"])
                .manifest
                .digest
        };
        assert_eq!(digests(1), digests(1));
        assert_ne!(digests(1), digests(2));
    }

    #[test]
    fn platforms_and_seeds_share_no_layer() {
        let index = ImageBuilder::new(7).build_index(&["linux/amd64", "linux/arm64"]);
        let other = ImageBuilder::new(8).build();
        let mut diff_ids: Vec<_> = index
            .images
            .iter()
            .chain([&other])
            .flat_map(|image| &image.layers)
            .map(|layer| &layer.diff_id)
            .collect();
        diff_ids.sort();
        diff_ids.dedup();
        assert_eq!(diff_ids.len(), 9);
        assert_eq!(index.image("linux/arm64").platform, "linux/arm64");
    }

    #[test]
    fn manifests_name_their_parts_by_digest_and_size() {
        let image = ImageBuilder::new(3).format(Format::Docker).layers(2).build();
        let manifest: Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
        assert_eq!(manifest["config"]["digest"], image.id());
        assert_eq!(manifest["layers"][1]["size"], image.layers[1].blob.bytes.len());
        assert_eq!(manifest["mediaType"], DOCKER_MANIFEST);
        let sbom = artifact(4, "application/vnd.example.sbom", &image.manifest);
        let manifest: Value = serde_json::from_slice(&sbom.manifest.bytes).unwrap();
        assert_eq!(manifest["subject"]["digest"], image.manifest.digest);
        assert_eq!(manifest["artifactType"], "application/vnd.example.sbom");
    }
}
