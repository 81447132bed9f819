//! From an image config and its layers to the unsigned schema 1 text.

use std::collections::BTreeMap;
use std::str::Utf8Error;

use sha2::{Digest as _, Sha256, Sha384};

use super::EMPTY_LAYER_DIGEST;
use super::config::{HISTORY_ENTRIES_MAX, HistoryEntry, ImageConfig};
use super::go_json::{compact, push_string, quoted};
use crate::digest::hex;
use crate::{Algorithm, Digest};

/// What a conversion starts from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The image config, byte for byte: it goes into the top layer's ID.
    pub config: &'a [u8],
    /// Digests of the layers, bottom first, as the schema 2 manifest lists them.
    pub layers: &'a [String],
    /// Name of the repository, written into the manifest.
    pub repository: &'a str,
    /// The tag that was asked for, written into the manifest.
    pub tag: &'a str,
}

/// A schema 1 manifest without its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The text that gets signed, indented by three spaces, without a line feed at its end.
    pub unsigned: Vec<u8>,
    /// SHA-256 of `unsigned`: the manifest's digest, whatever signature is put on it.
    pub digest: Digest,
    /// Whether `fsLayers` names [`EMPTY_LAYER_DIGEST`], so that the repository must have that blob.
    pub needs_empty_layer: bool,
}

/// Why a schema 2 image has no schema 1 form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The config is not UTF-8.
    #[error("image config is not UTF-8")]
    NotUtf8(#[source] Utf8Error),
    /// The config is not a JSON object.
    #[error("image config is not a JSON object")]
    Json(#[source] serde_json::Error),
    /// A member of the config has another JSON type than it should.
    #[error("image config: `{field}` is not {expected}")]
    WrongType {
        /// Path of the member.
        field: &'static str,
        /// The type that belongs there, with its article.
        expected: &'static str,
    },
    /// The time of a history entry is not RFC 3339.
    #[error("image config: `history.created` is not an RFC 3339 time: `{value}`")]
    Time {
        /// The JSON value found, or as much of it as is worth showing.
        value: String,
    },
    /// There is no history, and without it there are no layer IDs.
    #[error("image config has no history, which schema 1 needs")]
    EmptyHistory,
    /// There is more history than any image has.
    #[error("image config has `{entries}` history entries, more than `{HISTORY_ENTRIES_MAX}`")]
    LongHistory {
        /// Number of entries.
        entries: usize,
    },
    /// There is no `rootfs`.
    #[error("image config has no `rootfs`")]
    MissingRootFs,
    /// Config and manifest disagree on the number of layers.
    #[error("image config lists `{diff_ids}` diff IDs, but the manifest has `{layers}` layers")]
    DiffIdCount {
        /// Number of diff IDs in the config.
        diff_ids: usize,
        /// Number of layers in the manifest.
        layers: usize,
    },
    /// The history speaks of more layers than there are.
    #[error("history has more non-empty entries than the `{layers}` layers of the manifest")]
    TooManyEntries {
        /// Number of layers in the manifest.
        layers: usize,
    },
    /// A layer's digest has no algorithm before its encoded part.
    #[error("layer digest `{digest}` is not `algorithm:encoded`")]
    LayerDigest {
        /// The digest found.
        digest: String,
    },
}

/// Converts a docker schema 2 image to an unsigned schema 1 manifest, as registry:2 does.
///
/// # Examples
///
/// ```
/// use wharf_spec::schema1::{Input, convert};
///
/// let config = br#"{"architecture":"amd64","rootfs":{"diff_ids":[]},"history":[{"empty_layer":true}]}"#;
/// let input = Input { config, layers: &[], repository: "library/nothing", tag: "latest" };
/// assert!(convert(&input)?.needs_empty_layer);
/// assert!(convert(&Input { config: br#"{"rootfs":{}}"#, ..input }).is_err());
/// # Ok::<(), wharf_spec::schema1::ConvertError>(())
/// ```
pub fn convert(input: &Input<'_>) -> Result<Converted, ConvertError> {
    let config = ImageConfig::parse(input.config)?;
    let entries = entries(&config, input)?;
    let unsigned = manifest_text(input, &config.architecture, &entries).into_bytes();
    Ok(Converted {
        digest: Digest::of(Algorithm::Sha256, &unsigned),
        unsigned,
        needs_empty_layer: config.history.iter().any(|entry| entry.empty_layer),
    })
}

/// One layer of schema 1: its blob and the JSON text that stands beside it.
struct Entry<'a> {
    blob_sum: &'a str,
    v1_compatibility: String,
}

/// The layers of the manifest, bottom first.
fn entries<'a>(config: &ImageConfig<'_>, input: &Input<'a>) -> Result<Vec<Entry<'a>>, ConvertError> {
    let (top, lower) = config.history.split_last().ok_or(ConvertError::EmptyHistory)?;
    let rootfs = config.rootfs.as_ref().ok_or(ConvertError::MissingRootFs)?;
    if rootfs.diff_ids != input.layers.len() {
        let (diff_ids, layers) = (rootfs.diff_ids, input.layers.len());
        return Err(ConvertError::DiffIdCount { diff_ids, layers });
    }

    let mut layers = input.layers.iter();
    let mut next_blob = |entry: &HistoryEntry| -> Result<&'a str, ConvertError> {
        if entry.empty_layer {
            return Ok(EMPTY_LAYER_DIGEST);
        }
        let layers_total = input.layers.len();
        layers
            .next()
            .map(String::as_str)
            .ok_or(ConvertError::TooManyEntries { layers: layers_total })
    };

    let mut entries = Vec::with_capacity(config.history.len());
    let mut parent = String::new();
    for (position, history) in lower.iter().enumerate() {
        let blob_sum = next_blob(history)?;
        let id = layer_id(blob_sum, &parent, None)?;
        if position == 0 && !rootfs.base_layer.is_empty() {
            // The base of a Windows image is no layer of the manifest, so its ID is made of its name.
            parent = hex(&Sha384::digest(&rootfs.base_layer)[..32]);
        }
        let v1_compatibility = lower_entry(&id, &parent, history);
        entries.push(Entry {
            blob_sum,
            v1_compatibility,
        });
        parent = id;
    }
    let blob_sum = next_blob(top)?;
    let id = layer_id(blob_sum, &parent, Some(input.config))?;
    entries.push(Entry {
        blob_sum,
        v1_compatibility: top_entry(config, &id, &parent, top.empty_layer),
    });
    Ok(entries)
}

/// The schema 1 ID of a layer. The space before an empty parent stays.
fn layer_id(blob_sum: &str, parent: &str, config: Option<&[u8]>) -> Result<String, ConvertError> {
    let Some((_, encoded)) = blob_sum.split_once(':') else {
        return Err(ConvertError::LayerDigest {
            digest: blob_sum.to_owned(),
        });
    };
    let mut hash = Sha256::new_with_prefix(encoded).chain_update(" ").chain_update(parent);
    if let Some(config) = config {
        hash = hash.chain_update(" ").chain_update(config);
    }
    Ok(hex(&hash.finalize()))
}

/// The `v1Compatibility` of every layer but the top one.
fn lower_entry(id: &str, parent: &str, history: &HistoryEntry) -> String {
    let mut out = String::from("{\"id\":");
    push_string(&mut out, id);
    let mut member = |key: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(key);
            push_string(&mut out, value);
        }
    };
    member(",\"parent\":", parent);
    member(",\"comment\":", &history.comment);
    member(",\"created\":", &history.created);
    out.push_str(",\"container_config\":{\"Cmd\":[");
    push_string(&mut out, &history.created_by);
    out.push_str("]}");
    if !history.author.is_empty() {
        out.push_str(",\"author\":");
        push_string(&mut out, &history.author);
    }
    if history.empty_layer {
        out.push_str(",\"throwaway\":true");
    }
    out.push('}');
    out
}

/// The `v1Compatibility` of the top layer: the config itself, without what schema 1 lacks, with its ID and parent.
fn top_entry(config: &ImageConfig<'_>, id: &str, parent: &str, throwaway: bool) -> String {
    let kept = config
        .members
        .iter()
        .filter(|(key, _)| *key != "rootfs" && *key != "history");
    let mut members: BTreeMap<&str, String> = kept.map(|(key, value)| (key.as_str(), compact(value))).collect();
    members.insert("id", quoted(id));
    if !parent.is_empty() {
        members.insert("parent", quoted(parent));
    }
    if throwaway {
        members.insert("throwaway", "true".to_owned());
    }

    let mut out = String::from("{");
    for (position, (key, text)) in members.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        push_string(&mut out, key);
        out.push(':');
        out.push_str(text);
    }
    out.push('}');
    out
}

/// The manifest around the layers, which it lists newest first.
fn manifest_text(input: &Input<'_>, architecture: &str, entries: &[Entry<'_>]) -> String {
    let mut out = String::from("{\n   \"schemaVersion\": 1");
    for (key, value) in [
        ("name", input.repository),
        ("tag", input.tag),
        ("architecture", architecture),
    ] {
        out.push_str(",\n   \"");
        out.push_str(key);
        out.push_str("\": ");
        push_string(&mut out, value);
    }
    push_list(
        &mut out,
        "fsLayers",
        "blobSum",
        entries.iter().rev().map(|entry| entry.blob_sum),
    );
    let texts = entries.iter().rev().map(|entry| entry.v1_compatibility.as_str());
    push_list(&mut out, "history", "v1Compatibility", texts);
    out.push_str("\n}");
    out
}

/// Appends a list of objects that have one member each.
fn push_list<'a>(out: &mut String, key: &str, member: &str, values: impl Iterator<Item = &'a str>) {
    out.push_str(",\n   \"");
    out.push_str(key);
    out.push_str("\": [");
    for (position, value) in values.enumerate() {
        out.push_str(if position > 0 {
            ",\n      {\n         \""
        } else {
            "\n      {\n         \""
        });
        out.push_str(member);
        out.push_str("\": ");
        push_string(out, value);
        out.push_str("\n      }");
    }
    out.push_str("\n   ]");
}
