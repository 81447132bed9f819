//! JSON in which every key is seen, in its order and as often as it is there, and what makes it ambiguous.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::grammar;

/// The fields of Go's structs for manifests, which take a key in any case: image-spec `specs-go/v1`, distribution `manifest`.
const FIELDS: [&str; 20] = [
    "annotations",
    "architecture",
    "artifactType",
    "blobs",
    "config",
    "data",
    "digest",
    "features",
    "layers",
    "manifests",
    "mediaType",
    "os",
    "os.features",
    "os.version",
    "platform",
    "schemaVersion",
    "size",
    "subject",
    "urls",
    "variant",
];

/// A document, as far as its keys go.
pub(super) enum Document {
    /// Members in the order of the text.
    Object(Vec<(String, Document)>),
    /// Elements.
    Array(Vec<Document>),
    /// Anything without keys.
    Other,
}

/// What two parsers may read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ambiguity {
    /// Nothing.
    None,
    /// Keys that differ in case alone, but name no field: nobody but Go's maps would mind.
    CaseOfOthers,
    /// Equal keys, or a field's name in another case.
    Certain,
}

impl Document {
    /// What is ambiguous in the document. Keys of annotations are the user's, where case makes another key.
    pub(super) fn ambiguity(&self, free_keys: bool) -> Ambiguity {
        match self {
            Self::Other => Ambiguity::None,
            Self::Array(values) => worst(values.iter().map(|value| value.ambiguity(free_keys))),
            Self::Object(members) => {
                let inner = members.iter().map(|(key, value)| value.ambiguity(key == "annotations"));
                worst(inner.chain([of_keys(members, free_keys)]))
            }
        }
    }
}

fn worst(all: impl Iterator<Item = Ambiguity>) -> Ambiguity {
    all.max_by_key(|ambiguity| *ambiguity as u8).unwrap_or(Ambiguity::None)
}

fn of_keys(members: &[(String, Document)], free_keys: bool) -> Ambiguity {
    // Case folding of regular expressions is Unicode's, as Go's is.
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        let fields = FIELDS.map(regex::escape).join("|");
        grammar::whole(&format!("(?i:{fields})"))
    });
    let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
    let repeated = |position: usize| keys[..position].contains(&keys[position]);
    let is_odd = |key: &&str| !FIELDS.contains(key) && PATTERN.is_match(key);
    if (0..keys.len()).any(repeated) || !free_keys && keys.iter().any(is_odd) {
        return Ambiguity::Certain;
    }
    let mut folded: Vec<String> = keys.iter().map(|key| key.to_uppercase()).collect();
    folded.sort_unstable();
    if !free_keys && folded.windows(2).any(|pair| pair[0] == pair[1]) {
        return Ambiguity::CaseOfOthers;
    }
    Ambiguity::None
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Document;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Document, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Document::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Document::Object(members))
    }
}

/// Whether a text is JSON, whatever its strings decode to.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}
