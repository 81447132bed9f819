//! `wharf serve`: its first line, its root, its end.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::process::Command;

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Connection, Request, with_query};
use wharf_testing::server::Builder;
use wharf_testing::{Registry as _, WharfServer};

use crate::{WHARF, debug_client, eventually, server, text, wharf};

/// Pushes a blob in one request and returns its digest.
fn push(server: &WharfServer, content: &[u8]) -> String {
    let digest = sha256(content);
    let post = Request::post(with_query("/v2/foo/blobs/uploads/", &format!("digest={digest}")));
    server.client().send(post.body(content)).expect_status(201);
    digest
}

#[test]
fn the_first_line_says_all_one_needs() {
    let root = tempfile::tempdir().unwrap();
    let server = server().root(root.path()).start();
    let line = server.stdout().lines().next().unwrap_or_default().to_owned();
    let root = root.path().canonicalize().unwrap();
    for part in [
        env!("CARGO_PKG_VERSION"),
        root.to_str().unwrap(),
        &server.addr().to_string(),
        "docker push",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn help_shows_examples_and_no_arguments_show_help() {
    for args in [&["--help"][..], &["serve", "--help"], &["config", "check", "--help"]] {
        let output = wharf(args);
        assert!(output.status.success());
    }
    assert!(text(&wharf(&["serve", "--help"]).stdout).contains("wharf serve --root"));
    assert_eq!(wharf(&[]).status.code(), Some(2));
    assert_eq!(wharf(&["serve", "--no-such-flag"]).status.code(), Some(2));
}

#[test]
fn a_second_server_on_the_same_root_is_refused() {
    let first = server().start();
    let failure = server().root(first.root()).try_start().unwrap_err();
    assert_eq!(failure.status.code(), Some(1));
    assert!(
        failure.stderr.contains(&first.pid().to_string()),
        "names the holder: {failure}"
    );
    assert!(failure.stderr.contains("hint:"), "{failure}");
    first.client().send(Request::get("/v2/")).expect_status(200);
}

#[test]
fn an_address_in_use_is_told() {
    let first = server().start();
    let failure = server().addr(first.addr().to_string()).try_start().unwrap_err();
    assert!(failure.stderr.contains(&first.addr().to_string()), "{failure}");
    assert!(failure.stderr.contains("--addr"), "{failure}");
}

/// A directory mounted over itself, read-only, until it is dropped.
pub(crate) struct ReadOnly<'a>(&'a Path);

impl<'a> ReadOnly<'a> {
    pub(crate) fn mount(directory: &'a Path) -> Self {
        let mount = |args: &[&str]| {
            let output = Command::new("mount")
                .args(args)
                .arg(directory)
                .output()
                .expect("`mount` is there");
            assert!(
                output.status.success(),
                "this test mounts and needs root: {}",
                text(&output.stderr)
            );
        };
        let path = directory.to_str().unwrap();
        mount(&["--bind", path]);
        let guard = Self(directory);
        mount(&["-o", "remount,bind,ro"]);
        guard
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_read_only_root_is_served_for_pulls_only_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let digest = {
        let mut server = server().root(root.path()).start();
        let digest = push(&server, b"content");
        server.stop();
        digest
    };
    let _mount = ReadOnly::mount(root.path());
    let server = server().root(root.path()).start();
    let blob = server
        .client()
        .send(Request::get(format!("/v2/foo/blobs/{digest}")))
        .expect_status(200);
    assert_eq!(blob.body, b"content");
    let refused = server
        .client()
        .send(Request::post("/v2/foo/blobs/uploads/"))
        .expect_status(405);
    assert!(refused.text().contains("read-only"), "{}", refused.text());
    eventually("the log says so", || server.stderr().contains("read-only"));
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut server = server().start();
    let digest = push(&server, b"content");
    server.kill();
    server.start_again();
    server
        .client()
        .send(Request::get(format!("/v2/foo/blobs/{digest}")))
        .expect_status(200);
}

/// A server whose requests under way can be seen.
fn observed() -> Builder {
    server()
        .env("REGISTRY_HTTP_DEBUG_ADDR", "127.0.0.1:0")
        .env("REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED", "true")
}

/// A PATCH whose body has begun, and which the server knows of.
fn begin_patch(server: &WharfServer) -> Connection {
    let start = server
        .client()
        .send(Request::post("/v2/foo/blobs/uploads/"))
        .expect_status(202);
    let patch = Request::patch(start.location()).body(b"0123456789");
    let mut connection = server.client().connect();
    connection.send_part(&patch, 5).unwrap();
    let metrics = debug_client(server);
    eventually("the request is under way", || {
        let text = metrics.send(Request::get("/metrics")).text();
        text.contains("registry_http_in_flight_requests{handler=\"blob_upload_chunk\"} 1")
    });
    connection
}

#[test]
fn a_signal_lets_open_requests_end() {
    let mut server = observed().start();
    let mut open = begin_patch(&server);
    server.terminate();
    eventually("it stops", || server.stderr().contains("stopping"));
    open.write(b"56789").unwrap();
    assert_eq!(open.read_response("PATCH").unwrap().status, 202);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = observed().start();
    let _open = begin_patch(&server);
    server.terminate();
    eventually("it stops", || server.stderr().contains("stopping"));
    server.terminate();
    assert_eq!(server.wait().code(), Some(1));
}

#[test]
fn draining_has_a_limit() {
    let mut server = observed().env("REGISTRY_HTTP_DRAINTIMEOUT", "300ms").start();
    let _open = begin_patch(&server);
    assert_eq!(server.stop().code(), Some(1));
}

#[test]
fn it_listens_on_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let (socket, config) = (directory.path().join("wharf.sock"), directory.path().join("config.yml"));
    let yaml = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{net: unix, addr: {}}}\n",
        directory.path().join("root").display(),
        socket.display()
    );
    std::fs::write(&config, yaml).unwrap();
    let mut child = Command::new(WHARF).arg("serve").arg(&config).spawn().unwrap();
    eventually("the socket is there", || {
        std::fs::metadata(&socket).is_ok_and(|found| found.file_type().is_socket())
    });
    let answer = Command::new("curl")
        .args(["-s", "--unix-socket"])
        .arg(&socket)
        .arg("http://localhost/v2/")
        .output();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(text(&answer.unwrap().stdout), "{}");
}
