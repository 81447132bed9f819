//! Random damage, from seeds: what is told is what is done, one repair is enough, and nothing is lost that was whole.

mod damage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use wharf_spec::{Algorithm, Digest, MediaType, Reference};
use wharf_storage::{Fault, FaultPlan, Faulty, Filesystem};

use self::damage::{Damages, Random};
use super::{Damage, Finding, Fsck};
use crate::{PutManifest, Registry, Settings, StateDirectory};

const TREE: &str = "docker/registry/v2";
const REPOSITORIES: [&str; 3] = ["a", "a/b", "c"];
/// In CI; set `WHARF_FSCK_SEEDS` for more.
const SEEDS: u64 = 40;

fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

fn open(root: &Path) -> Arc<Registry> {
    let driver = Arc::new(Filesystem::open(root).unwrap());
    let state = StateDirectory::open(root).unwrap();
    Arc::new(
        Registry::open(
            driver,
            state,
            Settings {
                uploads_max: 9,
                ..Settings::offline()
            },
        )
        .unwrap(),
    )
}

fn upload(registry: &Arc<Registry>, repository: &str, content: &[u8], digest: Option<Digest>) {
    let repository = repository.parse().unwrap();
    let status = registry.create_upload(&repository, Algorithm::Sha256).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let guard = runtime.block_on(registry.lock_upload(&repository, &status.id));
    let mut writer = registry.open_upload(guard).unwrap();
    writer.write(&[content]).unwrap();
    match digest {
        Some(digest) => drop(writer.commit(digest).unwrap()),
        None => drop(writer.suspend().unwrap()),
    }
}

fn put(registry: &Registry, repository: &str, media_type: MediaType, manifest: String, tags: &[&str]) -> Digest {
    let put = PutManifest {
        bytes: manifest.into(),
        media_type,
        digest: None,
        tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
    };
    registry.put_manifest(&repository.parse().unwrap(), put).unwrap().0
}

/// Pushes an image of two layers, one of which all images share.
fn push(registry: &Arc<Registry>, repository: &str, layer: &str, tags: &[&str]) -> (Digest, usize) {
    let contents = [&b"{}"[..], layer.as_bytes(), b"shared"];
    let descriptors = contents.map(|content| {
        upload(registry, repository, content, Some(sha256(content)));
        serde_json::json!({"mediaType": "x/y", "digest": sha256(content), "size": content.len()})
    });
    let [config, layers @ ..] = descriptors;
    let image = serde_json::json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string();
    let size_bytes = image.len();
    (
        put(registry, repository, MediaType::OciManifest, image, tags),
        size_bytes,
    )
}

/// A root of three repositories, with tags that moved, an image index, what deletes leave, sha512 and an upload in progress.
fn template() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let registry = open(root.path());
    for (number, repository) in REPOSITORIES.into_iter().enumerate() {
        push(&registry, repository, &format!("old {number}"), &["moved"]);
        push(&registry, repository, &format!("gone {number}"), &["gone"]);
        let (image, size_bytes) = push(&registry, repository, &format!("new {number}"), &["moved", "v1"]);
        let entry =
            serde_json::json!({"mediaType": MediaType::OciManifest.as_str(), "digest": image, "size": size_bytes});
        let index = serde_json::json!({"schemaVersion": 2, "manifests": [entry], "annotations": {"of": repository}});
        put(&registry, repository, MediaType::OciIndex, index.to_string(), &["all"]);
        let gone = registry
            .find_tag(&repository.parse().unwrap(), &"gone".parse().unwrap())
            .unwrap();
        registry
            .delete_manifest(&repository.parse().unwrap(), gone.unwrap())
            .unwrap();
        upload(&registry, repository, format!("half of {repository}").as_bytes(), None);
        upload(
            &registry,
            repository,
            b"long",
            Some(Digest::of(Algorithm::Sha512, b"long")),
        );
    }
    // As registry:2 stores what is pushed by its sha512.
    let long = Digest::of(Algorithm::Sha512, b"shared").hex();
    let link = root
        .path()
        .join(TREE)
        .join(format!("repositories/a/_layers/sha512/{long}/link"));
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    fs::write(link, sha256(b"shared").to_string()).unwrap();
    drop(registry);
    let registry = open(root.path());
    registry.sweep();
    drop(registry);
    root
}

/// Every path below a directory, what it is, and its bytes.
fn survey(root: &Path) -> BTreeMap<PathBuf, (fs::FileType, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() {
                directories.push(path.clone());
            }
            // The lock tells who had it last.
            let has_bytes = kind.is_file() && !path.ends_with("wharf/lock");
            let bytes = has_bytes.then(|| fs::read(&path).unwrap());
            found.insert(path, (kind, bytes));
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (path, (kind, _)) in survey(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        if kind.is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(path, target).unwrap();
        }
    }
}

fn fsck(root: &Path, repair: bool, read_data: bool) -> Vec<Finding> {
    let driver = Arc::new(Filesystem::open(root).unwrap());
    run(&Fsck::open(driver, root, repair).unwrap(), read_data)
}

fn run(fsck: &Fsck, read_data: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |finding: &Finding| {
        let mut finding = finding.clone();
        // The system tells more than a tree in memory.
        finding.error = finding.error.map(|_| String::new());
        findings.push(finding);
        ControlFlow::Continue(())
    };
    fsck.run(read_data, &mut found, &mut |_| {}).unwrap();
    findings
}

/// Content of blobs and uploads, and of files that nobody knows.
fn bytes_of(root: &Path) -> Vec<Vec<u8>> {
    let files = survey(root).into_iter();
    let data = files.filter(|(path, _)| path.file_name().is_some_and(|name| name == "data" || name == "notes"));
    data.filter_map(|(_, (_, bytes))| bytes)
        .filter(|bytes| !bytes.is_empty())
        .collect()
}

/// Content that is nowhere any more is lost.
fn expect_kept(root: &Path, bytes: Vec<Vec<u8>>, context: &str) {
    let after: Vec<_> = survey(root).into_values().filter_map(|(_, bytes)| bytes).collect();
    for bytes in bytes {
        assert!(after.contains(&bytes), "{} is lost: {context}", bytes.escape_ascii());
    }
}

/// A tag, and every path that it depends on.
type Tagged = (&'static str, &'static str, Vec<PathBuf>);

fn tagged(root: &Path) -> Vec<Tagged> {
    let registry = open(root);
    let tree = Path::new(TREE);
    let data = |digest: Digest| {
        let hex = digest.hex();
        tree.join(format!("blobs/sha256/{}/{hex}/data", &hex[..2]))
    };
    let mut all = Vec::new();
    for repository in REPOSITORIES {
        let directory = tree.join("repositories").join(repository);
        for tag in ["moved", "v1", "all"] {
            let mut paths = vec![directory.join(format!("_manifests/tags/{tag}/current/link"))];
            let mut manifests = vec![
                registry
                    .find_tag(&repository.parse().unwrap(), &tag.parse().unwrap())
                    .unwrap()
                    .unwrap(),
            ];
            while let Some(digest) = manifests.pop() {
                paths.extend([
                    directory.join(format!("_manifests/revisions/sha256/{}/link", digest.hex())),
                    data(digest),
                ]);
                for named in registry.named(digest).unwrap().unwrap() {
                    if named.is_manifest {
                        manifests.push(named.digest);
                    } else {
                        let link = format!("_layers/sha256/{}/link", named.digest.hex());
                        paths.extend([directory.join(link), data(named.digest)]);
                    }
                }
            }
            all.push((repository, tag, paths));
        }
    }
    all
}

/// Pulls everything that no damage came near.
fn expect_whole(root: &Path, tagged: &[Tagged], damages: &Damages, context: &str) {
    let registry = open(root);
    for (repository, tag, paths) in tagged {
        if paths.iter().any(|path| damages.touch(path)) {
            continue;
        }
        let name = repository.parse().unwrap();
        let mut references = vec![Reference::Tag(tag.parse().unwrap())];
        while let Some(reference) = references.pop() {
            let read = registry.read_manifest(&name, &reference).unwrap();
            let read = read.unwrap_or_else(|| panic!("{repository}:{reference} is lost: {context}"));
            for named in registry.named(sha256(&read.bytes)).unwrap().unwrap() {
                if named.is_manifest {
                    references.push(Reference::Digest(named.digest));
                } else {
                    let blob = registry.read_blob(&name, named.digest, 1 << 20).unwrap();
                    let blob = blob.unwrap_or_else(|| panic!("{} is lost: {context}", named.digest));
                    assert_eq!(sha256(&blob), named.digest, "{context}");
                }
            }
        }
    }
}

/// Returns the classes that were found.
fn check_seed(seed: u64, template: &Path, tagged: &[Tagged]) -> BTreeSet<Damage> {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    copy(template, root);
    let mut random = Random::new(seed);
    let damages = Damages::plant(root, &mut random);
    let read_data = random.below(2) == 0;
    let context = format!("seed {seed}, {damages:#?}");
    let (before, bytes) = (survey(root), bytes_of(root));

    let told = fsck(root, false, read_data);
    assert!(survey(root) == before, "telling changes nothing: {context}");
    let done = fsck(root, true, read_data);
    assert_eq!(done, told, "what was told is what was done: {context}");
    let classes = done.iter().map(|finding| finding.damage).collect();
    let left: Vec<_> = done.into_iter().filter(Finding::is_left).collect();
    assert_eq!(fsck(root, true, read_data), left, "one repair is enough: {context}");

    expect_kept(root, bytes, &context);
    expect_whole(root, tagged, &damages, &context);
    classes
}

#[test]
fn a_repair_does_what_was_told_once_and_loses_nothing() {
    let template = template();
    for finding in fsck(template.path(), false, true) {
        assert_eq!(finding.damage, Damage::UnreferencedBlob, "the template is sound");
    }
    let tagged = tagged(template.path());
    let seeds = std::env::var("WHARF_FSCK_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let seeds = 0..seeds.unwrap_or(SEEDS);
    let met: BTreeSet<Damage> = seeds
        .flat_map(|seed| check_seed(seed, template.path(), &tagged))
        .collect();
    assert!(met.len() > 18, "only {met:?} were met");
}

/// A call that fails once, and a process that dies at it: what that run did not do the next one does, and nothing is lost.
#[test]
fn a_repair_that_is_disturbed_loses_nothing() {
    let template = template();
    let tagged = tagged(template.path());
    for seed in 0..4 {
        let planted = tempfile::tempdir().unwrap();
        copy(template.path(), planted.path());
        let damages = Damages::plant(planted.path(), &mut Random::new(seed));
        let disturbed = |plan: &FaultPlan| {
            let root = tempfile::tempdir().unwrap();
            let copied = Command::new("cp")
                .args(["-a", "--"])
                .args([&planted.path().join("."), root.path()])
                .status();
            assert!(copied.unwrap().success());
            let driver = Arc::new(Faulty::new(Filesystem::open(root.path()).unwrap(), plan.clone()));
            // It may not even begin.
            let _ = Fsck::open(driver, root.path(), true).map(|fsck| run(&fsck, true));
            root
        };
        let plan = FaultPlan::none();
        disturbed(&plan);
        let step = usize::try_from(plan.calls() / 10).unwrap();
        for nth in (1..=plan.calls()).step_by(step.max(1)) {
            for plan in [FaultPlan::at(nth, Fault::Io), FaultPlan::starting_at(nth, Fault::Io)] {
                let root = disturbed(&plan);
                let context = format!("seed {seed}, {plan:?}, {damages:#?}");
                assert!(plan.has_fired(), "{context}");
                let done = fsck(root.path(), true, true);
                let left: Vec<_> = done.into_iter().filter(Finding::is_left).collect();
                assert_eq!(fsck(root.path(), true, true), left, "{context}");
                expect_kept(root.path(), bytes_of(planted.path()), &context);
                expect_whole(root.path(), &tagged, &damages, &context);
            }
        }
    }
}
