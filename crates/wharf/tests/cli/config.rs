//! Configuration: registry:2's file, its variables, and `wharf config check`.

use std::process::Command;

use wharf_testing::Registry as _;
use wharf_testing::http::Request;

use crate::{WHARF, server, text, wharf};

#[test]
fn check_shows_each_value_with_its_origin_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.yml");
    std::fs::write(
        &file,
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /srv/x\nhttp:\n  secret: canary\n",
    )
    .unwrap();
    let output = Command::new(WHARF)
        .args(["config", "check"])
        .arg(&file)
        .env("REGISTRY_CATALOG_MAXENTRIES", "7")
        .env("REGISTRY_LOG_LEVLE", "debug")
        .output()
        .unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    let line = |part: &str| {
        stdout
            .lines()
            .find(|line| line.contains(part))
            .unwrap_or_else(|| panic!("{part}:\n{stdout}"))
    };
    assert!(line("rootdirectory").contains("config.yml:4"), "{stdout}");
    assert!(line("maxentries").contains("REGISTRY_CATALOG_MAXENTRIES"), "{stdout}");
    assert!(line("draintimeout").contains("default"), "{stdout}");
    assert!(
        stderr.contains("REGISTRY_LOG_LEVLE") && stderr.contains("REGISTRY_LOG_LEVEL"),
        "{stderr}"
    );
    assert!(!stdout.contains("canary") && !stderr.contains("canary"));
}

#[test]
fn what_decides_who_may_enter_and_is_not_supported_stops_the_start() {
    let yaml = "version: 0.1\nstorage: {inmemory: {}}\nauth: {htpasswd: {realm: x, path: /x}}\nhttp: {tls: {certificate: /x, key: /y}}\n";
    let failure = server().config(yaml).try_start().unwrap_err();
    assert_eq!(failure.status.code(), Some(1), "{failure}");
    for named in ["auth", "http.tls", "inmemory", "--ignore-unsupported"] {
        assert!(failure.stderr.contains(named), "{named}: {failure}");
    }
    let server = server().config(yaml).arg("--ignore-unsupported").start();
    server.client().send(Request::get("/v2/")).expect_status(200);
    assert!(server.stderr().contains("htpasswd"), "it warns: {}", server.stderr());
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    let failure = server()
        .config("version: 0.1\nstorage: {filesystem: {}}\nlog:\n  level: loud\n")
        .try_start()
        .unwrap_err();
    assert_eq!(failure.status.code(), Some(1));
    for named in ["log.level", "config.yml:4", "loud", "debug"] {
        assert!(failure.stderr.contains(named), "{named}: {failure}");
    }
}

#[test]
fn deletes_are_on_without_a_file_and_off_with_registry_2s_defaults() {
    let tag = Request::delete("/v2/foo/manifests/latest");
    server().start().client().send(&tag).expect_status(404);
    let file = "version: 0.1\nstorage: {filesystem: {}}\n";
    let refused = server().config(file).start().client().send(&tag).expect_status(405);
    assert_eq!(refused.error_codes(), ["UNSUPPORTED"]);
    let enabled = server()
        .config(file)
        .env("REGISTRY_STORAGE_DELETE_ENABLED", "true")
        .start();
    enabled.client().send(&tag).expect_status(404);
}

#[test]
fn registry_2s_command_line_starts_it() {
    let output = wharf(&["registry", "serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("configuration path unspecified"),
        "{}",
        text(&output.stderr)
    );
    let output = wharf(&["registry", "serve", "/nowhere/config.yml"]);
    assert!(
        text(&output.stderr).contains("/nowhere/config.yml"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_environment_names_the_file_unless_the_command_line_does() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("env.yml");
    std::fs::write(
        &file,
        "version: 0.1\nstorage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}\n",
    )
    .unwrap();
    let upload = Request::post("/v2/foo/blobs/uploads/");
    let by_environment = server().env("REGISTRY_CONFIGURATION_PATH", &file).start();
    by_environment.client().send(&upload).expect_status(405);
    let both = server()
        .config("version: 0.1\nstorage: {filesystem: {}}\n")
        .env("REGISTRY_CONFIGURATION_PATH", &file)
        .start();
    both.client().send(&upload).expect_status(202);
}
