//! The answer to a referrers request, and the tag that stands in for it on registries without one.
//!
//! Source: OCI distribution specification, "Listing Referrers" and "Referrers Tag Schema".

use serde::Serialize;
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::media_type::MediaType;

/// One manifest that names the subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// Its annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Map<String, Value>>,
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

/// The tag under which clients list the referrers of `subject` where the registry does not: the digest with `-` for `:`, its
/// hexadecimal part cut at 64 characters.
pub fn fallback_tag(subject: &Digest) -> String {
    let mut hex = subject.hex();
    hex.truncate(64);
    format!("{}-{hex}", subject.algorithm())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;

    #[test]
    fn the_fallback_tag_is_a_tag() {
        for algorithm in Algorithm::ALL {
            let tag = fallback_tag(&Digest::of(algorithm, b"subject"));
            assert!(tag.starts_with(&format!("{algorithm}-")) && tag.len() == 71, "{tag}");
            assert!(tag.parse::<crate::Tag>().is_ok());
        }
    }

    #[test]
    fn an_empty_list_is_still_an_index() {
        let index: Value = serde_json::from_slice(&index(&[])).unwrap();
        assert_eq!(index["manifests"], serde_json::json!([]));
        assert_eq!(index["mediaType"], MediaType::OciIndex.as_str());
    }
}
