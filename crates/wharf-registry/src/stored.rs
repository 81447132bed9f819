//! Manifests as they lie in the store, whoever took them.

use serde_json::Value;
use wharf_index::NewManifest;
use wharf_spec::{Digest, Manifest, MediaType, schema1};
use wharf_storage::StorageError;

use crate::error::Failure;
use crate::manifest::new_manifest;
use crate::paths;
use crate::registry::Registry;
use crate::rules::Rules;

/// Larger manifests were never accepted by any registry known.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// What a manifest names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    pub(crate) digest: Digest,
    /// Where the manifest tells it.
    pub(crate) size_bytes: Option<u64>,
    pub(crate) is_manifest: bool,
}

/// A manifest that is stored.
pub(crate) struct Stored {
    /// What the index keeps of it.
    pub(crate) row: NewManifest,
    /// What it says, unless it is one that is only served as it is.
    manifest: Option<Manifest>,
}

impl Registry {
    /// A stored manifest. `None` when the content is none.
    pub(crate) fn read_stored(&self, digest: Digest) -> Result<Option<Stored>, Failure> {
        match self.driver.read(&paths::blob_data(&digest), MANIFEST_BYTES_MAX) {
            Ok(bytes) => Ok(parse_stored(digest, &bytes)),
            Err(StorageError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What a stored manifest names and a registry has to have. `None` when the content is no manifest.
    pub(crate) fn named(&self, digest: Digest) -> Result<Option<Vec<Named>>, Failure> {
        let Some(Stored { row, manifest }) = self.read_stored(digest)? else {
            return Ok(None);
        };
        let Some(manifest) = manifest else {
            let blobs = row.references.into_iter().map(|digest| Named {
                digest,
                size_bytes: None,
                is_manifest: false,
            });
            return Ok(Some(blobs.collect()));
        };
        let demanded = Rules::default();
        let named = demanded.demanded(&manifest).into_iter();
        let named = named.map(|(descriptor, is_manifest)| Named {
            digest: descriptor.digest,
            size_bytes: Some(descriptor.size_bytes),
            is_manifest,
        });
        Ok(Some(named.collect()))
    }
}

/// Reads a manifest whose type nothing tells but itself. One without a type is an index if it lists manifests, else an image, as
/// registry:2 takes it; one of schema version 1 is what registry:2 keeps of signed manifests. What registry:2 took although wharf would not
/// is served as it is: it is too late to refuse it.
fn parse_stored(digest: Digest, bytes: &[u8]) -> Option<Stored> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
        return None;
    };
    let named = fields.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    let is_schema1 = fields.get("schemaVersion").and_then(Value::as_u64) == Some(1);
    let media_type = match MediaType::find(named) {
        _ if is_schema1 => None,
        Some(known) => Some(known),
        None if !named.is_empty() => return None,
        None if fields.contains_key("manifests") => Some(MediaType::OciIndex),
        None if fields.contains_key("config") => Some(MediaType::OciManifest),
        None => return None,
    };
    if let Some(media_type) = media_type
        && let Ok(manifest) = Manifest::parse(media_type, bytes)
    {
        return Some(Stored {
            row: new_manifest(digest, bytes.len() as u64, &manifest),
            manifest: Some(manifest),
        });
    }
    let row = NewManifest {
        digest,
        size_bytes: bytes.len() as u64,
        media_type: media_type.map_or(schema1::MEDIA_TYPE, MediaType::as_str).to_owned(),
        references: if is_schema1 {
            schema1::layers(bytes)?
        } else {
            Vec::new()
        },
        subject: None,
        artifact_type: None,
        annotations: None,
    };
    Some(Stored { row, manifest: None })
}
