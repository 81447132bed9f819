//! Paths that mean another path.

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use crate::harness::{FileTrace, Torture, expect_error};

/// Ways out of a directory, or into another argument, as they have worked on servers before.
const TRAVERSALS: [&str; 20] = [
    "..",
    ".",
    "%2e%2e",
    "%2e",
    "..%2f",
    "..%2F..%2F..%2Fetc%2Fpasswd",
    "../../../../etc/passwd",
    "/etc/passwd",
    "/%2F%2F..%2F",
    "%2F%2F..%2F..%2Fetc%2Fpasswd",
    "..%5c..%5c",
    "..\\..\\",
    "%5c",
    "a%00",
    "%00",
    "..;",
    "a;b=c",
    "%3b",
    "%252e%252e%252f",
    "..%c0%af",
];

#[test]
fn name_01_no_spelling_of_a_path_leaves_the_root() {
    let torture = Torture::start();
    let trace = FileTrace::begin(torture.server());
    for bad in TRAVERSALS {
        for target in [
            format!("/v2/{bad}/manifests/1"),
            format!("/v2/{bad}/tags/list"),
            format!("/v2/keep/{bad}/manifests/1"),
            format!("/v2/keep/alive/{bad}/manifests/1"),
            format!("/v2/keep/alive/{bad}/blobs/uploads/"),
            format!("/v2/keep/alive/manifests/{bad}"),
            format!("/v2/keep/alive/manifests/sha256:{bad}"),
            format!("/v2/keep/alive/blobs/{bad}"),
            format!("/v2/keep/alive/blobs/sha256:{bad}"),
            format!("/v2/keep/alive/blobs/{bad}:{}", "0".repeat(64)),
            format!("/v2/keep/alive/blobs/uploads/{bad}"),
            format!("/v2/keep/alive/referrers/{bad}"),
            format!("/v2/{bad}"),
            format!("/{bad}"),
        ] {
            for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"] {
                let answer = torture.send(Request::new(method, &target).body(""));
                expect_refusal(&answer, method, &target);
            }
        }
    }
    torture.push_blob("source", b"a file that the trace must see");
    trace.expect_only_the_root();
    torture.finish();
}

/// 404 where no route is, 405 where another method belongs, else 400; and never a redirect to a path that was made clean.
#[track_caller]
fn expect_refusal(answer: &Response, method: &str, target: &str) {
    assert!([400, 404, 405].contains(&answer.status), "{method} {target}: {answer}");
    if answer.status == 400 && method != "HEAD" && !answer.body.is_empty() {
        let code = answer.error_codes().swap_remove(0);
        // A tag is part of a manifest's PUT.
        let codes = ["NAME_INVALID", "DIGEST_INVALID", "MANIFEST_INVALID"];
        assert!(codes.contains(&code.as_str()), "{method} {target}: {answer}");
    }
}

#[test]
fn name_01_parameters_name_repositories_and_digests_only() {
    let torture = Torture::start();
    let digest = torture.push_blob("source", b"mounted");
    let trace = FileTrace::begin(torture.server());
    for bad in TRAVERSALS {
        let mount = format!("/v2/target/blobs/uploads/?mount={digest}&from={bad}");
        expect_error(&torture.send(Request::post(mount)), 400, "NAME_INVALID");
        for parameter in ["digest", "digest-algorithm"] {
            let begin = format!("/v2/target/blobs/uploads/?{parameter}={bad}");
            expect_error(&torture.send(Request::post(begin)), 400, "DIGEST_INVALID");
        }
        let subject = sha256("subject");
        let referrers = format!("/v2/source/referrers/{subject}?last={bad}");
        expect_error(&torture.get(&referrers), 400, "DIGEST_INVALID");
        // A place in an order, which is compared and nothing else.
        torture.get(&format!("/v2/_catalog?last={bad}")).expect_status(200);
        torture
            .get(&format!("/v2/keep/alive/tags/list?last={bad}"))
            .expect_status(200);
    }
    torture.push_blob("source", b"a file that the trace must see");
    trace.expect_only_the_root();
    torture.get(&format!("/v2/target/blobs/{digest}")).expect_status(404);
    torture.finish();
}

#[test]
fn name_09_other_spellings_of_a_path_are_the_same_or_nothing() {
    let torture = Torture::start();
    let manifest = torture.get("/v2/keep/alive/manifests/1").expect_status(200);
    let private = torture.get("/v2/keep/dead/manifests/1");
    for (repository, canonical) in [("alive", &manifest), ("dead", &private)] {
        for target in [
            format!("/v2/keep/{repository}/manifests/1/"),
            format!("/v2/keep/{repository}/manifests//1"),
            format!("/v2/keep/{repository}//manifests/1"),
            format!("/v2/keep//{repository}/manifests/1"),
            format!("/v2//keep/{repository}/manifests/1"),
            format!("//v2/keep/{repository}/manifests/1"),
            format!("/v2/keep%2F{repository}/manifests/1"),
            format!("/v2/keep%2f{repository}%2Fmanifests%2F1"),
            format!("/v2%2Fkeep/{repository}/manifests/1"),
            format!("/%76%32/keep/{repository}/manifests/1"),
            format!("/v2/keep%252F{repository}/manifests/1"),
            format!("/v2/./keep/{repository}/manifests/1"),
            format!("/v2/x/../keep/{repository}/manifests/1"),
            format!("/v2/keep/{repository}/manifests/1;x=y"),
            format!("/v2/keep/{repository}/manifests/1%2F"),
            format!("/v2/keep/{repository}/manifests/1#"),
            format!("/V2/keep/{repository}/manifests/1"),
        ] {
            let answer = torture.get(&target);
            let is_same = answer.status == canonical.status && answer.body == canonical.body;
            assert!(is_same || [400, 404].contains(&answer.status), "{target}: {answer}");
        }
    }
    torture.finish();
}
