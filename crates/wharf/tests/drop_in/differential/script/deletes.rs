//! Deletes, and what is left afterwards.

use wharf_testing::encoding::sha256;

use crate::differential::ask::Ask;
use crate::differential::content::{ALL_TYPES, Contents};
use crate::differential::pair::Pair;
use crate::differential::push::{self, delete_tag};

fn delete(kind: &str, repository: &str, reference: &str) -> Ask {
    Ask::new("DELETE", format!("/v2/{repository}/{kind}/{reference}"))
}

/// Manifests, tags and blobs; what is not there; and the same pushed again.
pub(super) fn deletes(pair: &mut Pair, contents: &Contents) {
    for repository in ["images", "nowhere"] {
        for reference in [&sha256("unknown"), "unknown"] {
            pair.ask(&delete("manifests", repository, reference));
        }
        pair.ask(&delete("blobs", repository, &sha256("unknown")));
    }
    pair.ask(&delete("blobs", "images", "sha256:abc"));
    // The one that many tags are on, and one of a list's children.
    let manifests = &contents.manifests;
    pair.ask(&delete("manifests", "images", &manifests[0].content.digest));
    pair.ask(&Ask::get("/v2/images/tags/list"));
    let list = manifests
        .iter()
        .position(|manifest| manifest.children.len() == 2)
        .expect("there is one");
    let child = &manifests[manifests[list].children[1]].content.digest;
    pair.ask(&delete("manifests", "images", child));
    for accept in ALL_TYPES {
        pair.ask(&Ask::new("HEAD", format!("/v2/images/manifests/v{list}")).header("Accept", accept));
    }
    pair.ask(&push::put("images", "again", &manifests[list].content));
    delete_tag(pair, "images", "moving");
    delete_tag(pair, "images", "moving");
    // Blobs that manifests still name.
    for blob in &manifests[1].blobs {
        pair.ask(&delete("blobs", "images", &blob.digest));
        pair.ask(&delete("blobs", "images", &blob.digest));
        pair.ask(&Ask::new("HEAD", format!("/v2/images/blobs/{}", blob.digest)));
    }
    pair.ask(&push::put("images", "v1", &manifests[1].content));
    push::manifest(pair, "images", "v0", manifests, 0);
    push::manifest(pair, "images", "v1", manifests, 1);
    // Everything that is left.
    for repository in ["images", "images/by-digest"] {
        for manifest in manifests.iter().rev() {
            pair.ask(&delete("manifests", repository, &manifest.content.digest));
        }
        pair.ask(&Ask::get(format!("/v2/{repository}/tags/list")));
    }
    pair.ask(&Ask::get("/v2/_catalog"));
}
