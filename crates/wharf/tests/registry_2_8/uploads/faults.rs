//! Uploads that go wrong: digests, states, lost connections.

use serde_json::json;
use wharf_testing::Config;
use wharf_testing::encoding::{base64url, hmac_sha256, sha256};
use wharf_testing::http::{Request, percent_encode, query_value, with_query};

use super::{HELLO, created, data, put};
use crate::case::cases;
use crate::expect::Expect;
use crate::subject::{Subject, UploadHeaders, upload_id};

cases! {
    put_without_digest: Config::new();
    put_with_wrong_digest: Config::new(), differs in ["digest-mismatch", "error-detail"];
    unknown_upload: Config::new(), differs in ["error-detail", "repeated-put"];
    missing_state: Config::new(), differs in ["error-detail", "status-without-state"];
    bad_state: with_secret(), differs in ["error-detail"];
    state_of_another_upload: with_secret(), differs in ["added-detail"];
    stale_state: Config::new(), differs in ["stale-offset", "status-without-state"];
    lost_connection: Config::new(), differs in ["lost-connection"];
}

const SECRET: &str = "the secret of all replicas";

fn with_secret() -> Config {
    Config::new().http(&format!("secret: {SECRET}"))
}

/// The upload's URL with another `_state`.
fn with_state(location: &str, state: &str) -> String {
    let path = location.split('?').next().unwrap_or_default();
    with_query(path, &format!("_state={}", percent_encode(state)))
}

/// Every method that continues or ends an upload.
fn all_methods(location: &str) -> Vec<Request> {
    let put = put(location, &sha256(HELLO));
    vec![
        Request::patch(location),
        put,
        Request::delete(location),
        Request::get(location),
    ]
}

/// `digest` missing → 400 `DIGEST_INVALID` `"digest missing"`; unparsable → 400 `"digest parsing failed"`; both checks
/// come before the body is read, and the upload stays usable.
fn put_without_digest(c: &Subject) {
    let location = c.begun_upload("foo", b"hello ");
    let missing = Expect::error_detail(400, "DIGEST_INVALID", "digest missing");
    let unparsable = Expect::error_detail(400, "DIGEST_INVALID", "digest parsing failed");
    c.ask(&Request::put(&location).body("xxx"), &missing);
    c.ask(&put(&location, ""), &missing);
    for digest in ["x", "sha256:abc", "md5:0123456789abcdef0123456789abcdef", "sha256:../x"] {
        c.ask(&put(&location, digest).body("xxx"), &unparsable);
    }
    let digest = sha256(HELLO);
    c.ask(&put(&location, &digest).body("world"), &created(c, "foo", &digest));
}

/// Digest mismatch → 400 `DIGEST_INVALID` `{"Digest":"<requested>","Reason":{}}`. The upload stays on disk; if the PUT
/// was empty, a second one with the right digest succeeds (201), else the upload is dead (404).
fn put_with_wrong_digest(c: &Subject) {
    let (right, wrong) = (sha256(HELLO), sha256("something else"));
    let dump = Expect::error_detail(400, "DIGEST_INVALID", json!({"Digest": wrong, "Reason": {}}));
    let text = format!("invalid digest for referenced layer: {wrong}, content does not match digest");
    let text = Expect::error_detail(400, "DIGEST_INVALID", text);
    let gone = Expect::error_detail(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown");

    let location = c.begun_upload("foo", HELLO);
    c.ask_differs("error-detail", &put(&location, &wrong), &dump, &text);
    let left = c.exists(&format!("repositories/foo/_uploads/{}/data", upload_id(&location)));
    assert_eq!(left, c.differs("digest-mismatch", true, false));
    let again = put(&location, &right);
    c.ask_differs("digest-mismatch", &again, &created(c, "foo", &right), &gone);

    let location = c.begun_upload("bar", b"hello ");
    c.ask_differs("error-detail", &put(&location, &wrong).body("world"), &dump, &text);
    let dead = Expect::error(404, "BLOB_UPLOAD_INVALID");
    c.ask_differs("digest-mismatch", &put(&location, &right), &dead, &gone);
    assert!(!c.exists(&data(&wrong)));
}

/// Finished, cancelled or unknown upload with a good state → 404 `BLOB_UPLOAD_UNKNOWN` `detail:{}` on any method.
fn unknown_upload(c: &Subject) {
    let dump = Expect::error_detail(404, "BLOB_UPLOAD_UNKNOWN", json!({}));
    let text = Expect::error_detail(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown");
    let cancelled = c.begun_upload("foo", b"x");
    c.send(&Request::delete(&cancelled)).expect_status(204);
    for request in all_methods(&cancelled) {
        c.ask_differs("error-detail", &request, &dump, &text);
    }
    let finished = c.begun_upload("foo", HELLO);
    let digest = sha256(HELLO);
    c.ask(&put(&finished, &digest), &created(c, "foo", &digest));
    for request in [
        Request::get(&finished),
        Request::patch(&finished),
        Request::delete(&finished),
    ] {
        c.ask_differs("error-detail", &request, &dump, &text);
    }
    let again = put(&finished, &digest);
    c.ask_differs("repeated-put", &again, &dump, &created(c, "foo", &digest));
    c.ask_differs("error-detail", &put(&finished, &sha256("other")), &dump, &text);
}

/// Missing `_state` → 404 `BLOB_UPLOAD_INVALID` `detail:{}`.
fn missing_state(c: &Subject) {
    let location = c.begun_upload("foo", HELLO);
    let bare = location.split('?').next().unwrap_or_default();
    let dump = Expect::error_detail(404, "BLOB_UPLOAD_INVALID", json!({}));
    let text = Expect::error_detail(404, "BLOB_UPLOAD_INVALID", "invalid secret");
    for request in &all_methods(bare)[..3] {
        c.ask_differs("error-detail", request, &dump, &text);
    }
    let status = Expect::empty(204).upload(c, "foo", HELLO.len());
    for request in [Request::get(bare), Request::head(bare)] {
        let dump = if request.method() == "HEAD" {
            dump.clone().for_head()
        } else {
            dump.clone()
        };
        c.ask_differs("status-without-state", &request, &dump, &status);
    }
    c.ask(&put(&location, &sha256(HELLO)), &created(c, "foo", &sha256(HELLO)));
}

/// Garbled or forged `_state` → 404 `BLOB_UPLOAD_INVALID` `detail:{}`, or the position of the first character that is
/// not base64url; the upload stays usable.
fn bad_state(c: &Subject) {
    let location = c.begun_upload("foo", HELLO);
    let state = query_value(&location, "_state").expect("an upload's URL has a state");
    let json = wharf_testing::encoding::base64url_decode(&state)[32..].to_vec();
    let sign = |secret: &str| base64url([hmac_sha256(secret.as_bytes(), &json), json.clone()].concat());
    assert_eq!(sign(SECRET), state);
    let dump = Expect::error_detail(404, "BLOB_UPLOAD_INVALID", json!({}));
    let text = Expect::error_detail(404, "BLOB_UPLOAD_INVALID", "invalid secret");
    for bad in ["AAAA", &state[..state.len() - 8], &sign("another secret")] {
        for request in &all_methods(&with_state(&location, bad)) {
            c.ask_differs("error-detail", request, &dump, &text);
        }
    }
    let position = Expect::error_detail(404, "BLOB_UPLOAD_INVALID", 2);
    for request in &all_methods(&with_state(&location, "AA*A")) {
        c.ask_differs("error-detail", request, &position, &text);
    }
    c.ask(&put(&location, &sha256(HELLO)), &created(c, "foo", &sha256(HELLO)));
}

/// A UUID or a name that does not match the state → 404 `BLOB_UPLOAD_INVALID`, no detail.
fn state_of_another_upload(c: &Subject) {
    let (one, other) = (c.start_upload("foo"), c.start_upload("foo"));
    let invalid = Expect::error(404, "BLOB_UPLOAD_INVALID");
    let state = query_value(&one, "_state").expect("an upload's URL has a state");
    let text = Expect::error_says(404, "BLOB_UPLOAD_INVALID", &["another upload"]);
    for location in [with_state(&other, &state), one.replace("/foo/", "/bar/")] {
        for request in all_methods(&location) {
            c.ask_differs("added-detail", &request, &invalid, &text);
        }
    }
    c.ask(&Request::get(&one), &Expect::empty(204).upload(c, "foo", 0));
}

/// `_state` offset ≠ size of `data` → 404 `BLOB_UPLOAD_INVALID` without detail; the upload survives.
fn stale_state(c: &Subject) {
    let stale = c.start_upload("foo");
    let next = c
        .send(&Request::patch(&stale).body("hello "))
        .expect_status(202)
        .location();
    let invalid = Expect::error(404, "BLOB_UPLOAD_INVALID");
    let refused = Expect::error_says(416, "BLOB_UPLOAD_INVALID", &["byte 6"]).upload(c, "foo", 6);
    let digest = sha256(HELLO);
    let patch = Request::patch(&stale).body("xxx");
    c.ask_differs("stale-offset", &patch, &invalid, &refused);
    c.ask_differs("stale-offset", &put(&stale, &digest).body("xxx"), &invalid, &refused);
    let status = Expect::empty(204).upload(c, "foo", 6);
    c.ask_differs("status-without-state", &Request::get(&stale), &invalid, &status);
    c.ask(&put(&next, &digest).body("world"), &created(c, "foo", &digest));

    let stale = c.start_upload("foo");
    let next = c.send(&Request::patch(&stale).body("x")).expect_status(202).location();
    let cancelled = Expect::empty(204).header("docker-upload-uuid", upload_id(&next));
    c.ask_differs("stale-offset", &Request::delete(&stale), &invalid, &cancelled);
}

/// A PATCH whose connection breaks keeps the bytes that arrived, but the old `_state` is refused then, and there is no
/// way to go on. The log says that the client disconnected; status 499 is sent to nobody.
fn lost_connection(c: &Subject) {
    let location = c.start_upload("foo");
    let size = 200_000;
    let file = format!("repositories/foo/_uploads/{}/data", upload_id(&location));
    c.client()
        .send_and_cut(&Request::patch(&location).body(vec![b'a'; size]), size - 1);
    c.expect_log(&c.differs("lost-connection", ["disconnected", "PATCH"], ["499", "PATCH"]));
    assert_eq!(c.file(&file).len(), size - 1);
    let status = Request::get(&location);
    let dead = Expect::error(404, "BLOB_UPLOAD_INVALID");
    let going_on = Expect::empty(204).upload(c, "foo", size - 1);
    let answer = c.ask_differs("lost-connection", &status, &dead, &going_on);
    if c.only_wharf("lost-connection") {
        let digest = sha256(vec![b'a'; size]);
        c.ask(&put(&answer.location(), &digest).body("a"), &created(c, "foo", &digest));
    }
    let put = put(&c.start_upload("foo"), &sha256("b")).body(vec![b'b'; size]);
    c.client().send_and_cut(&put, size / 2);
    c.expect_log(&c.differs("lost-connection", ["disconnected", "PUT"], ["499", "PUT"]));
}
