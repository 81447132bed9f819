//! Everything that a root has or once had, asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Client, Request};

use crate::deviations::told;
use crate::differential::content::ALL_TYPES;
use crate::differential::stored::Stored;

/// Tags of one repository that are asked for, at most.
const TAGS_MAX: usize = 50;

/// Paths of what there is or once was.
#[derive(Default)]
pub(super) struct Known {
    lists: BTreeSet<String>,
    contents: BTreeSet<String>,
}

impl Known {
    /// Adds what a root has.
    pub(super) fn learn(&mut self, root: &Path) {
        for name in Stored::new(root).directories() {
            let directory = root.join("docker/registry/v2/repositories").join(&name);
            self.lists.insert(format!("/v2/{name}/tags/list"));
            let tags = names(&directory.join("_manifests/tags"));
            let step = tags.len().div_ceil(TAGS_MAX).max(1);
            for tag in tags.iter().step_by(step) {
                self.contents.insert(format!("/v2/{name}/manifests/{tag}"));
            }
            for algorithm in ["sha256", "sha512"] {
                for hex in names(&directory.join("_manifests/revisions").join(algorithm)) {
                    self.contents.insert(format!("/v2/{name}/manifests/{algorithm}:{hex}"));
                }
                for hex in names(&directory.join("_layers").join(algorithm)) {
                    self.contents.insert(format!("/v2/{name}/blobs/{algorithm}:{hex}"));
                }
            }
        }
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The answers of one registry.
pub(super) struct Survey {
    /// Status and digest of manifests and blobs, by path.
    contents: BTreeMap<String, (u16, String)>,
    /// Tags by the path of their list; none for a repository that is unknown.
    lists: BTreeMap<String, Vec<String>>,
    catalog: Vec<String>,
}

impl Survey {
    /// Asks for everything that is known, for the catalog first: it must not depend on what was touched before.
    pub(super) fn of(client: &Client, known: &Known) -> Self {
        let get = |path: &String| client.send(Request::get(path).header("Accept", ALL_TYPES.join(",")));
        let catalog = get(&"/v2/_catalog?n=1000".to_owned()).expect_status(200);
        let content = |path: &String| {
            let answer = get(path);
            assert!(answer.complete, "{path}: {answer}");
            let digest = match answer.status {
                200 => sha256(&answer.body),
                _ => String::new(),
            };
            (path.clone(), (answer.status, digest))
        };
        let list = |path: &String| (path.clone(), listed(&get(path).json()["tags"]));
        Self {
            contents: known.contents.iter().map(content).collect(),
            lists: known.lists.iter().map(list).collect(),
            catalog: listed(&catalog.json()["repositories"]),
        }
    }

    /// The repositories of which a manifest can be pulled, in the catalog's order.
    fn repositories(&self) -> Vec<String> {
        let found = self.contents.iter().filter(|(_, (status, _))| *status == 200);
        let paths = found.filter_map(|(path, _)| path.strip_prefix("/v2/")?.split_once("/manifests/"));
        let mut names: Vec<_> = paths.map(|(name, _)| name.to_owned()).collect();
        names.sort_by_key(|name| name.replace('/', "\0"));
        names.dedup();
        names
    }

    /// Whether a path leads to something, as far as it was asked for.
    fn has(&self, path: &str) -> bool {
        self.contents.get(path).is_none_or(|(status, _)| *status == 200)
    }
}

fn listed(names: &Value) -> Vec<String> {
    let names = names.as_array().into_iter().flatten();
    let mut names: Vec<_> = names.map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
    names.sort_by_key(|name| name.replace('/', "\0"));
    names
}

/// Compares the answers of the two on one root, and returns the ids of what differs on purpose.
#[track_caller]
pub(super) fn compare(registry_2_8: &Survey, wharf: &Survey) -> BTreeSet<&'static str> {
    let mut met = BTreeSet::new();
    for (path, (status, digest)) in &registry_2_8.contents {
        let expected = if *status == 500 { 404 } else { *status };
        if expected != *status {
            met.insert(told("broken-links"));
        }
        assert_eq!(
            wharf.contents[path],
            (expected, digest.clone()),
            "{path}, with registry 2.8 {status}"
        );
    }
    for (path, tags) in &registry_2_8.lists {
        let manifests = path.replace("/tags/list", "/manifests/");
        let has = |tag: &&String| registry_2_8.has(&format!("{manifests}{tag}"));
        let expected: Vec<_> = tags.iter().filter(has).cloned().collect();
        if expected != *tags {
            met.insert(told("dangling-tags"));
        }
        assert_eq!(wharf.lists[path], expected, "{path}");
    }
    let expected = registry_2_8.repositories();
    if registry_2_8.catalog != expected {
        met.insert(told("catalog-membership"));
    }
    assert_eq!(wharf.catalog, expected);
    met
}
