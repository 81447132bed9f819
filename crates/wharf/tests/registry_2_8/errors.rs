//! §11 of registry 2.8's behaviour: the error cases that no other module has.

use serde_json::json;
use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::Expect;
use crate::images::{SCHEMA2, push_schema2, schema2};
use crate::subject::{Subject, put_manifest};

cases! {
    unknown_tag: Config::new(), differs in ["error-detail"];
    unknown_manifest_digest: Config::new(), differs in ["error-detail"];
    malformed_manifest_digest: Config::new(), differs in ["malformed-digest"];
    manifest_of_a_layer: Config::new(), differs in ["manifest-of-a-layer"];
    malformed_upload_id: Config::new(), differs in ["status-without-state"];
    failing_health_check: unhealthy();
}

/// Unknown tag → 404 `MANIFEST_UNKNOWN` `{"Tag":"latest"}`.
fn unknown_tag(c: &Subject) {
    let request = Request::get("/v2/foo/manifests/latest");
    let dump = Expect::error_detail(404, "MANIFEST_UNKNOWN", json!({"Tag": "latest"}));
    let text = Expect::error_detail(404, "MANIFEST_UNKNOWN", "unknown tag=latest");
    c.ask_differs("error-detail", &request, &dump, &text);
    push_schema2(c, "foo", "v1");
    c.ask_differs("error-detail", &request, &dump, &text);
}

/// Unknown manifest digest → 404 `MANIFEST_UNKNOWN` `{"Name":"foo","Revision":"sha256:0…"}`.
fn unknown_manifest_digest(c: &Subject) {
    let digest = sha256("unknown");
    let request = Request::get(format!("/v2/foo/manifests/{digest}"));
    let dump = json!({"Name": "foo", "Revision": digest});
    let dump = Expect::error_detail(404, "MANIFEST_UNKNOWN", dump);
    let text = format!("unknown manifest name=foo revision={digest}");
    let text = Expect::error_detail(404, "MANIFEST_UNKNOWN", text);
    c.ask_differs("error-detail", &request, &dump, &text);
}

/// GET or PUT of `manifests/sha256:abc` → 500 `UNKNOWN` with a path of the filesystem in the detail.
fn malformed_manifest_digest(c: &Subject) {
    let link = "/docker/registry/v2/repositories/foo/_manifests/tags/sha256:abc/current/link";
    let detail = json!({"Path": link, "DriverName": "filesystem"});
    let dump = Expect::error_detail(500, "UNKNOWN", detail);
    let refused = Expect::error_says(400, "DIGEST_INVALID", &["digest"]);
    let request = Request::get("/v2/foo/manifests/sha256:abc");
    c.ask_differs("malformed-digest", &request, &dump, &refused);
    crate::images::push_blobs(c, "foo");
    let request = put_manifest("foo", "sha256:baddigeststring", SCHEMA2, &schema2().to_string());
    let link = format!(
        "/docker/registry/v2/repositories/foo/_manifests/tags/sha256:baddigeststring/index/{}/link",
        sha256(schema2().to_string()).replace(':', "/")
    );
    let detail = json!({"Path": link, "DriverName": "filesystem"});
    let dump = Expect::error_detail(500, "UNKNOWN", detail);
    c.ask_differs("malformed-digest", &request, &dump, &refused);
}

/// Manifests are resolved through layer links too, so `GET manifests/<digest of a plain layer>` finds the content and
/// fails with 500.
fn manifest_of_a_layer(c: &Subject) {
    let digest = c.push_blob("foo", "hello world");
    let request = Request::get(format!("/v2/foo/manifests/{digest}"));
    let dump = Expect::error_detail(500, "UNKNOWN", json!({"Offset": 1}));
    let text = format!("unknown manifest name=foo revision={digest}");
    let text = Expect::error_detail(404, "MANIFEST_UNKNOWN", text);
    c.ask_differs("manifest-of-a-layer", &request, &dump, &text);
}

/// `GET …/uploads/abc` → 404 `BLOB_UPLOAD_INVALID` `{}`.
fn malformed_upload_id(c: &Subject) {
    let dump = Expect::error_detail(404, "BLOB_UPLOAD_INVALID", json!({}));
    let text = Expect::error_detail(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown");
    let request = Request::get("/v2/foo/blobs/uploads/abc");
    c.ask_differs("status-without-state", &request, &dump, &text);
}

fn unhealthy() -> Config {
    Config::new().top("health:\n  file:\n  - file: /proc/self/status\n    interval: 50ms")
}

/// While a health check fails, every path answers 503 `UNAVAILABLE`, without the API-version header.
fn failing_health_check(c: &Subject) {
    let detail = "health check failed: please see /debug/health";
    let refused = Expect::error_detail(503, "UNAVAILABLE", detail).without_api_version();
    c.wait_for_status("/v2/", 503);
    for path in ["/", "/v2/", "/v2/foo/tags/list", "/x"] {
        c.ask(&Request::get(path), &refused);
    }
}
