//! end-4a, end-4b, end-6: blobs pushed in one piece.

use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::{Request, Response, path_of, with_query};

use crate::soundness::expect_error;
use crate::wharf::{OCTETS, Wharf, blob, noise, ranged, uploads};

/// The id of the upload session in a location.
fn session(location: &str) -> &str {
    let path = location.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// Pushes content under a digest and returns the answer to the last request.
type Push = fn(&Wharf, &str, &[u8]) -> Response;

/// The ways to push a blob.
const STYLES: [(&str, Push); 5] = [
    ("single POST", single_post),
    ("POST and PUT", post_put),
    ("streamed PATCH", streamed),
    ("chunks", chunked),
    ("last chunk in PUT", last_chunk_in_put),
];

fn single_post(wharf: &Wharf, digest: &str, content: &[u8]) -> Response {
    let target = with_query(&uploads("a"), &format!("digest={digest}"));
    wharf.send(Request::post(target).header("Content-Type", OCTETS).body(content))
}

fn post_put(wharf: &Wharf, digest: &str, content: &[u8]) -> Response {
    let location = wharf.begin_upload("a");
    wharf.finish(&location, digest, content)
}

fn streamed(wharf: &Wharf, digest: &str, content: &[u8]) -> Response {
    let location = wharf.begin_upload("a");
    let patch = Request::patch(location).header("Content-Type", OCTETS);
    let location = wharf.send(patch.chunked([content])).expect_status(202).location();
    wharf.finish(&location, digest, b"")
}

fn chunked(wharf: &Wharf, digest: &str, content: &[u8]) -> Response {
    let mut location = wharf.begin_upload("a");
    let mut sent = 0;
    for chunk in content.chunks(1024) {
        location = wharf.patch(&location, sent, chunk).expect_status(202).location();
        sent += chunk.len();
    }
    wharf.finish(&location, digest, b"")
}

fn last_chunk_in_put(wharf: &Wharf, digest: &str, content: &[u8]) -> Response {
    let location = wharf.begin_upload("a");
    let (first, last) = content.split_at(content.len() / 2);
    if first.is_empty() {
        return wharf.finish(&location, digest, last);
    }
    let location = wharf.patch(&location, 0, first).expect_status(202).location();
    let target = with_query(&location, &format!("digest={digest}"));
    wharf.send(ranged(Request::put(target), first.len(), last))
}

#[test]
fn post_begins_a_session_of_its_own() {
    let wharf = Wharf::start();
    let first = wharf.send(Request::post(uploads("a"))).expect_status(202);
    let second = wharf.send(Request::post(uploads("a"))).expect_status(202);
    let (first, second) = (first.location(), second.location());
    assert_ne!(session(&first), session(&second));
    for location in [&first, &second] {
        let id = session(location);
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "no UUID: {id}");
        assert!(
            id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()),
            "no UUID: {id}"
        );
    }
}

#[test]
fn every_style_ends_in_201_with_a_location_that_can_be_pulled() {
    let wharf = Wharf::start();
    for (index, (style, push)) in STYLES.iter().enumerate() {
        let content = noise(style, 512 + 2560 * index);
        let digest = sha256(&content);
        let answer = push(&wharf, &digest, &content).expect_status(201);
        assert_eq!(answer.expect_header("Docker-Content-Digest"), digest, "{style}");
        wharf.expect_blob(&answer.location(), &digest, &content);
        wharf.expect_blob(&blob("a", &digest), &digest, &content);
    }
}

#[test]
fn the_empty_blob_and_the_empty_object_by_every_style() {
    for (style, push) in STYLES {
        let wharf = Wharf::start();
        for content in [&b""[..], b"{}"] {
            for digest in [sha256(content), sha512(content)] {
                let answer = push(&wharf, &digest, content);
                assert_eq!(answer.status, 201, "{style}: {answer}");
                wharf.expect_blob(&answer.location(), &digest, content);
            }
        }
    }
}

#[test]
fn content_of_another_digest_is_400_by_every_style_and_not_stored() {
    let wharf = Wharf::start();
    for (style, push) in STYLES {
        let mut content = noise(style, 3000);
        for digest in [sha256(&content), sha512(&content)] {
            content.extend_from_slice(b"oh no");
            let answer = push(&wharf, &digest, &content);
            expect_error(&answer, 400, "DIGEST_INVALID");
            wharf.get(&blob("a", &digest)).expect_status(404);
        }
        wharf.get(&blob("a", &sha256(&content))).expect_status(404);
    }
}

#[test]
fn an_upload_that_ended_in_another_digest_is_gone() {
    let wharf = Wharf::start();
    let location = wharf.begin_upload("a");
    let answer = wharf.finish(&location, &sha256("promised"), b"delivered");
    expect_error(&answer, 400, "DIGEST_INVALID");
    wharf.get(&location).expect_status(404);
    // Nor can it be ended rightly, although every byte came before the wrong digest did.
    let location = wharf.begin_upload("a");
    let location = wharf.patch(&location, 0, b"delivered").expect_status(202).location();
    let answer = wharf.finish(&location, &sha256("promised"), b"");
    expect_error(&answer, 400, "DIGEST_INVALID");
    let answer = wharf.finish(&location, &sha256("delivered"), b"");
    expect_error(&answer, 404, "BLOB_UPLOAD_UNKNOWN");
    let left = std::fs::read_dir(wharf.tree("repositories/a/_uploads"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
}

#[test]
fn a_digest_that_is_none_or_of_an_unknown_algorithm_is_400() {
    let wharf = Wharf::start();
    let long = format!("sha256:{}", "a".repeat(65));
    let unknown = format!("md5:{}", "a".repeat(32));
    for digest in ["", "sha256:abc", "sha256:..%2Fx", &long, &unknown] {
        expect_error(&single_post(&wharf, digest, b"content"), 400, "DIGEST_INVALID");
        let location = wharf.begin_upload("a");
        expect_error(&wharf.finish(&location, digest, b"content"), 400, "DIGEST_INVALID");
    }
}

#[test]
fn a_put_without_digest_is_400_and_the_upload_goes_on() {
    let wharf = Wharf::start();
    let location = wharf.begin_upload("a");
    let location = wharf.patch(&location, 0, b"kept").expect_status(202).location();
    expect_error(&wharf.send(Request::put(&location)), 400, "DIGEST_INVALID");
    let location = wharf.get(&location).expect_status(204).location();
    wharf.finish(&location, &sha256("kept"), b"").expect_status(201);
}

#[test]
fn an_unknown_upload_is_404() {
    let wharf = Wharf::start();
    let location = wharf.begin_upload("a");
    let finished = wharf.begin_upload("a");
    wharf
        .finish(&finished, &sha256("finished"), b"finished")
        .expect_status(201);
    let unknown = location.replace(session(&location), "5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59");
    for location in [&finished, &unknown, &format!("{}nonsense", uploads("a"))] {
        wharf.get(location).expect_status(404);
        wharf.patch(location, 0, b"chunk").expect_status(404);
        wharf.finish(location, &sha256("other"), b"other").expect_status(404);
        wharf.delete(location).expect_status(404);
    }
}

#[test]
fn a_closing_put_may_be_repeated() {
    // The client never saw the first 201: its blob is there, so it hears the same again.
    let wharf = Wharf::start();
    let location = wharf.begin_upload("a");
    let digest = sha256("lost answer");
    let location = wharf.patch(&location, 0, b"lost answer").expect_status(202).location();
    for _ in 0..2 {
        let answer = wharf.finish(&location, &digest, b"").expect_status(201);
        wharf.expect_blob(&answer.location(), &digest, b"lost answer");
    }
}

#[test]
fn an_upload_belongs_to_its_repository() {
    let wharf = Wharf::start();
    let location = wharf.begin_upload("a");
    let foreign = path_of(&location).replacen("/v2/a/", "/v2/b/", 1);
    wharf.get(&foreign).expect_status(404);
    wharf.finish(&foreign, &sha256("x"), b"x").expect_status(404);
    wharf.finish(&location, &sha256("x"), b"x").expect_status(201);
}

#[test]
fn a_blob_may_be_pushed_again() {
    let wharf = Wharf::start();
    let content = noise("again", 1000);
    let digest = sha256(&content);
    for (_, push) in STYLES {
        push(&wharf, &digest, &content).expect_status(201);
    }
    wharf.expect_blob(&blob("a", &digest), &digest, &content);
}

#[test]
fn two_uploads_of_one_blob_both_succeed() {
    let wharf = Wharf::start();
    let content = noise("twice at once", 1000);
    let digest = sha256(&content);
    let (first, second) = (wharf.begin_upload("a"), wharf.begin_upload("b"));
    let first = wharf.patch(&first, 0, &content).expect_status(202).location();
    let second = wharf.patch(&second, 0, &content).expect_status(202).location();
    wharf.finish(&first, &digest, b"").expect_status(201);
    wharf.finish(&second, &digest, b"").expect_status(201);
    for repository in ["a", "b"] {
        wharf.expect_blob(&blob(repository, &digest), &digest, &content);
    }
}
