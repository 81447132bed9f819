//! What lies on disk.

use serde_json::Value;
use wharf_testing::Kind;
use wharf_testing::encoding::{sha256, sha512 as digest512};

use super::TreeExchange;
use crate::differential::tree::Entry;
use crate::differential::upload::Fate;

const TREE: &str = "docker/registry/v2/";

/// Whether only registry 2.8 has something here.
fn only_registry_2_8(exchange: &TreeExchange<'_>, path: &str) -> bool {
    exchange.registry_2_8.has(path) && !exchange.wharf.has(path)
}

/// The upload whose directory a path lies in, its directory, and the rest of the path.
fn upload<'a>(exchange: &TreeExchange<'_>, path: &'a str) -> Option<(Fate, &'a str, &'a str)> {
    let (before, after) = path.split_once("/_uploads/")?;
    let (label, rest) = after.split_once('/').unwrap_or((after, ""));
    let number: usize = label.strip_prefix("upload-")?.parse().ok()?;
    let directory = &path[..before.len() + "/_uploads/".len() + label.len()];
    Some((exchange.uploads.get(number).fate(Kind::Registry28), directory, rest))
}

/// wharf's own directory.
pub(super) fn own_files(exchange: &TreeExchange<'_>, _: &str, path: &str) -> bool {
    path.starts_with("wharf/") && !exchange.registry_2_8.has(path)
}

/// Hash states of fewer bytes than there are.
pub(super) fn hash_states(exchange: &TreeExchange<'_>, _: &str, path: &str) -> bool {
    let Some((Fate::Open, directory, rest)) = upload(exchange, path) else {
        return false;
    };
    let size = exchange.wharf.file(&format!("{directory}/data")).map(<[u8]>::len);
    let hashed = rest
        .strip_prefix("hashstates/sha256/")
        .and_then(|size| size.parse().ok());
    only_registry_2_8(exchange, path) && hashed < size && hashed.is_some()
}

/// The hash state of nothing, where an upload was cancelled.
pub(super) fn upload_leftovers(exchange: &TreeExchange<'_>, _: &str, path: &str) -> bool {
    let is_leftover =
        upload(exchange, path).is_some_and(|(fate, _, rest)| fate == Fate::Ended && rest == "hashstates/sha256/0");
    is_leftover && only_registry_2_8(exchange, path)
}

/// What is left of an upload that ended with a wrong digest.
pub(super) fn mismatched_uploads(exchange: &TreeExchange<'_>, _: &str, path: &str) -> bool {
    is_left_of(exchange, Fate::Mismatched, path)
}

/// What is left of an upload whose connection broke.
pub(super) fn broken_uploads(exchange: &TreeExchange<'_>, _: &str, path: &str) -> bool {
    is_left_of(exchange, Fate::Broken, path)
}

fn is_left_of(exchange: &TreeExchange<'_>, fate: Fate, path: &str) -> bool {
    upload(exchange, path).is_some_and(|(of, _, _)| of == fate) && only_registry_2_8(exchange, path)
}

/// Content under its sha256 in one tree and under its sha512 in the other, and the links to it.
pub(super) fn sha512(exchange: &TreeExchange<'_>, _: &str, path: &str) -> bool {
    let (old, new) = (exchange.registry_2_8.file(path), exchange.wharf.file(path));
    if let Some((directory, hex)) = link(path, "_layers/sha512/") {
        // The same link, to other names of one content.
        let short = old
            .map(|link| String::from_utf8_lossy(link).into_owned())
            .unwrap_or_default();
        let long = format!("sha512:{hex}");
        let is_re_keyed = content(exchange, &short).is_some_and(|content| digest512(content) == long);
        let has_both = exchange
            .registry_2_8
            .has(&format!("{directory}_layers/{}/link", short.replace(':', "/")));
        return is_re_keyed && has_both && new == Some(long.as_bytes());
    }
    if let Some((directory, hex)) = link(path, "_layers/sha256/") {
        let long = content(exchange, &format!("sha256:{hex}"))
            .map(digest512)
            .unwrap_or_default();
        let long = format!("{directory}_layers/{}/link", long.replace(':', "/"));
        return new.is_none() && exchange.registry_2_8.has(&long);
    }
    let other = |digest: String| format!("{TREE}blobs/{}/data", spread(&digest));
    match (old, new) {
        (Some(old), None) => path == other(sha256(old)) && exchange.wharf.file(&other(digest512(old))) == Some(old),
        (None, Some(new)) => {
            path == other(digest512(new)) && exchange.registry_2_8.file(&other(sha256(new))) == Some(new)
        }
        _ => false,
    }
}

/// Directory and hexadecimal digits of a link.
fn link<'a>(path: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    let (directory, rest) = path.split_once(kind)?;
    Some((directory, rest.strip_suffix("/link")?))
}

/// `sha256/ab/abcd…`.
fn spread(digest: &str) -> String {
    let (algorithm, hex) = digest.split_once(':').unwrap_or(("", digest));
    format!("{algorithm}/{}/{hex}", hex.get(..2).unwrap_or_default())
}

/// Content of registry 2.8.
fn content<'a>(exchange: &TreeExchange<'a>, digest: &str) -> Option<&'a [u8]> {
    exchange
        .registry_2_8
        .file(&format!("{TREE}blobs/{}/data", spread(digest)))
}

/// The content of a manifest that only one of them took. Its links are gone: it was deleted again.
pub(super) fn one_sided_manifests(exchange: &TreeExchange<'_>, id: &str, path: &str) -> bool {
    let (old, new) = (exchange.registry_2_8.file(path), exchange.wharf.file(path));
    let ((None, Some(bytes)) | (Some(bytes), None)) = (old, new) else {
        return false;
    };
    let digest = sha256(bytes);
    let is_manifest = serde_json::from_slice::<Value>(bytes).is_ok();
    is_manifest
        && path == format!("{TREE}blobs/{}/data", spread(&digest))
        && exchange.one_sided.get(&digest) == Some(&id)
}

/// Directories that lost their link.
pub(super) fn empty_directories(exchange: &TreeExchange<'_>, _: &str, path: &str) -> bool {
    let is_empty = matches!(exchange.registry_2_8.entries.get(path), Some(Entry::Empty { .. }));
    let was_a_link = ["/_layers/sha256/", "/_layers/sha512/", "/_manifests/revisions/sha256/"]
        .iter()
        .any(|kind| path.split_once(kind).is_some_and(|(_, hex)| !hex.contains('/')));
    is_empty && was_a_link && !exchange.wharf.has(path)
}
