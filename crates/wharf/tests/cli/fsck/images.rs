//! Images of which something is missing: what is told, what is mended, and what has to be pushed again.

use std::fs;

use serde_json::json;
use wharf_testing::Registry as _;
use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::Request;

use super::{LAYER, Root, found, image, link_of, mended, put_blob, put_image, write};
use crate::server;

#[test]
fn an_image_without_a_layer_is_told_with_what_to_push() {
    let plant = |root: &Root| fs::remove_dir_all(root.data(LAYER).parent().unwrap().parent().unwrap()).unwrap();
    let classes = ["link-without-blob", "manifest-without-blob", "row-without-file"];
    let root = found(plant, &[], &classes, &["manifest-without-blob"]);
    assert!(!root.layer_link().exists());
    let told = root.fsck(&[]).expect(4);
    let told = told.only("manifest-without-blob");
    assert_eq!(told["missing"], json!([sha256(LAYER)]));
    assert_eq!(told["push_again"], json!(["foo:one", "foo:two"]));
    assert_eq!(told["outcome"], "left");
    put_blob(&server().root(root.path()).start(), LAYER);
    root.serves_everything();
    root.fsck(&[]).expect(0);
}

#[test]
fn a_damaged_manifest_costs_its_tags_and_they_are_named() {
    let plant = |root: &Root| fs::write(root.data(image().as_bytes()), "").unwrap();
    let classes = [
        "dangling-tag",
        "empty-data",
        "link-without-manifest",
        "row-without-file",
    ];
    let root = mended(plant, &[], &classes);
    let again = Root::new();
    plant(&again);
    let repaired = again.repair(&[]).expect(3);
    let tags = repaired
        .findings
        .iter()
        .filter(|found| found["class"] == "dangling-tag");
    let mut tags: Vec<_> = tags.map(|found| found["push_again"][0].as_str().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["foo:one", "foo:two"]);
    let manifest = &repaired.only("link-without-manifest")["push_again"];
    assert_eq!(*manifest, json!([format!("foo@{}", root.manifest)]));
    let server = server().root(root.path()).start();
    put_image(&server, "one");
    put_image(&server, "two");
    drop(server);
    root.serves_everything();
}

#[test]
fn an_index_is_named_by_its_tag_when_a_layer_of_an_entry_is_missing() {
    let root = Root::new();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": super::OCI_IMAGE, "digest": root.manifest, "size": image().len(),
        }],
    });
    let running = server().root(root.path()).start();
    let put = Request::put("/v2/foo/manifests/all").header("Content-Type", index["mediaType"].as_str().unwrap());
    running.client().send(put.body(index.to_string())).expect_status(201);
    for tag in ["one", "two"] {
        let delete = Request::delete(format!("/v2/foo/manifests/{tag}"));
        running.client().send(delete).expect_status(202);
    }
    drop(running);
    assert!(root.fsck(&[]).expect(0).findings.is_empty());
    fs::write(root.data(LAYER), "").unwrap();
    let repaired = root.repair(&[]).expect(4);
    assert_eq!(repaired.only("manifest-without-blob")["push_again"], json!(["foo:all"]));
    // An index without an entry may be meant so.
    fs::remove_dir_all(root.revision_link().parent().unwrap()).unwrap();
    let told = root.repair(&[]).expect(0);
    assert_eq!(told.only("index-without-manifest")["push_again"], json!(["foo:all"]));
}

#[test]
fn what_an_image_or_a_tag_names_gets_its_link_back() {
    let plant = |root: &Root| fs::remove_dir_all(root.layer_link().parent().unwrap()).unwrap();
    mended(plant, &[], &["missing-link"]).serves_everything();
    let manifest = |root: &Root| fs::remove_dir_all(root.revision_link().parent().unwrap()).unwrap();
    mended(manifest, &[], &["missing-link"]).serves_everything();
    // Content of another size is not what the image names, and still is not to be collected.
    let root = Root::new();
    plant(&root);
    fs::write(root.data(LAYER), "some other layer").unwrap();
    fs::remove_dir_all(root.path().join("wharf")).unwrap();
    assert_eq!(root.repair(&[]).expect(4).classes(), ["manifest-without-blob"]);
    assert!(!root.layer_link().exists());
}

#[test]
fn a_manifest_that_wharf_does_not_know_keeps_its_tag() {
    let unknown = br#"{"schemaVersion":2,"mediaType":"application/x.unknown"}"#;
    let digest = sha256(unknown);
    let plant = |root: &Root| {
        write(&root.data(unknown), unknown);
        write(&root.foo("_manifests/revisions").join(link_of(&digest)), &digest);
        write(&root.current("odd"), &digest);
        write(&root.foo("_manifests/tags/odd/index").join(link_of(&digest)), &digest);
    };
    let root = found(plant, &["--read-data"], &["not-a-manifest"], &["not-a-manifest"]);
    assert_eq!(fs::read_to_string(root.current("odd")).unwrap(), digest);
    root.serves_everything();
}

/// registry:2 stores content that is pushed by its sha512 under its sha256.
#[test]
fn a_link_to_a_blob_under_another_algorithm_is_written_as_it_was() {
    let long = sha512(LAYER);
    let link = |root: &Root| root.foo("_layers").join(link_of(&long));
    let plant = |root: &Root| {
        write(&link(root), sha256(LAYER));
        let server = server().root(root.path()).start();
        let blob = Request::get(format!("/v2/foo/blobs/{long}"));
        server.client().send(blob).expect_status(200);
        drop(server);
        fs::write(link(root), "").unwrap();
    };
    let root = mended(plant, &[], &["broken-link"]);
    assert_eq!(fs::read_to_string(link(&root)).unwrap(), sha256(LAYER));

    // Without an index nothing tells what the link said; it does not stay without content.
    plant(&root);
    fs::remove_dir_all(root.path().join("wharf")).unwrap();
    let told = root.fsck(&[]).expect(4);
    assert_eq!(told.classes(), ["broken-link", "link-without-blob"]);
    assert_eq!(root.repair(&[]).expect(3).plan(), told.plan());
    assert!(!link(&root).exists());
    root.serves_everything();
}
