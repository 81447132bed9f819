//! Paths and methods that lead nowhere.

use crate::differential::ask::Ask;
use crate::differential::content::{Contents, OCI};
use crate::differential::pair::Pair;

/// Unknown paths, wrong methods, bad names.
pub(super) fn refused(pair: &mut Pair, contents: &Contents) {
    for method in ["GET", "HEAD", "POST", "PUT", "OPTIONS"] {
        pair.ask(&Ask::new(method, "/v2/"));
    }
    for method in ["GET", "POST", "OPTIONS"] {
        pair.ask(&Ask::new(method, "/"));
    }
    for path in [
        "/x",
        "/v2/images",
        "/v2/images/manifests/",
        "/v2/images/blobs",
        "/v1/",
        "/v2/_catalog/x",
    ] {
        pair.ask(&Ask::get(path));
    }
    pair.ask(&Ask::get("/v2"));
    pair.ask(&Ask::get("/v2/images/tags/list/"));
    let digest = &contents.blobs[0].digest;
    for (method, path) in [
        ("DELETE", "/v2/_catalog".to_owned()),
        ("POST", "/v2/images/tags/list".to_owned()),
        ("PATCH", "/v2/images/manifests/v1".to_owned()),
        ("PUT", format!("/v2/images/blobs/{digest}")),
        ("GET", "/v2/images/blobs/uploads/".to_owned()),
        ("DELETE", "/v2/images/blobs/uploads/".to_owned()),
        ("OPTIONS", "/v2/_catalog".to_owned()),
        ("OPTIONS", "/v2/images/tags/list".to_owned()),
        ("OPTIONS", "/v2/images/manifests/v1".to_owned()),
        ("OPTIONS", format!("/v2/images/blobs/{digest}")),
    ] {
        pair.ask(&Ask::new(method, path));
    }
    let long = "t".repeat(129);
    for repository in ["a___b", "Images", "images"] {
        pair.ask(&Ask::get(format!("/v2/a/{repository}/tags/list")));
        pair.ask(&Ask::get(format!("/v2/a/{repository}/manifests/{long}")).header("Accept", OCI));
    }
    pair.ask(&Ask::manifest(
        "images",
        &long,
        OCI,
        &contents.manifests[0].content.bytes,
    ));
    pair.ask(&Ask::get("/v2/images%2Fby-digest/tags/list"));
    pair.ask(&Ask::get(format!("/v2/_catalog?x={}", "x".repeat(10_000))));
}
