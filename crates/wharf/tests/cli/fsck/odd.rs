//! Things that are not what they should be: told, left alone, and in nobody's way.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{LAYER, Root};

/// Puts something else in the place of a file.
type Odd = fn(&Path);

const ODDITIES: [(&str, Odd); 4] = [
    ("a directory", |path| {
        fs::create_dir(path).unwrap();
        fs::write(path.join("inside"), "x").unwrap();
    }),
    ("a pipe", |path| {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    }),
    ("a circle", |path| symlink(path.file_name().unwrap(), path).unwrap()),
    ("a link to nowhere", |path| symlink("nowhere", path).unwrap()),
];

/// Plants one thing that can be mended beside each that can't.
#[test]
fn what_is_no_file_stops_nothing() {
    type Place = fn(&Root) -> std::path::PathBuf;
    let places: [(&str, Place); 6] = [
        ("layer link", Root::layer_link),
        ("revision link", Root::revision_link),
        ("tag", |root| root.current("one")),
        ("history", |root| {
            root.foo("_manifests/tags/one/index")
                .join(super::link_of(&root.manifest))
        }),
        ("content", |root| root.data(LAYER)),
        ("upload", |root| {
            let upload = root.foo("_uploads/5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59/startedat");
            super::write(&upload, "");
            upload
        }),
    ];
    for (place, path) in places {
        for (what, make) in ODDITIES {
            let root = Root::new();
            let path = path(&root);
            fs::remove_file(&path).unwrap();
            make(&path);
            let (history, damaged) = (root.foo("_manifests/tags/two/index"), root.current("two"));
            fs::write(damaged, "").unwrap();
            let told = root.fsck(&[]).expect(4);
            let repaired = root.repair(&[]);
            let context = format!("{what} as {place}: {:#?}", repaired.findings);
            assert_eq!(repaired.plan(), told.plan(), "{context}");
            assert_eq!(repaired.only("broken-tag")["outcome"], "mended", "{context}");
            assert!(repaired.summary["damaged"].as_u64().unwrap() > 0, "{context}");
            assert!(history.exists() && path.symlink_metadata().is_ok(), "{context}");
            let left: Vec<_> = repaired
                .plan()
                .into_iter()
                .filter(|(.., is_mended)| !is_mended)
                .collect();
            let again = root.repair(&[]);
            assert_eq!(again.plan(), left, "only what was left: {context}");
        }
    }
}

#[test]
fn names_that_nothing_can_be_stored_under_are_told_and_kept() {
    for name in [&b"\xff"[..], b"a\\b", b"a\nb"] {
        let root = Root::new();
        for directory in [
            "blobs/sha256/00",
            "repositories/left",
            "repositories/foo/_layers/sha256/00",
        ] {
            let path = root.tree(directory).join(OsStr::from_bytes(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let repaired = root.repair(&[]).expect(0);
        assert_eq!(repaired.classes(), ["unknown-file"]);
        assert!(root.tree("blobs/sha256/00").join(OsStr::from_bytes(name)).exists());
        assert!(root.tree("repositories/left").join(OsStr::from_bytes(name)).exists());
        root.serves_everything();
    }
}

/// A file where the quarantine should be.
#[test]
fn what_can_not_be_mended_is_told_and_all_else_is_mended() {
    let root = Root::new();
    fs::write(root.path().join("wharf/quarantine"), "in the way").unwrap();
    fs::write(root.data(LAYER), "").unwrap();
    fs::write(root.current("two"), "").unwrap();
    let told = root.fsck(&[]).expect(4);
    let repaired = root.repair(&[]).expect(4);
    assert_eq!(repaired.plan(), told.plan());
    let failed = repaired.only("empty-data");
    assert!(failed["outcome"] == "failed" && failed["error"].is_string(), "{failed}");
    assert_eq!(repaired.only("broken-tag")["outcome"], "mended");
    assert!(root.data(LAYER).exists());
    fs::remove_file(root.path().join("wharf/quarantine")).unwrap();
    assert_eq!(root.repair(&[]).expect(4).only("empty-data")["outcome"], "mended");
}

/// A disk that is not mounted must not cost what refers to its content.
#[test]
fn where_there_is_no_content_at_all_no_link_and_no_tag_is_removed() {
    let root = Root::new();
    let (blobs, elsewhere) = (root.tree("blobs"), root.path().join("elsewhere"));
    fs::rename(&blobs, &elsewhere).unwrap();
    let absent = |_: &Path| {};
    let empty = |path: &Path| fs::create_dir(path).unwrap();
    let dangling = |path: &Path| symlink("nowhere", path).unwrap();
    for make in [&absent as &dyn Fn(&Path), &empty, &dangling] {
        make(&blobs);
        let told = root.fsck(&[]).expect(4);
        assert_eq!(root.repair(&[]).expect(4).plan(), told.plan());
        let _ = fs::remove_file(&blobs).or_else(|_| fs::remove_dir(&blobs));
    }
    fs::rename(&elsewhere, &blobs).unwrap();
    root.serves_everything();
}
