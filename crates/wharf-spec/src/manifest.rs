//! Manifests: a view of the bytes that were pushed, for checking and indexing. The bytes themselves travel untouched.
//!
//! Sources: docker's "Image Manifest V2, Schema 2", OCI image specification (manifest.md, image-index.md, descriptor.md).

use serde_json::{Map, Value};

use crate::digest::{Digest, DigestError};
use crate::json;
use crate::media_type::MediaType;

/// Why bytes are no manifest of the type they were sent as.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or JSON that two parsers may read differently.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A field is missing or has the wrong form.
    #[error("`{field}` {problem}")]
    Field {
        /// The field's path, as in `layers[2].size`.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A digest that is none.
    #[error("`{field}`: {source}")]
    Digest {
        /// The field's path.
        field: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// The manifest names another type than the request.
    #[error("mediaType in manifest should be `{expected}` not `{actual}`")]
    MediaType {
        /// The type of the request.
        expected: MediaType,
        /// The type in the manifest, empty when there is none.
        actual: String,
    },
}

/// The platform of an index entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `linux`, `windows`, …
    pub os: String,
}

/// What points to a blob or manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The type of the content, empty when it is not told.
    pub media_type: String,
    /// The digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    pub size_bytes: u64,
    /// Where else the content is found. Such content need not be in the registry.
    pub urls: Vec<String>,
    /// The platform, in an index.
    pub platform: Option<Platform>,
}

/// What a manifest says.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The type it was pushed as.
    pub media_type: MediaType,
    /// The image configuration; images only.
    pub config: Option<Descriptor>,
    /// Layers of an image, or blobs of an artifact, base layer first.
    pub layers: Vec<Descriptor>,
    /// Entries of an index.
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one refers to.
    pub subject: Option<Descriptor>,
    /// The `artifactType` field.
    artifact_type: Option<String>,
    /// The annotations, those that are text: clients that are given another kind in a list of referrers can't read the whole list.
    pub annotations: Option<Map<String, Value>>,
}

impl Manifest {
    /// Parses bytes that were sent as `media_type`.
    pub fn parse(media_type: MediaType, bytes: &[u8]) -> Result<Self, ManifestError> {
        let Value::Object(fields) = json::parse(bytes)? else {
            return Err(field_error("", "must be a JSON object"));
        };
        let fields = Fields {
            fields: &fields,
            path: String::new(),
        };
        check_version_and_type(&fields, media_type)?;
        check_kind(&fields, media_type)?;
        let config = match media_type {
            MediaType::DockerManifest | MediaType::OciManifest => Some(
                fields
                    .descriptor("config")?
                    .ok_or_else(|| field_error("config", "is missing"))?,
            ),
            _ => None,
        };
        let layers = if media_type == MediaType::OciArtifact {
            "blobs"
        } else {
            "layers"
        };
        Ok(Self {
            media_type,
            config,
            layers: fields.descriptors(layers)?,
            manifests: fields.descriptors("manifests")?,
            subject: fields.descriptor("subject")?,
            artifact_type: fields.text("artifactType")?.map(str::to_owned),
            annotations: fields.object("annotations")?.map(texts),
        })
    }

    /// The type of artifact that the manifest is listed under as a referrer: its `artifactType`, else, for an image, the type of
    /// its configuration. Source: OCI distribution specification, "Listing Referrers".
    pub fn artifact_type(&self) -> Option<&str> {
        let own = self.artifact_type.as_deref().filter(|own| !own.is_empty());
        own.or_else(|| self.config.as_ref().map(|config| config.media_type.as_str()))
    }

    /// Everything the manifest is made of, in its order with the configuration first. The subject is not part of it.
    pub fn references(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers).chain(&self.manifests)
    }
}

/// The members that are text.
fn texts(object: &Map<String, Value>) -> Map<String, Value> {
    let texts = object.iter().filter(|(_, value)| value.is_string());
    texts.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn field_error(field: impl Into<String>, problem: &'static str) -> ManifestError {
    ManifestError::Field {
        field: field.into(),
        problem,
    }
}

fn check_version_and_type(fields: &Fields<'_>, expected: MediaType) -> Result<(), ManifestError> {
    let artifact = expected == MediaType::OciArtifact;
    if !artifact && fields.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
        return Err(field_error("schemaVersion", "must be 2"));
    }
    let actual = fields.text("mediaType")?.unwrap_or_default();
    // OCI manifests may leave their type out.
    let may_be_absent = !expected.is_docker() && !artifact;
    if actual != expected.as_str() && !(actual.is_empty() && may_be_absent) {
        return Err(ManifestError::MediaType {
            expected,
            actual: actual.to_owned(),
        });
    }
    Ok(())
}

/// Bytes that would be an image under one type and an index under another are neither (CVE-2021-41190).
fn check_kind(fields: &Fields<'_>, media_type: MediaType) -> Result<(), ManifestError> {
    let foreign: &[&str] = match media_type {
        MediaType::DockerManifest | MediaType::OciManifest => &["manifests", "blobs"],
        MediaType::DockerList | MediaType::OciIndex => &["config", "layers", "blobs"],
        MediaType::OciArtifact => &["config", "layers", "manifests"],
    };
    match foreign.iter().find(|name| fields.get(name).is_some()) {
        Some(name) => Err(field_error(*name, "does not belong into a manifest of this type")),
        None => Ok(()),
    }
}

/// A JSON object with its place in the document, for messages.
struct Fields<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The field, unless it is absent or `null`.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, ManifestError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(field_error(self.path(name), "must be a string")),
        }
    }

    fn object(&self, name: &str) -> Result<Option<&'a Map<String, Value>>, ManifestError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(field_error(self.path(name), "must be an object")),
        }
    }

    fn array(&self, name: &str) -> Result<&'a [Value], ManifestError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(field_error(self.path(name), "must be an array")),
        }
    }

    fn descriptor(&self, name: &str) -> Result<Option<Descriptor>, ManifestError> {
        let object = self.object(name)?;
        object
            .map(|fields| {
                Fields {
                    fields,
                    path: self.path(name),
                }
                .as_descriptor()
            })
            .transpose()
    }

    fn descriptors(&self, name: &str) -> Result<Vec<Descriptor>, ManifestError> {
        let values = self.array(name)?.iter().enumerate();
        values
            .map(|(index, value)| {
                let path = format!("{}[{index}]", self.path(name));
                match value {
                    Value::Object(fields) => Fields { fields, path }.as_descriptor(),
                    _ => Err(field_error(path, "must be an object")),
                }
            })
            .collect()
    }

    fn as_descriptor(&self) -> Result<Descriptor, ManifestError> {
        let digest = self
            .text("digest")?
            .ok_or_else(|| field_error(self.path("digest"), "is missing"))?;
        let digest = digest.parse().map_err(|source| ManifestError::Digest {
            field: self.path("digest"),
            source,
        })?;
        let size = self
            .get("size")
            .ok_or_else(|| field_error(self.path("size"), "is missing"))?;
        let size = size.as_i64().and_then(|size| u64::try_from(size).ok());
        let urls = self.array("urls")?.iter().map(|url| url.as_str().map(str::to_owned));
        Ok(Descriptor {
            media_type: self.text("mediaType")?.unwrap_or_default().to_owned(),
            digest,
            size_bytes: size.ok_or_else(|| field_error(self.path("size"), "must be a number of bytes below 2^63"))?,
            urls: urls
                .collect::<Option<_>>()
                .ok_or_else(|| field_error(self.path("urls"), "must be an array of strings"))?,
            platform: self.platform()?,
        })
    }

    fn platform(&self) -> Result<Option<Platform>, ManifestError> {
        let Some(fields) = self.object("platform")? else {
            return Ok(None);
        };
        let fields = Fields {
            fields,
            path: self.path("platform"),
        };
        let architecture = fields.text("architecture")?.unwrap_or_default().to_owned();
        let os = fields.text("os")?.unwrap_or_default().to_owned();
        Ok(Some(Platform { architecture, os }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn digest(content: &str) -> String {
        Digest::of(crate::Algorithm::Sha256, content.as_bytes()).to_string()
    }

    fn image() -> Value {
        json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OciManifest.as_str(),
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest("config"), "size": 6},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest("layer"), "size": 5}],
        })
    }

    fn parse(media_type: MediaType, value: &Value) -> Result<Manifest, ManifestError> {
        Manifest::parse(media_type, value.to_string().as_bytes())
    }

    #[test]
    fn an_image_names_its_parts_in_order() {
        let manifest = parse(MediaType::OciManifest, &image()).unwrap();
        let digests: Vec<_> = manifest
            .references()
            .map(|reference| reference.digest.to_string())
            .collect();
        assert_eq!(digests, [digest("config"), digest("layer")]);
        assert_eq!(
            manifest.artifact_type(),
            Some("application/vnd.oci.image.config.v1+json")
        );
    }

    #[test]
    fn the_type_must_fit_the_request() {
        assert!(matches!(
            parse(MediaType::DockerManifest, &image()),
            Err(ManifestError::MediaType { .. })
        ));
        let mut untyped = image();
        untyped.as_object_mut().unwrap().remove("mediaType");
        assert!(parse(MediaType::OciManifest, &untyped).is_ok());
        assert!(matches!(
            parse(MediaType::DockerManifest, &untyped),
            Err(ManifestError::MediaType { .. })
        ));
    }

    #[test]
    fn one_digest_has_one_reading() {
        let mut both = image();
        both["manifests"] = json!([]);
        assert!(parse(MediaType::OciManifest, &both).is_err());
        let index = json!({"schemaVersion": 2, "manifests": [], "layers": []});
        assert!(parse(MediaType::OciIndex, &index).is_err());
    }

    #[test]
    fn fields_of_the_wrong_form_are_named() {
        let cases = [
            ("schemaVersion", json!(1), "schemaVersion"),
            ("config", Value::Null, "config"),
            ("layers", json!([{"digest": digest("x"), "size": -1}]), "layers[0].size"),
            (
                "layers",
                json!([{"digest": digest("x"), "size": 18_446_744_073_709_551_615_u64}]),
                "layers[0].size",
            ),
            ("layers", json!([{"digest": "sha256:x", "size": 1}]), "layers[0].digest"),
            ("layers", json!({}), "layers"),
            ("annotations", json!([]), "annotations"),
            ("subject", json!("x"), "subject"),
        ];
        for (field, value, named) in cases {
            let mut changed = image();
            changed[field] = value;
            let message = parse(MediaType::OciManifest, &changed).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn annotations_that_are_no_text_are_left_out() {
        let mut image = image();
        image["annotations"] = json!({"a": "text", "b": 1, "c": null, "d": {"e": "deep"}});
        let manifest = parse(MediaType::OciManifest, &image).unwrap();
        assert_eq!(Value::from(manifest.annotations.unwrap()), json!({"a": "text"}));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for media_type in MediaType::ALL {
                let _ = Manifest::parse(media_type, &bytes);
            }
        }
    }
}
