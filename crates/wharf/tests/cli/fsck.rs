//! `wharf fsck` and `wharf reindex` on a stopped root.

mod classes;
mod images;
mod index;
mod kills;
mod odd;
mod output;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// What a run said.
struct Report {
    output: Output,
    findings: Vec<Value>,
    summary: Value,
}

fn put_blob(server: &WharfServer, content: &[u8]) {
    let post = Request::post(with_query(
        "/v2/foo/blobs/uploads/",
        &format!("digest={}", sha256(content)),
    ));
    server.client().send(post.body(content)).expect_status(201);
}

fn put_image(server: &WharfServer, tag: &str) {
    let put = Request::put(format!("/v2/foo/manifests/{tag}")).header("Content-Type", OCI_IMAGE);
    server.client().send(put.body(image())).expect_status(201);
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

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// `sha256/<hex>/link`.
fn link_of(digest: &str) -> String {
    format!("{}/link", digest.replace(':', "/"))
}

impl Root {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = server().root(directory.path()).start();
        put_blob(&server, CONFIG);
        put_blob(&server, LAYER);
        put_image(&server, "one");
        put_image(&server, "two");
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
        self.foo("_layers").join(link_of(&sha256(LAYER)))
    }

    fn revision_link(&self) -> PathBuf {
        self.foo("_manifests/revisions").join(link_of(&self.manifest))
    }

    fn current(&self, tag: &str) -> PathBuf {
        self.foo("_manifests/tags").join(tag).join("current/link")
    }

    fn fsck(&self, flags: &[&str]) -> Report {
        let output = Command::new(WHARF)
            .args(["fsck", "--format", "json"])
            .args(flags)
            .arg(self.path())
            .output()
            .unwrap();
        let lines = text(&output.stdout);
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let (findings, mut summaries): (Vec<Value>, Vec<Value>) = lines.partition(|line| !line["class"].is_null());
        Report {
            output,
            findings,
            summary: summaries.pop().unwrap_or_default(),
        }
    }

    fn repair(&self, flags: &[&str]) -> Report {
        self.fsck(&flags.iter().copied().chain(["--repair"]).collect::<Vec<_>>())
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

    /// Every path below the root with its content.
    fn files(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        let mut directories = vec![self.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path.clone());
                }
                // The lock tells who had it last.
                let is_lock = path.ends_with("wharf/lock");
                found.push((path.clone(), (!is_lock).then(|| fs::read(&path).ok()).flatten()));
            }
        }
        found.sort();
        found
    }
}

impl Report {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        let (stdout, stderr) = (text(&self.output.stdout), text(&self.output.stderr));
        assert_eq!(self.output.status.code(), Some(code), "{stdout}{stderr}");
        self
    }

    /// The classes that were found.
    fn classes(&self) -> Vec<&str> {
        let mut classes: Vec<_> = self
            .findings
            .iter()
            .filter_map(|found| found["class"].as_str())
            .collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// The only finding of a class.
    #[track_caller]
    fn only(&self, class: &str) -> &Value {
        let found: Vec<_> = self.findings.iter().filter(|found| found["class"] == class).collect();
        assert_eq!(found.len(), 1, "{class}: {:#?}", self.findings);
        found[0]
    }

    /// What would be done, or was, without how it came out.
    fn plan(&self) -> Vec<(String, String, String, bool)> {
        let plan = self.findings.iter().map(|found| {
            let text = |field: &str| found[field].to_string();
            let is_mended = found["outcome"] == "mended" || found["outcome"] == "would-mend";
            (text("class"), text("path"), text("push_again"), is_mended)
        });
        plan.collect()
    }
}

/// Plants something, and sees it told, done as told, and gone. What is `left` stays, and nothing else.
#[track_caller]
fn found(plant: impl Fn(&Root), flags: &[&str], classes: &[&str], left: &[&str]) -> Root {
    let root = Root::new();
    plant(&root);
    let before = root.files();
    let told = root.fsck(flags);
    assert_eq!(told.classes(), classes, "{:#?}", told.findings);
    assert!(root.files() == before, "telling changes nothing");
    let is_damage = |report: &Report| report.findings.iter().any(|found| found["severity"] == "damage");
    let told = told.expect(if is_damage(&root.fsck(flags)) { 4 } else { 0 });

    let repaired = root.repair(flags);
    assert_eq!(repaired.plan(), told.plan(), "it does what it told");
    let again = root.repair(flags);
    assert_eq!(again.classes(), left, "{:#?}", again.findings);
    let code = match (is_damage(&again), is_damage(&told)) {
        (true, _) => 4,
        (false, true) => 3,
        (false, false) => 0,
    };
    repaired.expect(code);
    root
}

/// The same, for what leaves nothing.
#[track_caller]
fn mended(plant: impl Fn(&Root), flags: &[&str], classes: &[&str]) -> Root {
    found(plant, flags, classes, &[])
}
