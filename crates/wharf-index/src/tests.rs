//! Tests against a real SQLite file.

use std::sync::Arc;
use std::thread;

use wharf_spec::{Algorithm, Digest, Reference, RepositoryName, Tag};

use super::*;

fn open() -> (tempfile::TempDir, Index) {
    let directory = tempfile::tempdir().unwrap();
    let index = Index::open(&directory.path().join("index.sqlite")).unwrap();
    (directory, index)
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn digest(content: &str) -> Digest {
    Digest::of(Algorithm::Sha256, content.as_bytes())
}

fn manifest(content: &str) -> NewManifest {
    NewManifest {
        digest: digest(content),
        size_bytes: content.len() as u64,
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        references: vec![digest("layer")],
        subject: None,
        artifact_type: None,
        annotations: None,
    }
}

#[test]
fn a_blob_belongs_to_the_repositories_that_link_it() {
    let (_directory, index) = open();
    index.link_blob(&name("a"), digest("x"), digest("x"), 1).unwrap();
    assert_eq!(
        index.find_blob(&name("a"), digest("x")).unwrap(),
        Some(BlobRow {
            content: digest("x"),
            size_bytes: 1
        })
    );
    assert_eq!(index.find_blob(&name("b"), digest("x")).unwrap(), None);
    assert!(index.find_blob_anywhere(digest("x")).unwrap().is_some());
    assert!(index.unlink_blob(&name("a"), digest("x")).unwrap());
    assert!(!index.unlink_blob(&name("a"), digest("x")).unwrap());
    assert_eq!(index.find_blob_anywhere(digest("x")).unwrap(), None);
}

#[test]
fn deleting_a_manifest_takes_its_tags_along_and_leaves_no_ghost() {
    let (_directory, index) = open();
    index
        .put_manifest(&name("a"), manifest("m"), vec![tag("1"), tag("2")])
        .unwrap();
    index.put_manifest(&name("a"), manifest("n"), vec![tag("2")]).unwrap();
    assert_eq!(
        index.delete_manifest(&name("a"), digest("m")).unwrap(),
        Some(vec!["1".to_owned()])
    );
    assert_eq!(index.delete_manifest(&name("a"), digest("m")).unwrap(), None);
    assert_eq!(index.tags(&name("a"), None, 10).unwrap(), ["2"]);
    assert!(index.delete_tag(&name("a"), &tag("2")).unwrap());
    assert_eq!(
        index.catalog(b"", 10).unwrap(),
        ["a"],
        "an untagged manifest keeps its repository"
    );
    index.delete_manifest(&name("a"), digest("n")).unwrap();
    assert!(index.catalog(b"", 10).unwrap().is_empty());
    assert!(!index.has_manifests(&name("a")).unwrap());
}

#[test]
fn lists_are_paged_in_their_order() {
    let (_directory, index) = open();
    for repository in ["a-b", "a/b", "a"] {
        index.put_manifest(&name(repository), manifest("m"), vec![]).unwrap();
    }
    assert_eq!(index.catalog(b"", 2).unwrap(), ["a", "a/b"]);
    assert_eq!(index.catalog(&name("a/b").sort_key(), 2).unwrap(), ["a-b"]);
    let tags = ["0.1.2", "0.1.20", "0.2"];
    index
        .put_manifest(&name("a"), manifest("m"), tags.map(tag).to_vec())
        .unwrap();
    assert_eq!(index.tags(&name("a"), Some("0.1.2"), 1).unwrap(), ["0.1.20"]);
    assert_eq!(index.tags(&name("a"), None, 10).unwrap(), tags);
}

#[test]
fn referrers_are_filtered_and_paged() {
    let (_directory, index) = open();
    for (content, artifact_type) in [("r1", "sbom"), ("r2", "signature"), ("r3", "sbom")] {
        let referrer = NewManifest {
            subject: Some(digest("subject")),
            artifact_type: Some(artifact_type.to_owned()),
            annotations: Some(r#"{"k":"v"}"#.to_owned()),
            ..manifest(content)
        };
        index.put_manifest(&name("a"), referrer, vec![]).unwrap();
    }
    let list = |artifact_type, after: Option<&Digest>, limit, bytes_max| {
        let list = index.referrers(&name("a"), digest("subject"), artifact_type, after, limit, bytes_max);
        list.unwrap()
            .into_iter()
            .map(|referrer| referrer.digest)
            .collect::<Vec<_>>()
    };
    let all = index
        .referrers(&name("a"), digest("subject"), None, None, 10, 1000)
        .unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].annotations.as_ref().unwrap().get(), r#"{"k":"v"}"#);
    assert_eq!(list(None, Some(&all[0].digest), 1, 1000), [all[1].digest]);
    assert_eq!(list(Some("sbom"), None, 10, 1000).len(), 2);
    let two_bytes = all[0].text_bytes() + all[1].text_bytes();
    assert_eq!(list(None, None, 10, two_bytes).len(), 3);
    assert_eq!(list(None, None, 10, two_bytes - 1).len(), 2);
    assert_eq!(list(None, None, 10, 0), [all[0].digest, all[1].digest]);
    assert!(
        index
            .referrers(&name("b"), digest("subject"), None, None, 10, 1000)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_failed_write_leaves_nothing_and_harms_no_other() {
    let (_directory, index) = open();
    let index = Arc::new(index);
    // A tag on a manifest that is not there breaks the foreign key.
    let bad = {
        let index = Arc::clone(&index);
        thread::spawn(move || {
            index.writer.write(|connection| {
                let id = row::ensure_repository(connection, &name("bad"))?;
                row::upsert_tag(connection, id, "t", digest("nothing"))
            })
        })
    };
    let good: Vec<_> = (0..20)
        .map(|number| {
            let index = Arc::clone(&index);
            thread::spawn(move || {
                index.link_blob(
                    &name("good"),
                    digest(&number.to_string()),
                    digest(&number.to_string()),
                    1,
                )
            })
        })
        .collect();
    assert!(bad.join().unwrap().is_err());
    for thread in good {
        thread.join().unwrap().unwrap();
    }
    assert_eq!(index.repositories(b"", 10).unwrap(), ["good"]);
    assert_eq!(index.counts().unwrap().blobs, 20);
}

#[test]
fn a_newer_layout_is_refused() {
    let (directory, index) = open();
    drop(index);
    let path = directory.path().join("index.sqlite");
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(Index::open(&path), Err(IndexError::Unfit { .. })));
}

#[test]
fn a_snapshot_makes_the_index_say_what_the_tree_says() {
    let (_directory, index) = open();
    index
        .put_manifest(&name("a"), manifest("stays"), vec![tag("moved"), tag("gone")])
        .unwrap();
    index.put_manifest(&name("a"), manifest("goes"), vec![]).unwrap();
    index.link_blob(&name("a"), digest("old"), digest("old"), 3).unwrap();
    let snapshot = Snapshot {
        blobs: [(
            digest("layer"),
            BlobRow {
                content: digest("layer"),
                size_bytes: 5,
            },
        )]
        .into(),
        known_manifests: [digest("stays")].into(),
        new_manifests: vec![manifest("new")],
        tags: [("moved".to_owned(), digest("new"))].into(),
    };
    let expected = Differences {
        missing: vec![
            Record::Blob(digest("layer")),
            Record::Manifest(digest("new")),
            Record::Tag("moved".to_owned()),
        ],
        surplus: vec![
            Record::Blob(digest("old")),
            Record::Tag("gone".to_owned()),
            Record::Manifest(digest("goes")),
        ],
    };
    assert_eq!(index.compare_snapshot(&name("a"), &snapshot).unwrap(), expected);
    assert_eq!(index.apply_snapshot(&name("a"), snapshot.clone()).unwrap(), expected);
    assert_eq!(index.find_tag(&name("a"), &tag("moved")).unwrap(), Some(digest("new")));
    let by_digest = Reference::Digest(digest("goes"));
    assert_eq!(index.find_manifest(&name("a"), &by_digest).unwrap(), None);
    let known_manifests = [digest("stays"), digest("new")].into();
    let again = Snapshot {
        known_manifests,
        new_manifests: vec![],
        ..snapshot
    };
    assert!(index.apply_snapshot(&name("a"), again).unwrap().is_empty());
}
