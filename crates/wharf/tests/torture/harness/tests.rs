//! That each invariant can be broken, and is seen to be.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wharf_testing::encoding::encoded;
use wharf_testing::http::{Request, Response};

use super::resources::Resources;
use super::{SECRET, Torture, check};

/// What a check says that must fail.
fn complaint(failing: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(failing)).expect_err("the check fails");
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

fn answer(status: u16, media_type: &str, body: &str) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), media_type.to_owned())],
        body: body.into(),
        complete: true,
    }
}

#[test]
fn inv_01_a_server_error_is_seen() {
    let error = answer(500, "application/json", r#"{"errors":[{"code":"UNKNOWN"}]}"#);
    assert!(complaint(|| check(&error)).contains("INV-01"));
}

#[test]
fn inv_02_an_error_without_a_code_of_the_list_is_seen() {
    let good = r#"{"errors":[{"code":"NAME_INVALID"}]}"#;
    check(&answer(400, "application/json", good));
    for (media_type, body) in [
        ("text/plain", good),
        ("application/json", "{}"),
        ("application/json", r#"{"errors":[]}"#),
        ("application/json", r#"{"errors":[{"code":"RANGE_INVALID"}]}"#),
        ("application/json", "no json"),
    ] {
        let complaint = complaint(|| check(&answer(400, media_type, body)));
        assert!(complaint.contains("INV-02"), "{body}: {complaint}");
    }
}

#[test]
fn inv_03_a_canary_that_lost_a_blob_is_seen() {
    let torture = Torture::start();
    let manifest = torture.get("/v2/keep/alive/manifests/1").expect_status(200).json();
    let config = manifest["config"]["digest"].as_str().unwrap();
    torture
        .delete(&format!("/v2/keep/alive/blobs/{config}"))
        .expect_status(202);
    let complaint = complaint(|| torture.finish());
    assert!(complaint.contains("expected status 200, got 404"), "{complaint}");
}

#[test]
fn inv_04_damage_is_seen() {
    let torture = Torture::start();
    let digest = torture.push_blob("a", b"to be damaged");
    let hex = encoded(&digest);
    fs::write(
        torture.tree(&format!("blobs/sha256/{}/{hex}/data", &hex[..2])),
        "to be DAMAGED",
    )
    .unwrap();
    let complaint = complaint(|| torture.finish());
    assert!(complaint.contains("INV-04") && complaint.contains(hex), "{complaint}");
}

#[test]
fn inv_05_what_is_not_given_back_is_seen() {
    let torture = Torture::start();
    let surplus = || Resources::of(torture.server()).surplus(&torture.baseline).join("\n");
    let upload = torture
        .send(Request::post("/v2/a/blobs/uploads/"))
        .expect_status(202)
        .location();
    assert!(surplus().contains("temporary files"), "{}", surplus());
    torture.delete(&upload).expect_status(204);

    let client = torture.client();
    client.send(Request::get("/v2/"));
    assert!(surplus().contains("descriptors"), "{}", surplus());
    drop(client);
    torture.finish();
}

/// Every request carries the secret, whether it is taken or refused, and every line that there can be is written.
#[test]
fn inv_06_no_level_of_logging_tells_secrets() {
    let torture = Torture::start_verbose();
    let image = torture.push_image("a", "1", "secret");
    torture.expect_content("/v2/a/manifests/1", &image);
    let upload = torture
        .send(Request::post("/v2/a/blobs/uploads/"))
        .expect_status(202)
        .location();
    torture.send(Request::patch(&upload).body("x")).expect_status(202);
    torture.send(Request::patch(&upload).body("y")).expect_status(416);
    torture
        .send(Request::put(format!("{upload}&digest=x")))
        .expect_status(400);
    torture.delete(&upload).expect_status(204);
    for target in [
        "/v2/a/manifests/2",
        "/v2/A/tags/list",
        "/v2/a/blobs/x",
        "/nowhere",
        "/v2/_catalog?n=x",
    ] {
        assert!(torture.get(target).status >= 400);
    }
    torture.put_manifest("a", "1", "text/plain", b"{").expect_status(400);
    torture.delete("/v2/a/manifests/1").expect_status(202);
    torture.finish_and_read_logs(|logs| {
        assert!(logs.contains("\"level\":\"debug\"") || logs.contains("DEBUG"), "{logs}");
    });
}

#[test]
fn inv_06_a_secret_in_a_log_is_seen() {
    let torture = Torture::start();
    torture.get(&format!("/v2/{SECRET}/tags/list")).expect_status(404);
    let complaint = complaint(|| torture.finish());
    assert!(complaint.contains("INV-06"), "{complaint}");
}
