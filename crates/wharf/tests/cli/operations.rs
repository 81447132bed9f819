//! What operators look at: logs, health, metrics, purging.

use wharf_testing::Registry as _;
use wharf_testing::http::Request;

use crate::{debug_client, eventually, server};

fn file(more: &str) -> String {
    format!("version: 0.1\nstorage: {{filesystem: {{}}}}\n{more}")
}

#[test]
fn metrics_have_registry_2s_names_and_ours() {
    let debug = "http: {debug: {addr: '127.0.0.1:0', prometheus: {enabled: true}}}\n";
    let server = server().config(file(debug)).start();
    let client = debug_client(&server);
    server.client().send(Request::get("/v2/")).expect_status(200);
    server
        .client()
        .send(Request::post("/v2/foo/blobs/uploads/"))
        .expect_status(202);
    let metrics = client.send(Request::get("/metrics")).expect_status(200).text();
    for line in [
        r#"registry_http_requests_total{handler="base",code="200",method="get"} 1"#,
        r#"registry_http_requests_total{handler="blob_upload",code="202",method="post"} 1"#,
        r#"registry_storage_action_seconds_count{driver="filesystem",action="PutContent"}"#,
        "wharf_build_info",
        "process_resident_memory_bytes",
    ] {
        let sorted = |text: &str| {
            let mut labels: Vec<_> = text.split(['{', '}', ',']).map(str::to_owned).collect();
            labels.sort();
            labels
        };
        let wanted = sorted(line);
        let is_there = metrics
            .lines()
            .any(|found| wanted.iter().all(|part| found.contains(part.trim())));
        assert!(is_there, "{line}\n{metrics}");
    }
}

#[test]
fn a_failing_check_turns_every_answer_into_503() {
    let directory = tempfile::tempdir().unwrap();
    let switch = directory.path().join("down");
    let checks = format!(
        "http: {{debug: {{addr: '127.0.0.1:0'}}}}\nhealth: {{file: [{{file: {}, interval: 20ms}}], storagedriver: {{enabled: true, interval: 20ms}}}}\n",
        switch.display()
    );
    let server = server().config(file(&checks)).start();
    let health = Request::get("/debug/health");
    let client = debug_client(&server);
    assert_eq!(client.send(&health).expect_status(200).text().trim(), "{}");
    std::fs::write(&switch, "").unwrap();
    eventually("the gate closes", || {
        server.client().send(Request::get("/v2/")).status == 503
    });
    let refused = server
        .client()
        .send(Request::get("/v2/foo/tags/list"))
        .expect_status(503);
    assert_eq!(refused.error_codes(), ["UNAVAILABLE"]);
    assert!(client.send(&health).expect_status(503).text().contains("file exists"));
    std::fs::remove_file(&switch).unwrap();
    eventually("the gate opens", || {
        server.client().send(Request::get("/v2/")).status == 200
    });
}

#[test]
fn the_access_log_is_registry_2s_and_can_be_switched_off() {
    let request = Request::get("/v2/foo/tags/list?n=1").header("User-Agent", "canary\" 200 0");
    let server_with = server().start();
    server_with.client().send(&request).expect_status(404);
    eventually("an access line", || {
        server_with
            .stdout()
            .contains("\"GET /v2/foo/tags/list?n=1 HTTP/1.1\" 404")
    });
    assert!(
        server_with.stdout().contains("canary\\\" 200 0"),
        "a quote does not end the field: {}",
        server_with.stdout()
    );
    let server_without = server().config(file("log: {accesslog: {disabled: true}}\n")).start();
    server_without.client().send(&request).expect_status(404);
    let mut server_without = server_without;
    server_without.stop();
    assert!(
        !server_without.stdout().contains("canary"),
        "{}",
        server_without.stdout()
    );
}

#[test]
fn log_lines_carry_the_id_of_their_request() {
    let server = server()
        .arg("--log-format")
        .arg("json")
        .env("REGISTRY_LOG_LEVEL", "debug")
        .start();
    server
        .client()
        .send(Request::get("/v2/foo/tags/list"))
        .expect_status(404);
    eventually("a line with an id", || {
        server.stderr().lines().any(|line| {
            let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else {
                return false;
            };
            line["uri"] == "/v2/foo/tags/list" && line["id"].as_str().is_some_and(|id| id.len() == 36)
        })
    });
}

#[test]
fn abandoned_uploads_are_purged_and_active_ones_are_not() {
    let purging = "version: 0.1\nstorage: {filesystem: {}, maintenance: {uploadpurging: {enabled: true, age: 1s, interval: 100ms, dryrun: false}}}\n";
    let server = server().config(purging).start();
    let start = server
        .client()
        .send(Request::post("/v2/foo/blobs/uploads/"))
        .expect_status(202);
    let uploads = server.tree("repositories/foo/_uploads");
    let count = || std::fs::read_dir(&uploads).map_or(0, Iterator::count);
    assert_eq!(count(), 1);
    eventually("it is purged", || count() == 0);
    server
        .client()
        .send(Request::patch(start.location()).body("x"))
        .expect_status(404);
    // 2.8 leaves such directories behind for ever.
    std::fs::create_dir_all(uploads.join("5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59/hashstates/sha256")).unwrap();
    eventually("left-overs are purged", || count() == 0);
}
