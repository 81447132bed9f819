//! The bad requests.

use serde_json::json;
use wharf_testing::encoding::{base64url, sha256};
use wharf_testing::http::{Client, Request, with_query};
use wharf_testing::image::ImageBuilder;

const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

/// An upload that nobody began.
const UNKNOWN_UPLOAD: &str = "/v2/foo/blobs/uploads/3f9ad3c6-6d5c-4d70-a8c6-7d2f6a1a3f11";

type Case = (&'static str, Request);

/// Pushes an image to `foo`, begins uploads, and makes every case's request.
pub(crate) fn prepare(client: &Client) -> Vec<Case> {
    let image = ImageBuilder::new(311).build();
    image.push(client, "foo", "v1");
    let mut cases = unknown();
    cases.extend(malformed_digests());
    cases.extend(uploads(client));
    cases.extend(upload_ends(client));
    cases.extend(manifests(&image.manifest.bytes));
    cases.extend(manifest_contents());
    cases.extend(lists());
    let blob = format!("/v2/foo/blobs/{}", image.id());
    cases.push((
        "unsatisfiable range",
        Request::get(blob).header("Range", "bytes=9999999-"),
    ));
    cases
}

fn unknown() -> Vec<Case> {
    let digest = sha256("unknown");
    let (manifest, blob) = (format!("/v2/foo/manifests/{digest}"), format!("/v2/foo/blobs/{digest}"));
    vec![
        ("unknown tag", Request::get("/v2/foo/manifests/latest")),
        ("unknown manifest", Request::get(&manifest)),
        ("unknown blob", Request::get(&blob)),
        (
            "tag in unknown repository",
            Request::get("/v2/nowhere/manifests/latest"),
        ),
        ("delete unknown manifest", Request::delete(&manifest)),
        ("delete unknown blob", Request::delete(&blob)),
        ("delete unknown tag", Request::delete("/v2/foo/manifests/latest")),
        ("unknown upload", Request::get(UNKNOWN_UPLOAD)),
        ("cancel unknown upload", Request::delete(UNKNOWN_UPLOAD)),
    ]
}

fn malformed_digests() -> Vec<Case> {
    let upper = format!("sha256:{}", "A".repeat(64));
    let blob = |digest: &str| Request::get(format!("/v2/foo/blobs/{digest}"));
    let manifest = |digest: &str| Request::get(format!("/v2/foo/manifests/{digest}"));
    vec![
        ("blob, short digest", blob("sha256:abc")),
        ("blob, unknown algorithm", blob("md5:d41d8cd98f00b204e9800998ecf8427e")),
        ("blob, digest in upper case", blob(&upper)),
        ("blob, digest not hex", blob("sha256:xyz")),
        ("blob, no digest", blob("abc")),
        ("manifest, short digest", manifest("sha256:abc")),
        (
            "manifest, unknown algorithm",
            manifest("md5:d41d8cd98f00b204e9800998ecf8427e"),
        ),
        ("manifest, digest in upper case", manifest(&upper)),
        ("manifest, digest not hex", manifest("sha256:xyz")),
        ("delete blob, short digest", Request::delete("/v2/foo/blobs/sha256:abc")),
        (
            "delete manifest, short digest",
            Request::delete("/v2/foo/manifests/sha256:abc"),
        ),
    ]
}

/// A new upload's location.
fn begin(client: &Client) -> String {
    let begun = client.send(Request::post("/v2/foo/blobs/uploads/")).expect_status(202);
    begun.location()
}

fn uploads(client: &Client) -> Vec<Case> {
    let gone = begin(client);
    client.send(Request::delete(&gone)).expect_status(204);
    let stale = begin(client);
    client.send(Request::patch(&stale).body("hello")).expect_status(202);
    let (begun, other) = (begin(client), begin(client));
    let forged = base64url("{}".repeat(64));
    let path = begun.split('?').next().unwrap_or(&begun);
    let range = |range: &str| Request::patch(&other).header("Content-Range", range).body("hello");
    vec![
        ("upload gone", Request::get(&gone)),
        ("upload gone, chunk", Request::patch(&gone).body("hello")),
        ("chunk without state", Request::patch(path).body("hello")),
        (
            "state no base64",
            Request::patch(with_query(path, "_state=abc")).body("hello"),
        ),
        (
            "state forged",
            Request::patch(with_query(path, &format!("_state={forged}"))).body("hello"),
        ),
        ("stale offset", Request::patch(&stale).body("again")),
        ("chunk too far on", range("7-11")),
        ("chunk's range malformed", range("five")),
        ("chunk's range backwards", range("5-2")),
        (
            "chunk of text",
            Request::patch(&other)
                .header("Content-Type", "text/plain")
                .body("hello"),
        ),
    ]
}

fn upload_ends(client: &Client) -> Vec<Case> {
    let end = |parameter: &str| Request::put(with_query(&begin(client), parameter)).body("hello");
    vec![
        ("end without digest", Request::put(begin(client)).body("hello")),
        ("end, digest not parsable", end("digest=abc")),
        ("end, digest too short", end("digest=sha256:abc")),
        (
            "end, unknown algorithm",
            end("digest=md5:5d41402abc4b2a76b9719d911017c592"),
        ),
        ("end, another digest", end(&format!("digest={}", sha256("unknown")))),
    ]
}

fn put(reference: &str, media_type: &str, body: impl AsRef<[u8]>) -> Request {
    let request = Request::put(format!("/v2/foo/manifests/{reference}")).body(body);
    request.header("Content-Type", media_type)
}

fn manifests(stored: &[u8]) -> Vec<Case> {
    vec![
        ("manifest of another type", put("v2", SCHEMA2, stored)),
        ("manifest of text", put("v2", "text/plain", stored)),
        (
            "manifest without type",
            Request::put("/v2/foo/manifests/v2").body(stored),
        ),
        ("manifest under another digest", put(&sha256("unknown"), OCI, stored)),
        ("put manifest, short digest", put("sha256:abc", OCI, stored)),
        (
            "put manifest, unknown algorithm",
            put("md5:d41d8cd98f00b204e9800998ecf8427e", OCI, stored),
        ),
        ("manifest too large", put("v2", OCI, vec![b' '; (4 << 20) + 1])),
    ]
}

fn manifest_contents() -> Vec<Case> {
    let missing = |seed: &str| json!({"mediaType": "application/octet-stream", "size": 7, "digest": sha256(seed)});
    let manifest = |config, version: u8| {
        let layers = [missing("a layer"), missing("another layer")];
        json!({"schemaVersion": version, "mediaType": OCI, "config": config, "layers": layers}).to_string()
    };
    let malformed = json!({"mediaType": "application/octet-stream", "size": 7, "digest": "sha256:abc"});
    vec![
        (
            "manifest without blobs",
            put("v2", OCI, manifest(missing("a config"), 2)),
        ),
        (
            "manifest of version 1",
            put("v2", OCI, manifest(missing("a config"), 1)),
        ),
        ("manifest with a short digest", put("v2", OCI, manifest(malformed, 2))),
        ("empty docker manifest", put("v2", SCHEMA2, "{}")),
        ("empty OCI manifest", put("v2", OCI, "{}")),
        ("manifest of no bytes", put("v2", OCI, "")),
        ("manifest no JSON", put("v2", OCI, "not json")),
        ("docker manifest no JSON", put("v2", SCHEMA2, "{\"schemaVersion\": 2,")),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        ("catalog, n negative", Request::get("/v2/_catalog?n=-1")),
        ("catalog, n no number", Request::get("/v2/_catalog?n=abc")),
        ("catalog, n above the maximum", Request::get("/v2/_catalog?n=1001")),
        ("tags of unknown repository", Request::get("/v2/nowhere/tags/list")),
        (
            "tags of unknown repository, n negative",
            Request::get("/v2/nowhere/tags/list?n=-1"),
        ),
        ("tags, n negative", Request::get("/v2/foo/tags/list?n=-1")),
        ("tags, n no number", Request::get("/v2/foo/tags/list?n=abc")),
    ]
}
