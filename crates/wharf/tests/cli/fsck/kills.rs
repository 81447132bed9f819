//! A process that is ended in the middle loses nothing.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Root;
use crate::{WHARF, text};

/// Ends a command after each of some delays, and sees each time that nothing was lost and that it can be run again.
fn survives_kills(damage: impl Fn(&Root), command: &[&str]) {
    for delay_ms in [0, 1, 2, 4, 8, 12, 16, 24, 32, 48] {
        let root = Root::new();
        damage(&root);
        let mut child = Command::new(WHARF)
            .args(command)
            .arg(root.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay_ms));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
        let again = Command::new(WHARF).args(command).arg(root.path()).output().unwrap();
        assert!(
            matches!(again.status.code(), Some(0 | 3)),
            "after {delay_ms} ms: {}",
            text(&again.stderr)
        );
        assert!(root.fsck(&[]).expect(0).findings.is_empty(), "after {delay_ms} ms");
        root.serves_everything();
    }
}

#[test]
fn a_kill_in_the_middle_of_a_reindex_loses_nothing() {
    survives_kills(|_| {}, &["reindex"]);
}

#[test]
fn a_kill_in_the_middle_of_a_repair_loses_nothing() {
    let damage = |root: &Root| {
        fs::write(root.layer_link(), "").unwrap();
        fs::write(root.revision_link(), "").unwrap();
        fs::write(root.current("one"), "").unwrap();
        fs::create_dir_all(root.tree("blobs/sha256/00")).unwrap();
    };
    survives_kills(damage, &["fsck", "--repair"]);
}
