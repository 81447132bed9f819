//! The answer to a referrers request.
//!
//! Source: OCI distribution specification, "Listing Referrers".

use serde::Serialize;
use serde_json::value::RawValue;

use crate::digest::Digest;
use crate::media_type::MediaType;

/// One manifest that names the subject.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// The type of the manifest.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What it is, by its own word or its configuration's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its annotations, a JSON object, as text: millions of bytes of small values would be many times that in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Box<RawValue>>,
}

impl Referrer {
    /// The bytes of its texts, which are fewer than it takes in a list.
    pub fn text_bytes(&self) -> usize {
        let artifact_type = self.artifact_type.as_ref().map_or(0, String::len);
        let annotations = self
            .annotations
            .as_ref()
            .map_or(0, |annotations| annotations.get().len());
        self.media_type.len() + artifact_type + annotations
    }
}

/// The OCI index that lists `referrers`.
pub fn index(referrers: &[Referrer]) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Index<'a> {
        schema_version: u8,
        media_type: &'a str,
        manifests: &'a [Referrer],
    }
    let index = Index {
        schema_version: 2,
        media_type: MediaType::OciIndex.as_str(),
        manifests: referrers,
    };
    serde_json::to_vec(&index).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_still_an_index() {
        let index: serde_json::Value = serde_json::from_slice(&index(&[])).unwrap();
        assert_eq!(index["manifests"], serde_json::json!([]));
        assert_eq!(index["mediaType"], MediaType::OciIndex.as_str());
    }
}
