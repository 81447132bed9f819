//! The index: made anew when asked for, missing, damaged.

use std::fs;
use std::process::Command;

use super::Root;
use crate::{WHARF, server, text, wharf};

fn dump(root: &Root) -> String {
    let tables = "SELECT name, digest FROM tags ORDER BY 1; SELECT digest, media_type, subject, artifact_type, annotations \
                  FROM manifests ORDER BY 1; SELECT digest, content FROM repository_blobs ORDER BY 1; \
                  SELECT * FROM blobs ORDER BY 1; SELECT manifest, target FROM manifest_references ORDER BY 1, 2";
    let output = Command::new("sqlite3")
        .arg(root.path().join("wharf/index.sqlite"))
        .arg(tables)
        .output()
        .unwrap();
    text(&output.stdout)
}

fn reindex(root: &Root) {
    let output = Command::new(WHARF).arg("reindex").arg(root.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_lost_index_is_made_anew_when_asked_for() {
    let root = Root::new();
    let before = dump(&root);
    assert!(before.contains("one") && before.contains(&root.manifest));
    fs::remove_file(root.path().join("wharf/index.sqlite")).unwrap();
    let failure = server().root(root.path()).try_start().unwrap_err();
    assert!(failure.stderr.contains("wharf reindex"), "{failure}");
    let failure = root.fsck(&[]).expect(1).output;
    assert!(text(&failure.stderr).contains("wharf reindex"));
    reindex(&root);
    assert_eq!(dump(&root), before);
    root.serves_everything();
    // Once more, over an index that is there.
    reindex(&root);
    assert_eq!(dump(&root), before);
}

#[test]
fn a_damaged_index_is_an_error_that_says_what_helps() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, Damage); 5] = [
        ("empty", |_| Vec::new()),
        ("garbage", |bytes| vec![b'x'; bytes.len()]),
        ("short", |bytes| {
            b"not a database"
                .to_vec()
                .into_iter()
                .chain(bytes.into_iter().take(0))
                .collect()
        }),
        ("cut", |mut bytes| {
            bytes.truncate(bytes.len() / 2);
            bytes
        }),
        ("cut to a page", |mut bytes| {
            bytes.truncate(4096);
            bytes
        }),
    ];
    for (what, damage) in damages {
        let root = Root::new();
        let before = dump(&root);
        let index = root.path().join("wharf/index.sqlite");
        fs::write(&index, damage(fs::read(&index).unwrap())).unwrap();
        let failure = server().root(root.path()).try_start().unwrap_err();
        assert!(failure.stderr.contains("wharf reindex"), "{what}: {failure}");
        for flags in [&[][..], &["--repair"]] {
            let failure = root.fsck(flags).expect(1).output;
            assert!(
                text(&failure.stderr).contains("wharf reindex"),
                "{what}: {}",
                text(&failure.stderr)
            );
        }
        reindex(&root);
        assert_eq!(dump(&root), before, "{what}");
        root.serves_everything();
    }
}

/// Pages that a start does not look at.
#[test]
fn an_index_that_is_damaged_inside_is_found() {
    let root = Root::new();
    let index = root.path().join("wharf/index.sqlite");
    let mut bytes = fs::read(&index).unwrap();
    let pages = bytes.len() / 4096;
    bytes[4096 * (pages / 2)..].fill(0xff);
    fs::write(&index, bytes).unwrap();
    let failure = root.fsck(&["--repair"]).expect(1).output;
    assert!(
        text(&failure.stderr).contains("wharf reindex"),
        "{}",
        text(&failure.stderr)
    );
    reindex(&root);
    root.fsck(&[]).expect(0);
    root.serves_everything();
}

#[test]
fn a_directory_that_is_no_root_is_no_empty_registry() {
    let directory = tempfile::tempdir().unwrap();
    for command in ["fsck", "reindex"] {
        let output = wharf(&[command, directory.path().to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("docker/registry/v2"),
            "{}",
            text(&output.stderr)
        );
        assert!(
            fs::read_dir(directory.path()).unwrap().next().is_none(),
            "nothing is made there"
        );
    }
}

#[test]
fn a_root_in_use_is_left_alone() {
    let server = server().start();
    for command in ["fsck", "reindex"] {
        let output = Command::new(WHARF)
            .arg(command)
            .arg(wharf_testing::Registry::root(&server))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("stop the server"),
            "{}",
            text(&output.stderr)
        );
    }
}

/// As a root of registry:2 is before wharf has ever served it.
#[test]
fn a_root_without_an_index_is_looked_at_and_left_as_it_is() {
    let root = Root::new();
    fs::remove_dir_all(root.path().join("wharf")).unwrap();
    let before = root.files();
    assert!(root.fsck(&["--read-data"]).expect(0).findings.is_empty());
    assert!(root.files() == before, "nothing is made");
    fs::write(root.layer_link(), "").unwrap();
    assert_eq!(root.fsck(&[]).expect(4).classes(), ["broken-link"]);
    assert_eq!(root.repair(&[]).expect(3).classes(), ["broken-link"]);
    root.serves_everything();
}
