//! The format against lines of a running registry 2.8.2, and the thread that writes.

use std::sync::mpsc::{Sender, channel};

use parking_lot::Mutex;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

fn access() -> Access<'static> {
    Access {
        peer: IpAddr::from([127, 0, 0, 1]),
        user: None,
        time: "2026-11-22T05:38:59.686937766Z".parse().unwrap(),
        method: &Method::GET,
        target: "/v2/",
        version: Version::HTTP_11,
        status: StatusCode::OK,
        body_bytes: 2,
        referer: b"",
        user_agent: b"curl/7.88.1",
    }
}

fn line(access: Access<'_>) -> String {
    String::from_utf8(access.to_line()).unwrap()
}

#[test]
fn lines_are_those_of_registry_2() {
    assert_eq!(
        line(access()),
        "127.0.0.1 - - [22/Nov/2026:05:38:59 +0000] \"GET /v2/ HTTP/1.1\" 200 2 \"\" \"curl/7.88.1\"\n"
    );
    let request = Access {
        target: "/v2/a%20b/tags/list?last=%22'",
        status: StatusCode::NOT_FOUND,
        body_bytes: 19,
        referer: b"http://x/ y",
        user_agent: br#"a"b\c \x07"#,
        ..access()
    };
    assert_eq!(
        line(request),
        concat!(
            r#"127.0.0.1 - - [22/Nov/2026:05:38:59 +0000] "GET /v2/a%20b/tags/list?last=%22' HTTP/1.1" 404 19 "#,
            r#""http://x/ y" "a\"b\\c \\x07""#,
            "\n"
        )
    );
}

#[test]
fn what_may_let_somebody_in_is_not_shown() {
    let cases = [
        ("/v2/?n=1&last=a%2Fb&n=2", "/v2/?n=1&last=a%2Fb&n=2"),
        ("/v2/?access_token=s3cret", "/v2/?access_token=<redacted>"),
        (
            "/v2/?digest=a:b&_state=s3cret=&tag=1",
            "/v2/?digest=a:b&_state=<redacted>&tag=1",
        ),
        ("/v2/?s3cret", "/v2/?<redacted>"),
        (
            "/v2/?N=s3cret&%6e=s3cret&=s3cret",
            "/v2/?N=<redacted>&%6e=<redacted>&=<redacted>",
        ),
        ("/v2/?n=1?x=y&x=?&x=&", "/v2/?n=1?x=y&x=<redacted>&x=&"),
        ("/v2/?", "/v2/?"),
    ];
    for (target, shown) in cases {
        let line = line(Access {
            target,
            referer: target.as_bytes(),
            ..access()
        });
        let expected = format!("\"GET {shown} HTTP/1.1\" 200 2 \"{shown}\" ");
        assert!(line.contains(&expected), "{expected}: {line}");
    }
}

#[test]
fn nothing_a_client_sends_breaks_the_line_or_reaches_a_terminal() {
    let method = Method::from_bytes(b"GE|T").unwrap();
    let request = Access {
        user: Some("eve x\n\"\\"),
        method: &method,
        target: "/v2/\u{202e}é\u{9b}",
        version: Version::HTTP_2,
        referer: b"\x1b[31mred\x07\r\n127.0.0.1 - - forged",
        user_agent: b"\xff\t\x7f\x00",
        ..access()
    };
    let line = line(request);
    assert_eq!(
        line,
        concat!(
            r#"127.0.0.1 - eve\x20x\n\"\\ [22/Nov/2026:05:38:59 +0000] "#,
            r#""GE|T /v2/\xe2\x80\xae\xc3\xa9\xc2\x9b HTTP/2.0" 200 2 "#,
            r#""\x1b[31mred\x07\r\n127.0.0.1 - - forged" "\xff\t\x7f\x00""#,
            "\n"
        )
    );
    assert!(
        line.trim_end_matches('\n')
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte))
    );
}

#[test]
fn users_and_ipv6_peers_are_named() {
    let request = Access {
        peer: "2001:db8::1".parse().unwrap(),
        user: Some("alice"),
        ..access()
    };
    assert!(line(request).starts_with("2001:db8::1 - alice [22/Nov/2026"));
    assert!(
        line(Access {
            user: Some(""),
            ..access()
        })
        .starts_with("127.0.0.1 - - [")
    );
}

/// Output that tests look into.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Output that says when a write begins and blocks it until a permit comes, or for ever after all permits are gone.
struct Stuck {
    began: Sender<()>,
    permits: Receiver<()>,
    output: Shared,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.began.send(());
        self.permits
            .recv()
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn flushed_lines_are_written_in_order() {
    let output = Shared::default();
    let log = AccessLog::start(Box::new(output.clone())).unwrap();
    for bytes in 0..100 {
        log.clone().record(&Access {
            body_bytes: bytes,
            ..access()
        });
    }
    assert!(log.flush(LIMIT));
    let text = String::from_utf8(output.0.lock().clone()).unwrap();
    let sizes: Vec<u64> = text
        .lines()
        .map(|line| line.split(' ').nth(9).unwrap().parse().unwrap())
        .collect();
    assert_eq!(sizes, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_reader_that_stops_reading_costs_lines_and_no_request_waits() {
    let (began, begins) = channel();
    let (permit, permits) = channel();
    let output = Shared::default();
    let log = AccessLog::start(Box::new(Stuck {
        began,
        permits,
        output: output.clone(),
    }))
    .unwrap();
    log.record(&access());
    begins.recv_timeout(LIMIT).unwrap();
    // The thread holds the first line; the queue takes as many as it can, and the rest is dropped.
    for _ in 0..QUEUE_LINES + 3 {
        log.record(&access());
    }
    assert_eq!(log.dropped.load(Ordering::Relaxed), 3);
    assert!(!log.flush(LIMIT), "a full queue can't be flushed");

    for _ in 0..=QUEUE_LINES {
        permit.send(()).unwrap();
    }
    for _ in 0..QUEUE_LINES {
        begins.recv_timeout(LIMIT).unwrap();
    }
    assert!(log.flush(LIMIT));
    assert_eq!(output.0.lock().split(|byte| *byte == b'\n').count(), QUEUE_LINES + 2);
    assert_eq!(log.dropped.load(Ordering::Relaxed), 0, "the number was logged");
}

#[test]
fn a_reader_that_went_away_is_written_to_no_more() {
    let (began, begins) = channel();
    let (permit, permits) = channel();
    drop(permit);
    let log = AccessLog::start(Box::new(Stuck {
        began,
        permits,
        output: Shared::default(),
    }))
    .unwrap();
    for _ in 0..3 {
        log.record(&access());
    }
    assert!(log.flush(LIMIT));
    assert_eq!(begins.try_iter().count(), 1);
}
