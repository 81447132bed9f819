//! Digests.

use serde_json::json;
use wharf_testing::encoding::sha512;
use wharf_testing::http::{Request, Response};

use crate::harness::{OCI_IMAGE, OCI_INDEX, Torture, expect_error, index};

#[test]
fn name_08_what_is_no_digest_is_refused_everywhere() {
    let torture = Torture::start();
    let bad = [
        format!("sha256:{}", "A".repeat(64)),
        format!("sha256:{}", "a".repeat(63)),
        format!("sha256:{}", "a".repeat(65)),
        format!("sha256:{}", "g".repeat(64)),
        format!("sha512:{}", "a".repeat(64)),
        "md5:d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned(),
        "sha256:..%2Fx".to_owned(),
        "sha256:".to_owned(),
        ":".to_owned(),
        "sha256%2Bb64:LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=".to_owned(),
        format!("SHA256:{}", "a".repeat(64)),
        format!("sha256:{}%00", "a".repeat(64)),
    ];
    for digest in &bad {
        for target in ["manifests", "blobs", "referrers"].map(|part| format!("/v2/keep/alive/{part}/{digest}")) {
            expect_bad_digest(&torture.get(&target), &target);
        }
        let push = torture.put_manifest("a", digest, OCI_INDEX, &index(&[]));
        expect_bad_digest(&push, digest);
        let begin = torture.send(Request::post(format!("/v2/a/blobs/uploads/?digest={digest}")).body("x"));
        expect_bad_digest(&begin, digest);
    }
    for digest in bad.iter().map(String::as_str).chain([""]) {
        let upload = torture
            .send(Request::post("/v2/a/blobs/uploads/"))
            .expect_status(202)
            .location();
        let end = torture.send(Request::put(format!("{upload}&digest={digest}")).body("x"));
        expect_error(&end, 400, "DIGEST_INVALID");
        let left = torture.send(Request::delete(upload));
        assert!([204, 404].contains(&left.status), "{left}");
    }
    torture.finish();
}

/// 400, or 404 where a slash makes it another path.
#[track_caller]
fn expect_bad_digest(answer: &Response, digest: &str) {
    if digest.contains("%2F") && answer.status == 404 {
        return;
    }
    let codes = answer.error_codes();
    let fits = codes == ["DIGEST_INVALID"] || (digest.contains("%2F") && codes == ["NAME_INVALID"]);
    assert!(answer.status == 400 && fits, "{digest}: {answer}");
}

#[test]
fn name_08_sha512_is_accepted_end_to_end() {
    let torture = Torture::start();
    let (config, layer) = (b"{}".as_slice(), b"layer".as_slice());
    for content in [config, layer] {
        let target = format!("/v2/a/blobs/uploads/?digest={}", sha512(content));
        torture.send(Request::post(target).body(content)).expect_status(201);
        torture.expect_content(&format!("/v2/a/blobs/{}", sha512(content)), content);
    }
    let of = |content: &[u8]| json!({"mediaType": "application/x", "digest": sha512(content), "size": content.len()});
    let manifest = json!({"schemaVersion": 2, "config": of(config), "layers": [of(layer)]}).to_string();
    let digest = sha512(&manifest);
    let push = torture.put_manifest("a", &digest, OCI_IMAGE, manifest.as_bytes());
    assert_eq!(push.expect_status(201).expect_header("Docker-Content-Digest"), digest);
    torture.expect_content(&format!("/v2/a/manifests/{digest}"), manifest.as_bytes());
    torture.finish();
}
