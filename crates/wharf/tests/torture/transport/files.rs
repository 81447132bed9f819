//! Files that change under the pulls that read them.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use super::frames::{self, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RST_STREAM, WINDOW_UPDATE};
use super::over_both;
use crate::harness::{Torture, eventually};

/// More than all buffers between a server and a client that does not read.
const LENGTH: usize = 48 << 20;

fn content() -> Vec<u8> {
    let words = (0_u32..).flat_map(u32::to_le_bytes);
    words.take(LENGTH).collect()
}

/// Where the bytes of a blob are.
fn data(torture: &Torture, digest: &str) -> PathBuf {
    let hex = digest.strip_prefix("sha256:").unwrap();
    torture.tree(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]))
}

fn cut(path: &PathBuf) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(1 << 20).unwrap();
}

/// A pull of a blob over a connection that has read its head, and no more.
fn begin_http1(torture: &Torture, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(torture.client().addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", head.escape_ascii());
    stream
}

#[test]
fn http_06_all_bytes_of_a_large_blob_and_of_its_parts_arrive() {
    let torture = Torture::start();
    let content = content();
    let blob = format!("/v2/foo/blobs/{}", torture.push_blob("foo", &content));
    // The second time it comes from what is kept open.
    for _ in 0..2 {
        over_both(&torture, |protocol, send| {
            let whole = send(Request::get(&blob)).expect_status(200);
            assert!(whole.body == content, "{protocol}: other bytes");
            for (first, last) in [
                (0, 99_999),
                (1, 3 << 20),
                ((1 << 20) - 1, 1 << 20),
                (LENGTH - 70_000, LENGTH - 1),
            ] {
                let range = format!("bytes={first}-{last}");
                let part = send(Request::get(&blob).header("Range", &range)).expect_status(206);
                assert!(part.body == content[first..=last], "{protocol}: {range}: other bytes");
            }
            let parts = send(Request::get(&blob).header("Range", "bytes=5-200004,9000000-9200000")).expect_status(206);
            for piece in [&content[5..=200_004], &content[9_000_000..=9_200_000]] {
                let found = parts.body.windows(piece.len()).any(|window| window == piece);
                assert!(found, "{protocol}: a part has other bytes");
            }
        });
    }
    // Two requests before the first answer is read.
    let mut stream = TcpStream::connect(torture.client().addr()).unwrap();
    let request = format!("GET {blob} HTTP/1.1\r\nHost: localhost\r\n");
    write!(stream, "{request}\r\n{request}Connection: close\r\n\r\n").unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    assert!(answers.ends_with(&content), "the second has other bytes");
    let first = answers.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(sha256(&answers[first..first + LENGTH]), sha256(&content));
    torture.finish();
}

#[test]
fn http_06_a_file_cut_under_a_pull_breaks_that_pull_and_no_other() {
    let torture = Torture::start();
    let content = content();
    let digest = torture.push_blob("foo", &content);
    let blob = format!("/v2/foo/blobs/{digest}");
    let path = data(&torture, &digest);

    let mut http1 = begin_http1(&torture, &blob);
    let mut http2 = Frames::open(torture.client().addr());
    let head = frames::request("GET", &blob, &[]);
    http2.send(HEADERS, END_HEADERS | END_STREAM, 1, &head).unwrap();
    // The window of the stream is full now, and the server waits for more.
    let mut received = 0;
    while received < 65_535 {
        let frame = http2.read().unwrap();
        received += if frame.kind == DATA { frame.payload.len() } else { 0 };
    }
    cut(&path);

    let mut rest = Vec::new();
    // Closed, or reset; what counts is that it does not pass for whole.
    let _ = http1.read_to_end(&mut rest);
    assert!(rest.len() < LENGTH, "{} bytes", rest.len());
    let window = (1_u32 << 30).to_be_bytes();
    http2.send(WINDOW_UPDATE, 0, 0, &window).unwrap();
    http2.send(WINDOW_UPDATE, 0, 1, &window).unwrap();
    let end = std::iter::repeat_with(|| http2.read()).find(|frame| match frame {
        Ok(frame) if frame.kind == DATA => {
            received += frame.payload.len();
            received >= LENGTH
        }
        Ok(frame) => frame.kind == RST_STREAM,
        Err(_) => true,
    });
    assert!(received < LENGTH && end.is_some(), "{received} bytes over HTTP/2");
    drop(http2);

    // Who asks now is told.
    assert_eq!(torture.client().send(Request::get(&blob)).status, 500);
    fs::write(&path, &content).unwrap();
    let healed = torture.send(Request::get(&blob)).expect_status(200);
    assert!(healed.body == content, "other bytes");
    torture.finish();
}

#[test]
fn http_06_a_file_that_is_replaced_or_unreadable_breaks_its_own_answers_only() {
    let torture = Torture::start();
    let content = content();
    let digest = torture.push_blob("foo", &content);
    let blob = format!("/v2/foo/blobs/{digest}");
    let path = data(&torture, &digest);
    let aside = path.with_extension("aside");

    // What was opened before goes on with the bytes it has.
    let mut running = begin_http1(&torture, &blob);
    fs::copy(&path, &aside).unwrap();
    fs::rename(&aside, &path).unwrap();
    let mut received = vec![0; LENGTH];
    running.read_exact(&mut received).unwrap();
    assert!(received == content, "other bytes");
    drop(running);

    // A directory can't be read, nor can a link that leads to itself.
    fs::rename(&path, &aside).unwrap();
    fs::create_dir(&path).unwrap();
    let refused = torture.client().send(Request::get(&blob));
    assert!(refused.status >= 400, "{refused}");
    fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let refused = torture.client().send(Request::get(&blob));
    assert!(refused.status >= 400, "{refused}");
    fs::remove_file(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    eventually("the blob is served again", || {
        torture.client().send(Request::get(&blob)).body == content
    });
    torture.finish();
}
