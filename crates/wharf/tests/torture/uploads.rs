//! Uploads (UPL).

mod digests;
mod mounts;
mod offsets;
mod parallel;
mod resets;
mod restarts;
mod sessions;
mod sizes;
mod slow;

use std::fs;

use wharf_testing::encoding::{encoded, sha256};
use wharf_testing::http::{Request, Response, with_query};

use crate::harness::Torture;

/// Where uploads of a repository begin.
fn uploads(repository: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/")
}

/// Begins an upload, and returns its URL.
#[track_caller]
fn begin(torture: &Torture, repository: &str) -> String {
    let post = Request::post(uploads(repository));
    torture.send(post).expect_status(202).location()
}

/// The request that ends an upload.
fn put(location: &str, digest: &str) -> Request {
    Request::put(with_query(location, &format!("digest={digest}")))
}

/// An upload's URL without its state, which tells how far the upload is whoever lost count.
fn bare(location: &str) -> &str {
    location.split('?').next().unwrap()
}

/// Asks how far an upload is, checks that this is so, and returns the URL to go on with.
#[track_caller]
fn expect_received(torture: &Torture, location: &str, bytes: usize) -> String {
    let status = torture.send(Request::get(bare(location))).expect_status(204);
    assert_eq!(status.expect_header("Range"), range(bytes), "{status}");
    assert_eq!(fs::metadata(data(torture, location)).unwrap().len(), bytes as u64);
    status.location()
}

/// `Range` of an upload. An empty one and one of a single byte have the same.
fn range(bytes: usize) -> String {
    format!("0-{}", bytes.saturating_sub(1))
}

/// The file with the bytes of an upload.
fn data(torture: &Torture, location: &str) -> std::path::PathBuf {
    let (rest, id) = bare(location).rsplit_once('/').unwrap();
    let repository = rest
        .strip_prefix("/v2/")
        .and_then(|rest| rest.strip_suffix("/blobs/uploads"));
    torture.tree(&format!("repositories/{}/_uploads/{id}/data", repository.unwrap()))
}

/// Whether an upload has left anything on disk.
fn is_gone(torture: &Torture, location: &str) -> bool {
    !data(torture, location).parent().unwrap().exists()
}

/// Whether the content of a digest is stored.
fn is_stored(torture: &Torture, digest: &str) -> bool {
    let hex = encoded(digest);
    torture.tree(&format!("blobs/sha256/{}/{hex}/data", &hex[..2])).exists()
}

/// Checks that a blob pulls with these bytes.
#[track_caller]
fn expect_blob(torture: &Torture, repository: &str, content: &[u8]) {
    torture.expect_content(&format!("/v2/{repository}/blobs/{}", sha256(content)), content);
}

/// Checks the answer to a blob that was taken.
#[track_caller]
fn expect_created(answer: Response, repository: &str, digest: &str) {
    let answer = answer.expect_status(201);
    assert_eq!(answer.location(), format!("/v2/{repository}/blobs/{digest}"));
    assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
}

/// Bytes that are the same for the same seed only.
fn noise(seed: &str, length: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|block| sha256(format!("{seed} {block}")).into_bytes());
    blocks.take(length).collect()
}
