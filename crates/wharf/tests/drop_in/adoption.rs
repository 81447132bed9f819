//! One root, handed from registry:2 to wharf, back, and to wharf again.

mod collect;
mod images;
mod index;
mod leftovers;
mod survey;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::{Client, Request, with_query};
use wharf_testing::image::{Content, push_blob, push_manifest};
use wharf_testing::{DockerRegistry, Registry as _, WharfServer};

use crate::adoption::images::{Images, pull};
use crate::adoption::survey::{Known, Survey};
use crate::{config, wharf};

/// Tags in the repository that has many.
const MANY_TAGS: usize = 10_000;

fn root() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

fn registry_2_8(root: &Path) -> DockerRegistry {
    DockerRegistry::start_at(&config(), root)
}

/// Starts wharf and waits for the end of its sweep.
fn swept(root: &Path) -> WharfServer {
    let server = wharf(&config()).root(root).start();
    let deadline = Instant::now() + Duration::from_mins(1);
    while !server.stderr().contains("compared the index with the tree") {
        assert!(Instant::now() < deadline, "no end of the sweep in\n{}", server.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    server
}

/// Everything that was ever there, asked of registry 2.8 and of wharf in turn. wharf is asked before its sweep has ended.
fn ask_both_in_turn(root: &Path, known: &mut Known) {
    known.learn(root);
    let by_registry_2_8 = Survey::of(&registry_2_8(root).client(), known);
    let by_wharf = Survey::of(&wharf(&config()).root(root).start().client(), known);
    survey::compare(&by_registry_2_8, &by_wharf);
}

/// Runs `wharf fsck`, which must end with this exit code.
#[track_caller]
fn fsck(root: &Path, flags: &[&str], code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    let output = command.arg("fsck").args(flags).arg(root).output().expect("wharf runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}{errors}");
    text
}

/// Sends the rest of an upload and ends it.
fn end_upload(client: &Client, location: &str, rest: &[u8], blob: &Content) {
    let status = client.send(Request::get(location)).expect_status(204);
    let sent = blob.bytes.len() - rest.len();
    assert_eq!(status.expect_header("Range"), format!("0-{}", sent - 1));
    let patched = client
        .send(Request::patch(status.location()).body(&rest[..10]))
        .expect_status(202);
    let put = Request::put(with_query(&patched.location(), &format!("digest={}", blob.digest)));
    client.send(put.body(&rest[10..])).expect_status(201);
}

/// A push, a re-tag, a deleted image, a deleted blob and a mount, of things of their own.
fn change(client: &Client, images: &Images, turn: u64) {
    let fresh = images::image(9000 + turn);
    fresh.push(client, "library/fresh", &format!("turn-{turn}"));
    fresh.push(client, "library/first", "moved");
    push_manifest(client, "library/first", "moved", &images.first.manifest);
    let gone = images::image(9500 + turn);
    gone.push(client, "library/fresh", "gone");
    let delete = |path: String| client.send(Request::delete(path)).expect_status(202);
    delete(format!("/v2/library/fresh/manifests/{}", gone.manifest.digest));
    delete(format!("/v2/library/fresh/blobs/{}", gone.layers[0].blob.digest));
    let mount = format!("mount={}&from=library%2Ffirst", images.first.id());
    let mount = Request::post(with_query(&format!("/v2/mounted/{turn}/blobs/uploads/"), &mount));
    client.send(mount).expect_status(201);
    client
        .send(Request::post("/v2/mounted/blobs/uploads/"))
        .expect_status(202);
}

#[test]
fn a_root_with_every_left_over_is_adopted_handed_back_and_taken_again() {
    let root = root();
    let root = root.path();
    let mut known = Known::default();

    // registry:2 writes, deletes and collects; then it leaves whatever it leaves.
    let images = Images::new();
    images.push(&registry_2_8(root).client());
    collect::collect(root, &[]);
    let upload = leftovers::by_requests(&registry_2_8(root), &images);
    leftovers::many_tags(root, &images.first.manifest, MANY_TAGS);
    leftovers::by_hand(root);
    known.learn(root);
    let before = Survey::of(&registry_2_8(root).client(), &known);

    // wharf takes over: the first pull, all others, the upload.
    let started = Instant::now();
    let server = wharf(&config()).root(root).start();
    let client = server.client();
    pull(&client, "library/first", "v1", &images.first);
    println!("first image pulled {:.2?} after the start", started.elapsed());
    images.pull(&client);
    end_upload(&client, &upload.location, &upload.rest, &upload.blob);
    let blob = client.send(Request::get(format!("/v2/uploads/blobs/{}", upload.blob.digest)));
    assert!(blob.expect_status(200).body == upload.blob.bytes);
    let tags = client
        .send(Request::get("/v2/many/tags/list"))
        .expect_status(200)
        .json();
    assert_eq!(tags["tags"].as_array().map(Vec::len), Some(MANY_TAGS));
    let differing = survey::compare(&before, &Survey::of(&client, &known));
    let expected = ["broken-links", "catalog-membership", "dangling-tags"];
    assert_eq!(
        differing.into_iter().collect::<Vec<_>>(),
        expected,
        "listed, but not met"
    );
    drop(server);

    // Back under registry:2, after wharf has changed something, and after registry:2 has.
    change(&swept(root).client(), &images, 1);
    ask_both_in_turn(root, &mut known);
    let registry = registry_2_8(root);
    images.pull(&registry.client());
    change(&registry.client(), &images, 2);
    drop(registry);
    ask_both_in_turn(root, &mut known);

    // It collects what nothing refers to, once with untagged manifests. Links that stop its collection are mended before.
    fsck(root, &["--repair"], 3);
    for options in [&[][..], &["--delete-untagged"]] {
        change(&registry_2_8(root).client(), &images, 3);
        collect::collect(root, options);
        ask_both_in_turn(root, &mut known);
    }
    pull(&swept(root).client(), "library/first", "v1", &images.first);
    index::equals_a_fresh_one(root);
}

#[test]
fn an_index_that_missed_what_registry_2_8_did_equals_a_fresh_one_after_the_sweep() {
    let root = root();
    let images = Images::new();
    images.push(&swept(root.path()).client());
    for turn in 1..=3 {
        change(&registry_2_8(root.path()).client(), &images, turn);
        collect::collect(root.path(), &["--delete-untagged"]);
        drop(swept(root.path()));
        index::equals_a_fresh_one(root.path());
    }
}

/// Deleted images, cancelled uploads and collected blobs, with an index that knows nothing of it.
#[test]
fn what_registry_2_8_leaves_is_no_damage() {
    let root = root();
    let images = Images::new();
    images.push(&registry_2_8(root.path()).client());
    drop(swept(root.path()));
    leftovers::by_requests(&registry_2_8(root.path()), &images);
    // Its collection takes the manifests of a repository without layers, which is damage.
    fs::remove_dir_all(root.path().join("docker/registry/v2/repositories/left/empty")).expect("it is there");
    change(&registry_2_8(root.path()).client(), &images, 1);
    collect::collect(root.path(), &[]);
    let told = fsck(root.path(), &["--read-data"], 0);
    for class in [
        "empty-directory",
        "leftover-upload",
        "link-without-blob",
        "file-without-row",
    ] {
        assert!(
            told.lines().any(|line| line.starts_with(class)),
            "no {class} in\n{told}"
        );
    }
    fsck(root.path(), &["--read-data", "--repair"], 0);
    let clean = fsck(root.path(), &["--read-data"], 0);
    assert!(clean.contains(" 0 damaged, 0 left-overs"), "{clean}");
    images.pull(&registry_2_8(root.path()).client());
}

#[test]
fn a_blob_that_registry_2_8_stored_under_another_algorithm_is_pulled_by_both_digests() {
    let root = root();
    let blob = Content::new("application/octet-stream", vec![7; 5000]);
    let long = sha512(&blob.bytes);
    let registry = registry_2_8(root.path());
    push_blob(
        &registry.client(),
        "long",
        &Content {
            digest: long.clone(),
            ..blob.clone()
        },
    );
    drop(registry);
    let server = wharf(&config()).root(root.path()).start();
    for digest in [&long, &blob.digest] {
        let pulled = server.client().send(Request::get(format!("/v2/long/blobs/{digest}")));
        let pulled = pulled.expect_status(200);
        assert_eq!(pulled.expect_header("Docker-Content-Digest"), digest);
        assert!(pulled.body == blob.bytes);
    }
    let mount = with_query("/v2/mounted/blobs/uploads/", &format!("mount={long}&from=long"));
    server.client().send(Request::post(mount)).expect_status(201);
    let pulled = server.client().send(Request::get(format!("/v2/mounted/blobs/{long}")));
    assert!(pulled.expect_status(200).body == blob.bytes);
}

/// Registry 2.8 takes manifests that wharf refuses. Once stored, they are served: an image that was pulled yesterday is
/// pulled tomorrow.
#[test]
fn manifests_that_only_registry_2_8_accepts_are_served_once_they_are_stored() {
    let root = root();
    let registry = registry_2_8(root.path());
    let client = registry.client();
    let config = Content::new("application/vnd.oci.image.config.v1+json", "{}");
    let layer = Content::new("application/vnd.oci.image.layer.v1.tar+gzip", "layer");
    push_blob(&client, "odd", &config);
    push_blob(&client, "odd", &layer);
    let (config, layer) = (config.descriptor(), layer.descriptor());
    let with = |key: &str, value: serde_json::Value| {
        let mut changed = layer.clone();
        changed[key] = value;
        changed
    };
    let (oci, schema2) = (crate::differential::content::OCI, crate::differential::content::SCHEMA2);
    let image = |kind: &str, layers: serde_json::Value| {
        json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}).to_string()
    };
    let stored = [
        (
            oci,
            json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string(),
        ),
        (oci, image(oci, json!([with("size", json!(1))]))),
        (oci, image(oci, json!([with("size", json!(-1))]))),
        (oci, image(oci, json!([with("mediaType", json!(""))]))),
        (oci, image(oci, json!([]))),
        (
            schema2,
            image(schema2, json!([layer])).replace("\"layers\"", "\"layers\":[],\"layers\""),
        ),
        (
            schema2,
            image(schema2, json!([layer])).replace("\"layers\"", "\"manifests\":[],\"layers\""),
        ),
    ];
    for (number, (kind, text)) in stored.iter().enumerate() {
        push_manifest(
            &client,
            "odd",
            &format!("v{number}"),
            &Content::new(*kind, text.as_str()),
        );
    }
    drop(registry);
    let server = wharf(&crate::config()).root(root.path()).start();
    for (number, (kind, text)) in stored.iter().enumerate() {
        for reference in [format!("v{number}"), sha256(text)] {
            let get = Request::get(format!("/v2/odd/manifests/{reference}")).header("Accept", *kind);
            let pulled = server.client().send(get);
            assert_eq!(
                (pulled.status, pulled.text().as_str()),
                (200, text.as_str()),
                "{reference}"
            );
            assert_eq!(pulled.expect_header("Content-Type"), *kind);
        }
    }
}
