//! What is said of an upload's content, and what is not.

use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use super::{begin, expect_blob, expect_created, expect_received, is_gone, is_stored, noise, put, uploads};
use crate::harness::{Torture, expect_error};
use crate::transport::over_both;

#[test]
fn upl_01_a_wrong_digest_cancels_the_upload() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let (content, wrong) = (noise(protocol, 300_000), sha256(format!("other {protocol}")));
        let right = sha256(&content);
        for in_the_patch in [0, 100_000, 300_000] {
            let location = begin(&torture, protocol);
            let (first, rest) = content.split_at(in_the_patch);
            let next = send(Request::patch(&location).body(first))
                .expect_status(202)
                .location();
            let refused = send(put(&next, &wrong).body(rest));
            expect_error(&refused, 400, "DIGEST_INVALID");
            assert!(is_gone(&torture, &next), "{protocol}: the upload is still on disk");
            expect_error(&send(Request::get(&next)), 404, "BLOB_UPLOAD_UNKNOWN");
            expect_error(&send(put(&next, &right)), 404, "BLOB_UPLOAD_UNKNOWN");
        }
        let whole = Request::post(format!("{}?digest={wrong}", uploads(protocol)));
        expect_error(&send(whole.body(&content)), 400, "DIGEST_INVALID");
        for digest in [&right, &wrong] {
            assert!(!is_stored(&torture, digest), "{protocol}: {digest}");
        }
    });
    torture.finish();
}

#[test]
fn upl_02_a_put_without_digest_keeps_the_upload() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 1000);
        let digest = sha256(&content);
        let location = begin(&torture, protocol);
        let location = send(Request::patch(&location).body(&content[..600]))
            .expect_status(202)
            .location();
        let bad = ["", "x", "sha256:", "sha256:abc", "md5:0123456789abcdef0123456789abcdef"];
        let puts = bad.map(|digest| put(&location, digest));
        for request in puts.into_iter().chain([Request::put(&location)]) {
            let refused = send(request.body(&content[600..]));
            expect_error(&refused, 400, "DIGEST_INVALID");
            expect_received(&torture, &location, 600);
        }
        let created = send(put(&location, &digest).body(&content[600..]));
        expect_created(created, protocol, &digest);
        expect_blob(&torture, protocol, &content);
    });
    torture.finish();
}

#[test]
fn upl_08_a_closing_put_can_be_repeated() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 1000);
        let digest = sha256(&content);
        let location = begin(&torture, protocol);
        let closing = put(&location, &digest).body(&content);
        expect_created(send(closing.clone()), protocol, &digest);
        for _ in 0..2 {
            expect_created(send(closing.clone()), protocol, &digest);
        }
        let other = put(&location, &sha256("other")).body("other");
        expect_error(&send(other), 404, "BLOB_UPLOAD_UNKNOWN");
        let blob = format!("/v2/{protocol}/blobs/{digest}");
        send(Request::delete(blob)).expect_status(202);
        expect_error(&send(closing), 404, "BLOB_UPLOAD_UNKNOWN");
    });
    torture.finish();
}

/// The answer is lost with its connection; the client cannot know whether the blob was taken.
#[test]
fn upl_08_a_closing_put_can_be_repeated_when_its_answer_was_lost() {
    let torture = Torture::start();
    for round in 0..20 {
        let content = noise(&format!("lost {round}"), 200_000);
        let digest = sha256(&content);
        let closing = put(&begin(&torture, "lost"), &digest).body(&content);
        torture.client().send_and_cut(&closing, content.len());
        expect_created(torture.send(closing), "lost", &digest);
        expect_blob(&torture, "lost", &content);
    }
    torture.finish();
}

/// By all ways that take a blob.
#[test]
fn upl_13_an_empty_blob_is_a_blob() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let digest = sha256("");
        let [put_only, chunked, at_once, mounted] =
            ["put", "patch", "post", "mount"].map(|way| format!("{protocol}/{way}"));
        let answer = send(put(&begin(&torture, &put_only), &digest));
        expect_created(answer, &put_only, &digest);

        let patched = send(Request::patch(begin(&torture, &chunked))).expect_status(202);
        assert_eq!(patched.expect_header("Range"), "0-0");
        expect_created(send(put(&patched.location(), &digest)), &chunked, &digest);

        let post = Request::post(format!("{}?digest={digest}", uploads(&at_once)));
        expect_created(send(post), &at_once, &digest);

        let mount = format!("{}?mount={digest}&from={put_only}", uploads(&mounted));
        expect_created(send(Request::post(mount)), &mounted, &digest);

        for repository in [put_only, chunked, at_once, mounted] {
            for method in ["GET", "HEAD"] {
                let answer = send(Request::new(method, format!("/v2/{repository}/blobs/{digest}")));
                let answer = answer.expect_status(200);
                assert_eq!(answer.expect_header("Content-Length"), "0", "{answer}");
                assert_eq!(answer.body, b"", "{answer}");
            }
        }
    });
    torture.finish();
}
