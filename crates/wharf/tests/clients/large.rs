//! A layer of two gibibytes.

use std::fs;
use std::path::Path;
use std::process::Command;

use wharf_testing::clients::{Docker, Skopeo};
use wharf_testing::image::write_large_docker_archive;
use wharf_testing::{Registry as _, WharfServer};

use crate::served;

const CONTENT_BYTES: u64 = 2 << 30;

/// More memory than this at any time would mean that the layer, or a good part of it, is held in memory.
const MOST_MEMORY_KIB: u64 = 256 << 10;

#[test]
fn a_layer_of_two_gibibytes_goes_through_docker_and_skopeo() {
    let registry = served::start();
    let host = registry.addr().to_string();
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("image.tar");
    let source = format!("{host}/large/docker:1.0");
    let image = write_large_docker_archive(&archive, &source, 4001, CONTENT_BYTES).unwrap();
    assert!(image.tar_bytes > CONTENT_BYTES);

    let docker = Docker::new();
    docker.load(&archive);
    assert_eq!(docker.image_id(&source), image.id);
    docker.run(&["push", &source]);
    assert!(layer_bytes(&registry, "large/docker") > CONTENT_BYTES);
    docker.run(&["rmi", &source]);
    docker.run(&["pull", &source]);
    assert_eq!(docker.image_id(&source), image.id);
    docker.run(&["rmi", &source]);
    drop(docker);

    let skopeo = Skopeo::new();
    let pushed = format!("docker://{host}/large/skopeo:1.0");
    let digest = skopeo.transfer(&[], &format!("docker-archive:{}", archive.display()), &pushed);
    assert_eq!(served::manifest(&registry, "large/skopeo", "1.0").0, digest);
    assert!(layer_bytes(&registry, "large/skopeo") > CONTENT_BYTES);
    fs::remove_file(archive).unwrap();
    let pulled = dir.path().join("pulled");
    assert_eq!(
        skopeo.transfer(&[], &pushed, &format!("dir:{}", pulled.display())),
        digest
    );
    let (_, manifest) = served::manifest(&registry, "large/skopeo", "1.0");
    assert_eq!(manifest["config"]["digest"], image.id);
    let layer = manifest["layers"][0]["digest"]
        .as_str()
        .unwrap()
        .trim_start_matches("sha256:");
    assert_eq!(sha256sum(&pulled.join(layer)), layer);

    let peak = peak_memory_kib(&registry);
    assert!(peak < MOST_MEMORY_KIB, "the server took {peak} KiB of memory");
}

/// The size of the only layer, as the manifest and the registry say it.
fn layer_bytes(registry: &WharfServer, repository: &str) -> u64 {
    let (_, manifest) = served::manifest(registry, repository, "1.0");
    let layer = &manifest["layers"][0];
    let path = format!("/v2/{repository}/blobs/{}", layer["digest"].as_str().unwrap());
    let head = registry
        .client()
        .send(wharf_testing::http::Request::head(path))
        .expect_status(200);
    let length: u64 = head.expect_header("Content-Length").parse().unwrap();
    assert_eq!(layer["size"], length);
    length
}

fn sha256sum(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().chars().take(64).collect()
}

/// The most memory that the server has had resident, by the kernel's word.
fn peak_memory_kib(server: &WharfServer) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
