//! Floods of frames over HTTP/2. Cheap to send, they must not be dear to receive.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wharf_testing::http::Request;

use super::frames::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, request,
};
use crate::harness::{Peak, Torture, is_long};

/// How much more memory a flood may take while it lasts.
const MEMORY_MAX_KIB: u64 = 32 * 1024;

/// What a flood came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// GOAWAY with this code, or just the end of the connection.
    Closed(Option<u32>),
    /// Everything was taken.
    Borne,
}

impl End {
    /// Whether the server told the client to calm down (`ENHANCE_YOUR_CALM`, RFC 9113, section 7). The GOAWAY may be overtaken by
    /// the reset of a connection that is closed while more comes.
    fn is_calm(self) -> bool {
        matches!(self, Self::Closed(None | Some(11)))
    }
}

/// How many rounds a flood has, if nobody ends it.
fn rounds() -> u32 {
    if is_long() { 2_000_000 } else { 50_000 }
}

/// Sends `begin`, then what `round` makes, again and again. Meanwhile others are answered, and memory stays flat.
#[track_caller]
fn flood(torture: &Torture, begin: &[u8], round: impl Fn(u32) -> Vec<u8> + Sync) -> End {
    let peak = Peak::begin(torture.server());
    let is_over = AtomicBool::new(false);
    let mut frames = Frames::open(torture.client().addr());
    let mut reader = frames.reader();
    let end = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                torture.get("/v2/keep/alive/manifests/1").expect_status(200);
                thread::sleep(Duration::from_millis(5));
            }
        });
        let code = scope.spawn(move || reader.read_to_end());
        let mut sent = frames.write(begin);
        for number in 0..rounds() {
            if sent.is_err() {
                break;
            }
            sent = frames.write(&round(number));
        }
        let end = match sent {
            // Was the last of it taken, too?
            Ok(()) if frames.send(PING, 0, 0, b"are you?").is_ok() => {
                frames.finish();
                match code.join().unwrap().unwrap() {
                    None => End::Borne,
                    code => End::Closed(code),
                }
            }
            _ => End::Closed(code.join().unwrap().unwrap()),
        };
        is_over.store(true, Ordering::Relaxed);
        end
    });
    let more = peak.end_kib();
    assert!(more < MEMORY_MAX_KIB, "{more} KiB more while it lasted");
    end
}

/// The number of a client's stream.
fn stream(number: u32) -> u32 {
    2 * number + 1
}

fn begin_upload(torture: &Torture) -> String {
    torture
        .send(Request::post("/v2/flood/blobs/uploads/"))
        .expect_status(202)
        .location()
}

/// CVE-2023-44487.
#[test]
fn http_04_rapid_reset() {
    let torture = Torture::start();
    let upload = begin_upload(&torture);
    for (method, path) in [
        ("GET", "/v2/"),
        ("GET", "/v2/keep/alive/manifests/1"),
        ("DELETE", "/v2/flood/manifests/x"),
        ("PATCH", upload.as_str()),
    ] {
        let block = request(method, path, &[]);
        let end = flood(&torture, b"", |number| {
            let mut bytes = frame(HEADERS, END_HEADERS, stream(number), &block);
            bytes.extend(frame(RST_STREAM, 0, stream(number), &CANCEL));
            bytes
        });
        assert!(end.is_calm(), "{method} {path}: {end:?}");
    }
    torture.send(Request::delete(upload)).expect_status(204);
    torture.finish();
}

/// CVE-2025-8671: streams that the client makes the server reset, by a window beyond its maximum, by a body behind the end.
#[test]
fn http_04_made_you_reset() {
    let torture = Torture::start();
    let block = request("GET", "/v2/keep/alive/manifests/1", &[]);
    let end = flood(&torture, b"", |number| {
        let mut bytes = frame(HEADERS, END_HEADERS, stream(number), &block);
        bytes.extend(frame(WINDOW_UPDATE, 0, stream(number), &[0x7f, 255, 255, 255]));
        bytes
    });
    assert!(end.is_calm(), "{end:?}");
    let end = flood(&torture, b"", |number| {
        let mut bytes = frame(HEADERS, END_HEADERS | END_STREAM, stream(number), &block);
        bytes.extend(frame(DATA, 0, stream(number), b"more"));
        bytes
    });
    assert!(matches!(end, End::Closed(_)), "{end:?}");
    torture.finish();
}

/// CVE-2024-27316 and others: a header without end.
#[test]
fn http_04_continuation_flood() {
    let torture = Torture::start();
    let block = request("GET", "/v2/", &[]);
    let begin = frame(HEADERS, 0, 1, &block);
    let empty = flood(&torture, &begin, |_| frame(CONTINUATION, 0, 1, &[]));
    assert!(empty.is_calm(), "{empty:?}");
    let line = [b"\0\x01x\x7f\x81\x7d".as_slice(), &[b'y'; 16_128]].concat();
    let full = flood(&torture, &begin, |_| frame(CONTINUATION, 0, 1, &line));
    assert!(matches!(full, End::Closed(_)), "{full:?}");
    torture.finish();
}

/// CVE-2019-9518: frames without bytes, to a handler that reads them and to one that does not.
#[test]
fn http_04_empty_data_flood() {
    let torture = Torture::start();
    let upload = begin_upload(&torture);
    for (method, path) in [
        ("PATCH", upload.as_str()),
        ("GET", "/v2/"),
        ("PUT", "/v2/flood/manifests/x"),
    ] {
        let begin = frame(HEADERS, END_HEADERS, 1, &request(method, path, &[]));
        let end = flood(&torture, &begin, |_| frame(DATA, 0, 1, &[]));
        assert!(end.is_calm(), "{method} {path}: {end:?}");
    }
    torture.send(Request::delete(upload)).expect_status(204);
    torture.finish();
}

/// CVE-2019-9512 and CVE-2019-9515: frames that ask for an answer each.
#[test]
fn http_04_ping_and_settings_floods() {
    let torture = Torture::start();
    flood(&torture, b"", |_| frame(PING, 0, 0, b"12345678"));
    flood(&torture, b"", |_| frame(SETTINGS, 0, 0, &[]));
    // The size of the table of headers, up and down.
    flood(&torture, b"", |number| {
        let size: [u8; 4] = (number % 2 * 4096).to_be_bytes();
        frame(SETTINGS, 0, 0, &[[0, 1].as_slice(), &size].concat())
    });
    torture.finish();
}

/// The same from clients that take none of the answers.
#[test]
fn http_04_ping_and_settings_floods_whose_answers_nobody_reads() {
    let torture = Torture::start();
    for bytes in [frame(PING, 0, 0, b"12345678"), frame(SETTINGS, 0, 0, &[])] {
        let peak = Peak::begin(torture.server());
        let mut frames = Frames::open(torture.client().addr());
        frames.give_up_writing_after(Duration::from_secs(2));
        let many = bytes.repeat(1000);
        let mut sent = 0;
        // Until the buffers of both ends are full.
        while sent < rounds() * 4 && frames.write(&many).is_ok() {
            sent += 1000;
        }
        torture.get("/v2/keep/alive/manifests/1").expect_status(200);
        let more = peak.end_kib();
        assert!(more < MEMORY_MAX_KIB, "{more} KiB more");
    }
    torture.finish();
}

/// CVE-2019-9511, -9513 and others: frames about streams that do not matter.
#[test]
fn http_04_priority_and_window_floods() {
    let torture = Torture::start();
    flood(&torture, b"", |number| {
        frame(PRIORITY, 0, stream(number), &[0, 0, 0, 0, 255])
    });
    let window = flood(&torture, b"", |_| frame(WINDOW_UPDATE, 0, 0, &[0x7f, 255, 255, 255]));
    assert!(
        matches!(window, End::Closed(_)),
        "a window beyond its maximum: {window:?}"
    );
    let digest = torture.push_blob("flood", &vec![7; 1 << 20]);
    let block = request("GET", &format!("/v2/flood/blobs/{digest}"), &[]);
    let begin = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    flood(&torture, &begin, |_| frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]));
    torture.finish();
}
