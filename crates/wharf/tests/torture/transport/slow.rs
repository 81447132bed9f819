//! Clients that hold a connection and do little with it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use wharf_testing::Config;
use wharf_testing::http::Request;

use super::frames::{self, DATA, END_HEADERS, END_STREAM, Frames, HEADERS};
use super::sockets;
use crate::harness::{Torture, eventually};

/// How long a client may be silent, in the server's configuration.
const LIMIT: Duration = Duration::from_secs(2);
/// How long it may take until the last connection is closed, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long another client may wait for an answer, on a machine that is busy.
const OTHERS_PATIENCE: Duration = Duration::from_secs(5);
/// How many clients of each kind there are.
const SLOW_CLIENTS: usize = 30;
const OTHER_CLIENTS: usize = 200;

fn start() -> Torture {
    let limits = "wharf: {http: {headertimeout: 2s, bodytimeout: 2s, writetimeout: 2s}}";
    Torture::start_with(&Config::new().delete().top(limits))
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Waits until the server closes a connection.
#[track_caller]
fn expect_closed(what: &str, mut stream: TcpStream) {
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer);
    let is_closed = !end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(is_closed, "{what}: still open after {PATIENCE:?}");
}

/// Sends a byte now and then, never so seldom that the client is silent, until the server closes the connection.
#[track_caller]
fn expect_drip_closed(what: &str, mut stream: TcpStream, bytes: &[u8]) {
    let start = Instant::now();
    stream.set_read_timeout(Some(LIMIT / 10)).unwrap();
    for byte in bytes.iter().cycle() {
        assert!(start.elapsed() < PATIENCE, "{what}: still open after {PATIENCE:?}");
        let sent = stream.write_all(&[*byte]);
        let read = stream.read(&mut [0; 1024]);
        if sent.is_err() || read.is_ok_and(|count| count == 0) {
            return;
        }
    }
}

/// A client that does what its name says, until the server has enough of it.
type SlowClient = (&'static str, fn(SocketAddr, &str));

const SLOW: [SlowClient; 6] = [
    ("silence before the first byte", |addr, _| {
        expect_closed("silence", connect(addr));
    }),
    ("silence in the header", |addr, _| {
        let mut stream = connect(addr);
        stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: local").unwrap();
        expect_closed("silence in the header", stream);
    }),
    ("a header that drips", |addr, _| {
        let mut stream = connect(addr);
        stream
            .write_all(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: ")
            .unwrap();
        expect_drip_closed("a header that drips", stream, b"x");
    }),
    ("a request that drips from its first byte", |addr, _| {
        let drip = b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
        expect_drip_closed("a request that drips", connect(addr), drip);
    }),
    ("silence in the body", |addr, upload| {
        let mut stream = connect(addr);
        write!(
            stream,
            "PATCH {upload} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        )
        .unwrap();
        expect_closed("silence in the body", stream);
    }),
    ("an idle connection", |addr, _| {
        let mut stream = connect(addr);
        stream
            .write_all(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        expect_closed("an idle connection", stream);
    }),
];

#[test]
fn http_01_slow_clients_are_closed_and_others_do_not_notice() {
    let torture = start();
    let addr = torture.client().addr();
    let uploads: Vec<_> = (0..SLOW_CLIENTS)
        .map(|_| {
            torture
                .send(Request::post("/v2/slow/blobs/uploads/"))
                .expect_status(202)
                .location()
        })
        .collect();
    let start = Barrier::new(SLOW.len() * SLOW_CLIENTS + OTHER_CLIENTS);
    thread::scope(|scope| {
        for (_, client) in SLOW {
            for upload in &uploads {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    client(addr, upload);
                });
            }
        }
        for _ in 0..OTHER_CLIENTS {
            scope.spawn(|| {
                let client = torture.client();
                start.wait();
                for target in ["/v2/", "/v2/keep/alive/manifests/1", "/v2/keep/alive/tags/list"].repeat(3) {
                    let asked = Instant::now();
                    client.send(Request::get(target)).expect_status(200);
                    assert!(asked.elapsed() < OTHERS_PATIENCE, "{target}: {:?}", asked.elapsed());
                }
            });
        }
    });
    for upload in uploads {
        torture.send(Request::delete(upload)).expect_status(204);
    }
    torture.finish();
}

/// They ask for more than the buffers of both ends hold, and take nothing of it. Over HTTP/2 the client's window says so.
#[test]
fn http_01_clients_that_do_not_read_are_closed() {
    let torture = start();
    let digest = torture.push_blob("slow", &vec![7; 32 << 20]);
    let target = format!("/v2/slow/blobs/{digest}");
    let before = sockets(&torture);
    let mut held = Vec::new();
    for _ in 0..SLOW_CLIENTS {
        let mut stream = connect(torture.client().addr());
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        held.push(stream);
    }
    let mut held_by_window = Vec::new();
    for _ in 0..SLOW_CLIENTS {
        let mut frames = Frames::open(torture.client().addr());
        let block = frames::request("GET", &target, &[]);
        frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &block).unwrap();
        held_by_window.push(frames);
    }
    // Each is there, with its answer begun.
    for stream in &held {
        assert_ne!(stream.peek(&mut [0]).unwrap(), 0);
    }
    for frames in &mut held_by_window {
        while frames.read().unwrap().kind != DATA {}
    }
    for _ in 0..20 {
        torture.get("/v2/keep/alive/manifests/1").expect_status(200);
    }
    eventually("the server closes them, though the clients do not", || {
        sockets(&torture) <= before
    });
    drop((held, held_by_window));
    torture.finish();
}

/// Silence on a connection of HTTP/2: before the preface is whole, without a request, in a header, in a body.
#[test]
fn http_01_silent_connections_of_http2_are_closed() {
    let torture = start();
    let upload = torture
        .send(Request::post("/v2/slow/blobs/uploads/"))
        .expect_status(202)
        .location();
    let before = sockets(&torture);
    let addr = torture.client().addr();
    let mut preface = connect(addr);
    preface.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
    let mut held: Vec<_> = (0..3).map(|_| Frames::open(addr)).collect();
    let block = frames::request("PATCH", &upload, &[("content-length", "9")]);
    held[1].send(HEADERS, 0, 1, &block[..20]).unwrap();
    held[2].send(HEADERS, END_HEADERS, 1, &block).unwrap();
    expect_closed("half a preface", preface);
    eventually("the server closes them", || sockets(&torture) <= before);
    torture.send(Request::delete(upload)).expect_status(204);
    torture.finish();
}
