//! Manifests of which not everything was pushed: refused, unless the configuration says otherwise.

use wharf_testing::Config;
use wharf_testing::http::Response;

use crate::manifest::Manifest;
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

/// Pushes an index of which only the first of two children is there.
fn push_sparse_index(wharf: &Wharf) -> (Manifest, Response) {
    let present = wharf.image("a", "present");
    wharf.push_manifest("a", &present.digest(), &present);
    let index = Manifest::index(&[&present, &Manifest::image(b"absent", &[])]);
    let answer = wharf.put_manifest("a", "sparse-index", &index);
    (index, answer)
}

/// Pushes an image of which only the config and the first of two layers are there.
fn push_sparse_image(wharf: &Wharf) -> (Manifest, Response) {
    wharf.push_blob("a", b"{}");
    wharf.push_blob("a", b"present");
    let image = Manifest::image(b"{}", &[b"present", b"absent"]);
    let answer = wharf.put_manifest("a", "sparse-image", &image);
    (image, answer)
}

#[test]
fn sparse_manifests_are_refused_by_default() {
    let wharf = Wharf::start();
    for (sparse, answer) in [push_sparse_index(&wharf), push_sparse_image(&wharf)] {
        expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
        assert_eq!(answer.error_codes().len(), 1, "{answer}");
        wharf.get(&manifest("a", &sparse.digest())).expect_status(404);
    }
}

#[test]
fn a_sparse_index_is_accepted_where_the_configuration_says_so() {
    let validation = "validation:\n  manifests:\n    indexes:\n      platforms: none";
    let wharf = Wharf::start_with(&Config::new().top(validation));
    let (index, answer) = push_sparse_index(&wharf);
    wharf.expect_manifest(&answer.expect_status(201).location(), &index.digest(), &index);
    wharf.expect_manifest(&manifest("a", "sparse-index"), &index.digest(), &index);
    let (_, answer) = push_sparse_image(&wharf);
    expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
}

#[test]
fn a_sparse_image_is_accepted_where_the_configuration_says_so() {
    let wharf = Wharf::start_with(&Config::new().top("wharf:\n  manifest:\n    sparse: true"));
    for (sparse, answer) in [push_sparse_index(&wharf), push_sparse_image(&wharf)] {
        wharf.expect_manifest(&answer.expect_status(201).location(), &sparse.digest(), &sparse);
    }
}
