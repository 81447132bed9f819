//! §5 of registry 2.8's behaviour: manifests.

pub(crate) mod validation;

use serde_json::json;
use wharf_testing::Config;
use wharf_testing::encoding::{encoded, sha256, sha512};
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::Expect;
use crate::images::{self, LIST, OCI, SCHEMA2, found, push_blobs, push_oci, push_schema2, stored};
use crate::subject::{Subject, put_manifest};
use crate::uploads::{data, layer_link};

cases! {
    get_and_head: Config::new();
    if_none_match: Config::new(), differs in ["manifest-conditions"];
    if_none_match_of_other_forms: Config::new(), differs in ["manifest-conditions"];
    if_none_match_without_manifest: Config::new(), differs in ["manifest-conditions"];
    if_match: Config::new(), differs in ["manifest-conditions"];
    ranges_are_ignored: Config::new();
    put_by_tag: Config::new();
    put_by_digest: Config::new();
    put_moves_the_tag: Config::new();
    put_digest_that_does_not_match: Config::new(), differs in ["added-detail"];
    put_by_sha512: Config::new(), differs in ["sha512"];
    put_at_the_size_limit: Config::new(), differs in ["manifest-too-large"];
    delete_by_digest: Config::new().delete();
    delete_by_tag: Config::new().delete(), differs in ["delete-by-tag"];
    delete_while_deletion_is_off: Config::new(), differs in ["added-detail"];
    delete_of_an_unknown_digest: Config::new().delete(), differs in ["added-detail"];
    tags_after_the_last_one: Config::new().delete(), differs in ["no-manifests-left"];
    blob_of_a_manifest: Config::new();
}

fn path(reference: &str) -> String {
    format!("/v2/foo/manifests/{reference}")
}

/// The files of a manifest in the repository `foo`: its revision, and those of a tag on it.
fn links(digest: &str, tag: Option<&str>) -> Vec<String> {
    let hex = encoded(digest);
    let mut links = vec![format!("revisions/sha256/{hex}/link")];
    links.extend(tag.iter().flat_map(|tag| {
        [
            format!("tags/{tag}/current/link"),
            format!("tags/{tag}/index/sha256/{hex}/link"),
        ]
    }));
    links
}

/// GET / HEAD → 200, `Content-Length`, `Content-Type` (exact media type, no parameters), `Docker-Content-Digest`,
/// `Etag: "<digest>"`; stored bytes. No Cache-Control.
fn get_and_head(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    for reference in ["v1", &sha256(&text)] {
        let get = Request::get(path(reference)).header("Accept", SCHEMA2);
        c.ask(&get, &found(SCHEMA2, &text));
        let head = Request::head(path(reference)).header("Accept", SCHEMA2);
        c.ask(&head, &found(SCHEMA2, &text).for_head());
    }
    let text = push_oci(c, "foo", "v2");
    c.ask(&Request::get(path("v2")).header("Accept", OCI), &found(OCI, &text));
}

/// The answer to a match of `If-None-Match`, with what wharf adds.
fn unchanged(digest: &str) -> Expect {
    let tag = format!("\"{digest}\"");
    Expect::empty(304)
        .header("docker-content-digest", digest)
        .header("etag", tag)
}

/// `If-None-Match` = digest, quoted or bare → 304, no headers beyond the common ones.
fn if_none_match(c: &Subject) {
    let digest = sha256(push_schema2(c, "foo", "v1"));
    for tag in [&format!("\"{digest}\""), &digest] {
        for reference in ["v1", &digest] {
            for method in ["GET", "HEAD"] {
                let request = Request::new(method, path(reference)).header("Accept", SCHEMA2);
                let request = request.header("If-None-Match", tag);
                let bare = Expect::empty(304);
                c.ask_differs("manifest-conditions", &request, &bare, &unchanged(&digest));
            }
        }
    }
    let request = Request::get(path("v1")).header("Accept", SCHEMA2);
    c.send(&request.header("If-None-Match", "\"x\"")).expect_status(200);
}

/// The 304 test compares the whole header value: lists, weak tags and `*` do not match.
fn if_none_match_of_other_forms(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    let digest = sha256(&text);
    for tag in [&format!("W/\"{digest}\""), &format!("\"x\", \"{digest}\""), "*"] {
        let request = Request::get(path("v1")).header("Accept", SCHEMA2);
        let request = request.header("If-None-Match", tag);
        let full = found(SCHEMA2, &text);
        c.ask_differs("manifest-conditions", &request, &full, &unchanged(&digest));
    }
}

/// The 304 test runs before the revision or the Accept header is looked at: an OCI manifest gives 304 even without an
/// OCI Accept, and with a digest in the path even a manifest that does not exist.
fn if_none_match_without_manifest(c: &Subject) {
    let digest = sha256(push_oci(c, "foo", "v1"));
    let request = Request::get(path("v1")).header("If-None-Match", format!("\"{digest}\""));
    c.ask_differs(
        "manifest-conditions",
        &request,
        &Expect::empty(304),
        &unchanged(&digest),
    );
    let digest = sha256("unknown");
    let request = Request::get(path(&digest)).header("If-None-Match", format!("\"{digest}\""));
    let unknown = Expect::error_says(404, "MANIFEST_UNKNOWN", &["unknown manifest name=foo"]);
    c.ask_differs("manifest-conditions", &request, &Expect::empty(304), &unknown);
}

/// `If-Match` is ignored on manifests: 200.
fn if_match(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    let digest = sha256(&text);
    let request = |tag: &str| {
        Request::get(path("v1"))
            .header("Accept", SCHEMA2)
            .header("If-Match", tag)
    };
    c.ask(&request(&format!("\"{digest}\"")), &found(SCHEMA2, &text));
    let failed = Expect::empty(412)
        .header("docker-content-digest", &*digest)
        .header("etag", format!("\"{digest}\""));
    c.ask_differs(
        "manifest-conditions",
        &request("\"x\""),
        &found(SCHEMA2, &text),
        &failed,
    );
}

/// No range support on manifests: a `Range` header is ignored, 200.
fn ranges_are_ignored(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    let request = Request::get(path("v1")).header("Accept", SCHEMA2);
    c.ask(&request.header("Range", "bytes=0-3"), &found(SCHEMA2, &text));
}

/// PUT → 201, `Docker-Content-Digest`, `Location: <absolute digest URL>` also for PUT by tag, `Content-Length: 0`. On
/// disk: the payload as a blob, `revisions/…/link`, `tags/<tag>/index/…/link`, `tags/<tag>/current/link`.
fn put_by_tag(c: &Subject) {
    push_blobs(c, "foo");
    let text = format!("{:#}", images::schema2());
    let digest = sha256(&text);
    c.ask(&put_manifest("foo", "v1", SCHEMA2, &text), &stored(c, "foo", &text));
    assert_eq!(c.file(&data(&digest)), text.as_bytes());
    assert_eq!(c.files("repositories/foo/_manifests"), links(&digest, Some("v1")));
    for link in links(&digest, Some("v1")) {
        let link = c.file(&format!("repositories/foo/_manifests/{link}"));
        assert_eq!(link, digest.as_bytes());
    }
}

/// PUT by digest → 201 likewise; a revision and no tag.
fn put_by_digest(c: &Subject) {
    push_blobs(c, "foo");
    let text = format!("{:#}", images::schema2());
    let digest = sha256(&text);
    c.ask(&put_manifest("foo", &digest, SCHEMA2, &text), &stored(c, "foo", &text));
    assert_eq!(c.files("repositories/foo/_manifests"), links(&digest, None));
}

/// Tagging again adds an `index` entry and overwrites `current/link`; old `index` entries stay as history.
fn put_moves_the_tag(c: &Subject) {
    let old = sha256(push_schema2(c, "foo", "v1"));
    let text = push_oci(c, "foo", "v1");
    let new = sha256(&text);
    let mut files = [links(&old, Some("v1")), links(&new, Some("v1"))].concat();
    files.sort();
    files.dedup();
    assert_eq!(c.files("repositories/foo/_manifests"), files);
    assert_eq!(
        c.file("repositories/foo/_manifests/tags/v1/current/link"),
        new.as_bytes()
    );
    c.ask(&Request::get(path("v1")).header("Accept", OCI), &found(OCI, &text));
}

/// `PUT manifests/<digest>` that does not match the body → 400 `DIGEST_INVALID` without detail.
fn put_digest_that_does_not_match(c: &Subject) {
    push_blobs(c, "foo");
    let text = images::schema2().to_string();
    let request = put_manifest("foo", &sha256("other"), SCHEMA2, &text);
    let refused = Expect::error(400, "DIGEST_INVALID");
    let detailed = Expect::error_says(400, "DIGEST_INVALID", &["sha256:"]);
    c.ask_differs("added-detail", &request, &refused, &detailed);
    assert!(!c.exists(&data(&sha256(&text))));
    assert!(!c.exists("repositories/foo/_manifests"));
}

/// sha512 references always end as a mismatch, because the computed digest is sha256.
fn put_by_sha512(c: &Subject) {
    push_blobs(c, "foo");
    let text = images::schema2().to_string();
    let digest = sha512(&text);
    let location = c.url(&path(&digest));
    let kept = Expect::empty(201)
        .header("docker-content-digest", &*digest)
        .header("location", location);
    let refused = Expect::error(400, "DIGEST_INVALID");
    let request = put_manifest("foo", &digest, SCHEMA2, &text);
    c.ask_differs("sha512", &request, &refused, &kept);
    if c.only_wharf("sha512") {
        let served = found(SCHEMA2, &text)
            .header("docker-content-digest", &*digest)
            .header("etag", format!("\"{digest}\""));
        c.ask(&Request::get(path(&digest)).header("Accept", SCHEMA2), &served);
    }
}

/// Body limit 4 MiB: 4,194,304 bytes are accepted, one more → 400 `MANIFEST_INVALID`
/// `"http: request body too large"`.
fn put_at_the_size_limit(c: &Subject) {
    push_blobs(c, "foo");
    let sized = |size: usize| {
        let mut manifest = images::oci();
        manifest["annotations"] = json!({"padding": ""});
        let rest = manifest.to_string().len();
        manifest["annotations"]["padding"] = "a".repeat(size - rest).into();
        manifest.to_string()
    };
    let largest = sized(4 << 20);
    c.ask(&put_manifest("foo", "v1", OCI, &largest), &stored(c, "foo", &largest));
    let over = sized((4 << 20) + 1);
    let text = "http: request body too large";
    let before = Expect::error_detail(400, "MANIFEST_INVALID", text);
    let now = Expect::error_detail(413, "MANIFEST_INVALID", text);
    c.ask_differs(
        "manifest-too-large",
        &put_manifest("foo", "v2", OCI, &over),
        &before,
        &now,
    );
    let chunked = Request::put(path("v2")).header("Content-Type", OCI).chunked([over]);
    c.ask_differs("manifest-too-large", &chunked, &before, &now);
}

/// DELETE by digest → 202, `Content-Length: 0`. Removes the revision's link and every tag on it; the data stays.
fn delete_by_digest(c: &Subject) {
    let digest = sha256(push_schema2(c, "foo", "v1"));
    push_schema2(c, "foo", "v2");
    let other = sha256(push_oci(c, "foo", "v3"));
    c.ask(&Request::delete(path(&digest)), &Expect::empty(202));
    assert_eq!(c.files("repositories/foo/_manifests"), links(&other, Some("v3")));
    assert!(c.exists(&data(&digest)));
    for reference in ["v1", "v2", &digest] {
        c.send(&Request::get(path(reference)).header("Accept", SCHEMA2))
            .expect_status(404);
    }
}

/// DELETE by tag, deletion on → 400 `DIGEST_INVALID`, no detail.
fn delete_by_tag(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    push_schema2(c, "foo", "v2");
    let refused = Expect::error(400, "DIGEST_INVALID");
    c.ask_differs(
        "delete-by-tag",
        &Request::delete(path("v1")),
        &refused,
        &Expect::empty(202),
    );
    let tags = c.differs("delete-by-tag", vec!["v1", "v2"], vec!["v2"]);
    let list = c.send(&Request::get("/v2/foo/tags/list")).json();
    let mut listed: Vec<_> = list["tags"].as_array().into_iter().flatten().collect();
    listed.sort_by_key(ToString::to_string);
    assert_eq!(listed, tags);
    c.ask(
        &Request::get(path(&sha256(&text))).header("Accept", SCHEMA2),
        &found(SCHEMA2, &text),
    );
}

/// DELETE by tag or digest, deletion off → 405 `UNSUPPORTED`.
fn delete_while_deletion_is_off(c: &Subject) {
    let digest = sha256(push_schema2(c, "foo", "v1"));
    for reference in ["v1", &digest, &sha256("unknown")] {
        let refused = Expect::error(405, "UNSUPPORTED");
        let detailed = Expect::error_says(405, "UNSUPPORTED", &["storage.delete.enabled"]);
        c.ask_differs("added-detail", &Request::delete(path(reference)), &refused, &detailed);
    }
}

/// DELETE of an unknown digest → 404 `MANIFEST_UNKNOWN`, no detail.
fn delete_of_an_unknown_digest(c: &Subject) {
    push_schema2(c, "foo", "v1");
    let digest = sha256("unknown");
    for repository in ["foo", "never"] {
        let request = Request::delete(format!("/v2/{repository}/manifests/{digest}"));
        let unknown = Expect::error(404, "MANIFEST_UNKNOWN");
        let detail = format!("unknown manifest name={repository} revision={digest}");
        let detailed = Expect::error_detail(404, "MANIFEST_UNKNOWN", detail);
        c.ask_differs("added-detail", &request, &unknown, &detailed);
    }
}

/// After all tags are gone `tags/list` still answers 200, with `"tags":null`.
fn tags_after_the_last_one(c: &Subject) {
    let digest = sha256(push_schema2(c, "foo", "v1"));
    c.send(&Request::delete(path(&digest))).expect_status(202);
    let null = Expect::json(200, &json!({"name": "foo", "tags": null}));
    let unknown = Expect::error_detail(404, "NAME_UNKNOWN", json!({"name": "foo"}));
    let request = Request::get("/v2/foo/tags/list");
    c.ask_differs("no-manifests-left", &request, &null, &unknown);
    if c.only_wharf("no-manifests-left") {
        push_schema2(c, "foo", "v1");
        c.send(&Request::delete(path("v1"))).expect_status(202);
        c.ask(&request, &Expect::json(200, &json!({"name": "foo", "tags": []})));
    }
}

/// Blobs are resolved only through layer links, so `GET blobs/<manifest digest>` is 404 `BLOB_UNKNOWN`.
fn blob_of_a_manifest(c: &Subject) {
    let digest = sha256(push_schema2(c, "foo", "v1"));
    let unknown = Expect::error_detail(404, "BLOB_UNKNOWN", digest.as_str());
    c.ask(&Request::get(format!("/v2/foo/blobs/{digest}")), &unknown);
    assert!(!c.exists(&layer_link("foo", &digest)));
    let list = images::index(LIST, &[]).to_string();
    c.ask(&put_manifest("foo", "list", LIST, &list), &stored(c, "foo", &list));
}
