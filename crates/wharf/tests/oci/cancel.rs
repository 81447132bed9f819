//! end-14: uploads that end without a blob.

use std::fs;
use std::time::{Duration, Instant};

use wharf_testing::Config;
use wharf_testing::encoding::sha256;

use crate::soundness::expect_error;
use crate::wharf::{Wharf, blob};

#[test]
fn a_cancelled_upload_is_gone() {
    let wharf = Wharf::start();
    let empty = wharf.begin_upload("a");
    let begun = wharf.begin_upload("a");
    let begun = wharf.patch(&begun, 0, b"begun").expect_status(202).location();
    for location in [empty, begun] {
        wharf.delete(&location).expect_status(204);
        expect_error(&wharf.get(&location), 404, "BLOB_UPLOAD_UNKNOWN");
        wharf.patch(&location, 0, b"more").expect_status(404);
        wharf.finish(&location, &sha256("begun"), b"").expect_status(404);
        wharf.delete(&location).expect_status(404);
    }
    wharf.get(&blob("a", &sha256("begun"))).expect_status(404);
}

#[test]
fn cancelling_one_upload_leaves_the_others() {
    let wharf = Wharf::start();
    let (first, second) = (wharf.begin_upload("a"), wharf.begin_upload("a"));
    wharf.delete(&first).expect_status(204);
    wharf.finish(&second, &sha256("second"), b"second").expect_status(201);
}

#[test]
fn an_unfinished_upload_is_given_up_after_some_time() {
    let purging = "maintenance:\n  uploadpurging:\n    enabled: true\n    age: 1s\n    interval: 1s\n    dryrun: false";
    let wharf = Wharf::start_with(&Config::new().storage(purging));
    let location = wharf.begin_upload("a");
    let location = wharf.patch(&location, 0, b"forgotten").expect_status(202).location();
    // Asking for its status would keep it alive, so this looks for its directory.
    let uploads = wharf.tree("repositories/a/_uploads");
    let is_there = || fs::read_dir(&uploads).is_ok_and(|mut uploads| uploads.next().is_some());
    assert!(is_there());
    let deadline = Instant::now() + Duration::from_mins(1);
    while is_there() {
        assert!(Instant::now() < deadline, "the upload is still there");
        std::thread::sleep(Duration::from_millis(50));
    }
    wharf.get(&location).expect_status(404);
}
