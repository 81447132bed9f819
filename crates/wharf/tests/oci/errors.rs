//! The form of error bodies and their closed list of codes.

use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use crate::manifest::{IMAGE, Manifest};
use crate::soundness::{CODES, expect_error};
use crate::wharf::{Wharf, blob, manifest, ranged};

/// One answer for each way to fail that needs no credentials, with the status and code it must have.
fn failures(wharf: &Wharf) -> Vec<(Response, u16, &'static str)> {
    let nowhere = sha256("nowhere");
    wharf.push_image("a", "latest", "errors");
    let upload = wharf.begin_upload("a");
    let cancelled = wharf.begin_upload("a");
    wharf.delete(&cancelled).expect_status(204);
    let missing = Manifest::image(b"no such config", &[]);
    let put = |reference: &str, bytes: &str| {
        let request = Request::put(manifest("a", reference)).header("Content-Type", IMAGE);
        wharf.send(request.body(bytes))
    };
    vec![
        (wharf.get(&blob("a", &nowhere)), 404, "BLOB_UNKNOWN"),
        (wharf.get(&blob("a", "sha256:abc")), 400, "DIGEST_INVALID"),
        (wharf.get(&manifest("a", "gone")), 404, "MANIFEST_UNKNOWN"),
        (wharf.get(&manifest("a", &nowhere)), 404, "MANIFEST_UNKNOWN"),
        (wharf.get("/v2/b/tags/list"), 404, "NAME_UNKNOWN"),
        (wharf.get("/v2/A/tags/list"), 400, "NAME_INVALID"),
        (wharf.get("/v2/a/tags/list?n=-1"), 400, "UNSUPPORTED"),
        (wharf.get("/v2/a/referrers/sha256:abc"), 400, "DIGEST_INVALID"),
        (wharf.get(&cancelled), 404, "BLOB_UPLOAD_UNKNOWN"),
        (
            wharf.send(ranged(Request::patch(&upload), 5, b"gap")),
            416,
            "BLOB_UPLOAD_INVALID",
        ),
        (wharf.send(Request::put(&upload)), 400, "DIGEST_INVALID"),
        (put("latest", "no JSON"), 400, "MANIFEST_INVALID"),
        (put("-tag", "{}"), 400, "MANIFEST_INVALID"),
        (put(&nowhere, "{}"), 400, "DIGEST_INVALID"),
        (
            wharf.put_manifest("a", "latest", &missing),
            400,
            "MANIFEST_BLOB_UNKNOWN",
        ),
    ]
}

#[test]
fn every_refusal_has_a_body_of_the_specified_form() {
    let wharf = Wharf::start();
    for (answer, status, code) in failures(&wharf) {
        expect_error(&answer, status, code);
        let json = answer.json();
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(1), "{answer}");
        for error in json["errors"].as_array().unwrap() {
            let error = error.as_object().unwrap();
            let known = ["code", "message", "detail"];
            assert!(error.keys().all(|key| known.contains(&key.as_str())), "{answer}");
            assert!(
                error["message"].as_str().is_some_and(|text| !text.is_empty()),
                "{answer}"
            );
        }
    }
}

#[test]
fn codes_come_from_the_closed_list() {
    let wharf = Wharf::start();
    for (answer, ..) in failures(&wharf) {
        for code in answer.error_codes() {
            assert!(CODES.contains(&code.as_str()), "{answer}");
            assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
        }
    }
}

#[test]
fn head_refuses_with_the_status_of_get_and_no_body() {
    let wharf = Wharf::start();
    let nowhere = sha256("nowhere");
    let targets = [blob("a", &nowhere), manifest("a", "gone"), manifest("a", &nowhere)];
    for target in targets {
        let head = wharf.head(&target).expect_status(404);
        assert!(head.body.is_empty());
    }
}

#[test]
fn what_is_switched_off_is_unsupported() {
    let wharf = Wharf::start_with(&Config::new());
    let image = wharf.push_image("a", "latest", "switched off");
    let answer = wharf.delete(&manifest("a", &image.digest()));
    expect_error(&answer, 405, "UNSUPPORTED");
}
