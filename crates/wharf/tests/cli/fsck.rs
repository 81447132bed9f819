//! `wharf fsck` and `wharf reindex`: each class of damage planted, told, mended, and gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, with_query};
use wharf_testing::{Registry as _, WharfServer};

use crate::{WHARF, server, text};

const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &[u8] = b"{}";
const LAYER: &[u8] = b"some layer";

/// A stopped root with an image of one layer in the repository `foo`, under the tags `one` and `two`.
struct Root {
    directory: tempfile::TempDir,
    manifest: String,
}

fn put_blob(server: &WharfServer, content: &[u8]) {
    let post = Request::post(with_query(
        "/v2/foo/blobs/uploads/",
        &format!("digest={}", sha256(content)),
    ));
    server.client().send(post.body(content)).expect_status(201);
}

fn image() -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{}","size":{}}},"layers":[{{"digest":"{}","size":{}}}]}}"#,
        sha256(CONFIG),
        CONFIG.len(),
        sha256(LAYER),
        LAYER.len()
    )
}

impl Root {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = server().root(directory.path()).start();
        put_blob(&server, CONFIG);
        put_blob(&server, LAYER);
        for tag in ["one", "two"] {
            let put = Request::put(format!("/v2/foo/manifests/{tag}")).header("Content-Type", OCI_IMAGE);
            server.client().send(put.body(image())).expect_status(201);
        }
        server.stop();
        Self {
            directory,
            manifest: sha256(image().as_bytes()),
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn tree(&self, relative: &str) -> PathBuf {
        self.path().join("docker/registry/v2").join(relative)
    }

    fn foo(&self, relative: &str) -> PathBuf {
        self.tree("repositories/foo").join(relative)
    }

    fn data(&self, content: &[u8]) -> PathBuf {
        let digest = sha256(content);
        let hex = digest.trim_start_matches("sha256:");
        self.tree(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]))
    }

    fn layer_link(&self) -> PathBuf {
        self.foo(&format!("_layers/{}/link", sha256(LAYER).replace(':', "/")))
    }

    fn revision_link(&self) -> PathBuf {
        self.foo(&format!(
            "_manifests/revisions/{}/link",
            self.manifest.replace(':', "/")
        ))
    }

    fn fsck(&self, flags: &[&str]) -> Output {
        Command::new(WHARF)
            .args(["fsck", "--format", "json"])
            .args(flags)
            .arg(self.path())
            .output()
            .unwrap()
    }

    /// Changes the index behind wharf's back.
    fn sqlite(&self, sql: &str) {
        let output = Command::new("sqlite3")
            .arg(self.path().join("wharf/index.sqlite"))
            .arg(sql)
            .output();
        let output = output.expect("`sqlite3` is installed by `cargo xtask test`");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    fn serves_everything(&self) {
        let server = server().root(self.path()).start();
        for tag in ["one", "two"] {
            let pulled = server
                .client()
                .send(Request::get(format!("/v2/foo/manifests/{tag}")))
                .expect_status(200);
            assert_eq!(pulled.text(), image(), "{tag}");
        }
        let blob = server
            .client()
            .send(Request::get(format!("/v2/foo/blobs/{}", sha256(LAYER))))
            .expect_status(200);
        assert_eq!(blob.body, LAYER);
    }
}

/// The classes that a run found, notes left out.
fn classes(output: &Output) -> Vec<String> {
    let lines = text(&output.stdout);
    let findings = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{lines}")));
    let mut classes: Vec<String> = findings
        .filter_map(|finding| Some(finding["class"].as_str()?.to_owned()))
        .collect();
    classes.sort();
    classes.dedup();
    classes
}

/// Plants damage, and sees it told, mended and gone.
fn mends(plant: impl Fn(&Root), flags: &[&str], found: &[&str]) -> Root {
    let root = Root::new();
    plant(&root);
    let told = root.fsck(flags);
    assert_eq!(classes(&told), found, "{}", text(&told.stdout));
    assert_eq!(told.status.code(), Some(4), "{}", text(&told.stdout));
    assert_eq!(classes(&root.fsck(flags)), found, "telling changes nothing");
    let repair: Vec<&str> = flags.iter().copied().chain(["--repair"]).collect();
    let mended = root.fsck(&repair);
    assert_eq!(
        mended.status.code(),
        Some(3),
        "{}{}",
        text(&mended.stdout),
        text(&mended.stderr)
    );
    let again = root.fsck(&repair);
    assert_eq!(
        again.status.code(),
        Some(0),
        "clean on the second run: {}",
        text(&again.stdout)
    );
    root
}

#[test]
fn a_sound_root_is_clean() {
    let root = Root::new();
    let output = root.fsck(&["--read-data"]);
    assert_eq!(
        (output.status.code(), classes(&output)),
        (Some(0), vec![]),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_broken_link_is_written_anew() {
    for content in ["", "sha256:", &format!("{}\n", sha256(LAYER)), &sha256(CONFIG)] {
        let plant = |root: &Root| fs::write(root.layer_link(), content).unwrap();
        mends(plant, &[], &["broken-link", "row-without-file"]).serves_everything();
    }
    let plant = |root: &Root| fs::write(root.revision_link(), "").unwrap();
    mends(plant, &[], &["broken-link", "dangling-tag", "row-without-file"]).serves_everything();
}

#[test]
fn a_tag_whose_link_broke_gets_it_back() {
    let current = |root: &Root| root.foo("_manifests/tags/one/current/link");
    mends(
        |root| fs::write(current(root), "").unwrap(),
        &[],
        &["broken-tag", "row-without-file"],
    )
    .serves_everything();
    mends(
        |root| fs::remove_file(current(root)).unwrap(),
        &[],
        &["broken-tag", "empty-directory", "row-without-file"],
    )
    .serves_everything();
}

/// The index may be older than the tree, and once made a tag point back to an image that it had left.
#[test]
fn a_tag_is_never_mended_by_an_old_index() {
    let root = Root::new();
    let moved_to = sha256(b"another manifest");
    let revision = root.foo(&format!("_manifests/revisions/{}/link", moved_to.replace(':', "/")));
    let history = root.foo(&format!(
        "_manifests/tags/one/index/{}/link",
        moved_to.replace(':', "/")
    ));
    for link in [&revision, &history] {
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        fs::write(link, &moved_to).unwrap();
    }
    let hex = moved_to.trim_start_matches("sha256:");
    let data = root.tree(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]));
    fs::create_dir_all(data.parent().unwrap()).unwrap();
    fs::write(&data, "another manifest").unwrap();
    let current = root.foo("_manifests/tags/one/current/link");
    fs::write(&current, format!("{moved_to}\n")).unwrap();
    root.fsck(&["--repair"]);
    assert!(!current.exists() || fs::read_to_string(&current).unwrap() == moved_to);
    fs::create_dir_all(current.parent().unwrap()).unwrap();
    fs::write(&current, "").unwrap();
    root.fsck(&["--repair"]);
    assert!(
        !current.exists() || fs::read_to_string(&current).unwrap() != root.manifest,
        "not back to the old one"
    );
}

#[test]
fn a_dangling_tag_is_removed_and_the_others_stay() {
    let nowhere = sha256(b"nowhere");
    let root = mends(
        |root| fs::write(root.foo("_manifests/tags/one/current/link"), &nowhere).unwrap(),
        &[],
        &["dangling-tag", "row-without-file"],
    );
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
        let root = Root::new();
        plant(&root);
        let told = root.fsck(flags);
        assert!(
            classes(&told).contains(&class.to_owned()),
            "{class}: {}",
            text(&told.stdout)
        );
        let repair: Vec<&str> = flags.iter().copied().chain(["--repair"]).collect();
        assert_eq!(root.fsck(&repair).status.code(), Some(3));
        assert_eq!(root.fsck(&repair).status.code(), Some(0), "{class}");
        let kept = root
            .path()
            .join("wharf/quarantine")
            .join(sha256(LAYER).replace(':', "/"));
        assert!(kept.exists(), "nothing is deleted");
        let server = server().root(root.path()).start();
        server
            .client()
            .send(Request::get(format!("/v2/foo/blobs/{}", sha256(LAYER))))
            .expect_status(404);
        put_blob(&server, LAYER);
        drop(server);
        root.serves_everything();
    }
}

#[test]
fn a_link_without_its_blob_is_removed() {
    let plant = |root: &Root| fs::remove_dir_all(root.data(LAYER).parent().unwrap()).unwrap();
    let root = Root::new();
    plant(&root);
    assert!(classes(&root.fsck(&[])).contains(&"link-without-blob".to_owned()));
    assert_eq!(root.fsck(&["--repair"]).status.code(), Some(3));
    assert_eq!(root.fsck(&["--repair"]).status.code(), Some(0));
    assert!(!root.layer_link().exists());
}

#[test]
fn left_overs_are_removed() {
    let id = "5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59";
    let upload = move |root: &Root| {
        fs::create_dir_all(root.foo(&format!("_uploads/{id}/hashstates/sha256"))).unwrap();
        fs::write(root.foo(&format!("_uploads/{id}/hashstates/sha256/0")), "x").unwrap();
    };
    mends(upload, &[], &["leftover-upload"]).serves_everything();
    let temporary =
        move |root: &Root| fs::write(root.layer_link().with_file_name(format!("link.{id}.tmp")), "x").unwrap();
    mends(temporary, &[], &["temporary-file"]).serves_everything();
    let empty = |root: &Root| {
        fs::create_dir_all(root.foo(&format!("_layers/{}", sha256(b"gone").replace(':', "/")))).unwrap();
        fs::create_dir_all(root.tree("blobs/sha256/00")).unwrap();
    };
    mends(empty, &[], &["empty-directory"]).serves_everything();
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
    assert_eq!(root.fsck(&[]).status.code(), Some(0));
}

#[test]
fn rows_follow_the_tree() {
    let surplus = |root: &Root| {
        root.sqlite("INSERT INTO tags SELECT repository_id, 'ghost', digest FROM tags WHERE name = 'one'");
    };
    mends(surplus, &[], &["row-without-file"]).serves_everything();
    let missing = |root: &Root| {
        root.sqlite(
            "DELETE FROM tags; DELETE FROM repository_blobs; DELETE FROM manifest_references; DELETE FROM manifests",
        );
    };
    mends(missing, &[], &["file-without-row"]).serves_everything();
}

#[test]
fn what_is_not_ours_or_not_needed_is_only_told() {
    let root = Root::new();
    fs::write(root.foo("_layers/sha256/notes.txt"), "x").unwrap();
    let orphan = sha256(b"orphan").replace("sha256:", "");
    fs::create_dir_all(root.tree(&format!("blobs/sha256/{}/{orphan}", &orphan[..2]))).unwrap();
    fs::write(
        root.tree(&format!("blobs/sha256/{}/{orphan}/data", &orphan[..2])),
        "orphan",
    )
    .unwrap();
    let output = root.fsck(&["--repair"]);
    assert_eq!(
        classes(&output),
        ["unknown-file", "unreferenced-blob"],
        "{}",
        text(&output.stdout)
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(root.data(b"orphan").exists());
}

#[test]
fn a_root_in_use_is_left_alone() {
    let server = server().start();
    for command in ["fsck", "reindex"] {
        let output = Command::new(WHARF).arg(command).arg(server.root()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("stop the server"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_lost_index_is_made_anew_when_asked_for() {
    let root = Root::new();
    let dump = |root: &Root| {
        let tables = "SELECT name, digest FROM tags ORDER BY 1; SELECT digest, media_type, subject, artifact_type, annotations \
                      FROM manifests ORDER BY 1; SELECT digest, content FROM repository_blobs ORDER BY 1; \
                      SELECT * FROM blobs ORDER BY 1; SELECT manifest, target FROM manifest_references ORDER BY 1, 2";
        let output = Command::new("sqlite3")
            .arg(root.path().join("wharf/index.sqlite"))
            .arg(tables)
            .output()
            .unwrap();
        text(&output.stdout)
    };
    let before = dump(&root);
    assert!(before.contains("one") && before.contains(&root.manifest));
    fs::remove_file(root.path().join("wharf/index.sqlite")).unwrap();
    let failure = server().root(root.path()).try_start().unwrap_err();
    assert!(failure.stderr.contains("wharf reindex"), "{failure}");
    let output = Command::new(WHARF).arg("reindex").arg(root.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(dump(&root), before);
    root.serves_everything();
    // Once more, over an index that is there.
    assert!(
        Command::new(WHARF)
            .arg("reindex")
            .arg(root.path())
            .output()
            .unwrap()
            .status
            .success()
    );
    assert_eq!(dump(&root), before);
}

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
        assert_eq!(root.fsck(&[]).status.code(), Some(0), "after {delay_ms} ms");
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
        fs::write(root.foo("_manifests/tags/one/current/link"), "").unwrap();
        fs::create_dir_all(root.tree("blobs/sha256/00")).unwrap();
    };
    survives_kills(damage, &["fsck", "--repair"]);
}
