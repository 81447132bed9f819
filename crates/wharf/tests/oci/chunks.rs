//! end-5, end-6, end-13: blobs pushed in chunks.

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response, with_query};

use crate::soundness::expect_error;
use crate::wharf::{OCTETS, Wharf, blob, noise, ranged, uploads};

/// Three chunks of which the last is shorter, as the conformance program sends them.
const CHUNK: usize = 1024;
const LENGTH: usize = 3 * CHUNK - 5;

/// Asks for the status of an upload, which must hold this many bytes, and returns the location to go on with.
#[track_caller]
fn status_of(wharf: &Wharf, location: &str, length: usize) -> String {
    let status = wharf.get(location).expect_status(204);
    assert_eq!(status.expect_header("Range"), format!("0-{}", length.saturating_sub(1)));
    status.location()
}

fn put_chunk(wharf: &Wharf, location: &str, digest: &str, start: usize, chunk: &[u8]) -> Response {
    let target = with_query(location, &format!("digest={digest}"));
    wharf.send(ranged(Request::put(target), start, chunk))
}

#[test]
fn each_chunk_is_answered_with_202_location_and_range() {
    let wharf = Wharf::start();
    let content = noise("ranges of chunks", LENGTH);
    let mut location = wharf.begin_upload("a");
    let mut sent = 0;
    for chunk in content.chunks(CHUNK) {
        let answer = wharf.patch(&location, sent, chunk).expect_status(202);
        sent += chunk.len();
        assert_eq!(answer.expect_header("Range"), format!("0-{}", sent - 1));
        location = answer.location();
    }
    let digest = sha256(&content);
    let answer = wharf.finish(&location, &digest, b"").expect_status(201);
    wharf.expect_blob(&answer.location(), &digest, &content);
}

#[test]
fn the_last_chunk_may_come_with_the_put() {
    let wharf = Wharf::start();
    let content = noise("last chunk", LENGTH);
    let digest = sha256(&content);
    let mut location = wharf.begin_upload("a");
    for start in [0, CHUNK] {
        let chunk = &content[start..start + CHUNK];
        location = wharf.patch(&location, start, chunk).expect_status(202).location();
    }
    let last = &content[2 * CHUNK..];
    let answer = put_chunk(&wharf, &location, &digest, 2 * CHUNK, last).expect_status(201);
    wharf.expect_blob(&answer.location(), &digest, &content);
}

#[test]
fn a_stream_needs_neither_length_nor_range() {
    let wharf = Wharf::start();
    let content = noise("stream", LENGTH);
    let digest = sha256(&content);
    let location = wharf.begin_upload("a");
    let patch = Request::patch(location).header("Content-Type", OCTETS);
    let answer = wharf.send(patch.chunked(content.chunks(700))).expect_status(202);
    assert_eq!(answer.expect_header("Range"), format!("0-{}", LENGTH - 1));
    wharf.finish(&answer.location(), &digest, b"").expect_status(201);
    wharf.expect_blob(&blob("a", &digest), &digest, &content);
}

#[test]
fn a_patch_out_of_order_is_416_and_the_upload_goes_on() {
    let wharf = Wharf::start();
    let content = noise("patch out of order", LENGTH);
    let digest = sha256(&content);
    let mut location = wharf.begin_upload("a");
    for start in [0, CHUNK, 2 * CHUNK] {
        let end = LENGTH.min(start + CHUNK);
        // A gap before every chunk, and from the second on also a replay and an overlap.
        let mut wrong = vec![start + CHUNK, start + 1];
        if start > 0 {
            wrong.extend([0, start - 1]);
        }
        for bad in wrong {
            let answer = wharf.patch(&location, bad, &content[start..end]);
            expect_error(&answer, 416, "BLOB_UPLOAD_INVALID");
            location = status_of(&wharf, &location, start);
        }
        let chunk = &content[start..end];
        location = wharf.patch(&location, start, chunk).expect_status(202).location();
    }
    let answer = wharf.finish(&location, &digest, b"").expect_status(201);
    wharf.expect_blob(&answer.location(), &digest, &content);
}

#[test]
fn a_final_put_out_of_order_is_416_and_the_upload_goes_on() {
    let wharf = Wharf::start();
    let content = noise("put out of order", LENGTH);
    let digest = sha256(&content);
    let location = wharf.begin_upload("a");
    let (first, last) = content.split_at(CHUNK);
    let mut location = wharf.patch(&location, 0, first).expect_status(202).location();
    for bad in [0, CHUNK - 1, CHUNK + 1, 2 * CHUNK] {
        let answer = put_chunk(&wharf, &location, &digest, bad, last);
        expect_error(&answer, 416, "BLOB_UPLOAD_INVALID");
        location = status_of(&wharf, &location, CHUNK);
        wharf.get(&blob("a", &digest)).expect_status(404);
    }
    let answer = put_chunk(&wharf, &location, &digest, CHUNK, last).expect_status(201);
    wharf.expect_blob(&answer.location(), &digest, &content);
}

#[test]
fn the_first_chunk_begins_with_zero() {
    let wharf = Wharf::start();
    let location = wharf.begin_upload("a");
    let answer = wharf.patch(&location, 1, b"late");
    expect_error(&answer, 416, "BLOB_UPLOAD_INVALID");
    let location = status_of(&wharf, &location, 0);
    wharf.patch(&location, 0, b"late").expect_status(202);
}

#[test]
fn a_range_of_another_form_is_416() {
    let wharf = Wharf::start();
    let mut location = wharf.begin_upload("a");
    for range in ["5-2", "-1-3", "0-18446744073709551616", "a-b", "0", "0-", ""] {
        let patch = Request::patch(&location).header("Content-Type", OCTETS);
        let answer = wharf.send(patch.header("Content-Range", range).body("chunk"));
        assert_eq!(answer.status, 416, "{range}: {answer}");
        location = status_of(&wharf, &location, 0);
    }
}

#[test]
fn the_status_names_the_bytes_received_and_where_to_go_on() {
    let wharf = Wharf::start();
    let location = wharf.begin_upload("a");
    let location = status_of(&wharf, &location, 0);
    let location = wharf.patch(&location, 0, b"12345").expect_status(202).location();
    let location = status_of(&wharf, &location, 5);
    let location = wharf.patch(&location, 5, b"6").expect_status(202).location();
    let location = status_of(&wharf, &location, 6);
    wharf.finish(&location, &sha256("123456"), b"").expect_status(201);
}

#[test]
fn chunks_have_no_minimum_length() {
    let wharf = Wharf::start();
    let begun = wharf.send(Request::post(uploads("a"))).expect_status(202);
    assert_eq!(begun.header("OCI-Chunk-Min-Length"), None, "{begun}");
    let mut location = begun.location();
    for (start, byte) in b"tiny".iter().enumerate() {
        location = wharf.patch(&location, start, &[*byte]).expect_status(202).location();
    }
    wharf.finish(&location, &sha256("tiny"), b"").expect_status(201);
}

#[test]
fn an_upload_goes_on_after_a_restart() {
    let mut wharf = Wharf::start();
    let content = noise("restart", LENGTH);
    let digest = sha256(&content);
    let location = wharf.begin_upload("a");
    let (first, last) = content.split_at(CHUNK);
    let location = wharf.patch(&location, 0, first).expect_status(202).location();
    wharf.restart();
    let location = status_of(&wharf, &location, CHUNK);
    put_chunk(&wharf, &location, &digest, CHUNK, last).expect_status(201);
    wharf.expect_blob(&blob("a", &digest), &digest, &content);
}
