//! Which form of a manifest a client gets.
//!
//! OCI manifests, manifests asked for by digest, and anything for a client that leaves the choice to the server are served as they
//! are stored. A docker manifest asked for by tag, by a client whose `Accept` names types of which none fits, becomes what
//! registry:2.8 makes of it: of a list the linux/amd64 entry, of an image a signed schema 1 manifest.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use wharf_registry::{HotManifest, Registry, StoredManifest};
use wharf_spec::media_type::Accept;
use wharf_spec::schema1::{self, EMPTY_LAYER, SigningKey};
use wharf_spec::{Digest, ErrorCode, Manifest, MediaType, Reference, RepositoryName, Tag};

use crate::error::ApiError;

/// A configuration that is converted is read whole; larger ones are not made by anybody.
const CONFIG_BYTES_MAX: u64 = 8 << 20;

/// A manifest as it is sent.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) digest: Digest,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// Finds the manifest and its form. `None` when there is none.
pub(crate) fn negotiate(
    registry: &Registry,
    key: &SigningKey,
    name: &RepositoryName,
    reference: &Reference,
    accept: &Accept,
) -> Result<Option<Served>, ApiError> {
    let Some(found) = registry.read_manifest(name, reference)? else {
        return Ok(None);
    };
    let served = match form(&found, reference, accept) {
        Form::AsStored => as_stored(&found),
        Form::Signed => sign(key, &found.manifest, &found.bytes)?,
        Form::Converted(tag, media_type) => {
            let convert = Conversion {
                registry,
                key,
                name,
                tag,
            };
            if media_type == MediaType::DockerList {
                convert.linux_amd64(&found.bytes, accept)?
            } else {
                convert.to_schema1(&found.bytes)?
            }
        }
    };
    Ok(Some(served))
}

/// The manifest, if it was read lately and is served as it is stored. Never waits for a disk.
pub(crate) fn hot(
    registry: &Registry,
    name: &RepositoryName,
    reference: &Reference,
    accept: &Accept,
) -> Option<Served> {
    let found = registry.hot_manifest(name, reference)?;
    matches!(form(&found, reference, accept), Form::AsStored).then(|| as_stored(&found))
}

/// What becomes of a manifest before it is sent.
enum Form<'a> {
    AsStored,
    Signed,
    /// One of the two docker types, asked for by this tag.
    Converted(&'a Tag, MediaType),
}

fn form<'a>(found: &HotManifest, reference: &'a Reference, accept: &Accept) -> Form<'a> {
    let stored = found.manifest.media_type.as_str();
    if stored == schema1::MEDIA_TYPE {
        return Form::Signed;
    }
    match (reference, MediaType::find(stored)) {
        (Reference::Tag(tag), Some(media_type))
            if media_type.is_docker() && !accept.is_open() && !accept.names(media_type) =>
        {
            Form::Converted(tag, media_type)
        }
        _ => Form::AsStored,
    }
}

/// A schema 1 manifest that registry:2 stored, which is kept unsigned and signed anew for everyone.
fn sign(key: &SigningKey, manifest: &StoredManifest, unsigned: &[u8]) -> Result<Served, ApiError> {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let signed = key
        .sign(unsigned, &now)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Served {
        digest: manifest.digest,
        content_type: manifest.media_type.clone(),
        bytes: signed.into(),
    })
}

fn as_stored(found: &HotManifest) -> Served {
    Served {
        digest: found.manifest.digest,
        content_type: found.manifest.media_type.clone(),
        bytes: found.bytes.clone(),
    }
}

/// What is needed to make a manifest into something else.
struct Conversion<'a> {
    registry: &'a Registry,
    key: &'a SigningKey,
    name: &'a RepositoryName,
    tag: &'a Tag,
}

impl Conversion<'_> {
    /// The entry of a list that clients without lists are given.
    fn linux_amd64(&self, list: &[u8], accept: &Accept) -> Result<Served, ApiError> {
        let list = Manifest::parse(MediaType::DockerList, list).map_err(|error| damaged(&error))?;
        let entry = list.manifests.iter().find(|entry| {
            entry
                .platform
                .as_ref()
                .is_some_and(|platform| platform.architecture == "amd64" && platform.os == "linux")
        });
        let Some(entry) = entry else {
            return Err(ApiError::manifest_unknown());
        };
        let reference = Reference::Digest(entry.digest);
        let gone = || ApiError::no_such_manifest(self.name, &reference);
        let found = self.registry.read_manifest(self.name, &reference)?.ok_or_else(gone)?;
        let is_image = found.manifest.media_type == MediaType::DockerManifest.as_str();
        if is_image && !accept.names(MediaType::DockerManifest) {
            return self.to_schema1(&found.bytes);
        }
        Ok(as_stored(&found))
    }

    fn to_schema1(&self, image: &[u8]) -> Result<Served, ApiError> {
        let image = Manifest::parse(MediaType::DockerManifest, image).map_err(|error| damaged(&error))?;
        let config = image.config.as_ref().map(|config| config.digest);
        let config = match config {
            Some(digest) => self.registry.read_blob(self.name, digest, CONFIG_BYTES_MAX)?,
            None => None,
        };
        let config = config.ok_or_else(|| refused("the image's configuration is gone"))?;
        let layers: Vec<String> = image.layers.iter().map(|layer| layer.digest.to_string()).collect();
        let input = schema1::Input {
            config: &config,
            layers: &layers,
            repository: self.name.as_str(),
            tag: self.tag.as_str(),
        };
        let converted = schema1::convert(&input).map_err(|error| refused(&error.to_string()))?;
        if converted.needs_empty_layer
            && let Err(failure) = self.registry.put_small_blob(self.name, &EMPTY_LAYER)
        {
            // A pull does not fail because nothing can be written; every client knows the empty layer.
            tracing::debug!(error = failure.with_causes(), "could not store the empty layer");
        }
        let manifest = StoredManifest {
            digest: converted.digest,
            media_type: schema1::MEDIA_TYPE.to_owned(),
            size_bytes: converted.unsigned.len() as u64,
        };
        sign(self.key, &manifest, &converted.unsigned)
    }
}

fn damaged(error: &wharf_spec::ManifestError) -> ApiError {
    ApiError::internal(format!("a stored manifest can't be read: {error}"))
}

/// The image can't be said in schema 1.
fn refused(why: &str) -> ApiError {
    let detail = format!("no type in Accept fits, and the image can't be converted to schema 1: {why}");
    ApiError::bad_request(ErrorCode::ManifestInvalid, Value::from(detail))
}
