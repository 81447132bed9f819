//! end-11: a blob of another repository, without sending it again.

use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::{Request, Response};

use crate::wharf::{Wharf, blob, uploads};

fn mount(wharf: &Wharf, target: &str, query: &str) -> Response {
    wharf.send(Request::post(format!("{}?{query}", uploads(target))))
}

/// Checks that the answer to a mount began an upload instead, and that the upload works.
#[track_caller]
fn expect_upload(wharf: &Wharf, answer: Response, content: &[u8]) {
    let location = answer.expect_status(202).location();
    wharf.finish(&location, &sha256(content), content).expect_status(201);
}

#[test]
fn a_mount_gives_201_and_a_blob_to_pull() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("source", b"mounted");
    let answer = mount(&wharf, "target", &format!("mount={digest}&from=source"));
    let answer = answer.expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    wharf.expect_blob(&answer.location(), &digest, b"mounted");
    wharf.expect_blob(&blob("target", &digest), &digest, b"mounted");
}

#[test]
fn a_mount_needs_no_source_repository() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("source", b"anonymous");
    let answer = mount(&wharf, "target", &format!("mount={digest}")).expect_status(201);
    assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    wharf.expect_blob(&answer.location(), &digest, b"anonymous");
    wharf.expect_blob(&blob("target", &digest), &digest, b"anonymous");
}

#[test]
fn a_blob_known_by_sha512_is_mounted_under_that_digest() {
    let wharf = Wharf::start();
    for (query, content) in [("&from=source", "sha512"), ("", "sha512 of anywhere")] {
        let digest = sha512(content);
        let location = wharf.begin_upload("source");
        wharf.finish(&location, &digest, content.as_bytes()).expect_status(201);
        let answer = mount(&wharf, "target", &format!("mount={digest}{query}"));
        let answer = answer.expect_status(201);
        assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
        wharf.expect_blob(&answer.location(), &digest, content.as_bytes());
    }
}

#[test]
fn a_blob_that_is_nowhere_begins_an_upload() {
    let wharf = Wharf::start();
    wharf.push_blob("source", b"something else");
    let missing = sha256("missing");
    for query in [format!("mount={missing}&from=source"), format!("mount={missing}")] {
        let answer = mount(&wharf, "target", &query);
        expect_upload(&wharf, answer, query.as_bytes());
    }
    wharf.get(&blob("target", &missing)).expect_status(404);
}

#[test]
fn a_source_without_the_blob_begins_an_upload() {
    let wharf = Wharf::start();
    wharf.push_blob("source", b"something else");
    let digest = wharf.push_blob("elsewhere", b"only elsewhere");
    for from in ["source", "never/pushed"] {
        let answer = mount(&wharf, "target", &format!("mount={digest}&from={from}"));
        expect_upload(&wharf, answer, from.as_bytes());
    }
    wharf.get(&blob("target", &digest)).expect_status(404);
}

#[test]
fn a_mount_that_can_not_be_read_begins_an_upload_or_is_refused() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("source", b"mounted");
    let queries = [
        "mount=sha256:abc&from=source".to_owned(),
        "mount=&from=source".to_owned(),
        format!("mount={digest}&from=Not%20A%20Name"),
    ];
    for query in queries {
        let answer = mount(&wharf, "target", &query);
        assert!([202, 400].contains(&answer.status), "{query}: {answer}");
    }
    wharf.get(&blob("target", &digest)).expect_status(404);
}

#[test]
fn a_repository_may_mount_from_itself() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("a", b"already here");
    mount(&wharf, "a", &format!("mount={digest}&from=a")).expect_status(201);
    wharf.expect_blob(&blob("a", &digest), &digest, b"already here");
}

#[test]
fn a_mounted_blob_outlives_its_source() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("source", b"outlives");
    mount(&wharf, "target", &format!("mount={digest}&from=source")).expect_status(201);
    wharf.delete(&blob("source", &digest)).expect_status(202);
    wharf.get(&blob("source", &digest)).expect_status(404);
    wharf.expect_blob(&blob("target", &digest), &digest, b"outlives");
}
