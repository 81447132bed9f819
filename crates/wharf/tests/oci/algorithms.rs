//! end-4c and sha512, for blobs and manifests from end to end.

use serde_json::json;
use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::{Request, with_query};

use crate::manifest::{CONFIG, LAYER, Manifest, image_json};
use crate::soundness::expect_error;
use crate::wharf::{Wharf, blob, manifest, noise, uploads};

fn begin_with(wharf: &Wharf, algorithm: &str) -> wharf_testing::http::Response {
    let target = with_query(&uploads("a"), &format!("digest-algorithm={algorithm}"));
    wharf.send(Request::post(target))
}

/// Pushes a blob by its sha512 digest.
fn push_sha512(wharf: &Wharf, content: &[u8]) -> String {
    let digest = sha512(content);
    let location = wharf.begin_upload("a");
    let answer = wharf.finish(&location, &digest, content).expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    digest
}

/// An image whose parts are known by sha512 and already pushed.
fn image_of_sha512(wharf: &Wharf) -> Manifest {
    let (config, layer) = (&b"{\"os\":\"linux\"}"[..], noise("layer of sha512", 900));
    let mut json = image_json(config, &[&layer]);
    json["config"] = json!({
        "mediaType": CONFIG, "digest": push_sha512(wharf, config), "size": config.len()
    });
    json["layers"][0] = json!({
        "mediaType": LAYER, "digest": push_sha512(wharf, &layer), "size": layer.len()
    });
    Manifest::of(crate::manifest::IMAGE, &json)
}

#[test]
fn an_upload_may_name_its_algorithm_at_the_beginning() {
    let wharf = Wharf::start();
    for (algorithm, digest) in [("sha256", sha256("named")), ("sha512", sha512("named"))] {
        let location = begin_with(&wharf, algorithm).expect_status(202).location();
        let location = wharf.patch(&location, 0, b"na").expect_status(202).location();
        let location = wharf.patch(&location, 2, b"med").expect_status(202).location();
        let answer = wharf.finish(&location, &digest, b"").expect_status(201);
        assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
        wharf.expect_blob(&answer.location(), &digest, b"named");
    }
}

#[test]
fn a_named_algorithm_survives_a_restart() {
    let mut wharf = Wharf::start();
    let location = begin_with(&wharf, "sha512").expect_status(202).location();
    let location = wharf.patch(&location, 0, b"before ").expect_status(202).location();
    wharf.restart();
    let digest = sha512("before after");
    let answer = wharf.finish(&location, &digest, b"after").expect_status(201);
    wharf.expect_blob(&answer.location(), &digest, b"before after");
}

#[test]
fn an_algorithm_that_is_not_supported_is_400() {
    let wharf = Wharf::start();
    for algorithm in ["md5", "sha1", "SHA512", "sha256%2Bb64"] {
        expect_error(&begin_with(&wharf, algorithm), 400, "DIGEST_INVALID");
    }
}

#[test]
fn an_algorithm_known_only_at_the_end_is_enough() {
    let wharf = Wharf::start();
    let content = noise("only at the end", 3000);
    let digest = sha512(&content);
    let mut location = wharf.begin_upload("a");
    for (index, chunk) in content.chunks(1000).enumerate() {
        location = wharf
            .patch(&location, index * 1000, chunk)
            .expect_status(202)
            .location();
    }
    let answer = wharf.finish(&location, &digest, b"").expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    wharf.expect_blob(&answer.location(), &digest, &content);
}

#[test]
fn the_digest_at_the_end_counts_when_it_is_of_another_algorithm() {
    let wharf = Wharf::start();
    let location = begin_with(&wharf, "sha512").expect_status(202).location();
    let digest = sha256("after all");
    let answer = wharf.finish(&location, &digest, b"after all").expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    wharf.expect_blob(&answer.location(), &digest, b"after all");
}

#[test]
fn a_blob_pushed_as_sha512_is_served_and_deleted_as_sha512() {
    let wharf = Wharf::start();
    let digest = push_sha512(&wharf, b"as pushed");
    wharf.expect_blob(&blob("a", &digest), &digest, b"as pushed");
    wharf.delete(&blob("a", &digest)).expect_status(202);
    wharf.get(&blob("a", &digest)).expect_status(404);
}

#[test]
fn a_manifest_pushed_as_sha512_is_served_and_deleted_as_sha512() {
    let wharf = Wharf::start();
    let image = image_of_sha512(&wharf);
    let digest = image.sha512();
    let answer = wharf.put_manifest("a", &digest, &image).expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    wharf.expect_manifest(&answer.location(), &digest, &image);
    wharf.expect_manifest(&manifest("a", &digest), &digest, &image);
    wharf.delete(&manifest("a", &digest)).expect_status(202);
    wharf.get(&manifest("a", &digest)).expect_status(404);
}

#[test]
fn tags_may_point_to_a_manifest_pushed_as_sha512() {
    let wharf = Wharf::start();
    let image = image_of_sha512(&wharf);
    let digest = image.sha512();
    let reference = format!("{digest}?tag=one&tag=two");
    wharf.push_manifest("a", &reference, &image);
    for tag in ["one", "two"] {
        wharf.expect_manifest(&manifest("a", tag), &digest, &image);
    }
    wharf.delete(&manifest("a", &digest)).expect_status(202);
    wharf.get(&manifest("a", "one")).expect_status(404);
}

#[test]
fn an_index_may_name_its_children_by_sha512() {
    let wharf = Wharf::start();
    let image = image_of_sha512(&wharf);
    let mut child = image.descriptor();
    child["digest"] = json!(image.sha512());
    let index = Manifest::index(&[]).with("manifests", json!([child]));
    let digest = index.sha512();
    let refused = wharf.put_manifest("a", &digest, &index);
    expect_error(&refused, 400, "MANIFEST_BLOB_UNKNOWN");
    wharf.push_manifest("a", &image.sha512(), &image);
    wharf.push_manifest("a", &digest, &index);
    wharf.expect_manifest(&manifest("a", &digest), &digest, &index);
}

#[test]
fn everything_known_by_sha512_is_there_after_a_restart() {
    let mut wharf = Wharf::start();
    let image = image_of_sha512(&wharf);
    let digest = image.sha512();
    wharf.push_manifest("a", &format!("{digest}?tag=latest"), &image);
    let blob_digest = push_sha512(&wharf, b"stays");
    wharf.restart();
    wharf.expect_manifest(&manifest("a", "latest"), &digest, &image);
    wharf.expect_blob(&blob("a", &blob_digest), &blob_digest, b"stays");
}
