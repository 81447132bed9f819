//! end-7a: manifests pushed by tag and by digest.

use serde_json::json;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use crate::manifest::{IMAGE, INDEX, Manifest, descriptor, image_json};
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

#[test]
fn a_push_by_tag_gives_201_and_a_location_that_can_be_pulled() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "by tag");
    let answer = wharf.put_manifest("a", "latest", &image).expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), image.digest());
    wharf.expect_manifest(&answer.location(), &image.digest(), &image);
    wharf.expect_manifest(&manifest("a", "latest"), &image.digest(), &image);
    wharf.expect_manifest(&manifest("a", &image.digest()), &image.digest(), &image);
}

#[test]
fn a_push_by_digest_gives_201_and_no_tag() {
    let wharf = Wharf::start();
    wharf.push_image("a", "latest", "tagged");
    let image = wharf.image("a", "by digest");
    let answer = wharf.put_manifest("a", &image.digest(), &image).expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), image.digest());
    assert_eq!(answer.header("OCI-Tag"), None, "{answer}");
    wharf.expect_manifest(&answer.location(), &image.digest(), &image);
    assert_eq!(wharf.get("/v2/a/tags/list").json()["tags"], json!(["latest"]));
}

#[test]
fn the_bytes_are_kept_as_they_were_sent() {
    let wharf = Wharf::start();
    let config = wharf.push_blob("a", b"{}");
    let odd = format!(
        "\n {{\t\"layers\" : [ ] ,\r\n\"schemaVersion\":2, \"x\" : 1.50e1, \"config\":{{\"size\":2,\
         \"digest\":\"{config}\",\"mediaType\":\"application/vnd.oci.empty.v1+json\"}},\
         \"\\u0061nnotations\":{{\"k\":\"\\u00e4\\/ä\"}}}}\n\n "
    );
    let odd = Manifest::raw(IMAGE, odd);
    wharf.push_manifest("a", "odd", &odd);
    wharf.expect_manifest(&manifest("a", "odd"), &odd.digest(), &odd);
    wharf.expect_manifest(&manifest("a", &odd.digest()), &odd.digest(), &odd);
}

#[test]
fn pushing_a_tag_again_moves_it() {
    let wharf = Wharf::start();
    let first = wharf.push_image("a", "latest", "first");
    let second = wharf.push_image("a", "latest", "second");
    wharf.expect_manifest(&manifest("a", "latest"), &second.digest(), &second);
    wharf.expect_manifest(&manifest("a", &first.digest()), &first.digest(), &first);
    wharf.push_manifest("a", "latest", &first);
    wharf.expect_manifest(&manifest("a", "latest"), &first.digest(), &first);
}

#[test]
fn parameters_of_the_content_type_are_ignored() {
    let wharf = Wharf::start();
    let index = Manifest::index(&[]);
    for parameters in ["; charset=utf-8", ";charset=utf-8", " ; a=b; c=d"] {
        let request = Request::put(manifest("a", "latest")).body(index.bytes());
        let answer = wharf.send(request.header("Content-Type", format!("{INDEX}{parameters}")));
        answer.expect_status(201);
        wharf.expect_manifest(&manifest("a", "latest"), &index.digest(), &index);
    }
}

#[test]
fn a_manifest_need_not_say_its_media_type() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "untyped");
    let mut json: serde_json::Value = serde_json::from_slice(image.bytes()).unwrap();
    json.as_object_mut().unwrap().remove("mediaType");
    let untyped = Manifest::of(IMAGE, &json);
    wharf.push_manifest("a", "latest", &untyped);
    wharf.expect_manifest(&manifest("a", "latest"), &untyped.digest(), &untyped);
}

#[test]
fn a_media_type_other_than_the_content_type_is_400() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "mistyped");
    let mistyped = Manifest::raw(INDEX, image.bytes());
    let answer = wharf.put_manifest("a", "latest", &mistyped);
    expect_error(&answer, 400, "MANIFEST_INVALID");
    wharf.get(&manifest("a", "latest")).expect_status(404);
}

#[test]
fn bytes_of_another_digest_are_400_and_not_stored() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "whitespace");
    let spaced = Manifest::raw(IMAGE, [image.bytes(), b"  "].concat());
    let promised = [image.digest(), image.sha512()];
    for digest in &promised {
        expect_error(&wharf.put_manifest("a", digest, &spaced), 400, "DIGEST_INVALID");
    }
    for digest in promised.iter().chain([&spaced.digest()]) {
        wharf.get(&manifest("a", digest)).expect_status(404);
    }
}

#[test]
fn a_digest_that_is_none_is_400() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "bad digest");
    let long = format!("sha256:{}", "a".repeat(65));
    let unknown = format!("md5:{}", "a".repeat(32));
    for digest in ["sha256:baddigeststring", "sha256:", &long, &unknown] {
        let answer = wharf.put_manifest("a", digest, &image);
        expect_error(&answer, 400, "DIGEST_INVALID");
    }
}

#[test]
fn missing_references_are_named_one_by_one_and_nothing_is_stored() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"here");
    let image = Manifest::image(b"no config", &[b"here", b"no layer"]);
    let answer = wharf.put_manifest("a", "latest", &image);
    expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(answer.error_codes(), ["MANIFEST_BLOB_UNKNOWN"; 2]);
    let text = answer.text();
    assert!(
        text.contains(&sha256("no config")) && text.contains(&sha256("no layer")),
        "{text}"
    );
    wharf.get(&manifest("a", "latest")).expect_status(404);
    wharf.get(&manifest("a", &image.digest())).expect_status(404);
}

#[test]
fn what_only_another_repository_has_is_missing() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "of a");
    let index = Manifest::index(&[&image]);
    for manifest in [&image, &index] {
        let answer = wharf.put_manifest("b", "latest", manifest);
        expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
    }
}

#[test]
fn a_manifest_is_no_blob_and_a_blob_no_manifest() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "kinds");
    wharf.get(&crate::wharf::blob("a", &image.digest())).expect_status(404);
    let digest = wharf.push_blob("a", b"just a blob");
    wharf.get(&manifest("a", &digest)).expect_status(404);
    let index = Manifest::index(&[]).with("manifests", json!([descriptor(IMAGE, b"just a blob")]));
    let answer = wharf.put_manifest("a", "index", &index);
    expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
}

#[test]
fn what_is_no_manifest_is_400() {
    let wharf = Wharf::start();
    let mut wrong_version = image_json(b"{}", &[]);
    wrong_version["schemaVersion"] = json!(1);
    let mut bad_digest = image_json(b"{}", &[]);
    bad_digest["config"]["digest"] = json!("sha256:abc");
    wharf.push_blob("a", b"{}");
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        "{}".to_owned(),
        wrong_version.to_string(),
        bad_digest.to_string(),
    ];
    for body in bodies {
        let answer = wharf.put_manifest("a", "latest", &Manifest::raw(IMAGE, body));
        expect_error(&answer, 400, "MANIFEST_INVALID");
    }
    let request = Request::put(manifest("a", "latest")).header("Content-Type", "text/plain");
    let answer = wharf.send(request.body(image_json(b"{}", &[]).to_string()));
    expect_error(&answer, 400, "MANIFEST_INVALID");
}
