//! §7 and §8 of registry 2.8's behaviour: the `_state` of an upload, and where `Location` points.

use serde_json::Value;
use wharf_testing::Config;
use wharf_testing::encoding::{base64url, base64url_decode, hmac_sha256};
use wharf_testing::http::{Request, query_value};

use crate::case::cases;
use crate::subject::{Subject, upload_id};

cases! {
    state: Config::new().http("secret: asecretforlocaldevelopment");
    host_header: Config::new();
    forwarded_headers: Config::new();
    configured_host: Config::new().http("host: https://registry.example.com");
    relative_urls: Config::new().http("relativeurls: true");
    prefix: Config::new().http("prefix: /pfx/");
}

/// base64url with padding of HMAC-SHA256(secret, json) ‖ json, the `=` percent-encoded; the fields `Name`, `UUID`,
/// `Offset`, `StartedAt` in this order without spaces; `StartedAt` has nanoseconds in the answer to POST and whole
/// seconds afterwards.
fn state(c: &Subject) {
    let first = c.send(&Request::post("/v2/a/b/blobs/uploads/")).expect_status(202);
    let first = first.expect_header("Location").to_owned();
    let second = c.send(&Request::patch(&first).body("hello ")).expect_status(202);
    let second = second.expect_header("Location").to_owned();
    for (location, offset, fraction) in [(&first, 0, true), (&second, 6, false)] {
        let (_, raw) = location.split_once("_state=").expect("it has a state");
        assert!(!raw.contains('='), "{raw}");
        let token = query_value(location, "_state").expect("it has a state");
        let json = &base64url_decode(&token)[32..];
        let signature = hmac_sha256(b"asecretforlocaldevelopment", json);
        assert_eq!(token, base64url([&signature, json].concat()));
        let state: Value = serde_json::from_slice(json).expect("the state is JSON");
        let started = state["StartedAt"].as_str().expect("a string");
        assert_eq!(started.contains('.'), fraction, "{started}");
        let id = upload_id(location);
        let exact = format!(r#"{{"Name":"a/b","UUID":"{id}","Offset":{offset},"StartedAt":"{started}"}}"#);
        assert_eq!(String::from_utf8_lossy(json), exact);
    }
}

/// The beginning of the `Location` that answers a POST with these headers.
fn origin(c: &Subject, path: &str, headers: &[(&str, &str)]) -> String {
    let has_host = headers.iter().any(|(name, _)| *name == "Host");
    let request = Request::post(path);
    let request = if has_host { request.without_host() } else { request };
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = c.send(&request).expect_status(202);
    let location = answer.expect_header("Location");
    let end = location.find("/foo/blobs/uploads/").expect("it is an upload");
    location[..end].to_owned()
}

const UPLOADS: &str = "/v2/foo/blobs/uploads/";

/// Without anything else: the `Host` header, and http.
fn host_header(c: &Subject) {
    let location = origin(c, UPLOADS, &[("Host", "registry.example:5000")]);
    assert_eq!(location, "http://registry.example:5000/v2");
}

/// `Forwarded` (`proto`, `host`) > `X-Forwarded-Proto` and the first entry of `X-Forwarded-Host` > `Host`. If
/// `Forwarded` is present, the X- headers are not read.
fn forwarded_headers(c: &Subject) {
    let x = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "first.example, second.example"),
    ];
    assert_eq!(origin(c, UPLOADS, &x), "https://first.example/v2");
    let mut all = x.to_vec();
    all.push(("Forwarded", "for=1.2.3.4;proto=https;host=forwarded.example"));
    assert_eq!(origin(c, UPLOADS, &all), "https://forwarded.example/v2");
    let host = [
        ("Host", "own.example"),
        ("X-Forwarded-Host", "x.example"),
        ("Forwarded", "proto=https"),
    ];
    assert_eq!(origin(c, UPLOADS, &host), "https://own.example/v2");
}

/// `http.host` with scheme and host comes before everything else.
fn configured_host(c: &Subject) {
    let headers = [("X-Forwarded-Host", "x.example"), ("X-Forwarded-Proto", "http")];
    assert_eq!(origin(c, UPLOADS, &headers), "https://registry.example.com/v2");
}

/// `http.relativeurls: true` → path-only Locations.
fn relative_urls(c: &Subject) {
    assert_eq!(origin(c, UPLOADS, &[("X-Forwarded-Host", "x.example")]), "/v2");
}

/// `http.prefix`: routes move under it, and absolute Locations have it; `/` ignores it.
fn prefix(c: &Subject) {
    let prefixed = format!("/pfx{UPLOADS}");
    let location = origin(c, &prefixed, &[("Host", "h.example")]);
    assert_eq!(location, "http://h.example/pfx/v2");
    c.send(&Request::post(UPLOADS)).expect_status(404);
    c.send(&Request::get("/")).expect_status(200);
}
