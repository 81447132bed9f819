//! end-9, end-10: what is deleted is gone at once, and nothing else is.

use serde_json::json;
use wharf_testing::Config;
use wharf_testing::encoding::{sha256, sha512};

use crate::manifest::Manifest;
use crate::soundness::expect_error;
use crate::wharf::{Wharf, blob, manifest};

#[test]
fn deleting_a_tag_removes_that_tag_only() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "one", "tags");
    wharf.push_manifest("a", "two", &image);
    wharf.delete(&manifest("a", "one")).expect_status(202);
    wharf.get(&manifest("a", "one")).expect_status(404);
    wharf.head(&manifest("a", "one")).expect_status(404);
    wharf.expect_manifest(&manifest("a", "two"), &image.digest(), &image);
    wharf.expect_manifest(&manifest("a", &image.digest()), &image.digest(), &image);
    assert_eq!(wharf.get("/v2/a/tags/list").json()["tags"], json!(["two"]));
}

#[test]
fn deleting_the_last_tag_leaves_the_manifest() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "last tag");
    wharf.delete(&manifest("a", "latest")).expect_status(202);
    wharf.get(&manifest("a", "latest")).expect_status(404);
    wharf.expect_manifest(&manifest("a", &image.digest()), &image.digest(), &image);
    wharf.push_manifest("a", "again", &image);
    wharf.expect_manifest(&manifest("a", "again"), &image.digest(), &image);
}

#[test]
fn deleting_a_manifest_removes_its_tags_and_nothing_else() {
    let wharf = Wharf::start();
    let (gone, kept) = (
        wharf.push_image("a", "one", "gone"),
        wharf.push_image("a", "kept", "kept"),
    );
    wharf.push_manifest("a", "two", &gone);
    let copy = wharf.push_image("b", "one", "gone");
    assert_eq!(copy.digest(), gone.digest());
    wharf.delete(&manifest("a", &gone.digest())).expect_status(202);
    for reference in ["one", "two", &gone.digest()] {
        expect_error(&wharf.get(&manifest("a", reference)), 404, "MANIFEST_UNKNOWN");
        wharf.head(&manifest("a", reference)).expect_status(404);
    }
    assert_eq!(wharf.get("/v2/a/tags/list").json()["tags"], json!(["kept"]));
    wharf.expect_manifest(&manifest("a", "kept"), &kept.digest(), &kept);
    wharf.expect_manifest(&manifest("b", "one"), &copy.digest(), &copy);
}

#[test]
fn a_deleted_manifest_may_be_pushed_again() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "again");
    wharf.delete(&manifest("a", &image.digest())).expect_status(202);
    wharf.push_manifest("a", "latest", &image);
    wharf.expect_manifest(&manifest("a", "latest"), &image.digest(), &image);
}

#[test]
fn deleting_an_index_leaves_its_children() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "child", "child");
    let index = Manifest::index(&[&image]);
    wharf.push_manifest("a", "index", &index);
    wharf.delete(&manifest("a", &index.digest())).expect_status(202);
    wharf.get(&manifest("a", "index")).expect_status(404);
    wharf.expect_manifest(&manifest("a", "child"), &image.digest(), &image);
}

#[test]
fn deleting_a_blob_removes_it_from_its_repository_only() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("a", b"shared");
    let other = wharf.push_blob("a", b"other");
    wharf.push_blob("b", b"shared");
    wharf.delete(&blob("a", &digest)).expect_status(202);
    expect_error(&wharf.get(&blob("a", &digest)), 404, "BLOB_UNKNOWN");
    wharf.head(&blob("a", &digest)).expect_status(404);
    wharf.expect_blob(&blob("a", &other), &other, b"other");
    wharf.expect_blob(&blob("b", &digest), &digest, b"shared");
}

#[test]
fn a_deleted_blob_may_be_pushed_again() {
    let wharf = Wharf::start();
    for _ in 0..2 {
        let digest = wharf.push_blob("a", b"comes and goes");
        wharf.expect_blob(&blob("a", &digest), &digest, b"comes and goes");
        wharf.delete(&blob("a", &digest)).expect_status(202);
    }
}

#[test]
fn deleting_what_is_not_there_is_404() {
    let wharf = Wharf::start();
    wharf.push_image("a", "latest", "there");
    for repository in ["a", "never/pushed"] {
        for reference in ["gone", &sha256("gone"), &sha512("gone")] {
            let answer = wharf.delete(&manifest(repository, reference));
            expect_error(&answer, 404, "MANIFEST_UNKNOWN");
        }
        let answer = wharf.delete(&blob(repository, &sha256("gone")));
        expect_error(&answer, 404, "BLOB_UNKNOWN");
    }
}

#[test]
fn deleting_twice_is_404_the_second_time() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "twice");
    let digest = wharf.push_blob("a", b"twice");
    for target in [
        manifest("a", "latest"),
        manifest("a", &image.digest()),
        blob("a", &digest),
    ] {
        wharf.delete(&target).expect_status(202);
        wharf.delete(&target).expect_status(404);
    }
}

#[test]
fn a_digest_that_is_none_is_400() {
    let wharf = Wharf::start();
    wharf.push_image("a", "latest", "bad digest");
    for digest in ["sha256:abc", "sha256:"] {
        expect_error(&wharf.delete(&manifest("a", digest)), 400, "DIGEST_INVALID");
        expect_error(&wharf.delete(&blob("a", digest)), 400, "DIGEST_INVALID");
    }
}

#[test]
fn deletes_that_are_switched_off_are_405() {
    let wharf = Wharf::start_with(&Config::new());
    let image = wharf.push_image("a", "latest", "kept");
    let digest = wharf.push_blob("a", b"kept");
    for target in [
        manifest("a", "latest"),
        manifest("a", &image.digest()),
        blob("a", &digest),
    ] {
        expect_error(&wharf.delete(&target), 405, "UNSUPPORTED");
    }
    wharf.expect_manifest(&manifest("a", "latest"), &image.digest(), &image);
    wharf.expect_blob(&blob("a", &digest), &digest, b"kept");
}

#[test]
fn deletes_are_on_where_the_configuration_says_so() {
    let wharf = Wharf::start_with(&Config::new().delete());
    let image = wharf.push_image("a", "latest", "deleted");
    let digest = wharf.push_blob("a", b"deleted");
    for target in [
        manifest("a", "latest"),
        manifest("a", &image.digest()),
        blob("a", &digest),
    ] {
        wharf.delete(&target).expect_status(202);
        wharf.get(&target).expect_status(404);
    }
}
