//! Manifests: GET, HEAD, PUT and DELETE.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use http::{Method, Response, StatusCode};
use serde_json::json;
use wharf_registry::PutManifest;
use wharf_spec::media_type::{Accept, SCHEMA1, essence};
use wharf_spec::{Endpoint, ErrorCode, MediaType, Reference, RepositoryName, Tag, schema1};

use crate::app::{App, Request};
use crate::body::Body;
use crate::error::ApiError;
use crate::handlers::{CONTENT_DIGEST, empty, value, with};
use crate::negotiation::{Served, hot, negotiate};
use crate::range::{Condition, Quotes, condition};

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// Sends a manifest, or its headers.
pub(crate) async fn get(
    app: &Arc<App>,
    request: &Request,
    name: &RepositoryName,
    reference: &Reference,
) -> Result<Response<Body>, ApiError> {
    let accept = accept(request);
    let (registry, key) = (Arc::clone(&app.registry), Arc::clone(app));
    let (owned_name, owned_reference) = (name.clone(), reference.clone());
    let served = crate::blocking::blocking(move || {
        negotiate(&registry, &key.signing_key, &owned_name, &owned_reference, &accept)
    });
    let served = served
        .await?
        .ok_or_else(|| ApiError::no_such_manifest(name, reference))?;
    Ok(answer(request, served))
}

/// The same for a manifest that was read lately and is sent as it is stored. Never waits for a disk.
pub(crate) fn get_hot(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    reference: &Reference,
) -> Option<Response<Body>> {
    let served = hot(&app.registry, name, reference, &accept(request))?;
    Some(answer(request, served))
}

fn accept(request: &Request) -> Accept {
    let lines = request.headers.get_all(http::header::ACCEPT).iter();
    Accept::parse(lines.filter_map(|line| line.to_str().ok()))
}

fn answer(request: &Request, served: Served) -> Response<Body> {
    let tag = served.digest.to_string();
    let mut response = match condition(&request.headers, &tag, Quotes::Optional) {
        Condition::NotModified => empty(StatusCode::NOT_MODIFIED),
        Condition::Failed => empty(StatusCode::PRECONDITION_FAILED),
        Condition::Proceed => {
            let length = value(served.bytes.len());
            let body = if request.method == Method::HEAD {
                Body::default()
            } else {
                served.bytes.into()
            };
            let response = with(Response::new(body), CONTENT_LENGTH, length);
            with(response, CONTENT_TYPE, value(served.content_type))
        }
    };
    response.headers_mut().insert(CONTENT_DIGEST, value(&tag));
    response.headers_mut().insert(ETAG, value(format!("\"{tag}\"")));
    response
}

/// Stores a manifest.
pub(crate) async fn put(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    reference: &Reference,
) -> Result<Response<Body>, ApiError> {
    let media_type = media_type(request)?;
    let tags = tags(request, reference)?;
    let bytes = body(app, request).await?;
    let digest = match reference {
        Reference::Digest(digest) => Some(*digest),
        Reference::Tag(_) => None,
    };
    let put = PutManifest {
        bytes,
        media_type,
        digest,
        tags: tags.clone(),
    };
    let (digest, manifest) = app
        .with_repository(name, move |registry, name| registry.put_manifest(name, put))
        .await?;
    tracing::info!(repository = %name, %digest, tags = %joined(&tags), "stored a manifest");

    let url = app.url(request, &Endpoint::Manifest(name.clone(), Reference::Digest(digest)));
    let mut response = with(empty(StatusCode::CREATED), LOCATION, url);
    response.headers_mut().insert(CONTENT_DIGEST, value(digest));
    if let Some(subject) = manifest.subject {
        response.headers_mut().insert(OCI_SUBJECT, value(subject.digest));
    }
    if request.query().get("tag").is_some() {
        response.headers_mut().insert(OCI_TAG, value(joined(&tags)));
    }
    Ok(response)
}

fn joined(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(", ")
}

fn media_type(request: &Request) -> Result<MediaType, ApiError> {
    let content_type = request.header(CONTENT_TYPE).unwrap_or_default();
    if let Some(media_type) = MediaType::find(content_type) {
        return Ok(media_type);
    }
    let detail = match essence(content_type) {
        SCHEMA1 | schema1::MEDIA_TYPE | "application/json" => {
            "schema 1 manifests are not accepted; push with docker 1.10 or newer, or convert the image with \
             `skopeo copy --format v2s2`"
                .to_owned()
        }
        other => format!("unsupported manifest media type and no default available: {other}"),
    };
    Err(ApiError::bad_request(ErrorCode::ManifestInvalid, detail))
}

/// The tags that shall point to the manifest: the one in the path and those in the query.
fn tags(request: &Request, reference: &Reference) -> Result<Vec<Tag>, ApiError> {
    let mut tags = Vec::new();
    if let Reference::Tag(tag) = reference {
        tags.push(tag.clone());
    }
    for text in request.query().all("tag") {
        let tag: Tag = text
            .parse()
            .map_err(|_| ApiError::bad_request(ErrorCode::ManifestInvalid, json!({ "tag": text })))?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

async fn body(app: &App, request: &Request) -> Result<Bytes, ApiError> {
    let max = app.limits.manifest_max_bytes;
    if request.content_length().is_some_and(|length| length > max as u64) {
        return Err(ApiError::manifest_too_large());
    }
    let body = request
        .body()
        .ok_or_else(|| ApiError::internal("the body was taken before"))?;
    let collected = body.collect(max).await.map_err(|error| ApiError::body(&error))?;
    collected.ok_or_else(ApiError::manifest_too_large)
}

/// Takes a tag, or a manifest with all its tags, out of a repository.
pub(crate) async fn delete(
    app: &App,
    name: &RepositoryName,
    reference: &Reference,
) -> Result<Response<Body>, ApiError> {
    let target = reference.clone();
    let deleted = app.with_repository(name, move |registry, name| match &target {
        Reference::Tag(tag) => registry.delete_tag(name, tag),
        Reference::Digest(digest) => registry.delete_manifest(name, *digest),
    });
    if !deleted.await? {
        return Err(ApiError::no_such_manifest(name, reference));
    }
    tracing::info!(repository = %name, %reference, "deleted a manifest or tag");
    Ok(empty(StatusCode::ACCEPTED))
}
