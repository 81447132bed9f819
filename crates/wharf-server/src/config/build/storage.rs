//! `storage`: the driver, and what may be done to what it holds.

use std::path::PathBuf;

use super::Given;
use crate::config::duration;
use crate::config::error::{Problem, Warning};
use crate::config::model::{Storage, UploadPurging};
use crate::config::node::{Node, Origin};
use crate::config::reader::Reader;

/// Keys under `storage` that name no driver.
const SECTIONS_BESIDE_DRIVERS: [&str; 5] = ["maintenance", "cache", "delete", "redirect", "tag"];

/// registry:2's root, when its file names the driver but no directory.
const ROOT_WITH_FILE: &str = "/var/lib/registry";

/// The drivers that the configuration names.
pub(in crate::config) fn drivers(root: &Node) -> Vec<&(String, Node)> {
    let entries = root.at("storage").map_or(&[][..], Node::entries);
    let is_driver = |name: &str| !SECTIONS_BESIDE_DRIVERS.contains(&name);
    entries.iter().filter(|(name, _)| is_driver(name)).collect()
}

pub(super) fn storage(reader: &mut Reader<'_>, given: &Given<'_>) -> Storage {
    require_one_driver(reader, given);
    warn_of_redis(reader);
    let defaults = Storage::default();
    let deletes = if given.file { false } else { defaults.delete_enabled };
    Storage {
        root: root(reader, given, defaults.root),
        upload_purging: upload_purging(reader),
        read_only: reader.boolean("storage.maintenance.readonly.enabled", defaults.read_only),
        delete_enabled: reader.boolean("storage.delete.enabled", deletes),
    }
}

fn require_one_driver(reader: &mut Reader<'_>, given: &Given<'_>) {
    let named = drivers(reader.tree());
    if named.is_empty() && given.file && given.overrides.root.is_none() {
        reader.problems.push(Problem::new(
            "storage",
            &Origin::Default,
            "without a driver",
            "`storage.filesystem.rootdirectory`, or `--root DIR`",
        ));
    }
    if named.len() > 1 {
        let named = named.iter().map(|(name, node)| format!("{name} ({})", node.origin));
        let named: Vec<String> = named.collect();
        reader.problems.push(Problem::new(
            "storage",
            &Origin::Default,
            format!("a choice of several drivers: {}", named.join(", ")),
            "exactly one",
        ));
    }
}

/// A cache decides nothing that the answers show, so it is no reason not to start.
fn warn_of_redis(reader: &mut Reader<'_>) {
    let cache = |key: &str| reader.node(key).and_then(Node::text) == Some("redis");
    if cache("storage.cache.blobdescriptor") || cache("storage.cache.layerinfo") {
        reader.warnings.push(Warning::new(
            "`storage.cache` has no effect: redis is not used, the index needs no cache beside it",
        ));
    }
}

fn root(reader: &mut Reader<'_>, given: &Given<'_>, default: PathBuf) -> PathBuf {
    let key = "storage.filesystem.rootdirectory";
    if let Some(root) = &given.overrides.root {
        reader.record(key, root.display(), &Origin::Flag("--root"));
        return root.clone();
    }
    let default = if given.file {
        PathBuf::from(ROOT_WITH_FILE)
    } else {
        default
    };
    reader
        .text(key, &default.to_string_lossy())
        .map_or(default, PathBuf::from)
}

/// Missing keys have their defaults, where registry:2 gives up.
fn upload_purging(reader: &mut Reader<'_>) -> Option<UploadPurging> {
    let section = "storage.maintenance.uploadpurging";
    if !reader.boolean(&format!("{section}.enabled"), true) {
        return None;
    }
    let defaults = UploadPurging::default();
    let mut period = |name: &str, default| {
        let path = format!("{section}.{name}");
        // As in registry:2, which gives up here: nanoseconds would remove every open session.
        if reader.node(&path).and_then(Node::integer).is_some() {
            let example = duration::format(default);
            reader.refuse(&path, format!("a duration with its unit, such as {example}"));
            return default;
        }
        reader.limit(&path, default)
    };
    Some(UploadPurging {
        age: period("age", defaults.age),
        interval: period("interval", defaults.interval),
        dry_run: reader.boolean(&format!("{section}.dryrun"), defaults.dry_run),
    })
}
