//! What a hostile or unlucky client did to the server once, and must not do again.

use std::fs;
use std::process::Command;
use std::thread;

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, with_query};
use wharf_testing::{Registry as _, WharfServer};

use crate::serve::ReadOnly;
use crate::{WHARF, eventually, server, text};

const UPLOADS: &str = "/v2/foo/blobs/uploads/";
const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

fn limited(uploads: usize) -> WharfServer {
    server().config(format!("version: 0.1\nstorage: {{filesystem: {{}}, delete: {{enabled: true}}}}\nwharf: {{uploads: {{max: {uploads}}}}}\n")).start()
}

fn begin(server: &WharfServer) -> String {
    server
        .client()
        .send(Request::post(UPLOADS))
        .expect_status(202)
        .location()
}

fn push(server: &WharfServer, content: &[u8]) -> String {
    let digest = sha256(content);
    let post = Request::post(with_query(UPLOADS, &format!("digest={digest}")));
    server.client().send(post.body(content)).expect_status(201);
    digest
}

fn left_over(server: &WharfServer) -> usize {
    fs::read_dir(server.tree("repositories/foo/_uploads")).map_or(0, Iterator::count)
}

/// A cut POST left its upload behind, which nobody could resume or cancel, until no upload could be begun.
#[test]
fn a_broken_upload_in_one_request_leaves_nothing() {
    let server = limited(5);
    for cut in 0..8 {
        let content = vec![7; 300_000];
        let post = Request::post(with_query(UPLOADS, &format!("digest={}", sha256(&content))));
        server.client().send_and_cut(&post.body(&content), 1000 * cut);
    }
    let mut begun = Vec::new();
    for _ in 0..5 {
        eventually("there is room for an upload", || {
            let answer = server.client().send(Request::post(UPLOADS));
            let is_begun = answer.status == 202;
            begun.extend(is_begun.then(|| answer.location()));
            is_begun
        });
    }
    server.client().send(Request::post(UPLOADS)).expect_status(429);
    for upload in begun {
        server.client().send(Request::delete(upload)).expect_status(204);
    }
    assert_eq!(left_over(&server), 0);
}

/// Who came while an upload was being removed got a lock of its own: 500s, directories that stayed, and sessions that nothing freed.
#[test]
fn a_cancelled_upload_is_gone_for_everyone_at_once() {
    let server = limited(10);
    for _ in 0..30 {
        let upload = begin(&server);
        let requests = [
            Request::delete(&upload),
            Request::delete(&upload),
            Request::patch(&upload).body("late"),
            Request::get(&upload),
            Request::put(with_query(&upload, &format!("digest={}", sha256(b"other")))).body("x"),
        ];
        let asked = &server;
        let answers: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = requests
                .iter()
                .map(|request| scope.spawn(move || asked.client().send(request).status))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(
            answers
                .iter()
                .all(|status| matches!(status, 202 | 204 | 400 | 404 | 416)),
            "{answers:?}"
        );
        assert!(
            answers[..2].iter().filter(|status| **status == 204).count() <= 1,
            "{answers:?}"
        );
        server.client().send(Request::delete(&upload));
        assert_eq!(left_over(&server), 0);
    }
    for _ in 0..10 {
        begin(&server);
    }
}

#[test]
fn a_cancel_does_not_wait_for_a_slow_client() {
    let server = server().start();
    let upload = begin(&server);
    let mut slow = server.client().connect();
    slow.send_part(&Request::patch(&upload).body("0123456789"), 3).unwrap();
    server.client().send(Request::delete(&upload)).expect_status(204);
    slow.write(b"3456789").unwrap();
    assert_eq!(slow.read_response("PATCH").unwrap().status, 404);
    assert_eq!(left_over(&server), 0);
}

#[test]
fn a_chunked_body_must_have_the_length_of_its_range() {
    let server = server().start();
    let upload = begin(&server);
    let long = Request::patch(&upload)
        .header("Content-Range", "0-9")
        .chunked(["0123456789", "0123456789"]);
    let refused = server.client().send(long).expect_status(416);
    let right = Request::patch(refused.location())
        .header("Content-Range", "0-9")
        .chunked(["0123456789"]);
    let taken = server.client().send(right).expect_status(202);
    assert_eq!(taken.expect_header("Range"), "0-9");
    let put = Request::put(with_query(
        &taken.location(),
        &format!("digest={}", sha256(b"0123456789")),
    ));
    server.client().send(put).expect_status(201);
}

/// A restart took the size of a damaged file for the blob's, and served it as whole.
#[test]
fn a_truncated_blob_stays_damaged_over_a_restart() {
    let mut server = server().start();
    let digest = push(&server, b"0123456789");
    let hex = digest.trim_start_matches("sha256:").to_owned();
    let data = server.tree(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]));
    for content in ["01234", ""] {
        fs::write(&data, content).unwrap();
        for _ in 0..2 {
            let blob = server.client().send(Request::get(format!("/v2/foo/blobs/{digest}")));
            assert!(matches!(blob.status, 404 | 500), "{}", blob.status);
            server.restart();
        }
        let manifest = format!(r#"{{"schemaVersion":2,"config":{{"digest":"{digest}","size":10}},"layers":[]}}"#);
        let put = Request::put("/v2/foo/manifests/x")
            .header("Content-Type", OCI_IMAGE)
            .body(manifest);
        server.client().send(put).expect_status(400);
    }
    push(&server, b"0123456789");
    let healed = server
        .client()
        .send(Request::get(format!("/v2/foo/blobs/{digest}")))
        .expect_status(200);
    assert_eq!(healed.body, b"0123456789");
}

/// The row was gone, the file stayed: the second try got 404, and a restart brought the blob back.
#[test]
fn a_delete_that_failed_can_be_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let server = server().root(root.path()).start();
    let blob = format!("/v2/foo/blobs/{}", push(&server, b"content"));
    {
        let _mount = ReadOnly::mount(root.path());
        for _ in 0..2 {
            server.client().send(Request::delete(&blob)).expect_status(503);
            server.client().send(Request::get(&blob)).expect_status(200);
        }
    }
    server.client().send(Request::delete(&blob)).expect_status(202);
    server.client().send(Request::get(&blob)).expect_status(404);
}

#[test]
fn a_file_in_the_place_of_the_socket_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (file, config) = (
        directory.path().join("precious.txt"),
        directory.path().join("config.yml"),
    );
    fs::write(&file, "precious").unwrap();
    let root = directory.path().join("root");
    let yaml = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{net: unix, addr: {}}}\n",
        root.display(),
        file.display()
    );
    fs::write(&config, yaml).unwrap();
    let output = Command::new(WHARF).arg("serve").arg(&config).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

/// The second start after an interrupted first one listed a part of the catalog as if it were all.
#[test]
fn the_catalog_is_whole_after_every_start() {
    let root = tempfile::tempdir().unwrap();
    let mut first = server().root(root.path()).start();
    let config = push(&first, b"{}");
    let manifest = format!(r#"{{"schemaVersion":2,"config":{{"digest":"{config}","size":2}},"layers":[]}}"#);
    let put = Request::put("/v2/foo/manifests/x")
        .header("Content-Type", OCI_IMAGE)
        .body(manifest);
    first.client().send(put).expect_status(201);
    first.stop();
    // As a first sweep leaves the index that was interrupted before it came to this repository.
    let sql = "DELETE FROM tags; DELETE FROM manifest_references; DELETE FROM manifests; DELETE FROM repository_blobs";
    assert!(
        Command::new("sqlite3")
            .arg(root.path().join("wharf/index.sqlite"))
            .arg(sql)
            .status()
            .unwrap()
            .success()
    );
    let second = server().root(root.path()).start();
    let catalog = second
        .client()
        .send(Request::get("/v2/_catalog"))
        .expect_status(200)
        .json();
    assert_eq!(catalog["repositories"], serde_json::json!(["foo"]));
}
