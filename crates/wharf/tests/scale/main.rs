//! A root with many blobs: how long until the first pull, the sweep, `reindex` and `fsck`, and how much memory they take.
//!
//! In short form among all tests, where it shows that the whole thing works; `cargo xtask scale` runs the long form and prints figures.
//! Nothing is asserted of times.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "figures are what the long form is for")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;
use wharf_testing::{Registry as _, WharfServer};

const WHARF: &str = env!("CARGO_BIN_EXE_wharf");
const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Blobs in all, spread over this many repositories.
struct Size {
    blobs: usize,
    repositories: usize,
}

impl Size {
    /// `WHARF_SCALE_BLOBS`, which `cargo xtask scale` sets, or else the short form.
    fn wanted() -> Self {
        let blobs = std::env::var("WHARF_SCALE_BLOBS")
            .ok()
            .and_then(|blobs| blobs.parse().ok())
            .unwrap_or(2000);
        Self {
            blobs,
            repositories: (blobs / 100).max(1),
        }
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Stores content as registry:2 does, and returns its digest and the path of a link to it.
fn store(tree: &Path, content: &[u8]) -> (String, String) {
    let digest = sha256(content);
    let hex = digest.trim_start_matches("sha256:");
    write(&tree.join(format!("blobs/sha256/{}/{hex}/data", &hex[..2])), content);
    let link = format!("sha256/{hex}/link");
    (digest, link)
}

/// A repository with an image of `blobs` blobs, as registry:2 would have written it.
fn write_repository(tree: &Path, number: usize, blobs: usize) {
    let repository = tree.join(format!("repositories/team-{}/image-{number}", number % 10));
    let mut layers = Vec::new();
    for blob in 0..blobs.max(2) - 1 {
        let content = format!("blob {blob} of repository {number}");
        let (digest, link) = store(tree, content.as_bytes());
        write(&repository.join("_layers").join(link), digest.as_bytes());
        layers.push(format!(r#"{{"digest":"{digest}","size":{}}}"#, content.len()));
    }
    let config = layers.pop().unwrap();
    let layers = layers.join(",");
    let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_IMAGE}","config":{config},"layers":[{layers}]}}"#);
    let (digest, link) = store(tree, manifest.as_bytes());
    let manifests = repository.join("_manifests");
    write(&manifests.join("revisions").join(&link), digest.as_bytes());
    write(&manifests.join("tags/latest/index").join(&link), digest.as_bytes());
    write(&manifests.join("tags/latest/current/link"), digest.as_bytes());
}

/// Anonymous memory of a process in KiB, the highest seen.
fn anonymous_kib(pid: u32, highest: &mut u64) {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
        return;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    *highest = kib.max(*highest);
}

/// Runs a command to its end and tells its time and memory.
fn measured(mut child: Child) -> (bool, Duration, u64) {
    let (start, mut highest) = (Instant::now(), 0);
    loop {
        anonymous_kib(child.id(), &mut highest);
        if let Some(status) = child.try_wait().unwrap() {
            return (status.success(), start.elapsed(), highest);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn run(command: &str, root: &Path) {
    let child = Command::new(WHARF)
        .arg(command)
        .arg(root)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (success, time, kib) = measured(child);
    assert!(success, "`wharf {command}` succeeds");
    println!("{command}: {time:.2?}, {:.1} MiB of anonymous memory", mib(kib));
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[test]
fn a_large_root_of_registry_2_is_served_swept_and_checked() {
    let size = Size::wanted();
    let root = tempfile::tempdir().unwrap();
    let tree = root.path().join("docker/registry/v2");
    for number in 0..size.repositories {
        write_repository(&tree, number, size.blobs / size.repositories);
    }
    println!(
        "{} blobs and manifests in {} repositories",
        size.blobs, size.repositories
    );

    let start = Instant::now();
    let mut server = WharfServer::builder(WHARF).root(root.path()).start();
    let name = format!(
        "/v2/team-{}/image-{}",
        (size.repositories - 1) % 10,
        size.repositories - 1
    );
    server
        .client()
        .send(Request::get(format!("{name}/manifests/latest")))
        .expect_status(200);
    println!("first pull: {:.2?} after the start", start.elapsed());

    let mut highest = 0;
    let deadline = Instant::now() + Duration::from_mins(30);
    while !server.stderr().contains("compared the index with the tree") {
        anonymous_kib(server.pid(), &mut highest);
        assert!(Instant::now() < deadline, "the sweep ends");
        std::thread::sleep(Duration::from_millis(5));
    }
    println!(
        "sweep: {:.2?} after the start, {:.1} MiB of anonymous memory",
        start.elapsed(),
        mib(highest)
    );
    let catalog = server
        .client()
        .send(Request::get("/v2/_catalog?n=1000"))
        .expect_status(200)
        .json();
    assert_eq!(
        catalog["repositories"].as_array().unwrap().len(),
        size.repositories.min(1000)
    );
    server.stop();

    run("fsck", root.path());
    run("reindex", root.path());
    run("fsck", root.path());
}
