//! §1 of registry 2.8's behaviour: a tree with what deletes, crashes and people leave in it.

use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::Expect;
use crate::images::push_oci;
use crate::subject::Subject;
use crate::uploads::{HELLO, layer_link};

cases! {
    empty_directories: Config::new().delete(), differs in ["empty-directories"];
    broken_links: Config::new(), differs in ["broken-links"];
    dangling_tags: Config::new(), differs in ["dangling-tags"];
}

/// A deleted manifest and a deleted blob leave the directories of their links.
fn empty_directories(c: &Subject) {
    let manifest = sha256(push_oci(c, "foo", "v1"));
    let blob = c.push_blob("foo", HELLO);
    let revision = format!("repositories/foo/_manifests/revisions/{}", manifest.replace(':', "/"));
    let layer = layer_link("foo", &blob).replace("/link", "");
    c.ask(
        &Request::delete(format!("/v2/foo/manifests/{manifest}")),
        &Expect::empty(202),
    );
    c.ask(&Request::delete(format!("/v2/foo/blobs/{blob}")), &Expect::empty(202));
    for directory in [revision, layer] {
        assert_eq!(
            c.exists(&directory),
            c.differs("empty-directories", true, false),
            "{directory}"
        );
        assert!(c.names(&directory).is_empty());
    }
}

/// A link that is empty, or ends in a newline, gives 500.
fn broken_links(c: &Subject) {
    let digest = c.push_blob("foo", HELLO);
    for (repository, link) in [("empty", String::new()), ("newline", format!("{digest}\n"))] {
        c.write_file(&layer_link(repository, &digest), &link);
        let answer = c.send(&Request::get(format!("/v2/{repository}/blobs/{digest}")));
        assert_eq!(answer.status, c.differs("broken-links", 500, 404), "{answer}");
    }
}

/// A tag without a manifest is listed all the same.
fn dangling_tags(c: &Subject) {
    let digest = sha256(push_oci(c, "foo", "v1"));
    let link = format!("{}/link", digest.replace(':', "/"));
    let manifests = "repositories/bar/_manifests";
    c.write_file(&format!("{manifests}/revisions/{link}"), &digest);
    c.write_file(&format!("{manifests}/tags/v1/current/link"), &digest);
    c.write_file(&format!("{manifests}/tags/without-current/index/{link}"), &digest);
    c.write_file(
        &format!("{manifests}/tags/without-manifest/current/link"),
        &sha256("unknown"),
    );
    let list = c.send(&Request::get("/v2/bar/tags/list")).expect_status(200).json();
    let mut tags: Vec<String> = serde_json::from_value(list["tags"].clone()).expect("a list of strings");
    tags.sort();
    let all = vec!["v1", "without-current", "without-manifest"];
    assert_eq!(tags, c.differs("dangling-tags", all, vec!["v1"]));
    for tag in ["without-current", "without-manifest"] {
        c.send(&Request::get(format!("/v2/bar/manifests/{tag}")))
            .expect_status(404);
    }
}
