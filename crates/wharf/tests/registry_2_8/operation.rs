//! What both do as programs: restarts, the root directory, the configuration file, limits.

use serde_json::json;
use tempfile::TempDir;
use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::Expect;
use crate::images::{OCI, found, push_oci};
use crate::subject::Subject;
use crate::uploads::{HELLO, created, put};

cases! {
    the_tree_after_a_restart: Config::new();
    uploads_after_a_restart: Config::new(), differs in ["kept-secret"];
    uploads_after_a_restart_with_a_secret: Config::new();
    the_root_directory: Config::new(), differs in ["own-files"];
    a_second_server_on_the_root: Config::new(), differs in ["one-server"];
    unknown_configuration_keys: Config::new().http("adr: 127.0.0.1:1"), differs in ["unknown-keys"];
    long_request_targets: Config::new(), differs in ["limits"];
}

fn root() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// Whatever was stored is there after a restart.
fn the_tree_after_a_restart(c: &Subject) {
    let root = root();
    let text = push_oci(&c.another(&Config::new(), root.path()), "foo", "v1");
    let second = c.another(&Config::new(), root.path());
    let get = Request::get("/v2/foo/manifests/v1").header("Accept", OCI);
    second.ask(&get, &found(OCI, &text));
    let catalog = json!({"repositories": ["foo"]});
    second.ask(&Request::get("/v2/_catalog"), &Expect::json(200, &catalog));
}

/// `http.secret` unset: a random one for each run, so that the state of an upload is a forgery after a restart.
fn uploads_after_a_restart(c: &Subject) {
    let root = root();
    let location = c.another(&Config::new(), root.path()).begun_upload("foo", b"hello ");
    let second = c.another(&Config::new(), root.path());
    let digest = sha256(HELLO);
    let forged = Expect::error_detail(404, "BLOB_UPLOAD_INVALID", json!({}));
    let request = put(&location, &digest).body("world");
    second.ask_differs("kept-secret", &request, &forged, &created(&second, "foo", &digest));
}

/// `http.secret` set: an upload goes on after a restart.
fn uploads_after_a_restart_with_a_secret(c: &Subject) {
    let root = root();
    let config = Config::new().http("secret: kept");
    let location = c.another(&config, root.path()).begun_upload("foo", b"hello ");
    let second = c.another(&config, root.path());
    let digest = sha256(HELLO);
    second.ask(
        &put(&location, &digest).body("world"),
        &created(&second, "foo", &digest),
    );
}

/// Everything lives under `<root>/docker/registry/v2`.
fn the_root_directory(c: &Subject) {
    push_oci(c, "foo", "v1");
    let names = |directory| {
        let entries = std::fs::read_dir(directory).expect("it can be read").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(
        names(c.root()),
        c.differs("own-files", vec!["docker"], vec!["docker", "wharf"])
    );
    assert_eq!(names(&c.root().join("docker/registry/v2")), ["blobs", "repositories"]);
}

/// A second one on the same root starts.
fn a_second_server_on_the_root(c: &Subject) {
    if c.only_wharf("one-server") {
        let refusal = Subject::refusal(&Config::new(), Some(c.root()));
        assert!(refusal.contains(&*c.root().to_string_lossy()), "{refusal}");
    } else {
        let second = c.another(&Config::new(), c.root());
        second.send(&Request::get("/v2/")).expect_status(200);
    }
    c.send(&Request::get("/v2/")).expect_status(200);
}

/// Unknown configuration keys are ignored in silence.
fn unknown_configuration_keys(c: &Subject) {
    c.send(&Request::get("/v2/")).expect_status(200);
    let warned = c
        .logs()
        .lines()
        .any(|line| line.contains("http.adr") && line.contains("http.addr"));
    assert_eq!(warned, c.only_wharf("unknown-keys"));
}

/// A request target of some 10 KB is read.
fn long_request_targets(c: &Subject) {
    let request = Request::get(format!("/v2/_catalog?x={}", "x".repeat(10_000)));
    let list = Expect::json(200, &json!({"repositories": []}));
    let refused = Expect::error_says(414, "UNSUPPORTED", &["too long"]);
    c.ask_differs("limits", &request, &list, &refused);
}
