//! The rows of wharf's index.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Every table, with names instead of numbers of repositories.
const TABLES: [(&str, &str); 6] = [
    (
        "repositories",
        "SELECT name, hex(sort_key) FROM repositories ORDER BY 1",
    ),
    ("blobs", "SELECT digest, size_bytes FROM blobs ORDER BY 1"),
    (
        "repository_blobs",
        "SELECT name, digest, content FROM repository_blobs JOIN repositories ON id = repository_id ORDER BY 1, 2",
    ),
    (
        "manifests",
        "SELECT name, digest, media_type, subject, artifact_type, annotations FROM manifests \
         JOIN repositories ON id = repository_id ORDER BY 1, 2",
    ),
    (
        "manifest_references",
        "SELECT name, manifest, target FROM manifest_references JOIN repositories ON id = repository_id ORDER BY 1, 2, 3",
    ),
    (
        "tags",
        "SELECT repositories.name, tags.name, digest FROM tags JOIN repositories ON id = repository_id ORDER BY 1, 2",
    ),
];

/// Every row, as a line with the table's name.
fn rows(root: &Path) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for (table, query) in TABLES {
        let output = Command::new(wharf_testing::packages::debian("sqlite3"))
            .arg("-readonly")
            .arg(root.join("wharf/index.sqlite"))
            .arg(query)
            .output()
            .expect("sqlite3 runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("the index holds text");
        rows.extend(text.lines().map(|line| format!("{table}: {line}")));
    }
    rows
}

/// Compares the index of a stopped root with the one that `wharf reindex` makes of its tree.
#[track_caller]
pub(super) fn equals_a_fresh_one(root: &Path) {
    let kept = rows(root);
    let output = Command::new(env!("CARGO_BIN_EXE_wharf"))
        .arg("reindex")
        .arg(root)
        .output();
    let output = output.expect("wharf runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let fresh = rows(root);
    let only = |these: &BTreeSet<String>, others: &BTreeSet<String>| {
        let only: Vec<_> = these.difference(others).take(20).cloned().collect();
        only.join("\n  ")
    };
    assert!(
        kept == fresh,
        "the index is not what a fresh one is\n only kept:\n  {}\n only fresh:\n  {}",
        only(&kept, &fresh),
        only(&fresh, &kept)
    );
    for (table, _) in TABLES {
        assert!(kept.iter().any(|row| row.starts_with(table)), "`{table}` is empty");
    }
}
