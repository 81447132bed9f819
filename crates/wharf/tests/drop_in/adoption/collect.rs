//! `docker-registry garbage-collect`, on a root that nobody serves.

use std::path::Path;
use std::process::Command;

use crate::config;

/// Collects, with these options.
pub(super) fn collect(root: &Path, options: &[&str]) {
    let scratch = tempfile::tempdir().expect("a temporary directory can be made");
    let file = scratch.path().join("config.yml");
    std::fs::write(&file, config().yaml(root)).expect("the configuration can be written");
    let program = wharf_testing::packages::debian("docker-registry");
    let output = Command::new(program)
        .arg("garbage-collect")
        .args(options)
        .arg(&file)
        .output();
    let output = output.expect("docker-registry runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}
