//! GET and HEAD of what is there and of what is not.

use wharf_testing::encoding::sha256;

use crate::differential::ask::Ask;
use crate::differential::content::{ALL_TYPES, Contents, INDEX, LIST, OCI, SCHEMA1, SCHEMA2};
use crate::differential::pair::Pair;
use crate::differential::push::pull_anything;

/// Blobs: whole, in parts, conditionally, and unknown ones.
pub(super) fn blobs(pair: &mut Pair, contents: &Contents) {
    for blob in &contents.blobs {
        pair.ask(&Ask::new("HEAD", format!("/v2/blobs/blobs/{}", blob.digest)));
    }
    let blob = contents
        .blobs
        .iter()
        .find(|blob| blob.bytes.len() == 4096)
        .expect("there is one");
    let path = format!("/v2/blobs/blobs/{}", blob.digest);
    let many: Vec<_> = (0..17).map(|number| format!("{number}-{number}")).collect();
    for range in [
        "0-0",
        "0-",
        "-1",
        "10-19",
        "4095-4095",
        "4000-9999",
        "-9999",
        "0-0,-1",
        "1-2, 5-6",
        "4096-",
        "5-2",
        "x",
        "",
        &many.join(","),
    ] {
        pair.ask(&Ask::new("HEAD", &path).header("Range", format!("bytes={range}")));
    }
    pair.ask(&Ask::get(&path).header("Range", "lines=1-2"));
    let etag = format!("\"{}\"", blob.digest);
    let other = format!("\"{}\"", sha256("other"));
    for (name, value) in [
        ("If-None-Match", etag.clone()),
        ("If-None-Match", format!("W/{etag}")),
        ("If-None-Match", format!("{other}, {etag}")),
        ("If-None-Match", "*".to_owned()),
        ("If-None-Match", other.clone()),
        ("If-None-Match", blob.digest.clone()),
        ("If-Match", etag.clone()),
        ("If-Match", other.clone()),
        ("If-Range", etag.clone()),
        ("If-Range", other),
    ] {
        pair.ask(&Ask::new("HEAD", &path).header(name, value).header("Range", "bytes=1-3"));
    }
    for digest in [
        &sha256("unknown"),
        "sha256:abc",
        "md5:0123456789abcdef0123456789abcdef",
        "sha256:",
    ] {
        for repository in ["blobs", "nowhere"] {
            pair.ask(&Ask::new("HEAD", format!("/v2/{repository}/blobs/{digest}")));
        }
    }
    // A manifest is no blob.
    pair.ask(&Ask::get(format!(
        "/v2/images/blobs/{}",
        contents.manifests[0].content.digest
    )));
}

/// Every manifest by tag and digest, for clients that understand all, one or nothing of it.
pub(super) fn manifests(pair: &mut Pair, contents: &Contents) {
    for (position, manifest) in contents.manifests.iter().enumerate() {
        for reference in [&format!("v{position}"), &manifest.content.digest] {
            let head = Ask::new("HEAD", format!("/v2/images/manifests/{reference}"));
            pair.ask(&head.clone().header("Accept", ALL_TYPES.join(", ")));
            for accept in [SCHEMA1, SCHEMA2, LIST, OCI, INDEX, "text/html"] {
                pair.ask(&head.clone().header("Accept", accept));
            }
        }
        for accept in [None, Some("*/*"), Some("application/*")] {
            pull_anything(pair, "images", &format!("v{position}"), accept);
        }
        pair.ask(&Ask::get(format!("/v2/images/manifests/{}", manifest.content.digest)));
    }
    let several = ALL_TYPES
        .iter()
        .fold(Ask::get("/v2/images/manifests/moving"), |ask, kind| {
            ask.header("Accept", *kind)
        });
    pair.ask(&several);
    for reference in [
        "unknown",
        &sha256("unknown"),
        "sha256:abc",
        "md5:0123456789abcdef0123456789abcdef",
    ] {
        for repository in ["images", "nowhere"] {
            pair.ask(&Ask::new("HEAD", format!("/v2/{repository}/manifests/{reference}")).header("Accept", OCI));
        }
    }
    // A layer is no manifest.
    let layer = &contents.manifests[0].blobs[0].digest;
    pair.ask(&Ask::new("HEAD", format!("/v2/images/manifests/{layer}")).header("Accept", OCI));
    let subject = &contents.manifests[0].content.digest;
    pair.ask(&Ask::get(format!("/v2/images/referrers/{subject}")));
    pair.ask(&Ask::get(format!("/v2/nowhere/referrers/{subject}")));
}

/// `If-Match` and `If-None-Match` of manifests.
pub(super) fn conditions(pair: &mut Pair, contents: &Contents) {
    let digest = &contents.manifests[0].content.digest;
    let (etag, other) = (format!("\"{digest}\""), format!("\"{}\"", sha256("other")));
    for (name, value) in [
        ("If-None-Match", etag.clone()),
        ("If-None-Match", digest.clone()),
        ("If-None-Match", format!("W/{etag}")),
        ("If-None-Match", format!("{other}, {etag}")),
        ("If-None-Match", "*".to_owned()),
        ("If-None-Match", other.clone()),
        ("If-Match", etag),
        ("If-Match", other),
        ("If-Match", "*".to_owned()),
    ] {
        for reference in ["v0", digest] {
            let head = Ask::new("HEAD", format!("/v2/images/manifests/{reference}")).header("Accept", SCHEMA2);
            pair.ask(&head.header(name, value.clone()));
        }
        pair.ask(&Ask::get(format!("/v2/nowhere/manifests/{digest}")).header(name, value));
    }
}
