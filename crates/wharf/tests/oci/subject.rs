//! Manifests about other manifests, as they are pushed.

use serde_json::json;
use wharf_testing::encoding::sha512;

use crate::manifest::{IMAGE, Manifest, artifact};
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

const TYPE: &str = "application/vnd.example.signature";

#[test]
fn a_push_with_a_subject_says_that_it_was_understood() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let subject = wharf.push_image("a", "latest", "subject");
    let signature = artifact(TYPE).about(&subject);
    let index = Manifest::index(&[&subject]).about(&subject);
    for (referrer, tag) in [(&signature, "signature"), (&index, "index")] {
        for reference in [tag, &referrer.digest()] {
            let answer = wharf.put_manifest("a", reference, referrer).expect_status(201);
            assert_eq!(answer.expect_header("OCI-Subject"), subject.digest());
        }
        wharf.expect_manifest(&manifest("a", tag), &referrer.digest(), referrer);
    }
}

#[test]
fn a_push_without_a_subject_says_nothing_of_one() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "no subject");
    let answer = wharf.put_manifest("a", "latest", &image).expect_status(201);
    assert_eq!(answer.header("OCI-Subject"), None, "{answer}");
}

#[test]
fn a_subject_that_is_not_there_is_accepted() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let missing = Manifest::image(b"never pushed", &[]);
    let signature = artifact(TYPE).about(&missing);
    let index = Manifest::index(&[]).about(&missing);
    for referrer in [signature, index] {
        let answer = wharf
            .put_manifest("a", &referrer.digest(), &referrer)
            .expect_status(201);
        assert_eq!(answer.expect_header("OCI-Subject"), missing.digest());
        wharf.expect_manifest(&answer.location(), &referrer.digest(), &referrer);
    }
}

#[test]
fn a_missing_subject_does_not_excuse_a_missing_layer() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let missing = Manifest::image(b"never pushed", &[]);
    let referrer = Manifest::image(b"{}", &[b"not there"]).about(&missing);
    let answer = wharf.put_manifest("a", "latest", &referrer);
    expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(answer.error_codes().len(), 1, "{answer}");
}

#[test]
fn a_subject_may_be_known_by_sha512() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let digest = sha512("never pushed");
    let subject = json!({ "mediaType": IMAGE, "digest": digest, "size": 123 });
    let referrer = artifact(TYPE).with("subject", subject);
    let answer = wharf.put_manifest("a", "latest", &referrer).expect_status(201);
    assert_eq!(answer.expect_header("OCI-Subject"), digest);
}

#[test]
fn a_subject_that_is_no_descriptor_is_400() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let subjects = [
        json!("text"),
        json!({}),
        json!({ "mediaType": IMAGE, "digest": "sha256:abc", "size": 1 }),
    ];
    for subject in subjects {
        let referrer = artifact(TYPE).with("subject", subject);
        let answer = wharf.put_manifest("a", "latest", &referrer);
        expect_error(&answer, 400, "MANIFEST_INVALID");
    }
}
