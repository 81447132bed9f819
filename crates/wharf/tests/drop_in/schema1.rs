//! Signed schema 1 manifests that registry:2 stored.

use std::path::Path;

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Client, Request, Response};
use wharf_testing::image::{Content, Format, ImageBuilder, push_manifest};
use wharf_testing::{Config, DockerRegistry, Registry as _};

use crate::differential::answer::{Answer, Masks};
use crate::differential::content::{ALL_TYPES, LIST, OCI, SCHEMA1, SCHEMA2};
use crate::{SECRET, config, wharf};

/// registry:2 takes schema 1 manifests only when it is told to.
fn with_schema1() -> Config {
    config().top("compatibility:\n  schema1:\n    enabled: true")
}

fn registry_2_8(root: &Path) -> DockerRegistry {
    DockerRegistry::start_at(&with_schema1(), root)
}

fn get(client: &Client, reference: &str, accept: &[&str]) -> Response {
    let get = Request::get(format!("/v2/old/manifests/{reference}"));
    client.send(accept.iter().fold(get, |get, kind| get.header("Accept", *kind)))
}

/// An answer without the signature and the key, which are new each time.
fn masked(client: &Client, response: &Response) -> Answer {
    let masks = Masks {
        addr: client.addr(),
        secret: SECRET,
        label: &str::to_owned,
    };
    Answer::new(response, "GET", &masks)
}

/// What was signed: the text up to the signatures, and its end.
fn unsigned(response: &Response) -> String {
    let text = response.text();
    let (body, _) = text.split_once(",\n   \"signatures\": [").expect("it is signed");
    format!("{body}\n}}")
}

/// Pushes a docker image, and its signed schema 1 form, which registry 2.8 makes itself, under another tag. The digest
/// of the latter.
fn push(client: &Client) -> String {
    let image = ImageBuilder::new(61).format(Format::Docker).layer_bytes(500).build();
    image.push(client, "old", "new-form");
    let signed = get(client, "new-form", &[SCHEMA1]).expect_status(200);
    push_manifest(client, "old", "signed", &Content::new(SCHEMA1, &*signed.body));
    push_manifest(client, "old", "signed-too", &Content::new(SCHEMA1, &*signed.body));
    sha256(unsigned(&signed))
}

#[test]
fn stored_schema_1_manifests_are_pulled_as_from_registry_2_8() {
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let registry = registry_2_8(root.path());
    let digest = push(&registry.client());
    let references = ["signed", "signed-too", &digest];
    let accepts: [&[&str]; 6] = [
        &[],
        &["*/*"],
        &[SCHEMA1],
        &[SCHEMA2, LIST, OCI],
        &ALL_TYPES,
        &["text/html"],
    ];
    let ask_all = |client: &Client| {
        let mut answers = Vec::new();
        for reference in references {
            for accept in accepts {
                let answer = get(client, reference, accept).expect_status(200);
                assert_eq!(answer.expect_header("Content-Type"), SCHEMA1);
                assert_eq!(sha256(unsigned(&answer)), digest);
                answers.push(masked(client, &answer).to_string());
            }
        }
        answers
    };
    let by_registry_2_8 = ask_all(&registry.client());
    drop(registry);
    let server = wharf(&with_schema1()).root(root.path()).start();
    assert_eq!(ask_all(&server.client()), by_registry_2_8);
    let head = Request::head("/v2/old/manifests/signed").header("Accept", SCHEMA1);
    let head = server.client().send(head).expect_status(200);
    assert_eq!(head.expect_header("Docker-Content-Digest"), digest);

    // Its blobs are there, and it keeps its place among the tags.
    let signed = get(&server.client(), "signed", &[SCHEMA1]);
    for layer in signed.json()["fsLayers"].as_array().into_iter().flatten() {
        let blob = layer["blobSum"].as_str().unwrap_or_default();
        server
            .client()
            .send(Request::get(format!("/v2/old/blobs/{blob}")))
            .expect_status(200);
    }
    let tags = server
        .client()
        .send(Request::get("/v2/old/tags/list"))
        .expect_status(200)
        .json();
    assert_eq!(tags["tags"], serde_json::json!(["new-form", "signed", "signed-too"]));
}

/// Registry 2.8 verifies signatures, so that it is the judge of wharf's.
#[test]
fn what_wharf_signs_is_accepted_by_registry_2_8() {
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let digest = push(&registry_2_8(root.path()).client());
    let server = wharf(&config()).root(root.path()).start();
    let stored = get(&server.client(), "signed", &[]).expect_status(200);
    let converted = get(&server.client(), "new-form", &[SCHEMA1]).expect_status(200);
    drop(server);
    let registry = registry_2_8(root.path());
    for (tag, signed) in [("again", &stored), ("converted", &converted)] {
        push_manifest(&registry.client(), "old", tag, &Content::new(SCHEMA1, &*signed.body));
        let pulled = get(&registry.client(), tag, &[SCHEMA1]).expect_status(200);
        assert_eq!(pulled.expect_header("Docker-Content-Digest"), sha256(unsigned(signed)));
    }
    assert_eq!(sha256(unsigned(&stored)), digest);
    // One character changed, and it is refused.
    let forged = stored
        .text()
        .replacen("\"architecture\": \"amd64\"", "\"architecture\": \"arm64\"", 1);
    let put = Request::put("/v2/old/manifests/forged").header("Content-Type", SCHEMA1);
    let refused = registry.client().send(put.body(forged)).expect_status(400);
    assert_eq!(refused.error_codes(), ["MANIFEST_UNVERIFIED"]);
}

#[test]
fn a_stored_schema_1_manifest_is_deleted_and_tags_on_it_with_it() {
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let digest = push(&registry_2_8(root.path()).client());
    let server = wharf(&config()).root(root.path()).start();
    let delete = Request::delete(format!("/v2/old/manifests/{digest}"));
    server.client().send(delete).expect_status(202);
    drop(server);
    let registry = registry_2_8(root.path());
    for (reference, status) in [("signed", 404), ("signed-too", 404), (&*digest, 404), ("new-form", 200)] {
        get(&registry.client(), reference, &[SCHEMA2]).expect_status(status);
    }
}
