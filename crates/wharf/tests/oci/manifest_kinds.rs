//! Every kind of manifest that the conformance program pushes: accepted, and served byte for byte.

use serde_json::{Value, json};
use wharf_testing::encoding::{base64, sha256};

use crate::manifest::{EMPTY_JSON, IMAGE, INDEX, Manifest, artifact, image_json, index_json};
use crate::wharf::{Wharf, manifest};

/// Pushes a manifest by digest and by tag and pulls it both ways.
#[track_caller]
fn push_and_pull(wharf: &Wharf, manifest_: &Manifest) {
    let digest = manifest_.digest();
    for reference in [digest.as_str(), "latest"] {
        let answer = wharf.put_manifest("a", reference, manifest_).expect_status(201);
        assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
        wharf.expect_manifest(&answer.location(), &digest, manifest_);
        wharf.expect_manifest(&manifest("a", reference), &digest, manifest_);
    }
}

#[test]
fn an_image() {
    let wharf = Wharf::start();
    push_and_pull(&wharf, &wharf.image("a", "image"));
}

#[test]
fn an_image_with_uncompressed_layers() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "uncompressed");
    let mut json: Value = serde_json::from_slice(image.bytes()).unwrap();
    json["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar");
    push_and_pull(&wharf, &Manifest::of(IMAGE, &json));
}

#[test]
fn an_image_without_layers() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{\"os\":\"linux\"}");
    push_and_pull(&wharf, &Manifest::image(b"{\"os\":\"linux\"}", &[]));
}

#[test]
fn an_index_of_two_platforms() {
    let wharf = Wharf::start();
    let images = ["amd64", "arm64"].map(|platform| {
        let image = wharf.image("a", platform);
        wharf.push_manifest("a", &image.digest(), &image);
        (platform, image)
    });
    let mut json = index_json(&[&images[0].1, &images[1].1]);
    for (index, (platform, _)) in images.iter().enumerate() {
        json["manifests"][index]["platform"] = json!({ "os": "linux", "architecture": platform });
    }
    push_and_pull(&wharf, &Manifest::of(INDEX, &json));
}

#[test]
fn an_index_of_indexes() {
    let wharf = Wharf::start();
    let inner = ["first", "second"].map(|seed| {
        let image = wharf.image("a", seed);
        wharf.push_manifest("a", &image.digest(), &image);
        let index = Manifest::index(&[&image]);
        wharf.push_manifest("a", &index.digest(), &index);
        index
    });
    push_and_pull(&wharf, &Manifest::index(&[&inner[0], &inner[1]]));
}

#[test]
fn an_index_of_nothing() {
    let wharf = Wharf::start();
    push_and_pull(&wharf, &Manifest::index(&[]));
}

#[test]
fn an_artifact() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    wharf.push_blob("a", b"content of the artifact");
    let mut json = image_json(b"{}", &[b"content of the artifact"]);
    json["artifactType"] = json!("application/vnd.example.artifact");
    json["config"]["mediaType"] = json!(EMPTY_JSON);
    json["layers"][0]["mediaType"] = json!("application/vnd.example.content");
    push_and_pull(&wharf, &Manifest::of(IMAGE, &json));
}

#[test]
fn an_artifact_without_layers() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    push_and_pull(&wharf, &artifact("application/vnd.example.artifact"));
}

#[test]
fn an_index_of_artifacts() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let children = ["application/vnd.example.one", "application/vnd.example.two"].map(artifact);
    for child in &children {
        wharf.push_manifest("a", &child.digest(), child);
    }
    let index = Manifest::index(&[&children[0], &children[1]]);
    push_and_pull(
        &wharf,
        &index.with("artifactType", json!("application/vnd.example.list")),
    );
}

#[test]
fn an_artifact_of_a_type_nobody_knows() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"anything");
    let mut json = image_json(b"anything", &[b"anything"]);
    json["config"]["mediaType"] = json!("text/x-config");
    json["layers"][0]["mediaType"] = json!("text/x-layer");
    push_and_pull(&wharf, &Manifest::of(IMAGE, &json));
}

#[test]
fn descriptors_with_their_data_inside() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    wharf.push_blob("a", b"embedded");
    let mut json = image_json(b"{}", &[b"embedded"]);
    json["config"]["data"] = json!(base64("{}"));
    json["layers"][0]["data"] = json!(base64("embedded"));
    push_and_pull(&wharf, &Manifest::of(IMAGE, &json));
}

#[test]
fn layers_that_are_kept_elsewhere() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    wharf.push_blob("a", b"here");
    let mut json = image_json(b"{}", &[b"elsewhere", b"elsewhere too", b"here"]);
    let kinds = ["tar+gzip", "tar"];
    for (index, kind) in kinds.iter().enumerate() {
        let layer = &mut json["layers"][index];
        let url = format!("https://store.example.com/blobs/{}", layer["digest"].as_str().unwrap());
        layer["urls"] = json!([url]);
        layer["mediaType"] = json!(format!("application/vnd.oci.image.layer.nondistributable.v1.{kind}"));
    }
    push_and_pull(&wharf, &Manifest::of(IMAGE, &json));
    let target = crate::wharf::blob("a", &sha256("elsewhere"));
    wharf.get(&target).expect_status(404);
}

#[test]
fn fields_that_the_specification_does_not_have() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{\"org.example.custom\":1}");
    let image = Manifest::image(b"{\"org.example.custom\":1}", &[]);
    let image = image.with("org.example.custom", json!({ "deep": [1, { "x": null }] }));
    push_and_pull(&wharf, &image);
    push_and_pull(
        &wharf,
        &Manifest::index(&[&image]).with("org.example.custom", json!("x")),
    );
}
