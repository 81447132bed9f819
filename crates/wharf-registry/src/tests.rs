//! Tests of the registry on a real file system, and with a fault at every storage call.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use wharf_spec::{Algorithm, Digest, MediaType, Reference, RepositoryName, Tag};
use wharf_storage::{Driver, Fault, FaultPlan, Faulty, Filesystem};

use super::*;

fn settings() -> Settings {
    Settings {
        rules: Rules::default(),
        uploads_max: 100,
        secret: None,
    }
}

fn open(driver: impl Driver, root: &std::path::Path) -> Arc<Registry> {
    Arc::new(Registry::open(Arc::new(driver), StateDirectory::open(root).unwrap(), settings()).unwrap())
}

fn fresh() -> (tempfile::TempDir, Arc<Registry>) {
    let root = tempfile::tempdir().unwrap();
    let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
    (root, registry)
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn writer(registry: &Arc<Registry>, repository: &str, status: &UploadStatus) -> Result<UploadWriter, UploadError> {
    let guard = block_on(registry.lock_upload(&name(repository), &status.id));
    registry.open_upload(guard)
}

fn push_blob(registry: &Arc<Registry>, repository: &str, content: &[u8]) -> Result<Digest, UploadError> {
    let status = registry.create_upload(&name(repository), Algorithm::Sha256)?;
    let mut writer = writer(registry, repository, &status)?;
    writer.write(&[content])?;
    Ok(writer.commit(sha256(content))?.digest)
}

fn image(layers: &[&[u8]]) -> Bytes {
    let descriptor = |content: &[u8]| serde_json::json!({"mediaType": "application/octet-stream", "digest": sha256(content), "size": content.len()});
    let layers: Vec<_> = layers.iter().map(|layer| descriptor(layer)).collect();
    serde_json::json!({"schemaVersion": 2, "config": descriptor(b"{}"), "layers": layers})
        .to_string()
        .into()
}

fn put(registry: &Registry, repository: &str, bytes: &Bytes, tags: &[&str]) -> Result<Digest, PutManifestError> {
    let tags = tags.iter().map(|text| tag(text)).collect();
    let put = PutManifest {
        bytes: bytes.clone(),
        media_type: MediaType::OciManifest,
        digest: None,
        tags,
    };
    Ok(registry.put_manifest(&name(repository), put)?.0)
}

fn push_image(registry: &Arc<Registry>, repository: &str, layer: &[u8], tags: &[&str]) -> Digest {
    push_blob(registry, repository, b"{}").unwrap();
    push_blob(registry, repository, layer).unwrap();
    put(registry, repository, &image(&[layer]), tags).unwrap()
}

fn read(registry: &Registry, repository: &str, digest: Digest) -> Option<Vec<u8>> {
    registry.read_blob(&name(repository), digest, 1 << 20).unwrap()
}

#[test]
fn an_upload_goes_on_after_a_restart_with_or_without_its_hash_state() {
    let root = tempfile::tempdir().unwrap();
    let (status, digest) = {
        let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
        let status = registry.create_upload(&name("foo"), Algorithm::Sha256).unwrap();
        let mut first = writer(&registry, "foo", &status).unwrap();
        first.write(&[b"hello "]).unwrap();
        first.suspend().unwrap();
        (status, sha256(b"hello world"))
    };
    let hash_states = root.path().join(format!(
        "docker/registry/v2/repositories/foo/_uploads/{}/hashstates/sha256",
        status.id
    ));
    let kept: Vec<_> = std::fs::read_dir(&hash_states)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(kept, ["6"], "only the newest state is kept");
    for lose_state in [false, true] {
        if lose_state {
            std::fs::remove_dir_all(&hash_states).unwrap();
        }
        let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
        assert_eq!(registry.upload_status(&name("foo"), &status.id).unwrap().size_bytes, 6);
        let next = writer(&registry, "foo", &status).unwrap();
        drop(next);
    }
    let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
    let mut last = writer(&registry, "foo", &status).unwrap();
    last.write(&[b"world"]).unwrap();
    last.commit(digest).unwrap();
    assert_eq!(read(&registry, "foo", digest).unwrap(), b"hello world");
}

#[test]
fn a_wrong_digest_removes_the_upload_and_stores_nothing() {
    let (_root, registry) = fresh();
    let status = registry.create_upload(&name("foo"), Algorithm::Sha256).unwrap();
    let mut upload = writer(&registry, "foo", &status).unwrap();
    upload.write(&[b"content"]).unwrap();
    assert!(matches!(
        upload.commit(sha256(b"other")),
        Err(UploadError::Digest { .. })
    ));
    assert!(matches!(
        registry.upload_status(&name("foo"), &status.id),
        Err(UploadError::Unknown)
    ));
    assert_eq!(registry.find_blob(&name("foo"), sha256(b"content")).unwrap(), None);
    assert_eq!(registry.open_uploads(), 0);
}

#[test]
fn an_upload_may_name_sha512_only_at_its_end() {
    let (_root, registry) = fresh();
    let status = registry.create_upload(&name("foo"), Algorithm::Sha256).unwrap();
    let mut upload = writer(&registry, "foo", &status).unwrap();
    upload.write(&[b"content"]).unwrap();
    let digest = Digest::of(Algorithm::Sha512, b"content");
    upload.commit(digest).unwrap();
    assert_eq!(read(&registry, "foo", digest).unwrap(), b"content");
}

#[test]
fn a_manifest_needs_what_it_refers_to_in_its_own_repository() {
    let (_root, registry) = fresh();
    push_blob(&registry, "other", b"{}").unwrap();
    push_blob(&registry, "other", b"layer").unwrap();
    let Err(PutManifestError::Missing(missing)) = put(&registry, "foo", &image(&[b"layer"]), &["1"]) else {
        panic!("blobs of another repository do not count");
    };
    assert_eq!(missing, [sha256(b"{}"), sha256(b"layer")]);
    assert!(!registry.exists(&name("foo")).unwrap());
    for blob in missing {
        assert!(
            registry
                .mount_blob(&name("foo"), blob, Some(&name("other")))
                .unwrap()
                .is_some()
        );
    }
    put(&registry, "foo", &image(&[b"layer"]), &["1"]).unwrap();
}

#[test]
fn a_descriptor_must_tell_the_stored_size() {
    let (_root, registry) = fresh();
    push_blob(&registry, "foo", b"{}").unwrap();
    let manifest = image(&[]);
    let wrong = String::from_utf8(manifest.to_vec())
        .unwrap()
        .replace("\"size\":2", "\"size\":3");
    assert!(matches!(
        put(&registry, "foo", &wrong.into(), &[]),
        Err(PutManifestError::Size { .. })
    ));
}

#[test]
fn deletes_leave_what_they_were_not_asked_for() {
    let (_root, registry) = fresh();
    let first = push_image(&registry, "foo", b"one", &["a", "b"]);
    let second = push_image(&registry, "foo", b"two", &["c"]);
    assert!(registry.delete_tag(&name("foo"), &tag("a")).unwrap());
    assert_eq!(registry.tags(&name("foo"), None, 10).unwrap().unwrap(), ["b", "c"]);
    assert!(registry.delete_manifest(&name("foo"), first).unwrap());
    assert_eq!(registry.tags(&name("foo"), None, 10).unwrap().unwrap(), ["c"]);
    assert!(registry.delete_manifest(&name("foo"), second).unwrap());
    assert_eq!(registry.tags(&name("foo"), None, 10).unwrap(), None, "no ghost is left");
    registry.sweep();
    assert!(registry.catalog("", 10).unwrap().is_empty());
}

#[test]
fn a_truncated_blob_is_never_served_as_whole() {
    let (root, registry) = fresh();
    let digest = push_blob(&registry, "foo", b"0123456789").unwrap();
    let hex = digest.hex();
    let data = root
        .path()
        .join(format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]));
    std::fs::write(&data, b"01234").unwrap();
    assert!(matches!(
        registry.open_blob(&name("foo"), digest),
        Err(Failure::Damaged { actual_bytes: 5, .. })
    ));
    // Pushing the content again heals it.
    push_blob(&registry, "foo", b"0123456789").unwrap();
    assert!(registry.open_blob(&name("foo"), digest).unwrap().is_some());
}

#[test]
fn a_tree_without_an_index_is_taken_in() {
    let root = tempfile::tempdir().unwrap();
    let digest = {
        let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
        push_image(&registry, "a/b", b"layer", &["1"]);
        push_image(&registry, "a", b"layer", &["2"])
    };
    std::fs::remove_dir_all(root.path().join("wharf")).unwrap();
    let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
    let found = registry
        .find_manifest(&name("a"), &Reference::Tag(tag("2")))
        .unwrap()
        .unwrap();
    assert_eq!(found.digest, digest);
    registry.sweep();
    assert_eq!(registry.catalog("", 10).unwrap(), ["a", "a/b"]);
}

#[test]
fn what_was_changed_in_the_tree_while_wharf_was_away_counts() {
    let root = tempfile::tempdir().unwrap();
    {
        let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
        push_image(&registry, "a", b"one", &["moved", "gone"]);
        push_image(&registry, "a", b"two", &["x"]);
    }
    let tags = root.path().join("docker/registry/v2/repositories/a/_manifests/tags");
    std::fs::copy(tags.join("x/current/link"), tags.join("moved/current/link")).unwrap();
    std::fs::remove_dir_all(tags.join("gone")).unwrap();
    let registry = open(Filesystem::open(root.path()).unwrap(), root.path());
    let moved = registry.find_tag(&name("a"), &tag("moved")).unwrap();
    assert_eq!(moved, registry.find_tag(&name("a"), &tag("x")).unwrap());
    assert_eq!(registry.find_tag(&name("a"), &tag("gone")).unwrap(), None);
}

#[test]
fn purging_spares_uploads_that_somebody_works_on() {
    let (_root, registry) = fresh();
    let status = registry.create_upload(&name("foo"), Algorithm::Sha256).unwrap();
    let settings = UploadPurging {
        age: std::time::Duration::from_hours(1),
        interval: std::time::Duration::from_hours(1),
        dry_run: false,
    };
    let later = jiff::Timestamp::now() + std::time::Duration::from_hours(2);
    let held = writer(&registry, "foo", &status).unwrap();
    assert_eq!(registry.purge_uploads(&settings, later).uploads, 0);
    drop(held);
    assert_eq!(registry.purge_uploads(&settings, jiff::Timestamp::now()).uploads, 0);
    assert_eq!(registry.purge_uploads(&settings, later).uploads, 1);
    assert!(matches!(
        registry.upload_status(&name("foo"), &status.id),
        Err(UploadError::Unknown)
    ));
}

/// One push of an image over another, a re-tag and a delete, until something fails. Returns what was acknowledged.
fn story(registry: &Arc<Registry>) -> HashSet<&'static str> {
    let mut done = HashSet::new();
    let mut step = |name, result: bool| {
        if result {
            done.insert(name);
        }
        result
    };
    let _ = step("config", push_blob(registry, "foo", b"{}").is_ok())
        && step("layer", push_blob(registry, "foo", b"layer").is_ok())
        && step("manifest", put(registry, "foo", &image(&[b"layer"]), &["a"]).is_ok())
        && step("again", put(registry, "foo", &image(&[]), &["a", "b"]).is_ok())
        && step("untag", registry.delete_tag(&name("foo"), &tag("b")).is_ok());
    done
}

/// Fails the first storage call, then the second, … and looks each time, in the same process and after a restart, that what was
/// acknowledged is there and whole, and that nothing points to something that is not.
#[test]
fn a_fault_at_any_storage_call_loses_nothing_that_was_acknowledged() {
    for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite] {
        for plan in FaultPlan::each_call(fault) {
            let root = tempfile::tempdir().unwrap();
            let filesystem = Filesystem::open(root.path()).unwrap();
            let done = {
                let driver = Arc::new(Faulty::new(filesystem.clone(), plan.clone()));
                let state = StateDirectory::open(root.path()).unwrap();
                // A fault may also come before there is a registry.
                let Ok(registry) = Registry::open(driver, state, settings()).map(Arc::new) else {
                    continue;
                };
                let done = story(&registry);
                plan.lift();
                check(&registry, &done);
                done
            };
            check(&open(filesystem, root.path()), &done);
        }
    }
}

fn check(registry: &Arc<Registry>, done: &HashSet<&str>) {
    if done.contains("layer") {
        assert_eq!(read(registry, "foo", sha256(b"layer")).unwrap(), b"layer");
    }
    if done.contains("manifest") {
        let found = registry.find_tag(&name("foo"), &tag("a")).unwrap().unwrap();
        let expected = if done.contains("again") {
            vec![image(&[])]
        } else {
            vec![image(&[]), image(&[b"layer"])]
        };
        assert!(expected.iter().any(|bytes| sha256(bytes) == found));
    }
    if done.contains("untag") {
        assert_eq!(registry.find_tag(&name("foo"), &tag("b")).unwrap(), None);
    }
    for text in registry.tags(&name("foo"), None, 10).unwrap().unwrap_or_default() {
        let found = registry
            .read_manifest(&name("foo"), &Reference::Tag(tag(&text)))
            .unwrap()
            .expect("a tagged manifest has bytes");
        let manifest = wharf_spec::Manifest::parse(MediaType::OciManifest, &found.bytes).unwrap();
        for reference in manifest.references() {
            assert!(
                read(registry, "foo", reference.digest).is_some(),
                "{}",
                reference.digest
            );
        }
    }
}
