//! Deletes: switched off, of parts, and racing with pushes.

use std::sync::Barrier;
use std::thread;

use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use super::{push_nothing, tiny};
use crate::harness::{OCI_IMAGE, OCI_INDEX, Torture, check, descriptor, expect_error, index};

#[test]
fn man_16_deletes_that_are_switched_off_are_405() {
    let torture = Torture::start_with(&Config::new());
    let image = torture.push_image("a", "1", "stays");
    let layer = sha256("layer of stays");
    let targets = [
        "/v2/a/manifests/1".to_owned(),
        format!("/v2/a/manifests/{}", sha256(&image)),
        format!("/v2/a/blobs/{layer}"),
        // What is not there is not said to be missing either.
        "/v2/a/manifests/2".to_owned(),
        format!("/v2/a/blobs/{}", sha256("nothing")),
    ];
    for target in &targets {
        expect_error(&torture.delete(target), 405, "UNSUPPORTED");
    }
    torture.expect_content("/v2/a/manifests/1", &image);
    torture.expect_content(&format!("/v2/a/blobs/{layer}"), b"layer of stays");
    torture.finish();
}

#[test]
fn man_17_an_index_outlives_its_entries() {
    let torture = Torture::start();
    let children = ["amd64", "arm64"].map(|seed| torture.push_image("a", seed, seed));
    let entries = children.each_ref().map(|child| descriptor(OCI_IMAGE, child));
    let bytes = index(&entries);
    torture.put_manifest("a", "multi", OCI_INDEX, &bytes).expect_status(201);
    let gone = sha256(&children[0]);
    torture.delete(&format!("/v2/a/manifests/{gone}")).expect_status(202);
    assert_eq!(torture.manifest_status("a", &gone), 404);
    assert_eq!(torture.manifest_status("a", "amd64"), 404);
    torture.expect_content("/v2/a/manifests/multi", &bytes);
    torture.expect_content("/v2/a/manifests/arm64", &children[1]);
    torture.expect_content(&format!("/v2/a/blobs/{}", sha256("layer of amd64")), b"layer of amd64");
    // It can't be pushed anew while the entry is missing, and is whole again when the entry is.
    let again = torture.put_manifest("a", "multi", OCI_INDEX, &bytes);
    expect_error(&again, 400, "MANIFEST_BLOB_UNKNOWN");
    torture
        .put_manifest("a", &gone, OCI_IMAGE, &children[0])
        .expect_status(201);
    torture.put_manifest("a", "multi", OCI_INDEX, &bytes).expect_status(201);
    torture.finish();
}

/// Sends both at the same moment, by clients of their own.
fn race(torture: &Torture, first: &Request, second: &Request) -> (Response, Response) {
    let barrier = Barrier::new(2);
    let send = |request: &Request| {
        let client = torture.client();
        client.send(Request::get("/v2/"));
        barrier.wait();
        let answer = client.send(request);
        check(&answer);
        answer
    };
    thread::scope(|scope| {
        let first = scope.spawn(|| send(first));
        let second = send(second);
        (first.join().unwrap(), second)
    })
}

#[test]
fn man_20_a_manifest_and_the_delete_of_its_blob_come_one_after_the_other() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let mut won = [0, 0];
    for round in 0..60 {
        let layer = format!("raced for {round}");
        let digest = torture.push_blob("a", layer.as_bytes());
        let mut manifest = tiny("race");
        manifest["layers"][0] = descriptor("application/x", layer.as_bytes());
        let bytes = manifest.to_string().into_bytes();
        let put = Request::put("/v2/a/manifests/raced")
            .header("Content-Type", OCI_IMAGE)
            .body(&bytes);
        let delete = Request::delete(format!("/v2/a/blobs/{digest}"));
        let (put, delete) = race(&torture, &put, &delete);

        delete.expect_status(202);
        torture.get(&format!("/v2/a/blobs/{digest}")).expect_status(404);
        if put.status == 201 {
            // As registry:2, a delete that comes later takes the blob from under the manifest.
            torture.expect_content(&format!("/v2/a/manifests/{}", sha256(&bytes)), &bytes);
            torture.push_blob("a", layer.as_bytes());
            won[0] += 1;
        } else {
            expect_error(&put, 400, "MANIFEST_BLOB_UNKNOWN");
            assert_eq!(torture.manifest_status("a", &sha256(&bytes)), 404);
            won[1] += 1;
        }
    }
    assert_eq!(won[0] + won[1], 60);
    torture.finish();
}

#[test]
fn man_20_a_delete_in_another_repository_takes_nothing_from_a_manifest() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    for round in 0..40 {
        let layer = format!("shared {round}");
        let digest = torture.push_blob("a", layer.as_bytes());
        torture.push_blob("b", layer.as_bytes());
        let mut manifest = tiny("race");
        manifest["layers"][0] = descriptor("application/x", layer.as_bytes());
        let put = Request::put("/v2/a/manifests/raced").header("Content-Type", OCI_IMAGE);
        let delete = Request::delete(format!("/v2/b/blobs/{digest}"));
        let (put, delete) = race(&torture, &put.body(manifest.to_string()), &delete);
        put.expect_status(201);
        delete.expect_status(202);
        torture.expect_content(&format!("/v2/a/blobs/{digest}"), layer.as_bytes());
    }
    torture.finish();
}
