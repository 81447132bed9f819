//! Tags.

use crate::harness::{OCI_INDEX, Torture, expect_error, index};

#[test]
fn name_07_tags_follow_their_grammar() {
    let torture = Torture::start();
    let (longest, longer) = ("t".repeat(128), "t".repeat(129));
    for tag in [longest.as_str(), "_a", "0", "a.b-c_D", "a..b"] {
        torture
            .put_manifest("a", tag, OCI_INDEX, &index(&[]))
            .expect_status(201);
        assert_eq!(torture.manifest_status("a", tag), 200);
    }
    for tag in [longer.as_str(), ".a", "-a", "a%20b", "a%2Bb", "a%40b", "a%0Ab", "%20"] {
        let push = torture.put_manifest("a", tag, OCI_INDEX, &index(&[]));
        expect_error(&push, 400, "MANIFEST_INVALID");
        let pull = torture.get(&format!("/v2/a/manifests/{tag}"));
        expect_error(&pull, 404, "MANIFEST_UNKNOWN");
        let delete = torture.delete(&format!("/v2/a/manifests/{tag}"));
        expect_error(&delete, 404, "MANIFEST_UNKNOWN");
    }
    torture.finish();
}

#[test]
fn name_07_case_distinguishes_tags() {
    let torture = Torture::start();
    let upper = torture.push_image("a", "Latest", "upper");
    let lower = torture.push_image("a", "latest", "lower");
    torture.expect_content("/v2/a/manifests/Latest", &upper);
    torture.expect_content("/v2/a/manifests/latest", &lower);
    torture.delete("/v2/a/manifests/Latest").expect_status(202);
    torture.expect_content("/v2/a/manifests/latest", &lower);
    assert_eq!(torture.manifest_status("a", "Latest"), 404);
    torture.finish();
}
