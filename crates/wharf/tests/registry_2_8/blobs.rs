//! §4 of registry 2.8's behaviour: blobs.

use std::fmt::Write as _;

use serde_json::json;
use wharf_testing::Config;
use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::Expect;
use crate::subject::Subject;
use crate::uploads::{HELLO, data, layer_link};

cases! {
    get_and_head: Config::new();
    one_range: Config::new();
    several_ranges: Config::new();
    many_ranges: Config::new(), differs in ["many-ranges"];
    range_beyond_the_end: Config::new(), differs in ["range-not-satisfiable"];
    malformed_ranges: Config::new(), differs in ["range-not-satisfiable"];
    if_none_match: Config::new();
    if_match: Config::new(), differs in ["precondition-failed"];
    if_range: Config::new();
    no_redirect_from_the_filesystem: Config::new().storage("redirect:\n  disable: false");
    redirect_to_the_backend: Config::new(), differs in ["middleware"];
    unknown_blob: Config::new();
    unusable_digest: Config::new(), differs in ["error-detail"];
    delete: Config::new().delete();
    delete_of_an_unlinked_blob: Config::new().delete(), differs in ["added-detail"];
    delete_while_deletion_is_off: Config::new(), differs in ["added-detail"];
    get_by_sha512: Config::new(), differs in ["sha512"];
    blob_of_another_repository: Config::new();
    blob_whose_file_vanished: cached(), differs in ["vanished-blob"];
}

pub(super) fn cached() -> Config {
    Config::new().storage("cache:\n  blobdescriptor: inmemory")
}

/// The answer to GET of a blob.
pub(super) fn found(digest: &str, bytes: &[u8]) -> Expect {
    described(Expect::bytes(200, bytes), digest)
        .header("accept-ranges", "bytes")
        .header("content-type", "application/octet-stream")
}

/// Part of it.
fn part(digest: &str, bytes: &[u8], first: usize, last: usize) -> Expect {
    described(Expect::bytes(206, &bytes[first..=last]), digest)
        .header("accept-ranges", "bytes")
        .header("content-type", "application/octet-stream")
        .header("content-range", format!("bytes {first}-{last}/{}", bytes.len()))
}

/// The headers that describe a blob to caches and clients.
fn described(expect: Expect, digest: &str) -> Expect {
    expect
        .header("cache-control", "max-age=31536000")
        .header("docker-content-digest", digest)
        .header("etag", format!("\"{digest}\""))
}

/// A repository `foo` with the blob; the blob's path and digest.
fn stored(c: &Subject) -> (String, String) {
    let digest = c.push_blob("foo", HELLO);
    (format!("/v2/foo/blobs/{digest}"), digest)
}

/// GET / HEAD → 200, `Accept-Ranges: bytes`, `Cache-Control: max-age=31536000` (365 days, fixed), `Content-Length`,
/// `Content-Type: application/octet-stream`, `Docker-Content-Digest`, `Etag: "<digest>"`.
fn get_and_head(c: &Subject) {
    let (path, digest) = stored(c);
    c.ask(&Request::get(&path), &found(&digest, HELLO));
    c.ask(&Request::head(&path), &found(&digest, HELLO).for_head());
    let empty = c.push_blob("foo", "");
    let path = format!("/v2/foo/blobs/{empty}");
    c.ask(&Request::get(&path), &found(&empty, b""));
    c.ask(&Request::head(&path), &found(&empty, b"").for_head());
}

/// GET / HEAD with one satisfiable range → 206, as 200 plus `Content-Range: bytes a-b/size`; last byte clamped;
/// `bytes=-n` works; HEAD gives 206 too.
fn one_range(c: &Subject) {
    let (path, digest) = stored(c);
    let ranges = [
        ("bytes=0-0", 0, 0),
        ("bytes=2-4", 2, 4),
        ("bytes=6-", 6, 10),
        ("bytes=-3", 8, 10),
        ("bytes=-99", 0, 10),
        ("bytes=4-99", 4, 10),
        ("bytes=0-", 0, 10),
    ];
    for (range, first, last) in ranges {
        let part = part(&digest, HELLO, first, last);
        c.ask(&Request::get(&path).header("Range", range), &part);
        c.ask(&Request::head(&path).header("Range", range), &part.for_head());
    }
}

/// GET with several ranges → 206, `Content-Type: multipart/byteranges; boundary=<hex>`, no top-level
/// Content-Range; each part has `Content-Range` and `Content-Type`, CRLF line ends.
fn several_ranges(c: &Subject) {
    let (path, digest) = stored(c);
    let request = Request::get(&path).header("Range", "bytes=0-1,4-5, -2");
    let response = c.send(&request);
    let boundary = response.expect_header("Content-Type").split_once("boundary=");
    let boundary = boundary.map(|(_, boundary)| boundary.to_owned()).unwrap_or_default();
    // How long the boundary is, is nobody's business.
    assert!(
        boundary.len() >= 16 && boundary.bytes().all(|b| b.is_ascii_hexdigit()),
        "{response}"
    );
    let mut body = String::new();
    for (range, bytes) in [("0-1", "he"), ("4-5", "o "), ("9-10", "ld")] {
        let dashes = if body.is_empty() { "--" } else { "\r\n--" };
        let _ = write!(body, "{dashes}{boundary}\r\nContent-Range: bytes {range}/11\r\n");
        let _ = write!(body, "Content-Type: application/octet-stream\r\n\r\n{bytes}");
    }
    let _ = write!(body, "\r\n--{boundary}--\r\n");
    let expected = described(Expect::bytes(206, body), &digest)
        .header("accept-ranges", "bytes")
        .header("content-type", format!("multipart/byteranges; boundary={boundary}"));
    c.check(&response, &expected);
}

/// Any number of ranges is served so, unless they come to more than the blob has: 200 then.
fn many_ranges(c: &Subject) {
    let bytes = [b'x'; 100];
    let digest = c.push_blob("foo", bytes);
    let path = format!("/v2/foo/blobs/{digest}");
    let request = |range: &str, count: usize| {
        Request::get(&path).header("Range", format!("bytes={}", vec![range; count].join(",")))
    };
    c.send(&request("1-1", 16)).expect_status(206);
    c.ask(&request("0-60", 2), &found(&digest, &bytes));
    let answer = c.send(&request("1-1", 17));
    if c.only_wharf("many-ranges") {
        c.check(&answer, &found(&digest, &bytes));
    } else {
        answer.expect_status(206);
    }
}

/// Range starting beyond the end → 416, `Cache-Control`, `Content-Range: bytes */<size>`,
/// `Content-Type: text/plain; charset=utf-8`, `Docker-Content-Digest`, `Etag`, `X-Content-Type-Options: nosniff`,
/// `Content-Length: <blob size>`, so that the answer ends before its announced length.
fn range_beyond_the_end(c: &Subject) {
    let digest = c.push_blob("foo", [b'x'; 100]);
    let text = "invalid range: failed to overlap";
    let broken = described(Expect::broken(416, &format!("{text}\n")), &digest)
        .header("content-length", "100")
        .header("content-type", "text/plain; charset=utf-8")
        .header("x-content-type-options", "nosniff")
        .header("content-range", "bytes */100");
    let request = Request::get(format!("/v2/foo/blobs/{digest}")).header("Range", "bytes=100-");
    c.ask_differs("range-not-satisfiable", &request, &broken, &unsatisfiable(&digest));
}

/// The answer of wharf to a range of a blob of 100 bytes that it can't satisfy.
fn unsatisfiable(digest: &str) -> Expect {
    Expect::bytes(416, "invalid range: failed to overlap\n")
        .header("content-type", "text/plain; charset=utf-8")
        .header("content-range", "bytes */100")
        .header("docker-content-digest", digest)
}

/// Malformed range, unknown unit, `bytes=5-2` → 416, as above without Content-Range.
fn malformed_ranges(c: &Subject) {
    let digest = c.push_blob("foo", [b'x'; 100]);
    let broken = described(Expect::broken(416, "invalid range\n"), &digest)
        .header("content-length", "100")
        .header("content-type", "text/plain; charset=utf-8")
        .header("x-content-type-options", "nosniff");
    for range in ["bytes=5-2", "bytes=a-b", "bytes", "lines=1-2", "bytes=--1"] {
        let request = Request::get(format!("/v2/foo/blobs/{digest}")).header("Range", range);
        c.ask_differs("range-not-satisfiable", &request, &broken, &unsatisfiable(&digest));
    }
}

/// `If-None-Match` matching → 304, `Cache-Control`, `Docker-Content-Digest`, `Etag` only. It follows HTTP: quoted,
/// weak (`W/`), lists and `*` match; a bare unquoted digest does not.
fn if_none_match(c: &Subject) {
    let (path, digest) = stored(c);
    let unchanged = described(Expect::empty(304), &digest);
    let quoted = format!("\"{digest}\"");
    for tag in [&quoted, &format!("W/{quoted}"), &format!("\"x\", {quoted}"), "*"] {
        c.ask(&Request::get(&path).header("If-None-Match", tag), &unchanged);
        c.ask(&Request::head(&path).header("If-None-Match", tag), &unchanged);
    }
    for tag in [&digest, "\"x\"", "W/\"x\""] {
        c.ask(
            &Request::get(&path).header("If-None-Match", tag),
            &found(&digest, HELLO),
        );
    }
}

/// `If-Match` not matching → 412, `Cache-Control`, `Content-Length: <blob size>`,
/// `Content-Type: application/octet-stream`, `Docker-Content-Digest`, `Etag`; no body follows.
fn if_match(c: &Subject) {
    let (path, digest) = stored(c);
    let broken = described(Expect::broken(412, ""), &digest)
        .header("content-length", HELLO.len().to_string())
        .header("content-type", "application/octet-stream");
    let clean = Expect::empty(412)
        .header("docker-content-digest", &*digest)
        .header("etag", format!("\"{digest}\""));
    for tag in ["\"x\"", &format!("W/\"{digest}\"")] {
        let request = Request::get(&path).header("If-Match", tag);
        c.ask_differs("precondition-failed", &request, &broken, &clean);
    }
    for tag in [&format!("\"{digest}\""), "*"] {
        c.ask(&Request::get(&path).header("If-Match", tag), &found(&digest, HELLO));
    }
}

/// `If-Range` equal / different → 206 / 200.
fn if_range(c: &Subject) {
    let (path, digest) = stored(c);
    let request = |tag: &str| Request::get(&path).header("Range", "bytes=0-3").header("If-Range", tag);
    c.ask(&request(&format!("\"{digest}\"")), &part(&digest, HELLO, 0, 3));
    c.ask(&request("\"x\""), &found(&digest, HELLO));
    c.ask(&request(&format!("W/\"{digest}\"")), &found(&digest, HELLO));
}

/// The filesystem driver never offers a URL: no 307, whatever `storage.redirect.disable` says.
fn no_redirect_from_the_filesystem(c: &Subject) {
    let (path, digest) = stored(c);
    c.ask(&Request::get(&path), &found(&digest, HELLO));
    c.ask(&Request::head(&path), &found(&digest, HELLO).for_head());
}

/// Backend offers a URL → 307 with `Location`, GET and HEAD, unless `storage.redirect.disable: true`.
fn redirect_to_the_backend(c: &Subject) {
    let redirect = "middleware:\n  storage:\n  - name: redirect\n    options:\n      \
                    baseurl: https://cdn.example.com/";
    if c.only_wharf("middleware") {
        let refusal = Subject::refusal(&Config::new().top(redirect), None);
        assert!(refusal.contains("middleware"), "{refusal}");
        return;
    }
    let other = Subject::start(c.kind(), &Config::new().top(redirect));
    let (path, digest) = stored(&other);
    for request in [Request::get(&path), Request::head(&path)] {
        let answer = other.send(&request).expect_status(307);
        let location = answer.expect_header("Location");
        assert_eq!(
            location,
            format!("https://cdn.example.com/docker/registry/v2/{}", data(&digest))
        );
    }
    let disabled = Config::new().top(redirect).storage("redirect:\n  disable: true");
    let other = Subject::start(c.kind(), &disabled);
    let (path, digest) = stored(&other);
    other.ask(&Request::get(&path), &found(&digest, HELLO));
}

/// Unknown → 404, JSON `BLOB_UNKNOWN`, detail = the digest as a string.
fn unknown_blob(c: &Subject) {
    let digest = sha256("unknown");
    let unknown = Expect::error_detail(404, "BLOB_UNKNOWN", digest.as_str());
    for repository in ["never/seen", "foo"] {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let answer = c.ask(&Request::get(&path), &unknown);
        let length = answer.body.len().to_string();
        let head = unknown.clone().header("content-length", length).for_head();
        c.ask(&Request::head(&path), &head);
        stored(c);
    }
}

/// Unusable digest → 400, JSON `DIGEST_INVALID`, `detail:{}`.
fn unusable_digest(c: &Subject) {
    let dump = Expect::error_detail(400, "DIGEST_INVALID", json!({}));
    for (digest, text) in [
        ("sha256:abc", "invalid checksum digest length"),
        ("md5:0123456789abcdef0123456789abcdef", "unsupported digest algorithm"),
        (
            &sha256("").to_uppercase().replace("SHA256", "sha256"),
            "invalid checksum digest format",
        ),
    ] {
        let request = Request::get(format!("/v2/foo/blobs/{digest}"));
        let text = Expect::error_detail(400, "DIGEST_INVALID", text);
        c.ask_differs("error-detail", &request, &dump, &text);
    }
}

/// DELETE → 202, `Content-Length: 0`. Removes only the link; the blob's data stays.
fn delete(c: &Subject) {
    let (path, digest) = stored(c);
    c.push_blob("bar", HELLO);
    c.ask(&Request::delete(&path), &Expect::empty(202));
    assert!(!c.exists(&layer_link("foo", &digest)) && c.exists(&data(&digest)));
    let unknown = Expect::error_detail(404, "BLOB_UNKNOWN", digest.as_str());
    c.ask(&Request::get(&path), &unknown);
    c.ask(&Request::get(format!("/v2/bar/blobs/{digest}")), &found(&digest, HELLO));
}

/// DELETE, no link in this repository → 404, JSON `BLOB_UNKNOWN`, no detail.
fn delete_of_an_unlinked_blob(c: &Subject) {
    let digest = c.push_blob("bar", HELLO);
    let unknown = |repository: &str, digest: &str| {
        let request = Request::delete(format!("/v2/{repository}/blobs/{digest}"));
        let detailed = Expect::error_detail(404, "BLOB_UNKNOWN", digest);
        c.ask_differs("added-detail", &request, &Expect::error(404, "BLOB_UNKNOWN"), &detailed);
    };
    unknown("foo", &digest);
    unknown("bar", &sha256("unknown"));
    c.ask(&Request::delete(format!("/v2/bar/blobs/{digest}")), &Expect::empty(202));
    unknown("bar", &digest);
}

/// DELETE, deletion off → 405, JSON `UNSUPPORTED`, no detail.
fn delete_while_deletion_is_off(c: &Subject) {
    let (path, digest) = stored(c);
    let refused = Expect::error(405, "UNSUPPORTED");
    let detailed = Expect::error_says(405, "UNSUPPORTED", &["storage.delete.enabled"]);
    c.ask_differs("added-detail", &Request::delete(&path), &refused, &detailed);
    c.ask(&Request::get(&path), &found(&digest, HELLO));
}

/// A blob asked for by sha512 is answered with the sha256 in `Docker-Content-Digest` and `Etag`.
fn get_by_sha512(c: &Subject) {
    let (short, long) = (sha256(HELLO), sha512(HELLO));
    c.push_blob_as("foo", HELLO, &long);
    let request = Request::get(format!("/v2/foo/blobs/{long}"));
    c.ask_differs("sha512", &request, &found(&short, HELLO), &found(&long, HELLO));
}

/// Blobs are resolved only through the links of their repository.
fn blob_of_another_repository(c: &Subject) {
    let (path, digest) = stored(c);
    let unknown = Expect::error_detail(404, "BLOB_UNKNOWN", digest.as_str());
    c.ask(&Request::get(path.replace("/foo/", "/bar/")), &unknown);
}

/// With the in-memory descriptor cache, a blob whose file vanished behind the registry's back still gives 200 with a
/// Content-Length and an empty body.
fn blob_whose_file_vanished(c: &Subject) {
    let (path, digest) = stored(c);
    c.ask(&Request::get(&path), &found(&digest, HELLO));
    c.remove_file(&data(&digest));
    // What was read lately is looked at again after a second.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let empty = described(Expect::broken(200, ""), &digest)
        .header("accept-ranges", "bytes")
        .header("content-length", HELLO.len().to_string())
        .header("content-type", "application/octet-stream");
    let unknown = Expect::error_detail(404, "BLOB_UNKNOWN", digest.as_str());
    c.ask_differs("vanished-blob", &Request::get(&path), &empty, &unknown);
    c.ask_differs(
        "vanished-blob",
        &Request::head(&path),
        &empty.for_head(),
        &unknown.for_head(),
    );
}
