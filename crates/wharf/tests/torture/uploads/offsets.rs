//! Bytes at the wrong place, twice, or not all of them.

use std::fs;

use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use super::{begin, data, expect_blob, expect_created, expect_received, noise, put};
use crate::harness::{Torture, eventually, expect_error};
use crate::transport::frames::{CANCEL, DATA, END_HEADERS, Frames, HEADERS, PING, RST_STREAM, request};
use crate::transport::over_both;

/// Waits until the server has noticed that `bytes` are all it gets, and sends the rest of the content in two requests.
#[track_caller]
fn resume(torture: &Torture, repository: &str, location: &str, content: &[u8], bytes: usize) {
    eventually(&format!("{bytes} bytes arrived and are stored"), || {
        fs::metadata(data(torture, location)).is_ok_and(|file| file.len() == bytes as u64)
    });
    let next = expect_received(torture, location, bytes);
    let (middle, digest) = (bytes.midpoint(content.len()), sha256(content));
    let patch = Request::patch(next).body(&content[bytes..middle]);
    let next = torture.send(patch).expect_status(202).location();
    let answer = torture.send(put(&next, &digest).body(&content[middle..]));
    expect_created(answer, repository, &digest);
    expect_blob(torture, repository, content);
}

#[test]
fn upl_03_a_patch_that_is_cut_keeps_what_arrived() {
    let torture = Torture::start();
    let length = 300_000;
    for cut in [0, 1, length / 2, 262_144, length - 1] {
        let content = noise(&format!("cut {cut}"), length);
        let location = begin(&torture, "cut");
        torture
            .client()
            .send_and_cut(&Request::patch(&location).body(&content), cut);
        resume(&torture, "cut", &location, &content, cut);
    }
    torture.finish();
}

/// The coding of chunks has boundaries of its own.
#[test]
fn upl_03_a_patch_in_chunks_that_is_cut_keeps_what_arrived() {
    let torture = Torture::start();
    let (first, second) = (100_000, 200_000);
    let size_line = "186a0\r\n".len();
    let second_begins = size_line + first + 2 + size_line;
    let cuts = [
        (0, 0),
        (size_line - 3, 0),
        (size_line, 0),
        (size_line + 1, 1),
        (size_line + first / 2, first / 2),
        (size_line + first, first),
        (size_line + first + 1, first),
        (second_begins, first),
        (second_begins + second - 1, first + second - 1),
        (second_begins + second, first + second),
        (second_begins + second + 2, first + second),
        (second_begins + second + 5, first + second),
    ];
    for (cut, bytes) in cuts {
        let content = noise(&format!("chunks {cut}"), first + second);
        let (head, tail) = content.split_at(first);
        let location = begin(&torture, "chunks");
        torture
            .client()
            .send_and_cut(&Request::patch(&location).chunked([head, tail]), cut);
        resume(&torture, "chunks", &location, &content, bytes);
    }
    torture.finish();
}

/// Over HTTP/2 a request ends without its connection, or with it.
#[test]
fn upl_03_a_stream_that_is_reset_keeps_what_arrived() {
    let torture = Torture::start();
    let length = 60_000;
    for (cut, is_reset) in [
        (0, true),
        (1, true),
        (length / 2, true),
        (length - 1, true),
        (1, false),
        (length - 1, false),
    ] {
        let content = noise(&format!("stream {cut} {is_reset}"), length);
        let location = begin(&torture, "stream");
        let mut frames = Frames::open(torture.client().addr());
        let block = request("PATCH", &location, &[("content-length", &length.to_string())]);
        frames.send(HEADERS, END_HEADERS, 1, &block).unwrap();
        for piece in content[..cut].chunks(16_384) {
            frames.send(DATA, 0, 1, piece).unwrap();
        }
        if is_reset {
            frames.send(RST_STREAM, 0, 1, &CANCEL).unwrap();
        }
        frames.send(PING, 0, 0, b"received").unwrap();
        while frames.read().unwrap().kind != PING {}
        drop(frames);
        resume(&torture, "stream", &location, &content, cut);
    }
    torture.finish();
}

#[test]
fn upl_04_only_the_stored_offset_goes_on() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 1000);
        let digest = sha256(&content);
        let start = begin(&torture, protocol);
        let at = |location: &str, first: usize, last: usize| {
            Request::patch(location)
                .header("Content-Range", format!("{first}-{}", last - 1))
                .body(&content[first..last])
        };
        let location = send(at(&start, 0, 400)).expect_status(202).location();
        let misplaced = [
            ("a gap", at(&location, 500, 600)),
            ("an overlap", at(&location, 300, 500)),
            ("a replay", at(&location, 0, 400)),
            ("a replay with its old URL", at(&start, 0, 400)),
            (
                "a replay by its old URL alone",
                Request::patch(&start).body(&content[..400]),
            ),
            ("an empty body at an old URL", Request::patch(&start)),
            (
                "the end with a gap",
                put(&location, &digest)
                    .header("Content-Range", "500-999")
                    .body(&content[500..]),
            ),
            ("the end by an old URL", put(&start, &digest).body(&content[400..])),
        ];
        for (what, request) in misplaced {
            let refused = send(request);
            assert_eq!(refused.status, 416, "{protocol}, {what}: {refused}");
            expect_error(&refused, 416, "BLOB_UPLOAD_INVALID");
            assert_eq!(refused.expect_header("Range"), "0-399", "{protocol}, {what}");
            expect_received(&torture, &location, 400);
        }
        let next = send(at(&location, 400, 1000)).expect_status(202).location();
        expect_created(send(put(&next, &digest)), protocol, &digest);
        expect_blob(&torture, protocol, &content);
    });
    torture.finish();
}

#[test]
fn upl_06_a_content_range_is_understood_or_refused() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 10);
        let location = begin(&torture, protocol);
        let refused = [
            "5-2",
            "-1-3",
            "0-18446744073709551616",
            "18446744073709551615-18446744073709551615",
            "a-b",
            "0-8",
            "0-10",
            "1-10",
            "0",
            "0-",
            "-9",
            "0x0-0x9",
            "+0-9",
            "0-9,10-19",
            "bytes",
            "bytes */10",
            "lines 0-9/*",
        ];
        for range in refused {
            let patch = Request::patch(&location).header("Content-Range", range).body(&content);
            let answer = send(patch);
            assert_eq!(answer.status, 416, "{protocol}, `{range}`: {answer}");
            expect_error(&answer, 416, "BLOB_UPLOAD_INVALID");
            expect_received(&torture, &location, 0);
        }
        for range in ["bytes 0-9/*", "bytes 0-9/10", "0-9"] {
            let location = begin(&torture, protocol);
            let patch = Request::patch(&location).header("Content-Range", range).body(&content);
            let next = send(patch).expect_status(202).location();
            let digest = sha256(&content);
            expect_created(send(put(&next, &digest)), protocol, &digest);
        }
        send(Request::delete(&location)).expect_status(204);
    });
    torture.finish();
}
