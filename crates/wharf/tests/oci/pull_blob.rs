//! end-2: blobs.

use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::with_query;

use crate::soundness::expect_error;
use crate::wharf::{Wharf, blob, noise};

#[test]
fn get_and_head_of_a_blob() {
    let wharf = Wharf::start();
    for length in [0, 1, 512, 300_000] {
        let content = noise("pull", length);
        let digest = wharf.push_blob("a", &content);
        wharf.expect_blob(&blob("a", &digest), &digest, &content);
    }
}

#[test]
fn a_blob_of_several_megabytes_is_served_whole() {
    let wharf = Wharf::start();
    let content = noise("large", 5_000_001);
    let digest = wharf.push_blob("a", &content);
    wharf.expect_blob(&blob("a", &digest), &digest, &content);
}

#[test]
fn an_unknown_blob_is_404() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"known");
    for repository in ["a", "never/pushed"] {
        for digest in [sha256("gone"), sha512("gone")] {
            let target = blob(repository, &digest);
            expect_error(&wharf.get(&target), 404, "BLOB_UNKNOWN");
            wharf.head(&target).expect_status(404);
        }
    }
}

#[test]
fn a_blob_of_another_repository_is_404() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("a", b"of a");
    wharf.push_blob("b", b"of b");
    expect_error(&wharf.get(&blob("b", &digest)), 404, "BLOB_UNKNOWN");
    wharf.head(&blob("b", &digest)).expect_status(404);
}

#[test]
fn a_digest_that_is_none_is_400() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"known");
    let long = format!("sha256:{}", "a".repeat(65));
    let upper = format!("sha256:{}", "A".repeat(64));
    let unknown = format!("md5:{}", "a".repeat(32));
    for digest in ["sha256:abc", "sha256:", "latest", &long, &upper, &unknown] {
        expect_error(&wharf.get(&blob("a", digest)), 400, "DIGEST_INVALID");
        wharf.head(&blob("a", digest)).expect_status(400);
    }
}

#[test]
fn the_source_host_of_a_proxy_request_is_ignored() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("a", b"proxied");
    let target = with_query(&blob("a", &digest), "ns=registry.example.org");
    wharf.expect_blob(&target, &digest, b"proxied");
    let answer = wharf.get(&target);
    assert_eq!(
        answer.header("OCI-Namespace"),
        None,
        "it scoped nothing by `ns`: {answer}"
    );
}
