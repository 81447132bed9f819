//! Uploads outlive the server that began them.

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Connection, Request, Response, with_query};
use wharf_testing::image::Random;
use wharf_testing::{Registry as _, WharfServer};

use crate::served;

const UPLOADS: &str = "/v2/some/image/blobs/uploads/";

fn bytes(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; 3_000_000];
    Random::new(seed).fill(&mut bytes);
    bytes
}

/// How many bytes the server has, as it says in `Range`.
fn received(answer: &Response) -> usize {
    let (start, end) = answer
        .expect_header("Range")
        .split_once('-')
        .expect("`Range` is `0-<end>`");
    assert_eq!(start, "0");
    end.parse::<usize>().expect("`Range` is `0-<end>`") + 1
}

/// Sends what the server does not have yet, ends the upload and reads the blob back.
fn end(server: &WharfServer, status: &Response, blob: &[u8]) {
    let client = server.client();
    let offset = received(status);
    let range = format!("{offset}-{}", blob.len() - 1);
    let patch = Request::patch(status.location()).header("Content-Range", range);
    let patched = client.send(patch.body(&blob[offset..])).expect_status(202);
    assert_eq!(received(&patched), blob.len());
    let digest = sha256(blob);
    let put = Request::put(with_query(&patched.location(), &format!("digest={digest}")));
    client.send(put).expect_status(201);
    let pulled = client
        .send(Request::get(format!("/v2/some/image/blobs/{digest}")))
        .expect_status(200);
    assert!(pulled.body == blob, "the blob came back changed");
}

#[test]
fn an_upload_begun_before_a_restart_ends_after_it() {
    let mut server = served::start();
    let blob = bytes(5001);
    let begun = server.client().send(Request::post(UPLOADS)).expect_status(202);
    let patch = Request::patch(begun.location()).header("Content-Range", "0-999999");
    let patched = server.client().send(patch.body(&blob[..1_000_000])).expect_status(202);
    assert!(
        server.stop().success(),
        "the server did not end by itself:\n{}",
        server.logs()
    );
    server.start_again();
    let status = server
        .client()
        .send(Request::get(patched.location()))
        .expect_status(204);
    assert_eq!(received(&status), 1_000_000);
    end(&server, &status, &blob);
}

#[test]
fn an_upload_that_was_running_when_the_server_was_killed_goes_on_where_it_was() {
    let mut server = served::start();
    let blob = bytes(5002);
    let begun = server.client().send(Request::post(UPLOADS)).expect_status(202);
    let first = Request::patch(begun.location()).header("Content-Range", "0-999999");
    let patched = server.client().send(first.body(&blob[..1_000_000])).expect_status(202);
    // The second chunk is under way when the server dies.
    let second = Request::patch(patched.location()).header("Content-Range", "1000000-2999999");
    let mut connection = Connection::open(server.addr()).unwrap();
    connection
        .send_part(&second.body(&blob[1_000_000..]), 1_500_000)
        .unwrap();
    server.kill();
    server.start_again();
    let status = server
        .client()
        .send(Request::get(patched.location()))
        .expect_status(204);
    let kept = received(&status);
    assert!(
        (1_000_000..=2_500_000).contains(&kept),
        "acknowledged bytes are gone, or unsent ones there: {kept}"
    );
    end(&server, &status, &blob);
}
