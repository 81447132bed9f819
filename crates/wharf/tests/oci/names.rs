//! Names of repositories and tags: the grammar, and what is outside it.

use crate::manifest::Manifest;
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

/// An index of nothing, which can be pushed anywhere without a blob.
fn empty_index() -> Manifest {
    Manifest::index(&[])
}

#[test]
fn names_of_the_grammar_are_accepted() {
    let wharf = Wharf::start();
    let names = [
        "a",
        "0",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a---b",
        "a/b",
        "a/b/c/d/e/f/g/h",
        "a.b_c-d__e/0.1_2-3__4",
        "library/ubuntu",
    ];
    for name in names {
        wharf.push_manifest(name, "latest", &empty_index());
        wharf.expect_manifest(&manifest(name, "latest"), &empty_index().digest(), &empty_index());
    }
}

#[test]
fn names_outside_the_grammar_are_400_name_invalid() {
    let wharf = Wharf::start();
    let names = [
        "A", "a/B", "-a", "a-", ".a", "a.", "_a", "a_", "a___b", "a..b", "a._b", "a/-b", "a/b-", "a+b", "a%20b",
        "a%C3%A9",
    ];
    for name in names {
        let put = wharf.put_manifest(name, "latest", &empty_index());
        expect_error(&put, 400, "NAME_INVALID");
        let get = wharf.get(&manifest(name, "latest"));
        expect_error(&get, 400, "NAME_INVALID");
    }
}

#[test]
fn a_name_may_have_255_characters_and_no_more() {
    let wharf = Wharf::start();
    let longest = format!("{}/{}", "a".repeat(127), "b".repeat(127));
    assert_eq!(longest.len(), 255);
    wharf.push_manifest(&longest, "latest", &empty_index());
    wharf.get(&manifest(&longest, "latest")).expect_status(200);
    let put = wharf.put_manifest(&format!("{longest}b"), "latest", &empty_index());
    expect_error(&put, 400, "NAME_INVALID");
}

#[test]
fn tags_of_the_grammar_are_accepted() {
    let wharf = Wharf::start();
    let longest = "t".repeat(128);
    for tag in [
        "a",
        "_a",
        "0",
        "1.2.3",
        "A-b_c.D",
        "__",
        "v1..2",
        "a-",
        longest.as_str(),
    ] {
        wharf.push_manifest("a", tag, &empty_index());
        wharf.get(&manifest("a", tag)).expect_status(200);
    }
}

#[test]
fn tags_outside_the_grammar_are_refused() {
    let wharf = Wharf::start();
    wharf.push_manifest("a", "latest", &empty_index());
    let long = "t".repeat(129);
    for tag in [".a", "-a", "a+b", "a%20b", "a%40b", "%C3%A9", long.as_str()] {
        let put = wharf.put_manifest("a", tag, &empty_index());
        expect_error(&put, 400, "MANIFEST_INVALID");
        let get = wharf.get(&manifest("a", tag));
        expect_error(&get, 404, "MANIFEST_UNKNOWN");
    }
    let tags = wharf.get("/v2/a/tags/list").json();
    assert_eq!(tags["tags"], serde_json::json!(["latest"]));
}

#[test]
fn case_distinguishes_tags() {
    let wharf = Wharf::start();
    let upper = wharf.push_image("a", "Latest", "upper");
    let lower = wharf.push_image("a", "latest", "lower");
    wharf.expect_manifest(&manifest("a", "Latest"), &upper.digest(), &upper);
    wharf.expect_manifest(&manifest("a", "latest"), &lower.digest(), &lower);
}

#[test]
fn a_repository_inside_another_is_a_scope_of_its_own() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a/b", "latest", "inner");
    wharf.get(&manifest("a", "latest")).expect_status(404);
    wharf.get(&manifest("a", &image.digest())).expect_status(404);
    wharf.expect_manifest(&manifest("a/b", "latest"), &image.digest(), &image);
}

#[test]
fn names_of_extensions_are_no_repositories() {
    let wharf = Wharf::start();
    wharf.get("/v2/_oci/ext/discover").expect_status(404);
    wharf.get("/v2/a/_oci/ext/discover").expect_status(404);
    for name in ["_oci", "_catalog", "a/_oci"] {
        let put = wharf.put_manifest(name, "latest", &empty_index());
        expect_error(&put, 400, "NAME_INVALID");
    }
    wharf.get("/v2/_catalog").expect_status(200);
}
