//! end-7b: one manifest under several tags in one request.

use serde_json::json;
use wharf_testing::http::Response;

use crate::manifest::Manifest;
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

/// The digest of the image with these tags as parameters.
fn tagged(image: &Manifest, tags: &[String]) -> String {
    let parameters: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
    format!("{}?{}", image.digest(), parameters.join("&"))
}

/// The tags of all `OCI-Tag` lines, each of which may hold several.
fn accepted(answer: &Response) -> Vec<String> {
    let lines = answer.headers_named("OCI-Tag");
    lines
        .flat_map(|line| line.split(','))
        .map(|tag| tag.trim().to_owned())
        .collect()
}

fn twelve() -> Vec<String> {
    (0..12).map(|number| format!("v1.{number}")).collect()
}

#[test]
fn twelve_tags_are_written_and_listed_in_the_answer() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "twelve");
    let answer = wharf
        .put_manifest("a", &tagged(&image, &twelve()), &image)
        .expect_status(201);
    assert_eq!(accepted(&answer), twelve());
    assert_eq!(answer.expect_header("Docker-Content-Digest"), image.digest());
    wharf.expect_manifest(&answer.location(), &image.digest(), &image);
    for tag in twelve() {
        wharf.expect_manifest(&manifest("a", &tag), &image.digest(), &image);
    }
    assert_eq!(
        wharf.get("/v2/a/tags/list").json()["tags"].as_array().map(Vec::len),
        Some(12)
    );
}

#[test]
fn tags_that_were_there_are_moved() {
    let wharf = Wharf::start();
    wharf.push_image("a", "latest", "old");
    let image = wharf.image("a", "new");
    let tags = ["latest".to_owned(), "1".to_owned()];
    let answer = wharf
        .put_manifest("a", &tagged(&image, &tags), &image)
        .expect_status(201);
    assert_eq!(accepted(&answer), tags);
    wharf.expect_manifest(&manifest("a", "latest"), &image.digest(), &image);
}

#[test]
fn one_bad_tag_among_twelve_is_400_and_none_is_written() {
    let wharf = Wharf::start();
    wharf.push_image("a", "before", "before");
    let image = wharf.image("a", "bad tag");
    let long = "t".repeat(129);
    for bad in ["-bad", "b%20d", "", long.as_str()] {
        let mut tags = twelve();
        tags[7] = bad.to_owned();
        let answer = wharf.put_manifest("a", &tagged(&image, &tags), &image);
        expect_error(&answer, 400, "MANIFEST_INVALID");
        assert_eq!(accepted(&answer), Vec::<String>::new());
        assert_eq!(wharf.get("/v2/a/tags/list").json()["tags"], json!(["before"]));
        wharf.get(&manifest("a", &image.digest())).expect_status(404);
    }
}

#[test]
fn tags_of_an_index() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "child");
    let child_tags = ["child".to_owned()];
    wharf.push_manifest("a", &tagged(&image, &child_tags), &image);
    let index = Manifest::index(&[&image]);
    let tags = ["index".to_owned(), "latest".to_owned()];
    let answer = wharf
        .put_manifest("a", &tagged(&index, &tags), &index)
        .expect_status(201);
    assert_eq!(accepted(&answer), tags);
    wharf.expect_manifest(&manifest("a", "latest"), &index.digest(), &index);
    wharf.expect_manifest(&manifest("a", "child"), &image.digest(), &image);
}

#[test]
fn more_tags_than_fit_a_request_are_414_and_none_is_written() {
    let wharf = Wharf::start();
    wharf.push_image("a", "before", "before");
    let image = wharf.image("a", "too many");
    let tags: Vec<String> = (0..100).map(|number| format!("{number:0>128}")).collect();
    wharf
        .put_manifest("a", &tagged(&image, &tags), &image)
        .expect_status(414);
    assert_eq!(wharf.get("/v2/a/tags/list").json()["tags"], json!(["before"]));
}

#[test]
fn a_manifest_with_a_wrong_digest_gets_no_tag() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "wrong digest");
    let spaced = Manifest::raw(image.media_type(), [image.bytes(), b" "].concat());
    let reference = tagged(&image, &["latest".to_owned()]);
    expect_error(&wharf.put_manifest("a", &reference, &spaced), 400, "DIGEST_INVALID");
    wharf.get(&manifest("a", "latest")).expect_status(404);
}
