//! Blobs: GET, HEAD and DELETE.

use std::ops::Range;
use std::sync::Arc;

use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue};
use http::{Method, Response, StatusCode};
use uuid::Uuid;
use wharf_registry::{BlobContent, OpenBlob};
use wharf_spec::media_type::OCTET_STREAM;
use wharf_spec::{Digest, RepositoryName};

use crate::app::{App, Request};
use crate::body::{Body, Part};
use crate::error::ApiError;
use crate::handlers::{CONTENT_DIGEST, empty, value, with};
use crate::range::{Condition, Quotes, Selection, condition, select};

/// Content under a digest never changes; 365 days is registry:2's figure.
const CACHE_FOREVER: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Sends a blob, or its headers.
pub(crate) async fn get(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    digest: Digest,
) -> Result<Response<Body>, ApiError> {
    // The bytes must be there even if only their headers are asked for: a client that is told that they are does not push them.
    let opened = app
        .with_repository(name, move |registry, name| registry.open_blob(name, digest))
        .await?;
    let opened = opened.ok_or_else(|| ApiError::blob_unknown(digest))?;
    Ok(answer(request, &opened))
}

/// The same for a blob that was read lately. Never waits for a disk.
pub(crate) fn get_hot(app: &App, request: &Request, name: &RepositoryName, digest: Digest) -> Option<Response<Body>> {
    let opened = app.registry.hot_blob(name, digest)?;
    Some(answer(request, &opened))
}

fn answer(request: &Request, opened: &OpenBlob) -> Response<Body> {
    let size_bytes = opened.blob.size_bytes;
    let tag = opened.blob.digest.to_string();
    let tagged = |mut response: Response<Body>| {
        response.headers_mut().insert(CONTENT_DIGEST, value(&tag));
        response.headers_mut().insert(ETAG, value(format!("\"{tag}\"")));
        response
    };
    match condition(&request.headers, &tag, Quotes::Needed) {
        Condition::NotModified => {
            return with(tagged(empty(StatusCode::NOT_MODIFIED)), CACHE_CONTROL, CACHE_FOREVER);
        }
        Condition::Failed => return tagged(empty(StatusCode::PRECONDITION_FAILED)),
        Condition::Proceed => {}
    }
    let selection = select(&request.headers, &tag, size_bytes);
    if selection == Selection::Unsatisfiable {
        return with(unsatisfiable(size_bytes), CONTENT_DIGEST, value(&tag));
    }
    let response = with(tagged(selected(opened, selection)), CACHE_CONTROL, CACHE_FOREVER);
    let mut response = with(response, ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if request.method == Method::HEAD {
        *response.body_mut() = Body::default();
    }
    response
}

/// No range lies within the blob. The text is registry 3's.
fn unsatisfiable(size_bytes: u64) -> Response<Body> {
    let text = "invalid range: failed to overlap\n";
    let response = typed(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "text/plain; charset=utf-8",
        text.into(),
    );
    with(response, CONTENT_RANGE, value(format!("bytes */{size_bytes}")))
}

fn part(opened: &OpenBlob, range: Range<u64>) -> Part {
    match &opened.content {
        // The range was checked against the size, which memory has room for.
        BlobContent::Bytes(bytes) => Part::Bytes(bytes.slice(index(range.start)..index(range.end))),
        BlobContent::Object(object) => Part::Object(Arc::clone(object), range),
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn selected(opened: &OpenBlob, selection: Selection) -> Response<Body> {
    let size_bytes = opened.blob.size_bytes;
    match selection {
        Selection::Single(range) => {
            let content_range = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
            let body = Body::from_parts([part(opened, range)]);
            with(
                typed(StatusCode::PARTIAL_CONTENT, OCTET_STREAM, body),
                CONTENT_RANGE,
                value(content_range),
            )
        }
        Selection::Several(ranges) => multipart(opened, &ranges),
        Selection::Whole | Selection::Unsatisfiable => typed(
            StatusCode::OK,
            OCTET_STREAM,
            Body::from_parts([part(opened, 0..size_bytes)]),
        ),
    }
}

fn typed(status: StatusCode, content_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let length = value(response.body().size_bytes());
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response.headers_mut().insert(CONTENT_TYPE, value(content_type));
    response
}

fn multipart(opened: &OpenBlob, ranges: &[Range<u64>]) -> Response<Body> {
    let size_bytes = opened.blob.size_bytes;
    let boundary = Uuid::new_v4().simple().to_string();
    let mut parts = Vec::new();
    for (number, range) in ranges.iter().enumerate() {
        let break_before = if number == 0 { "" } else { "\r\n" };
        let head = format!(
            "{break_before}--{boundary}\r\nContent-Range: bytes {}-{}/{size_bytes}\r\nContent-Type: {OCTET_STREAM}\r\n\r\n",
            range.start,
            range.end - 1
        );
        parts.push(Part::Bytes(head.into()));
        parts.push(part(opened, range.clone()));
    }
    parts.push(Part::Bytes(format!("\r\n--{boundary}--\r\n").into()));
    let content_type = format!("multipart/byteranges; boundary={boundary}");
    typed(StatusCode::PARTIAL_CONTENT, &content_type, Body::from_parts(parts))
}

/// Takes a blob out of a repository.
pub(crate) async fn delete(app: &App, name: &RepositoryName, digest: Digest) -> Result<Response<Body>, ApiError> {
    let deleted = app
        .with_repository(name, move |registry, name| registry.delete_blob(name, digest))
        .await?;
    if !deleted {
        return Err(ApiError::blob_unknown(digest));
    }
    tracing::info!(repository = %name, %digest, "deleted a blob");
    Ok(empty(StatusCode::ACCEPTED))
}
