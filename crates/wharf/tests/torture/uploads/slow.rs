//! Bodies that take their time.

use std::thread::sleep;
use std::time::Duration;

use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use super::{begin, expect_blob, expect_created, expect_received, noise, put};
use crate::harness::{Torture, expect_error, is_long};
use crate::transport::frames::{DATA, END_HEADERS, Frames, HEADERS, request};

/// The server, the pause after each byte, and how many bytes come.
fn server() -> (Torture, Duration, usize) {
    if is_long() {
        (Torture::start(), Duration::from_secs(1), 600)
    } else {
        let limits = "wharf: {http: {headertimeout: 3s, bodytimeout: 1s, writetimeout: 3s}}";
        (
            Torture::start_with(&Config::new().delete().top(limits)),
            Duration::from_millis(200),
            30,
        )
    }
}

/// In the short form one byte in 0.2 seconds for 6 seconds, with a limit of one second.
#[test]
fn upl_21_a_slow_body_is_taken() {
    let (torture, pause, bytes) = server();
    let content = noise("slow", bytes);
    let digest = sha256(&content);
    let location = begin(&torture, "slow");
    let mut connection = torture.client().connect();
    connection
        .send_part(&put(&location, &digest).body(&content), 0)
        .unwrap();
    for byte in &content {
        // The pace is the input here.
        sleep(pause);
        connection.write(&[*byte]).unwrap();
    }
    expect_created(connection.read_response("PUT").unwrap(), "slow", &digest);
    drop(connection);
    expect_blob(&torture, "slow", &content);
    torture.finish();
}

/// In the short form the limit is one second, in the long one the minute of the default.
#[test]
fn upl_21_a_silent_body_is_refused_and_can_be_resumed() {
    let (torture, ..) = server();
    let content = noise("silent", 1000);
    let digest = sha256(&content);
    let location = begin(&torture, "silent");
    let mut connection = torture.client().connect();
    connection
        .send_part(&Request::patch(&location).body(&content), 400)
        .unwrap();
    // The client waits for a minute, which is not enough for the long form.
    let mut refused = connection.read_response("PATCH");
    if refused.is_err() {
        refused = connection.read_response("PATCH");
    }
    expect_error(&refused.unwrap(), 408, "SIZE_INVALID");
    assert!(
        connection.is_closed(),
        "what is left of the body would be taken for a request"
    );
    let next = expect_received(&torture, &location, 400);

    let mut frames = Frames::open(torture.client().addr());
    let block = request("PATCH", &next, &[("content-length", "600")]);
    frames.send(HEADERS, END_HEADERS, 1, &block).unwrap();
    frames.send(DATA, 0, 1, &content[400..700]).unwrap();
    // Each read waits for half a minute.
    let mut reads = (0..4).map(|_| {
        loop {
            match frames.read() {
                Ok(frame) if frame.kind == HEADERS && frame.stream == 1 => break true,
                Ok(_) => {}
                Err(_) => break false,
            }
        }
    });
    assert!(reads.any(|is_answered| is_answered), "the silent stream is answered");
    drop((connection, frames));
    let next = expect_received(&torture, &next, 700);
    let answer = torture.send(put(&next, &digest).body(&content[700..]));
    expect_created(answer, "silent", &digest);
    expect_blob(&torture, "silent", &content);
    torture.finish();
}
