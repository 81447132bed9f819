//! The limit on the size of a manifest.

use serde_json::{Map, Value, json};
use wharf_testing::http::Request;

use crate::manifest::{IMAGE, Manifest};
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

/// The limit without configuration: 4 MiB, as registry:2 has it.
const LIMIT: usize = 4 * 1024 * 1024;

/// An image of exactly this many bytes, padded by an annotation.
fn image_of(wharf: &Wharf, length: usize) -> Manifest {
    wharf.push_blob("a", b"{}");
    let padded =
        |padding: usize| Manifest::image(b"{}", &[]).with("annotations", json!({ "padding": "A".repeat(padding) }));
    let image = padded(length - padded(0).bytes().len());
    assert_eq!(image.bytes().len(), length);
    image
}

#[test]
fn a_manifest_of_almost_four_million_bytes_is_accepted() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let annotations: Map<String, Value> = (0..390)
        .map(|index| (format!("large-annotation-{index}"), json!("A".repeat(10_000))))
        .collect();
    let large = Manifest::image(b"{}", &[]).with("annotations", Value::Object(annotations));
    assert!(large.bytes().len() > 3_900_000);
    for reference in ["large", &large.digest()] {
        wharf.push_manifest("a", reference, &large);
        wharf.expect_manifest(&manifest("a", reference), &large.digest(), &large);
    }
}

#[test]
fn a_manifest_as_large_as_the_limit_is_accepted() {
    let wharf = Wharf::start();
    let image = image_of(&wharf, LIMIT);
    wharf.push_manifest("a", "latest", &image);
    wharf.expect_manifest(&manifest("a", "latest"), &image.digest(), &image);
}

#[test]
fn a_manifest_above_the_limit_is_413() {
    let wharf = Wharf::start();
    let image = image_of(&wharf, LIMIT + 1);
    let request = || Request::put(manifest("a", "latest")).header("Content-Type", IMAGE);
    for request in [request().body(image.bytes()), request().chunked([image.bytes()])] {
        expect_error(&wharf.send(request), 413, "MANIFEST_INVALID");
        wharf.get(&manifest("a", "latest")).expect_status(404);
    }
    wharf.get(&manifest("a", &image.digest())).expect_status(404);
}

#[test]
fn a_connection_that_ends_with_a_413_says_so() {
    let wharf = Wharf::start();
    let image = image_of(&wharf, LIMIT + 1);
    let put = Request::put(manifest("a", "latest")).header("Content-Type", IMAGE);
    for put in [put.clone().body(image.bytes()), put.chunked([image.bytes()])] {
        let mut connection = wharf.connect();
        let refused = connection.send(&put).unwrap().expect_status(413);
        let closes = refused.header("Connection").is_some_and(|value| value == "close");
        if closes {
            assert!(connection.is_closed(), "announced, but not done: {refused}");
        } else {
            connection.send(&Request::get("/v2/")).unwrap().expect_status(200);
        }
    }
}
