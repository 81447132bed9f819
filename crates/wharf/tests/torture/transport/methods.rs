//! Methods that nobody should use.

use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use super::over_both;
use crate::harness::{Torture, check, expect_error};

#[test]
fn http_10_trace_and_connect_are_405_everywhere() {
    let torture = Torture::start();
    let manifest = torture.push_image("foo", "v1", "methods");
    let digest = sha256(&manifest);
    over_both(&torture, |protocol, send| {
        for method in ["TRACE", "CONNECT"] {
            for target in [
                "/".to_owned(),
                "/v2/".to_owned(),
                "/v2/_catalog".to_owned(),
                "/v2/foo/tags/list".to_owned(),
                "/v2/foo/manifests/v1".to_owned(),
                format!("/v2/foo/blobs/{digest}"),
                "/v2/foo/blobs/uploads/".to_owned(),
                format!("/v2/foo/referrers/{digest}"),
                "/elsewhere".to_owned(),
            ] {
                // CONNECT has no path over HTTP/2.
                if method == "CONNECT" && protocol == "http2" {
                    continue;
                }
                let request = Request::new(method, &target).header("X-Secret", "reflected");
                let refused = send(request);
                expect_error(&refused, 405, "UNSUPPORTED");
                assert!(!refused.text().contains("reflected"), "{method} {target}: {refused}");
            }
        }
    });
    // As a proxy is asked.
    for line in [
        "CONNECT example.com:443",
        "CONNECT 127.0.0.1:22",
        "TRACE *",
        "TRACE http://localhost/v2/",
    ] {
        let mut connection = torture.client().connect();
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        connection.write(head.as_bytes()).unwrap();
        let refused = connection.read_response("GET").unwrap();
        check(&refused);
        assert!(matches!(refused.status, 400 | 405), "{line}: {refused}");
    }
    torture.finish();
}

/// A proxy that lets reads through must not let deletes through with them.
#[test]
fn http_10_no_header_and_no_parameter_overrides_the_method() {
    let torture = Torture::start();
    let manifest = torture.push_image("foo", "v1", "overrides");
    over_both(&torture, |_, send| {
        for name in [
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X-Original-Method",
        ] {
            let delete = Request::get("/v2/foo/manifests/v1").header(name, "DELETE");
            assert_eq!(send(delete).expect_status(200).body, manifest, "{name}");
            let post = Request::post("/v2/foo/manifests/v1").header(name, "DELETE");
            expect_error(&send(post), 405, "UNSUPPORTED");
        }
        let delete = Request::get("/v2/foo/manifests/v1?_method=DELETE");
        send(delete).expect_status(200);
        for name in ["X-Original-URL", "X-Rewrite-URL"] {
            let elsewhere = Request::get("/v2/foo/manifests/v1").header(name, "/v2/_catalog");
            assert_eq!(send(elsewhere).expect_status(200).body, manifest, "{name}");
        }
        send(Request::get("/v2/foo/manifests/v1")).expect_status(200);
    });
    torture.finish();
}
