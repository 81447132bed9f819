//! The tag `sha256-<hex>` that stands in for the referrers endpoint where there is none, and the way from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use wharf_testing::encoding::{encoded, sha256};

use crate::manifest::{IMAGE, Manifest, artifact, index_json};
use crate::referrers::{descriptors, digests, list};
use crate::wharf::{Wharf, manifest};

const SBOM: &str = "application/vnd.example.sbom+json";
const SIGNATURE: &str = "application/vnd.example.signature";

/// The fallback tag of a digest.
fn fallback_tag(digest: &str) -> String {
    let (algorithm, hex) = digest.split_once(':').expect("a digest has a colon");
    format!("{algorithm}-{}", &hex[..64])
}

/// What an older client pushes under the fallback tag: an index with the artifact types in its descriptors.
fn fallback_index(referrers: &[&Manifest]) -> Manifest {
    let mut json = index_json(referrers);
    for (index, referrer) in referrers.iter().enumerate() {
        let source: Value = serde_json::from_slice(referrer.bytes()).expect("JSON");
        json["manifests"][index]["artifactType"] = source["artifactType"].clone();
    }
    Manifest::of(crate::manifest::INDEX, &json)
}

/// A tree as registry:2 would have written it, without anything of ours beside it.
struct Tree {
    root: TempDir,
}

impl Tree {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().expect("a temporary directory can be made"),
        }
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.root.path().join("docker/registry/v2").join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("directories");
        fs::write(path, content).expect("a file can be written");
    }

    fn content(&self, content: &[u8]) -> String {
        let digest = sha256(content);
        let hex = encoded(&digest);
        self.write(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]), content);
        digest
    }

    /// A blob, linked in repository `a`.
    fn blob(&self, content: &[u8]) {
        let digest = self.content(content);
        let link = format!("repositories/a/_layers/sha256/{}/link", encoded(&digest));
        self.write(&link, digest.as_bytes());
    }

    /// A manifest of repository `a`, with a tag if one is given.
    fn manifest(&self, manifest: &Manifest, tag: Option<&str>) {
        let digest = self.content(manifest.bytes());
        let hex = encoded(&digest);
        let manifests = "repositories/a/_manifests";
        self.write(&format!("{manifests}/revisions/sha256/{hex}/link"), digest.as_bytes());
        if let Some(tag) = tag {
            let tag = format!("{manifests}/tags/{tag}");
            self.write(&format!("{tag}/index/sha256/{hex}/link"), digest.as_bytes());
            self.write(&format!("{tag}/current/link"), digest.as_bytes());
        }
    }
}

#[test]
fn manifests_of_a_fallback_index_from_before_are_listed() {
    let tree = Tree::new();
    tree.blob(b"{}");
    let subject = Manifest::image(b"{}", &[]);
    tree.manifest(&subject, Some("latest"));
    let notes = json!({ "org.example.note": "from before" });
    let sbom = artifact(SBOM).with("annotations", notes.clone()).about(&subject);
    let signature = artifact(SIGNATURE).about(&subject);
    let unrelated = artifact("application/vnd.example.unrelated");
    for referrer in [&sbom, &signature, &unrelated] {
        tree.manifest(referrer, None);
    }
    let index = fallback_index(&[&sbom, &signature, &unrelated]);
    let tag = fallback_tag(&subject.digest());
    tree.manifest(&index, Some(&tag));

    let wharf = Wharf::start_at(tree.root.path());
    let answer = list(&wharf, "a", &subject.digest(), "");
    assert_eq!(digests(&answer), BTreeSet::from([sbom.digest(), signature.digest()]));
    let found = descriptors(&answer);
    let found = found.iter().find(|found| found["digest"] == sbom.digest()).unwrap();
    assert_eq!(found["artifactType"], SBOM);
    assert_eq!(found["annotations"], notes);
    assert_eq!(found["mediaType"], IMAGE);
    assert_eq!(found["size"], sbom.bytes().len());
    wharf.expect_manifest(&manifest("a", &tag), &index.digest(), &index);
}

#[test]
fn a_manifest_from_before_that_no_fallback_index_lists_is_listed_too() {
    let tree = Tree::new();
    tree.blob(b"{}");
    let subject = Manifest::image(b"{}", &[]);
    tree.manifest(&subject, Some("latest"));
    let signature = artifact(SIGNATURE).about(&subject);
    tree.manifest(&signature, Some("signature"));

    let wharf = Wharf::start_at(tree.root.path());
    let listed = digests(&list(&wharf, "a", &subject.digest(), ""));
    assert_eq!(listed, BTreeSet::from([signature.digest()]));
}

#[test]
fn referrers_pushed_after_the_change_join_those_from_before() {
    let tree = Tree::new();
    tree.blob(b"{}");
    let subject = Manifest::image(b"{}", &[]);
    tree.manifest(&subject, Some("latest"));
    let before = artifact(SBOM).about(&subject);
    tree.manifest(&before, None);
    tree.manifest(&fallback_index(&[&before]), Some(&fallback_tag(&subject.digest())));

    let wharf = Wharf::start_at(tree.root.path());
    let after = artifact(SIGNATURE).about(&subject);
    let answer = wharf.put_manifest("a", &after.digest(), &after).expect_status(201);
    assert_eq!(answer.expect_header("OCI-Subject"), subject.digest());
    let listed = digests(&list(&wharf, "a", &subject.digest(), ""));
    assert_eq!(listed, BTreeSet::from([before.digest(), after.digest()]));
}

#[test]
fn a_fallback_index_that_an_older_client_pushes_is_served_as_it_is() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let subject = wharf.push_image("a", "latest", "older client");
    let (sbom, signature) = (artifact(SBOM).about(&subject), artifact(SIGNATURE).about(&subject));
    let tag = fallback_tag(&subject.digest());
    for referrers in [vec![&sbom], vec![&sbom, &signature]] {
        for referrer in &referrers {
            wharf.push_manifest("a", &referrer.digest(), referrer);
        }
        let index = fallback_index(&referrers);
        wharf.push_manifest("a", &tag, &index);
        wharf.expect_manifest(&manifest("a", &tag), &index.digest(), &index);
        let expected: BTreeSet<String> = referrers.iter().map(|r| r.digest()).collect();
        assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), expected);
    }
}

#[test]
fn an_entry_without_a_subject_is_no_referrer() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let subject = wharf.push_image("a", "latest", "unrelated");
    let unrelated = artifact(SBOM);
    wharf.push_manifest("a", &unrelated.digest(), &unrelated);
    let tag = fallback_tag(&subject.digest());
    wharf.push_manifest("a", &tag, &fallback_index(&[&unrelated]));
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), BTreeSet::new());
}

#[test]
fn a_deleted_referrer_does_not_come_back_through_the_fallback_index() {
    let mut wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let subject = wharf.push_image("a", "latest", "deleted");
    let sbom = artifact(SBOM).about(&subject);
    wharf.push_manifest("a", &sbom.digest(), &sbom);
    wharf.push_manifest("a", &fallback_tag(&subject.digest()), &fallback_index(&[&sbom]));
    wharf.delete(&manifest("a", &sbom.digest())).expect_status(202);
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), BTreeSet::new());
    wharf.restart();
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), BTreeSet::new());
}

#[test]
fn the_fallback_tag_of_a_sha512_digest_is_cut_to_a_tag() {
    let wharf = Wharf::start();
    let subject = Manifest::index(&[]);
    let tag = fallback_tag(&subject.sha512());
    assert_eq!(tag.len(), "sha512-".len() + 64);
    let index = fallback_index(&[]);
    wharf.push_manifest("a", &tag, &index);
    wharf.expect_manifest(&manifest("a", &tag), &index.digest(), &index);
}
