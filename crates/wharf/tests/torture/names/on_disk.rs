//! Names as directories.

use serde_json::json;
use wharf_testing::encoding::sha256;

use crate::harness::Torture;

#[test]
fn name_04_a_name_of_120_components_works_on_disk() {
    let mut torture = Torture::start();
    let name = vec!["ab"; 85].join("/");
    let nested = vec!["a"; 120].join("/");
    for name in [&name, &nested] {
        assert!(name.len() <= 255);
        let manifest = torture.push_image(name, "1", "nested");
        torture.expect_content(&format!("/v2/{name}/manifests/1"), &manifest);
    }
    assert!(
        torture
            .tree(&format!("repositories/{nested}/_manifests/tags/1/current/link"))
            .is_file()
    );
    // What is on disk is found again.
    torture.restart_after(|_| ());
    torture.get(&format!("/v2/{nested}/manifests/1")).expect_status(200);
    let catalog = torture.get("/v2/_catalog").expect_status(200).json();
    assert_eq!(catalog["repositories"], json!([nested, name, "keep/alive"]));
    torture.finish();
}

#[test]
fn name_05_a_repository_that_is_deleted_takes_no_other_along() {
    let torture = Torture::start();
    let names = ["foo", "foo/bar", "foo-bar", "foobar", "bar/foo"];
    let manifests = names.map(|name| torture.push_image(name, "1", "shared"));
    let digest = sha256(&manifests[0]);
    let layer = sha256("layer of shared");
    torture
        .delete(&format!("/v2/foo/manifests/{digest}"))
        .expect_status(202);
    torture.delete(&format!("/v2/foo/blobs/{layer}")).expect_status(202);
    for (name, manifest) in names.iter().zip(&manifests).skip(1) {
        torture.expect_content(&format!("/v2/{name}/manifests/1"), manifest);
        torture.expect_content(&format!("/v2/{name}/manifests/{digest}"), manifest);
        torture.expect_content(&format!("/v2/{name}/blobs/{layer}"), b"layer of shared");
    }
    assert_eq!(torture.manifest_status("foo", "1"), 404);
    torture.get(&format!("/v2/foo/blobs/{layer}")).expect_status(404);
    let catalog = torture.get("/v2/_catalog").json();
    assert_eq!(
        catalog["repositories"],
        json!(["bar/foo", "foo/bar", "foo-bar", "foobar", "keep/alive"])
    );
    torture.finish();
}
