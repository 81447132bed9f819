//! Requests that are too large, and bodies that nobody wants.

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Connection, Request, Response};

use super::over_both;
use crate::harness::{OCI_IMAGE, Torture, check, expect_error};

const HEADER_BYTES_MAX: usize = 32 * 1024;
const TARGET_BYTES_MAX: usize = 8 * 1024;

/// A request with this many header lines of this many bytes each.
fn with_headers(count: usize, bytes: usize) -> Request {
    (0..count).fold(Request::get("/v2/"), |request, number| {
        request.header(format!("x-{number}"), "x".repeat(bytes))
    })
}

/// A target of this many bytes in all.
fn with_target(bytes: usize) -> Request {
    let target = "/v2/foo/tags/list?n=1&x=";
    Request::get(format!("{target}{}", "x".repeat(bytes - target.len())))
}

#[test]
fn http_03_a_large_header_is_431_and_a_long_target_414() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        send(with_headers(30, 1000)).expect_status(200);
        send(with_headers(1, HEADER_BYTES_MAX - 500)).expect_status(200);
        for request in [
            with_headers(1, HEADER_BYTES_MAX),
            with_headers(40, 1000),
            with_headers(90, 1000),
        ] {
            let refused = send(request).expect_status(431);
            // Over HTTP/2 the library refuses it, before there is a request that could be answered in JSON.
            if protocol == "http1" {
                expect_error(&refused, 431, "UNSUPPORTED");
            }
        }
        let within = send(with_target(TARGET_BYTES_MAX));
        expect_error(&within, 404, "NAME_UNKNOWN");
        for bytes in [TARGET_BYTES_MAX + 1, 2 * TARGET_BYTES_MAX, 28 * 1024] {
            expect_error(&send(with_target(bytes)), 414, "UNSUPPORTED");
        }
        let long_name = Request::get(format!("/v2/{}/tags/list", "a/".repeat(TARGET_BYTES_MAX)));
        expect_error(&send(long_name), 414, "UNSUPPORTED");
    });
    torture.finish();
}

/// What the library refuses before there is a request has no body: more than 100 lines, 64 KiB of target, 400 KiB of header, and what
/// is no HTTP at all.
#[test]
fn http_03_what_is_no_request_is_refused_and_closed() {
    let torture = Torture::start();
    for (what, wire, statuses) in [
        (
            "many lines",
            format!("GET /v2/ HTTP/1.1\r\nHost: x\r\n{}\r\n", "x: y\r\n".repeat(101)),
            &[431][..],
        ),
        (
            "a target without end",
            format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(70_000)),
            &[414],
        ),
        (
            "a header without end",
            format!("GET /v2/ HTTP/1.1\r\nX: {}", "x".repeat(1 << 20)),
            &[431],
        ),
        ("no version", "GET /v2/\r\n\r\n".to_owned(), &[400]),
        ("another version", "GET /v2/ HTTP/3.0\r\n\r\n".to_owned(), &[400, 505]),
        ("no colon", "GET /v2/ HTTP/1.1\r\nHost\r\n\r\n".to_owned(), &[400]),
        (
            "two lengths",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "a bad length",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "a bad coding",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "a control character",
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: \u{1}\r\n\r\n".to_owned(),
            &[400],
        ),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n".to_owned(), &[400]),
    ] {
        let mut connection = torture.client().connect();
        // The server may refuse the rest.
        let _ = connection.write(wire.as_bytes());
        let answer = connection
            .read_response("GET")
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(statuses.contains(&answer.status), "{what}: {answer}");
        check(&answer);
        assert!(connection.is_closed(), "{what}: still open");
    }
    torture.finish();
}

/// Bytes that would be an answer's beginning if they were taken for a request.
const SMUGGLED: &str = "GET /v2/keep/alive/tags/list HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A refusal of a body that was not read to its end: nothing of it may be taken for a request.
#[track_caller]
fn expect_closed_after(connection: &mut Connection, refused: &Response) {
    assert_eq!(refused.header("Connection"), Some("close"), "{refused}");
    let _ = connection.write(SMUGGLED.as_bytes());
    assert!(connection.read_response("GET").is_err(), "what followed was answered");
}

#[test]
fn http_11_a_large_body_that_is_refused_ends_its_connection() {
    let torture = Torture::start();
    let large = SMUGGLED.repeat((5 << 20) / SMUGGLED.len());
    let manifest = Request::put("/v2/foo/manifests/x").header("Content-Type", OCI_IMAGE);
    let no_upload = "/v2/foo/blobs/uploads/00000000-0000-4000-8000-000000000000";
    for (request, status) in [
        (manifest.clone().body(&large), 413),
        (manifest.chunked([&large]), 413),
        (Request::patch(no_upload).body(&large), 404),
        (Request::put("/v2/foo/tags/list").body(&large), 405),
        (Request::post("/v2/NO/blobs/uploads/").body(&large), 400),
        (Request::get("/v2/foo/blobs/uploads/").body(&large), 405),
    ] {
        for sent in [70_000, 5_000_000] {
            let mut connection = torture.client().connect();
            if status == 413 && sent < 5_000_000 {
                // It is not too large yet, except by what it says of itself.
                continue;
            }
            // The server may stop reading at any time.
            let _ = connection.send_part(&request, sent);
            let refused = connection
                .read_response(request.method())
                .unwrap()
                .expect_status(status);
            check(&refused);
            expect_closed_after(&mut connection, &refused);
        }
    }
    torture.finish();
}

/// A short one is read instead, and the connection goes on.
#[test]
fn http_11_a_short_body_that_is_refused_is_drained() {
    let torture = Torture::start();
    let mut connection = torture.client().connect();
    for bytes in [1, 1000, 60_000] {
        let body = &SMUGGLED.repeat(1100)[..bytes];
        let refused = connection.send(&Request::put("/v2/foo/tags/list").body(body)).unwrap();
        expect_error(&refused, 405, "UNSUPPORTED");
        let next = connection.send(&Request::get("/v2/keep/alive/manifests/1")).unwrap();
        let next = next.expect_status(200);
        assert_eq!(next.expect_header("Docker-Content-Digest"), sha256(&next.body));
    }
    drop(connection);
    torture.finish();
}
