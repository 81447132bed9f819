//! What is pushed: seeded blobs and manifests of every kind.

use serde_json::{Value, json};
use wharf_testing::image::{Content, Format, ImageBuilder, Random, artifact};

pub(crate) const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
pub(crate) const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Every type that both serve as stored to a client that names it.
pub(crate) const ALL_TYPES: [&str; 4] = [SCHEMA2, LIST, OCI, INDEX];

/// Sizes around what matters to hashing and to reading in pieces.
const SIZES: [usize; 8] = [0, 1, 63, 64, 65, 4096, 300_000, 700_001];

/// Blobs, and the manifests made of them.
pub(crate) struct Contents {
    pub(crate) blobs: Vec<Content>,
    /// Each after the manifests that it refers to.
    pub(crate) manifests: Vec<Manifest>,
}

/// A manifest and what must be there before it.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(crate) content: Content,
    pub(crate) blobs: Vec<Content>,
    /// Positions in the list of manifests.
    pub(crate) children: Vec<usize>,
}

impl Contents {
    /// Images of docker's and OCI's kind, lists and indexes over them, an artifact that refers to one of them, an image
    /// without layers, and blobs that no manifest names.
    pub(crate) fn new(seed: u64) -> Self {
        let mut manifests = Vec::new();
        for (number, format) in [Format::Docker, Format::Oci].into_iter().enumerate() {
            let builder = |offset| {
                let builder = ImageBuilder::new(seed.wrapping_mul(100).wrapping_add(offset + 10 * number as u64));
                builder.format(format).layer_bytes(300)
            };
            for layers in [1, 2] {
                push_image(&mut manifests, &builder(layers as u64).layers(layers).build());
            }
            let both = builder(3).layers(1).build_index(&["linux/arm64", "linux/amd64"]);
            let children: Vec<_> = both
                .images
                .iter()
                .map(|image| push_image(&mut manifests, image))
                .collect();
            manifests.push(Manifest::new(both.manifest, Vec::new(), children));
            let one = builder(4).layers(1).build_index(&["linux/s390x"]);
            let children = one
                .images
                .iter()
                .map(|image| push_image(&mut manifests, image))
                .collect();
            manifests.push(Manifest::new(one.manifest, Vec::new(), children));
        }
        let subject = manifests[0].content.clone();
        push_image(
            &mut manifests,
            &artifact(seed, "application/vnd.example.sbom", &subject),
        );
        let empty = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []});
        manifests.push(Manifest::new(
            Content::new(INDEX, empty.to_string()),
            Vec::new(),
            Vec::new(),
        ));

        let mut blobs: Vec<_> = manifests.iter().flat_map(|manifest| manifest.blobs.clone()).collect();
        for (number, size) in SIZES.into_iter().enumerate() {
            blobs.push(blob(seed, number, size));
        }
        Self { blobs, manifests }
    }
}

impl Manifest {
    fn new(content: Content, blobs: Vec<Content>, children: Vec<usize>) -> Self {
        Self {
            content,
            blobs,
            children,
        }
    }
}

fn push_image(manifests: &mut Vec<Manifest>, image: &wharf_testing::image::Image) -> usize {
    manifests.push(Manifest::new(
        image.manifest.clone(),
        image.blobs().cloned().collect(),
        Vec::new(),
    ));
    manifests.len() - 1
}

/// A blob that no manifest names.
pub(crate) fn blob(seed: u64, number: usize, size: usize) -> Content {
    let mut bytes = vec![0; size];
    Random::new(seed).with(&format!("blob {number}")).fill(&mut bytes);
    Content::new("application/octet-stream", bytes)
}

/// An image manifest of this type, made by hand.
pub(crate) fn image(media_type: &str, config: &Value, layers: &[Value]) -> Content {
    let layers = layers.to_vec();
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers});
    Content::new(media_type, manifest.to_string())
}
