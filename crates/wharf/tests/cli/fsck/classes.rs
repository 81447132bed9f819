//! Each class planted, told, mended, and gone.

use std::fs;

use wharf_testing::Registry as _;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use super::{CONFIG, LAYER, Root, found, link_of, mended, put_blob, write};
use crate::server;

const ID: &str = "5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59";

#[test]
fn a_sound_root_is_clean() {
    let root = Root::new();
    assert!(root.fsck(&["--read-data"]).expect(0).findings.is_empty());
}

#[test]
fn a_broken_link_is_written_anew() {
    for content in ["", "sha256:", &format!("{}\n", sha256(LAYER)), &sha256(CONFIG)] {
        let plant = |root: &Root| fs::write(root.layer_link(), content).unwrap();
        mended(plant, &[], &["broken-link"]).serves_everything();
    }
    let plant = |root: &Root| fs::write(root.revision_link(), "").unwrap();
    mended(plant, &[], &["broken-link"]).serves_everything();
    let history = |root: &Root| root.foo("_manifests/tags/one/index").join(link_of(&root.manifest));
    let root = mended(|root| fs::write(history(root), "x").unwrap(), &[], &["broken-link"]);
    assert_eq!(fs::read_to_string(history(&root)).unwrap(), root.manifest);
}

#[test]
fn a_tag_whose_link_broke_gets_it_back() {
    mended(|root| fs::write(root.current("one"), "").unwrap(), &[], &["broken-tag"]).serves_everything();
    mended(
        |root| fs::remove_file(root.current("one")).unwrap(),
        &[],
        &["broken-tag"],
    )
    .serves_everything();
}

/// The index may be older than the tree, and once made a tag point back to an image that it had left.
#[test]
fn a_tag_is_never_mended_by_an_old_index() {
    let root = Root::new();
    let moved_to = sha256(b"another manifest");
    for directory in ["_manifests/revisions", "_manifests/tags/one/index"] {
        write(&root.foo(directory).join(link_of(&moved_to)), &moved_to);
    }
    write(&root.data(b"another manifest"), "another manifest");
    fs::write(root.current("one"), format!("{moved_to}\n")).unwrap();
    root.repair(&[]);
    assert_eq!(fs::read_to_string(root.current("one")).unwrap(), moved_to);
    fs::write(root.current("one"), "").unwrap();
    root.repair(&[]);
    assert!(!root.current("one").exists(), "not back to the old one");
}

#[test]
fn a_tag_on_nothing_is_removed_and_the_others_stay() {
    let nowhere = sha256(b"nowhere");
    let plant = |root: &Root| fs::write(root.current("one"), &nowhere).unwrap();
    let root = mended(plant, &[], &["dangling-tag", "row-without-file"]);
    let server = server().root(root.path()).start();
    assert_eq!(
        server.client().send(Request::get("/v2/foo/tags/list")).json()["tags"],
        serde_json::json!(["two"])
    );
}

#[test]
fn damaged_content_goes_to_quarantine_and_pushing_it_again_heals() {
    type Plant = fn(&Root);
    let empty: Plant = |root| fs::write(root.data(LAYER), "").unwrap();
    let short: Plant = |root| fs::write(root.data(LAYER), "some").unwrap();
    let wrong: Plant = |root| fs::write(root.data(LAYER), "SOME LAYER").unwrap();
    let cases = [
        (empty, "empty-data", &[][..]),
        (short, "wrong-size", &[]),
        (wrong, "wrong-hash", &["--read-data"]),
    ];
    for (plant, class, flags) in cases {
        let mut classes = [class, "link-without-blob", "manifest-without-blob", "row-without-file"];
        classes.sort_unstable();
        let root = found(plant, flags, &classes, &["manifest-without-blob"]);
        let quarantine = root.path().join("wharf/quarantine");
        assert!(
            quarantine.join(sha256(LAYER).replace(':', "/")).exists(),
            "nothing is deleted"
        );
        let server = server().root(root.path()).start();
        server
            .client()
            .send(Request::get(format!("/v2/foo/blobs/{}", sha256(LAYER))))
            .expect_status(404);
        put_blob(&server, LAYER);
        drop(server);
        root.serves_everything();
        root.fsck(flags).expect(0);
    }
}

#[test]
fn content_that_was_damaged_before_stays_in_quarantine() {
    let root = Root::new();
    for damage in ["first", "second", "second"] {
        fs::write(root.data(LAYER), damage).unwrap();
        root.repair(&["--read-data"]).expect(4);
        let server = server().root(root.path()).start();
        put_blob(&server, LAYER);
    }
    let kept = root
        .path()
        .join("wharf/quarantine")
        .join(sha256(LAYER).replace(':', "/"));
    let kept = |suffix: &str| fs::read_to_string(format!("{}{suffix}", kept.display())).unwrap();
    assert_eq!([kept(""), kept(".1"), kept(".2")], ["first", "second", "second"]);
    root.serves_everything();
}

#[test]
fn an_index_with_a_wrong_size_is_told_from_wrong_content() {
    let digest = sha256(LAYER);
    let plant = |root: &Root| root.sqlite(&format!("UPDATE blobs SET size_bytes = 3 WHERE digest = '{digest}'"));
    mended(plant, &[], &["wrong-row"]).serves_everything();
}

#[test]
fn left_overs_are_removed_and_are_no_damage() {
    let upload = |root: &Root| write(&root.foo(&format!("_uploads/{ID}/hashstates/sha256/0")), "x");
    mended(upload, &[], &["leftover-upload"]).serves_everything();
    let unused = |root: &Root| {
        write(&root.foo(&format!("_uploads/{ID}/startedat")), "");
        write(&root.foo(&format!("_uploads/{ID}/data")), "");
    };
    mended(unused, &[], &["leftover-upload"]).serves_everything();
    let temporary = |root: &Root| {
        write(&root.layer_link().with_file_name(format!("link.{ID}.tmp")), "x");
    };
    mended(temporary, &[], &["temporary-file"]).serves_everything();
    let empty = |root: &Root| {
        fs::create_dir_all(root.foo(&format!("_layers/{}", sha256(b"gone").replace(':', "/")))).unwrap();
        fs::create_dir_all(root.tree("blobs/sha256/00")).unwrap();
        fs::create_dir_all(root.tree("repositories/nobody/knows/this")).unwrap();
    };
    let root = mended(empty, &[], &["empty-directory"]);
    root.serves_everything();
    assert!(!root.tree("repositories/nobody").exists());
    let collected = |root: &Root| {
        let gone = sha256(b"collected");
        write(&root.foo("_layers").join(link_of(&gone)), &gone);
    };
    mended(collected, &[], &["link-without-blob"]).serves_everything();
}

#[test]
fn an_upload_in_progress_is_no_damage() {
    let root = Root::new();
    let mut server = server().root(root.path()).start();
    server
        .client()
        .send(Request::post("/v2/foo/blobs/uploads/"))
        .expect_status(202);
    server.stop();
    assert!(root.fsck(&[]).expect(0).findings.is_empty());
}

#[test]
fn the_bytes_of_an_upload_are_kept_and_it_goes_on() {
    let started_at = |root: &Root| root.foo(&format!("_uploads/{ID}/startedat"));
    let lost = |root: &Root| write(&started_at(root).with_file_name("data"), "bytes");
    let emptied = |root: &Root| {
        lost(root);
        write(&started_at(root), "");
    };
    for plant in [&lost as &dyn Fn(&Root), &emptied] {
        let root = mended(plant, &[], &["broken-upload"]);
        assert_eq!(fs::read(started_at(&root).with_file_name("data")).unwrap(), b"bytes");
        let time = fs::read_to_string(started_at(&root)).unwrap();
        assert!(
            time.ends_with('Z') && time.len() == "2026-11-21T19:07:54Z".len(),
            "{time}"
        );
    }
}

#[test]
fn rows_follow_the_tree() {
    let surplus = |root: &Root| {
        root.sqlite("INSERT INTO tags SELECT repository_id, 'ghost', digest FROM tags WHERE name = 'one'");
        root.sqlite("INSERT INTO repositories (name, sort_key) VALUES ('ghost', 'ghost')");
        root.sqlite("INSERT INTO repository_blobs SELECT id, content, content FROM repositories, repository_blobs WHERE name = 'ghost'");
        fs::create_dir_all(root.tree("repositories/ghost")).unwrap();
    };
    mended(surplus, &[], &["empty-directory", "row-without-file"]).serves_everything();
    let missing = |root: &Root| {
        root.sqlite(
            "DELETE FROM tags; DELETE FROM repository_blobs; DELETE FROM manifest_references; DELETE FROM manifests",
        );
    };
    mended(missing, &[], &["file-without-row"]).serves_everything();
}

#[test]
fn what_is_not_ours_or_not_needed_is_only_told() {
    let orphan = |root: &Root| write(&root.data(b"orphan"), "orphan");
    let root = found(orphan, &[], &["unreferenced-blob"], &["unreferenced-blob"]);
    assert!(root.data(b"orphan").exists());
    let wrong_hex = &sha256(LAYER)["sha256:".len()..60];
    for place in [
        "repositories/foo/_layers/sha256/notes.txt",
        &format!("repositories/foo/_layers/sha256/{wrong_hex}/link"),
        "repositories/foo/_layers/md5/link",
        "repositories/foo/_manifests/notes.txt",
        "repositories/foo/_manifests/tags/.tag/current/link",
        "repositories/foo/_notes/link",
        "repositories/foo/notes.txt",
        "repositories/UPPER/_layers/sha256/notes.txt",
        &format!("repositories/foo/_uploads/{ID}/notes.txt"),
        "repositories/foo/_uploads/notes.txt",
        "blobs/sha256/00/notes.txt",
        &format!("blobs/sha256/00/{}/data", &sha256(LAYER)["sha256:".len()..]),
        "blobs/notes.txt",
        "notes.txt",
    ] {
        let plant = |root: &Root| write(&root.tree(place), "x");
        let root = found(plant, &[], &["unknown-file"], &["unknown-file"]);
        let told = root.fsck(&[]);
        let path = told.only("unknown-file")["path"].as_str().unwrap();
        assert!(root.tree(place).starts_with(root.path().join(path)), "{path}");
        assert!(root.tree(place).exists());
    }
}
