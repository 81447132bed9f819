//! Clients that are gone in the middle of a byte.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use wharf_testing::encoding::{encoded, sha256};
use wharf_testing::http::{Request, Response};

use super::{bare, begin, noise, range, uploads};
use crate::harness::{Torture, is_long};
use crate::transport::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, frame, request};

/// Small enough for the window that a client of HTTP/2 has before it knows the server's.
const BODY_BYTES: usize = 50_000;

/// The bytes of a request with a body, as they go over the wire.
fn wire(http2: bool, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    if http2 {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frame(SETTINGS, 0, 0, &[]));
        let length = body.len().to_string();
        let block = request(method, target, &[("content-length", &length)]);
        bytes.extend(frame(HEADERS, END_HEADERS, 1, &block));
        for piece in body.chunks(16_384) {
            bytes.extend(frame(DATA, 0, 1, piece));
        }
        bytes.extend(frame(DATA, END_STREAM, 1, &[]));
        bytes
    } else {
        let length = body.len();
        let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    }
}

/// Sends bytes and resets the connection.
fn send_and_reset(torture: &Torture, bytes: &[u8]) {
    let mut stream = TcpStream::connect(torture.client().addr()).unwrap();
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    stream.write_all(bytes).unwrap();
}

/// A number below `limit` that looks random, and is the same in every run.
fn number(seed: &str, limit: usize) -> usize {
    let digest = sha256(seed);
    usize::try_from(u64::from_str_radix(&encoded(&digest)[..15], 16).unwrap()).unwrap() % limit
}

/// An upload whose client is gone is in order: it can be asked for and cancelled, or is done.
#[track_caller]
fn expect_in_order(torture: &Torture, upload: &str, digest: &str) {
    let status: Response = torture.send(Request::get(bare(upload)));
    match status.status {
        204 => {
            let received = status.expect_header("Range");
            assert!((0..=BODY_BYTES).any(|bytes| received == range(bytes)), "{status}");
            // The request that was reset may be carried out between the two.
            let cancelled = torture.send(Request::delete(status.location())).status;
            assert!(matches!(cancelled, 204 | 404), "{cancelled}");
        }
        404 => {
            let blob = torture.send(Request::get(format!("/v2/reset/blobs/{digest}")));
            assert!(blob.status == 404 || sha256(&blob.body) == digest, "{blob}");
        }
        _ => panic!("an upload in disorder: {status}"),
    }
}

/// 100 in the short form, 1,000 in the long one.
#[test]
fn upl_15_clients_that_reset_at_any_byte_do_no_harm() {
    let torture = Torture::start();
    let rounds = if is_long() { 1000 } else { 100 };
    for round in 0..rounds {
        let body = noise(&format!("reset {round}"), BODY_BYTES);
        let digest = sha256(&body);
        let upload = begin(&torture, "reset");
        let (method, target) = match round % 3 {
            0 => ("PATCH", upload.clone()),
            1 => ("PUT", format!("{upload}&digest={digest}")),
            _ => ("POST", format!("{}?digest={digest}", uploads("reset"))),
        };
        let bytes = wire(round % 2 == 1, method, &target, &body);
        let cut = number(&format!("cut {round}"), bytes.len() + 1);
        send_and_reset(&torture, &bytes[..cut]);
        expect_in_order(&torture, &upload, &digest);
    }
    torture.finish();
}
