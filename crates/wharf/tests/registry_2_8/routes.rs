//! §2 of registry 2.8's behaviour: routes, methods and common headers.

use serde_json::json;
use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::Expect;
use crate::images::push_oci;
use crate::subject::{Subject, UploadHeaders};

cases! {
    base: Config::new(), differs in ["trace"];
    liveness: Config::new(), differs in ["trace"];
    redirect_to_the_base: Config::new(), differs in ["redirects"];
    redirects_to_the_slash: Config::new(), differs in ["redirects"];
    redirects_to_the_cleaned_path: Config::new(), differs in ["redirects"];
    unknown_paths: Config::new(), differs in ["plain-text-errors"];
    names_outside_the_grammar: Config::new(), differs in ["names-refused"];
    names_that_pass_the_router: Config::new(), differs in ["names-refused"];
    referrers: Config::new(), differs in ["referrers"];
    wrong_methods: Config::new(), differs in ["plain-text-errors"];
    head_of_lists: Config::new(), differs in ["allowed-methods"];
    options: Config::new(), differs in ["allowed-methods"];
    uploads_route: Config::new(), differs in ["allowed-methods"];
    encoded_slash: Config::new();
    read_only: read_only_config(), differs in ["plain-text-errors"];
    configured_headers: Config::new().http("headers:\n  X-Example: [one, two]");
    query_in_the_access_log: Config::new(), differs in ["log-secrets"];
}

fn read_only_config() -> Config {
    Config::new().storage("maintenance:\n  readonly:\n    enabled: true")
}

fn html(status: u16, location: &str) -> Expect {
    let body = format!("<a href=\"{location}\">Moved Permanently</a>.\n\n");
    Expect::bytes(status, body)
        .header("location", location)
        .header("content-type", "text/html; charset=utf-8")
}

fn not_found() -> Expect {
    Expect::plain(404, "404 page not found")
}

/// What wharf says instead.
fn no_endpoint() -> Expect {
    Expect::error_detail(404, "UNSUPPORTED", "no such endpoint")
}

/// `/v2/`: every method answers 200 with `{}`, exactly 2 bytes.
fn base(c: &Subject) {
    let answer = Expect::bytes(200, "{}").header("content-type", crate::expect::json_type(c.kind()));
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
        c.ask(&Request::new(method, "/v2/"), &answer);
    }
    c.ask(&Request::head("/v2/"), &answer.clone().for_head());
    let refused = Expect::error(405, "UNSUPPORTED").header("allow", "GET, HEAD");
    c.ask_differs("trace", &Request::new("TRACE", "/v2/"), &answer, &refused);
}

/// `GET /` → 200, `Cache-Control: no-cache`, `Content-Length: 0`, no API-version header; any method.
fn liveness(c: &Subject) {
    let alive = Expect::empty(200)
        .header("cache-control", "no-cache")
        .without_api_version();
    c.ask(&Request::get("/"), &alive);
    c.ask(&Request::post("/"), &alive);
    let refused = Expect::error(405, "UNSUPPORTED").header("allow", "GET, HEAD");
    c.ask_differs("trace", &Request::new("TRACE", "/"), &alive, &refused);
}

/// `GET /v2` → 301 to `/v2/` with an HTML body.
fn redirect_to_the_base(c: &Subject) {
    let bare = Expect::empty(301).header("location", "/v2/");
    c.ask_differs("redirects", &Request::get("/v2"), &html(301, "/v2/"), &bare);
}

/// A list with a slash too many → 301 with an HTML body; `POST …/uploads` → 301 without.
fn redirects_to_the_slash(c: &Subject) {
    let request = Request::get("/v2/foo/tags/list/");
    c.ask_differs("redirects", &request, &html(301, "/v2/foo/tags/list"), &no_endpoint());
    let moved = Expect::empty(301).header("location", "/v2/foo/blobs/uploads/");
    let begun = Expect::empty(202).upload(c, "foo", 0);
    c.ask_differs("redirects", &Request::post("/v2/foo/blobs/uploads"), &moved, &begun);
}

/// `GET /v2//foo/tags/list`, `GET //` → 301 to the cleaned path, no body.
fn redirects_to_the_cleaned_path(c: &Subject) {
    let moved = |clean: &str| Expect::empty(301).header("location", clean);
    c.ask_differs("redirects", &Request::get("//"), &moved("/"), &no_endpoint());
    let refused = Expect::error_says(400, "NAME_INVALID", &[]);
    let request = Request::get("/v2//foo/tags/list");
    c.ask_differs("redirects", &request, &moved("/v2/foo/tags/list"), &refused);
}

/// Unknown path → 404 `404 page not found\n`, plain text, nosniff.
fn unknown_paths(c: &Subject) {
    for path in ["/v3/", "/v2/foo", "/v2/foo/bar", "/x"] {
        c.ask_differs("plain-text-errors", &Request::get(path), &not_found(), &no_endpoint());
    }
}

/// Upper-case name, three underscores, a tag of more than 128 characters, a missing digest → the same plain 404.
fn names_outside_the_grammar(c: &Subject) {
    let refused = Expect::error_says(400, "NAME_INVALID", &[]);
    for name in ["foo/BAR", "a___b", "-a", "a..b"] {
        let request = Request::get(format!("/v2/{name}/tags/list"));
        c.ask_differs("names-refused", &request, &not_found(), &refused);
    }
    let tag = "t".repeat(129);
    let unknown = Expect::error_says(404, "MANIFEST_UNKNOWN", &[]);
    for reference in ["", &tag] {
        let request = Request::get(format!("/v2/foo/manifests/{reference}"));
        c.ask_differs("names-refused", &request, &not_found(), &unknown);
    }
    let invalid = Expect::error_says(400, "MANIFEST_INVALID", &[]);
    let request = Request::put(format!("/v2/foo/manifests/{tag}")).body("{}");
    c.ask_differs("names-refused", &request, &not_found(), &invalid);
    let invalid = Expect::error_says(400, "DIGEST_INVALID", &[]);
    c.ask_differs("names-refused", &Request::get("/v2/foo/blobs/"), &not_found(), &invalid);
}

/// The pattern admits a leading host part, so `FOO/bar` passes and behaves like a repository.
fn names_that_pass_the_router(c: &Subject) {
    let request = Request::get("/v2/FOO/bar/tags/list");
    let unknown = Expect::error_detail(404, "NAME_UNKNOWN", json!({"name": "FOO/bar"}));
    let refused = Expect::error_says(400, "NAME_INVALID", &[]);
    c.ask_differs("names-refused", &request, &unknown, &refused);
}

/// `referrers` → 404, like any unknown path.
fn referrers(c: &Subject) {
    let digest = sha256(push_oci(c, "foo", "v1"));
    let index = "application/vnd.oci.image.index.v1+json";
    let empty = json!({"schemaVersion": 2, "mediaType": index, "manifests": []});
    let empty = Expect::bytes(200, empty.to_string()).header("content-type", index);
    let request = Request::get(format!("/v2/foo/referrers/{digest}"));
    c.ask_differs("referrers", &request, &not_found(), &empty);
}

/// Every route with the methods it has, in the order of `Allow`, for both.
fn routes() -> Vec<(String, &'static str, &'static str)> {
    let digest = sha256("x");
    let upload = "DELETE, GET, HEAD, PATCH, POST, PUT";
    vec![
        ("/v2/_catalog".to_owned(), "GET", "GET, HEAD"),
        ("/v2/foo/tags/list".to_owned(), "GET", "GET, HEAD"),
        (
            "/v2/foo/manifests/v1".to_owned(),
            "DELETE, GET, HEAD, PUT",
            "DELETE, GET, HEAD, PUT",
        ),
        (
            format!("/v2/foo/blobs/{digest}"),
            "DELETE, GET, HEAD",
            "DELETE, GET, HEAD",
        ),
        ("/v2/foo/blobs/uploads/".to_owned(), upload, "POST"),
    ]
}

/// Known route, wrong method → 405 `Method not allowed\n`, plain text, nosniff, sorted `Allow`.
fn wrong_methods(c: &Subject) {
    for (path, allowed, allowed_by_wharf) in routes() {
        let plain = Expect::plain(405, "Method not allowed").header("allow", allowed);
        let json = Expect::error(405, "UNSUPPORTED").header("allow", allowed_by_wharf);
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "MKCOL"] {
            if !allowed.split(", ").any(|one| one == method) {
                let request = Request::new(method, &path);
                c.ask_differs("plain-text-errors", &request, &plain, &json);
            }
        }
    }
}

/// HEAD on the lists → 405.
fn head_of_lists(c: &Subject) {
    push_oci(c, "foo", "v1");
    let plain = Expect::plain(405, "Method not allowed")
        .header("allow", "GET")
        .for_head();
    for (path, list) in [
        ("/v2/_catalog", json!({"repositories": ["foo"]})),
        ("/v2/foo/tags/list", json!({"name": "foo", "tags": ["v1"]})),
    ] {
        let list = Expect::json(200, &list).for_head();
        c.ask_differs("allowed-methods", &Request::head(path), &plain, &list);
    }
}

/// OPTIONS on a known route → 200, empty, `Content-Length: 0`, the same `Allow`.
fn options(c: &Subject) {
    for (path, allowed, allowed_by_wharf) in routes() {
        let request = Request::new("OPTIONS", path);
        let before = Expect::empty(200).header("allow", allowed);
        if allowed == allowed_by_wharf {
            c.ask(&request, &before);
        } else {
            let now = Expect::empty(200).header("allow", allowed_by_wharf);
            c.ask_differs("allowed-methods", &request, &before, &now);
        }
    }
}

/// `blobs/uploads/`: all but POST answer 404 `BLOB_UPLOAD_UNKNOWN`, no detail.
fn uploads_route(c: &Subject) {
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let request = Request::new(method, "/v2/foo/blobs/uploads/");
        let unknown = Expect::error(404, "BLOB_UPLOAD_UNKNOWN");
        let refused = Expect::error(405, "UNSUPPORTED").header("allow", "POST");
        c.ask_differs("allowed-methods", &request, &unknown, &refused);
    }
}

/// Percent-encoding in the path is decoded before routing: `/v2/foo%2Fbar/tags/list` is repository `foo/bar`.
fn encoded_slash(c: &Subject) {
    push_oci(c, "foo/bar", "v1");
    let tags = json!({"name": "foo/bar", "tags": ["v1"]});
    c.ask(&Request::get("/v2/foo%2Fbar/tags/list"), &Expect::json(200, &tags));
}

/// Read-only mode removes POST, PUT, PATCH and DELETE: 405, plain text.
fn read_only(c: &Subject) {
    let digest = sha256("x");
    let plain = Expect::plain(405, "Method not allowed").header("allow", "GET, HEAD");
    let json = Expect::error_says(405, "UNSUPPORTED", &["read-only"]);
    for (method, path) in [
        ("POST", "/v2/foo/blobs/uploads/"),
        ("PUT", "/v2/foo/manifests/v1"),
        ("DELETE", &format!("/v2/foo/blobs/{digest}")),
    ] {
        c.ask_differs("plain-text-errors", &Request::new(method, path), &plain, &json);
    }
    let unknown = Expect::error_detail(404, "BLOB_UNKNOWN", digest.as_str());
    c.ask(&Request::get(format!("/v2/foo/blobs/{digest}")), &unknown);
}

/// `http.headers` are added on dispatched routes only, also on their errors; not on 301, on plain 404 or on `/`.
fn configured_headers(c: &Subject) {
    for path in ["/v2/", "/v2/_catalog", "/v2/foo/tags/list"] {
        let answer = c.send(&Request::get(path));
        assert_eq!(
            answer.headers_named("X-Example").collect::<Vec<_>>(),
            ["one", "two"],
            "{path}"
        );
    }
    for path in ["/", "/v2", "/x"] {
        assert_eq!(c.send(&Request::get(path)).header("X-Example"), None, "{path}");
    }
}

/// The access log has the query of a request.
fn query_in_the_access_log(c: &Subject) {
    c.send(&Request::get("/v2/?last=a&access_token=s3cret"));
    let token = c.differs("log-secrets", "s3cret", "<redacted>");
    let line = format!("GET /v2/?last=a&access_token={token} HTTP/1.1");
    c.expect_log(&[&line, "200"]);
}
