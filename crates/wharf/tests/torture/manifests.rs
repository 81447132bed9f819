//! Manifests (MAN).

mod bytes;
mod deletes;
mod graphs;
mod parsing;
mod references;

use serde_json::{Value, json};
use wharf_testing::encoding::sha256;

use crate::harness::{OCI_IMAGE, OCI_INDEX, Torture};

pub(crate) const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Types that manifests are pushed as.
const TYPES: [&str; 4] = [OCI_IMAGE, OCI_INDEX, DOCKER_IMAGE, DOCKER_LIST];

/// A descriptor of `{}`.
fn nothing() -> Value {
    json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256("{}"), "size": 2})
}

/// An image whose only contents are empty objects, so that pushing `{}` is all it needs. `seed` makes it another one.
fn tiny(seed: &str) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "config": nothing(),
        "layers": [nothing()],
        "annotations": {"seed": seed},
    })
}

/// Pushes what [`tiny`] images need.
fn push_nothing(torture: &Torture, repository: &str) {
    torture.push_blob(repository, b"{}");
}

/// Checks that a refused manifest left nothing behind: no tag, no revision, no content.
#[track_caller]
fn expect_nothing_stored(torture: &Torture, repository: &str, tag: &str, bytes: &[u8]) {
    let digest = sha256(bytes);
    assert_eq!(torture.manifest_status(repository, tag), 404);
    assert_eq!(torture.manifest_status(repository, &digest), 404);
    let hex = digest.trim_start_matches("sha256:");
    for path in [
        format!("blobs/sha256/{}/{hex}", &hex[..2]),
        format!("repositories/{repository}/_manifests/revisions/sha256/{hex}"),
        format!("repositories/{repository}/_manifests/tags/{tag}"),
    ] {
        assert!(!torture.tree(&path).exists(), "{path} is there");
    }
}
