//! What a client says and hears again.

use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use super::over_both;
use crate::harness::{Torture, check};

/// Starts an upload and cancels it, and returns the start of its URL, up to the path.
fn origin(send: &dyn Fn(Request) -> Response, headers: &[(&str, &str)]) -> String {
    let post = Request::post("/v2/foo/blobs/uploads/");
    let answer = send(
        headers
            .iter()
            .fold(post, |post, (name, value)| post.header(*name, *value)),
    );
    let answer = answer.expect_status(202);
    send(Request::delete(answer.location())).expect_status(204);
    let location = answer.expect_header("Location");
    let path = location
        .find("/v2/foo/blobs/uploads/")
        .unwrap_or_else(|| panic!("{answer}"));
    location[..path].to_owned()
}

/// No authorities, and what is one but not of the allowed form.
const HOSTILE: [&str; 14] = [
    "evil.example/path",
    "user@evil.example",
    "user:password@evil.example",
    "evil.example:99999",
    "evil.example:",
    "evil.example:80:90",
    "evil.example?x",
    "evil.example#x",
    "evil.example\\x",
    "evil.example%0d%0aX-Injected: 1",
    "<script>",
    "\"",
    "[::1",
    "evil.example, other.example:x",
];

#[test]
fn http_08_the_location_is_where_the_proxy_or_the_client_says() {
    let torture = Torture::start();
    let own = format!("http://{}", torture.client().addr());
    over_both(&torture, |_, send| {
        assert_eq!(origin(send, &[]), own);
        for (headers, expected) in [
            (
                &[
                    ("X-Forwarded-Proto", "https"),
                    ("X-Forwarded-Host", "proxy.example:8443"),
                ][..],
                "https://proxy.example:8443",
            ),
            (
                &[("X-Forwarded-Host", "first.example, second.example")],
                "http://first.example",
            ),
            (
                &[
                    ("Forwarded", "proto=https;host=forwarded.example"),
                    ("X-Forwarded-Host", "other.example"),
                ],
                "https://forwarded.example",
            ),
            (&[("X-Forwarded-Host", "[::1]:5000")], "http://[::1]:5000"),
        ] {
            assert_eq!(origin(send, headers), expected, "{headers:?}");
        }
    });
    torture.finish();
}

#[test]
fn http_08_a_hostile_host_is_not_repeated() {
    let torture = Torture::start();
    let own = format!("http://{}", torture.client().addr());
    over_both(&torture, |_, send| {
        for hostile in HOSTILE {
            let forwarded = format!("proto=https;host=\"{hostile}\"");
            // What follows a comma is another proxy's, and the first is an authority.
            let first = hostile.starts_with("evil.example,");
            let expected = if first { "http://evil.example" } else { &own };
            assert_eq!(origin(send, &[("X-Forwarded-Host", hostile)]), expected, "`{hostile}`");
            let answer = origin(send, &[("Forwarded", &forwarded)]);
            assert!(
                [own.as_str(), &own.replace("http:", "https:"), "https://evil.example"].contains(&answer.as_str()),
                "`{hostile}`: {answer}"
            );
            assert_eq!(origin(send, &[("X-Forwarded-Proto", hostile)]), own, "`{hostile}`");
        }
    });
    for hostile in HOSTILE {
        let mut connection = torture.client().connect();
        let head = format!("POST /v2/foo/blobs/uploads/ HTTP/1.1\r\nHost: {hostile}\r\nContent-Length: 0\r\n\r\n");
        connection.write(head.as_bytes()).unwrap();
        let answer = connection.read_response("POST").unwrap();
        check(&answer);
        if answer.status == 202 {
            let location = answer.expect_header("Location");
            assert!(location.starts_with("/v2/foo/blobs/uploads/"), "`{hostile}`: {answer}");
            torture.send(Request::delete(answer.location())).expect_status(204);
        } else {
            assert_eq!(answer.status, 400, "`{hostile}`: {answer}");
        }
    }
    torture.finish();
}

#[test]
fn http_08_the_configured_host_counts_and_relative_urls_have_none() {
    let hostile = [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "host=evil.example"),
    ];
    let named = Torture::start_with(&Config::new().delete().http("host: https://registry.example:444"));
    over_both(&named, |_, send| {
        assert_eq!(origin(send, &hostile), "https://registry.example:444");
    });
    named.finish();
    let relative = Torture::start_with(&Config::new().delete().http("relativeurls: true"));
    over_both(&relative, |_, send| assert_eq!(origin(send, &hostile), ""));
    relative.finish();
}

/// Checks that no line of a header is the client's.
#[track_caller]
fn expect_whole(answer: &Response) {
    check(answer);
    for (name, value) in &answer.headers {
        let is_injected = name.eq_ignore_ascii_case("x-injected") || value.contains(['\r', '\n']);
        assert!(!is_injected, "{answer}");
    }
}

/// In every value that may come back in a header.
#[test]
fn http_09_no_encoded_end_of_line_gets_into_a_header() {
    let torture = Torture::start();
    let manifest = torture.push_image("foo", "v1", "lines");
    torture.push_image("foo", "v2", "lines");
    let digest = sha256(&manifest);
    over_both(&torture, |_, send| {
        for line in [
            "%0d%0aX-Injected:%201",
            "%0aX-Injected:%201",
            "%0d",
            "%E5%98%8A%E5%98%8DX-Injected:%201",
            "%00",
            "%250d%250aX-Injected:%201",
        ] {
            for target in [
                format!("/{line}"),
                format!("/v2{line}"),
                format!("/v2/{line}/tags/list"),
                format!("/v2/foo{line}/tags/list"),
                format!("/v2/foo/tags/list?n=1&last={line}"),
                format!("/v2/foo/tags/list?n=1{line}"),
                format!("/v2/foo/tags/list?n=1&x={line}"),
                format!("/v2/_catalog?n=1&last={line}"),
                format!("/v2/foo/manifests/{line}"),
                format!("/v2/foo/manifests/v1?{line}"),
                format!("/v2/foo/blobs/{line}"),
                format!("/v2/foo/blobs/uploads/{line}"),
                format!("/v2/foo/referrers/{digest}?artifactType={line}"),
                format!("/v2/foo/referrers/{digest}?n=1&last={line}"),
            ] {
                for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
                    if method == "DELETE" && target.contains("v1?") {
                        continue;
                    }
                    expect_whole(&send(Request::new(method, &target)));
                }
            }
            let uploads = "/v2/foo/blobs/uploads/";
            for query in [
                format!("mount={line}&from={line}"),
                format!("digest={line}"),
                format!("digest-algorithm={line}"),
            ] {
                let answer = send(Request::post(format!("{uploads}?{query}")));
                expect_whole(&answer);
                if answer.status == 202 {
                    expect_whole(&send(Request::delete(answer.location())).expect_status(204));
                }
            }
        }
        for name in ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Range", "Accept"] {
            let answer = send(Request::get("/v2/foo/manifests/v1").header(name, "a%0d%0aX-Injected: 1"));
            expect_whole(&answer);
        }
    });
    torture.finish();
}

/// An end of line as it is makes a line of its own, or no request.
#[test]
fn http_09_no_end_of_line_gets_from_header_to_header() {
    let torture = Torture::start();
    torture.push_image("foo", "v1", "lines");
    for name in ["Host", "X-Forwarded-Host", "Forwarded", "If-None-Match", "Content-Type"] {
        for end in ["\r", "\n", "\r ", "\n\t", "\0"] {
            let mut connection = torture.client().connect();
            let head = format!(
                "GET /v2/foo/manifests/v1 HTTP/1.1\r\nHost: localhost\r\n{name}: a{end}X-Injected: 1\r\nConnection: close\r\n\r\n"
            );
            connection.write(head.as_bytes()).unwrap();
            expect_whole(&connection.read_response("GET").unwrap());
        }
    }
    torture.finish();
}
