//! §3 of registry 2.8's behaviour: uploads, and what they leave on disk.

pub(crate) mod faults;
pub(crate) mod mounts;

use wharf_testing::Config;
use wharf_testing::encoding::{encoded, hex, sha256, sha512};
use wharf_testing::http::{Request, with_query};

use crate::case::cases;
use crate::expect::Expect;
use crate::subject::{Subject, UploadHeaders, upload_id};

cases! {
    post_starts_an_upload: Config::new();
    post_with_digest_and_body: Config::new(), differs in ["post-with-digest"];
    status_of_an_upload: Config::new(), differs in ["hash-states"];
    patch_appends: Config::new(), differs in ["hash-states"];
    patch_content_types: Config::new(), differs in ["patch-content-type"];
    patch_framings: Config::new();
    put_commits: Config::new();
    put_with_the_whole_body: Config::new();
    put_of_a_stored_blob: Config::new();
    put_of_nothing: Config::new();
    put_of_sha512: Config::new(), differs in ["sha512"];
    put_ignores_content_type: Config::new();
    form_bodies: Config::new(), differs in ["form-bodies"];
    delete_cancels: Config::new(), differs in ["upload-leftovers"];
    right_content_range: Config::new();
    wrong_content_range_of_patch: Config::new(), differs in ["content-range"];
    wrong_content_range_of_put: Config::new(), differs in ["content-range"];
    hash_state_bytes: Config::new();
}

pub(super) const HELLO: &[u8] = b"hello world";

/// The path of a blob's file below the tree.
pub(super) fn data(digest: &str) -> String {
    let (algorithm, hex) = digest.split_once(':').expect("a digest has a colon");
    format!("blobs/{algorithm}/{}/{hex}/data", &hex[..2])
}

/// The path of a repository's link to a blob.
pub(super) fn layer_link(repository: &str, digest: &str) -> String {
    format!("repositories/{repository}/_layers/{}/link", digest.replace(':', "/"))
}

/// `PUT <up>&digest=<d>`.
pub(super) fn put(location: &str, digest: &str) -> Request {
    Request::put(with_query(location, &format!("digest={digest}")))
}

/// The answer to a committed upload or a mount.
pub(super) fn created(subject: &Subject, repository: &str, digest: &str) -> Expect {
    Expect::empty(201)
        .header("docker-content-digest", digest)
        .header("location", subject.url(&format!("/v2/{repository}/blobs/{digest}")))
}

/// `POST blobs/uploads/` → 202, `Content-Length: 0`, `Docker-Upload-Uuid` (version 4), `Location: <up>`,
/// `Range: 0-0`. On disk: `startedat` (UTC, whole seconds, 20 bytes), an empty `data`, the hash state of nothing.
fn post_starts_an_upload(c: &Subject) {
    let request = Request::post("/v2/a/b/blobs/uploads/");
    let location = c.ask(&request, &Expect::empty(202).upload(c, "a/b", 0)).location();
    let expected = ["UPLOAD/data", "UPLOAD/hashstates/sha256/0", "UPLOAD/startedat"].map(str::to_owned);
    assert_eq!(c.files("repositories/a/b/_uploads"), expected);
    let directory = format!("repositories/a/b/_uploads/{}", upload_id(&location));
    assert!(c.file(&format!("{directory}/data")).is_empty());
    let started = String::from_utf8(c.file(&format!("{directory}/startedat"))).expect("ASCII");
    let shape: String = started
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    assert_eq!(shape, "9999-99-99T99:99:99Z");
}

/// `POST …?digest=<d>` with body → 202 as without; body ignored, nothing stored.
fn post_with_digest_and_body(c: &Subject) {
    let digest = sha256(HELLO);
    let post = |digest: &str| {
        let target = format!("/v2/foo/blobs/uploads/?digest={digest}");
        Request::post(target)
            .header("Content-Type", "application/octet-stream")
            .body(HELLO)
    };
    let begun = Expect::empty(202).upload(c, "foo", 0);
    c.ask_differs("post-with-digest", &post(&digest), &begun, &created(c, "foo", &digest));
    assert_eq!(c.exists(&data(&digest)), c.only_wharf("post-with-digest"));
    let wrong = sha256("other");
    let refused = Expect::error_says(400, "DIGEST_INVALID", &["content does not match digest"]);
    c.ask_differs("post-with-digest", &post(&wrong), &begun, &refused);
    let refused = Expect::error_says(400, "DIGEST_INVALID", &["digest"]);
    c.ask_differs("post-with-digest", &post("sha256:abc"), &begun, &refused);
}

/// `GET`/`HEAD <up>` → 204, `Docker-Upload-Uuid`, `Location: <up>` (new state), `Range: 0-<size-1>`, `0-0` for an
/// empty and for a one-byte upload. The hash state of nothing is written again even when `data` is not empty.
fn status_of_an_upload(c: &Subject) {
    let mut location = c.start_upload("foo");
    for (piece, size) in [("", 0), ("a", 1), ("bcd", 4)] {
        location = c
            .send(&Request::patch(&location).body(piece))
            .expect_status(202)
            .location();
        let status = Expect::empty(204).upload(c, "foo", size);
        c.ask(&Request::head(&location), &status);
        location = c.ask(&Request::get(&location), &status).location();
    }
    let states = format!("repositories/foo/_uploads/{}/hashstates/sha256", upload_id(&location));
    assert_eq!(
        c.files(&states),
        c.differs("hash-states", vec!["0", "1", "4"], vec!["4"])
    );
}

/// `PATCH <up>` → 202, `Content-Length: 0`, `Docker-Upload-Uuid`, `Location: <up>` (new state), `Range`. Appends to
/// `data` and adds `hashstates/sha256/<new size>`; old states stay.
fn patch_appends(c: &Subject) {
    let mut location = c.start_upload("foo");
    for (piece, size) in [("h", 1), ("ello ", 6), ("world", 11)] {
        let request = Request::patch(&location).body(piece);
        location = c.ask(&request, &Expect::empty(202).upload(c, "foo", size)).location();
    }
    let directory = format!("repositories/foo/_uploads/{}", upload_id(&location));
    assert_eq!(c.file(&format!("{directory}/data")), HELLO);
    let states = c.files(&format!("{directory}/hashstates/sha256"));
    assert_eq!(states, c.differs("hash-states", vec!["0", "1", "11", "6"], vec!["11"]));
}

/// PATCH accepts an absent Content-Type or exactly `application/octet-stream`; anything else → 500 `UNKNOWN`
/// `detail:{}`, nothing is written.
fn patch_content_types(c: &Subject) {
    let location = c.start_upload("foo");
    let patch =
        |location: &str, media_type: &str| Request::patch(location).header("Content-Type", media_type).body("abc");
    let request = patch(&location, "application/octet-stream");
    let mut location = c.ask(&request, &Expect::empty(202).upload(c, "foo", 3)).location();
    let refused = Expect::error_detail(500, "UNKNOWN", serde_json::json!({}));
    for (media_type, size) in [("text/plain", 6), ("application/octet-stream; a=b", 9)] {
        let request = patch(&location, media_type);
        let accepted = Expect::empty(202).upload(c, "foo", size);
        let response = c.ask_differs("patch-content-type", &request, &refused, &accepted);
        if c.only_wharf("patch-content-type") {
            location = response.location();
        }
    }
    let stored: &[u8] = c.differs("patch-content-type", b"abc".as_slice(), b"abcabcabc".as_slice());
    let directory = format!("repositories/foo/_uploads/{}", upload_id(&location));
    assert_eq!(c.file(&format!("{directory}/data")), stored);
}

/// Chunked transfer coding and Content-Length are both fine; an empty PATCH is fine (202).
fn patch_framings(c: &Subject) {
    let location = c.start_upload("foo");
    let request = Request::patch(location).chunked(["he", "l", "lo"]);
    let location = c.ask(&request, &Expect::empty(202).upload(c, "foo", 5)).location();
    let request = Request::patch(location).chunked([""]);
    let location = c.ask(&request, &Expect::empty(202).upload(c, "foo", 5)).location();
    let request = Request::patch(location);
    let location = c.ask(&request, &Expect::empty(202).upload(c, "foo", 5)).location();
    let request = Request::patch(location).body(" world");
    let location = c.ask(&request, &Expect::empty(202).upload(c, "foo", 11)).location();
    let digest = sha256(HELLO);
    c.ask(&put(&location, &digest).chunked([""]), &created(c, "foo", &digest));
}

/// `PUT <up>&digest=<d>` → 201, `Content-Length: 0`, `Docker-Content-Digest`, `Location: <blob>`. On disk: the blob's
/// `data`, the link with the digest and no newline, and no upload any more.
fn put_commits(c: &Subject) {
    let digest = sha256(HELLO);
    let location = c.begun_upload("a/b", b"hello ");
    c.ask(&put(&location, &digest).body("world"), &created(c, "a/b", &digest));
    let link = format!("_layers/sha256/{}/link", encoded(&digest));
    assert_eq!(c.files("repositories/a/b"), [link]);
    assert_eq!(c.file(&layer_link("a/b", &digest)), digest.as_bytes());
    assert_eq!(c.file(&data(&digest)), HELLO);
}

/// PUT appends its body before the check; everything may come with it.
fn put_with_the_whole_body(c: &Subject) {
    let digest = sha256(HELLO);
    let location = c.start_upload("foo");
    c.ask(&put(&location, &digest).body(HELLO), &created(c, "foo", &digest));
    let location = c.start_upload("bar");
    c.ask(&put(&location, &digest).chunked([HELLO]), &created(c, "bar", &digest));
}

/// PUT of a blob that is stored already → 201; its file is neither rewritten nor compared.
fn put_of_a_stored_blob(c: &Subject) {
    let digest = c.push_blob("foo", HELLO);
    let before = c.modified(&data(&digest));
    let location = c.start_upload("foo");
    c.ask(&put(&location, &digest).body(HELLO), &created(c, "foo", &digest));
    assert_eq!(c.modified(&data(&digest)), before);
    assert!(c.files("repositories/foo/_uploads").is_empty());
}

/// A blob of length zero: POST + PUT with the digest of nothing works.
fn put_of_nothing(c: &Subject) {
    let digest = sha256("");
    let location = c.start_upload("foo");
    c.ask(&put(&location, &digest), &created(c, "foo", &digest));
    assert!(c.file(&data(&digest)).is_empty());
    assert_eq!(c.file(&layer_link("foo", &digest)), digest.as_bytes());
}

/// A sha512 upload is stored once under its sha256; the links under both digests contain the sha256 digest, and so
/// do the answer's headers.
fn put_of_sha512(c: &Subject) {
    let (short, long) = (sha256(HELLO), sha512(HELLO));
    let request = put(&c.start_upload("foo"), &long).body(HELLO);
    let (re_keyed, kept) = (created(c, "foo", &short), created(c, "foo", &long));
    c.ask_differs("sha512", &request, &re_keyed, &kept);
    let stored = c.differs("sha512", &short, &long);
    assert_eq!(c.files("blobs"), [data(stored).replace("blobs/", "")]);
    assert_eq!(c.file(&layer_link("foo", &long)), stored.as_bytes());
    assert_eq!(c.exists(&layer_link("foo", &short)), !c.only_wharf("sha512"));
}

/// PUT ignores Content-Type.
fn put_ignores_content_type(c: &Subject) {
    let digest = sha256(HELLO);
    for media_type in ["text/plain", "application/json", "no type at all"] {
        let request = put(&c.start_upload("foo"), &digest).body(HELLO);
        c.ask(&request.header("Content-Type", media_type), &created(c, "foo", &digest));
    }
}

/// The query parameters are read from the URL and from a form-encoded body: `digest=` inside the body of a PUT with
/// `application/x-www-form-urlencoded` is honoured, and blob bytes sent that way are lost, a digest mismatch.
fn form_bodies(c: &Subject) {
    let form = |request: Request| request.header("Content-Type", "application/x-www-form-urlencoded");
    let digest = sha256(HELLO);
    let request = form(Request::put(c.begun_upload("foo", HELLO)).body(format!("digest={digest}")));
    let missing = Expect::error_detail(400, "DIGEST_INVALID", "digest missing");
    c.ask_differs("form-bodies", &request, &created(c, "foo", &digest), &missing);

    let request = form(put(&c.start_upload("foo"), &digest).body(HELLO));
    let mismatch = serde_json::json!({"Digest": digest, "Reason": {}});
    let lost = Expect::error_detail(400, "DIGEST_INVALID", mismatch);
    c.ask_differs("form-bodies", &request, &lost, &created(c, "foo", &digest));
}

/// `DELETE <up>` → 204, `Docker-Upload-Uuid`. A directory with the hash state of nothing stays behind.
fn delete_cancels(c: &Subject) {
    for location in [c.start_upload("foo"), c.begun_upload("foo", HELLO)] {
        let id = upload_id(&location);
        let cancelled = Expect::empty(204).header("docker-upload-uuid", &*id);
        c.ask(&Request::delete(&location), &cancelled);
        let left = c.files(&format!("repositories/foo/_uploads/{id}"));
        assert_eq!(left, c.differs("upload-leftovers", vec!["hashstates/sha256/0"], vec![]));
        assert_eq!(c.exists(&format!("repositories/foo/_uploads/{id}")), !left.is_empty());
    }
}

/// A `Content-Range` that fits changes nothing, on PATCH and on PUT.
fn right_content_range(c: &Subject) {
    let digest = sha256(HELLO);
    let location = c.start_upload("foo");
    let request = Request::patch(location).header("Content-Range", "0-5").body("hello ");
    let location = c.ask(&request, &Expect::empty(202).upload(c, "foo", 6)).location();
    let request = put(&location, &digest).header("Content-Range", "6-10").body("world");
    c.ask(&request, &created(c, "foo", &digest));
    let request = Request::patch(c.start_upload("foo")).header("Content-Range", "bytes 0-5/*");
    c.ask(&request.body("hello "), &Expect::empty(202).upload(c, "foo", 6));
}

/// `Content-Range` is ignored on PATCH: whatever it says, the bytes are appended (202).
fn wrong_content_range_of_patch(c: &Subject) {
    for range in [
        "0-4",
        "3-7",
        "11-15",
        "6-5",
        "6-9",
        "a-b",
        "-1-3",
        "6-18446744073709551616",
    ] {
        let location = c.begun_upload("foo", b"hello ");
        let request = Request::patch(&location).header("Content-Range", range).body("world");
        let appended = Expect::empty(202).upload(c, "foo", 11);
        let refused = Expect::error_says(416, "BLOB_UPLOAD_INVALID", &["byte 6"]).upload(c, "foo", 6);
        c.ask_differs("content-range", &request, &appended, &refused);
        if c.only_wharf("content-range") {
            c.ask(&Request::get(&location), &Expect::empty(204).upload(c, "foo", 6));
            c.ask(&Request::patch(&location).body("world"), &appended);
        }
    }
}

/// `Content-Range` is ignored on PUT: the bytes are appended, and the digest judges (201).
fn wrong_content_range_of_put(c: &Subject) {
    let digest = sha256(HELLO);
    for range in ["0-4", "7-11", "6-9", "x"] {
        let location = c.begun_upload("foo", b"hello ");
        let request = put(&location, &digest).header("Content-Range", range).body("world");
        let refused = Expect::error_says(416, "BLOB_UPLOAD_INVALID", &["byte 6"]).upload(c, "foo", 6);
        c.ask_differs("content-range", &request, &created(c, "foo", &digest), &refused);
        if c.only_wharf("content-range") {
            c.ask(&put(&location, &digest).body("world"), &created(c, "foo", &digest));
        }
    }
}

/// A hash state is 108 bytes: magic `sha\x03`, the eight chaining words, the unconsumed tail, the length.
fn hash_state_bytes(c: &Subject) {
    let state = |words: &str, tail: &str, length: u64| format!("73686103{words}{tail:0<128}{length:016x}");
    let initial = "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19";
    let location = c.start_upload("foo");
    let file = |size: usize| {
        let id = upload_id(&location);
        hex(&c.file(&format!("repositories/foo/_uploads/{id}/hashstates/sha256/{size}")))
    };
    assert_eq!(file(0), state(initial, "", 0));
    let next = c
        .send(&Request::patch(&location).body("hello "))
        .expect_status(202)
        .location();
    assert_eq!(file(6), state(initial, "68656c6c6f20", 6));
    c.send(&Request::patch(next).body([b'a'; 64])).expect_status(202);
    let block = "38098e142f1d93e2359c4aacbea5e890c9667e3b90180b1f350bbc3226dbd982";
    assert_eq!(file(70), state(block, &"61".repeat(6), 70));
}
