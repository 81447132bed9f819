//! Uploads: POST begins one (or takes a blob whole, or mounts one), PATCH adds, PUT ends, GET tells how far it is, DELETE cancels.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_RANGE, HeaderName, HeaderValue, LOCATION, RANGE};
use http::{Response, StatusCode};
use tokio::time::timeout;
use wharf_registry::{Blob, TokenError, UploadError, UploadGuard, UploadStatus, UploadWriter};
use wharf_spec::{Algorithm, ContentRange, Digest, Endpoint, ErrorCode, RepositoryName, UploadId};

use crate::app::{App, Request};
use crate::blocking::blocking;
use crate::body::Body;
use crate::error::ApiError;
use crate::handlers::{CONTENT_DIGEST, empty, value, with};
use crate::location::header_value;
use crate::request_body::PumpError;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// How long a request waits for another one that works on the same upload. A client that resumes after its connection broke comes
/// before the server has noticed.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(15);

/// POST.
pub(crate) async fn start(
    app: &Arc<App>,
    request: &Request,
    name: &RepositoryName,
) -> Result<Response<Body>, ApiError> {
    let query = request.query();
    if let Some(mount) = query.get("mount")
        && let Some(blob) = mount_blob(app, request, name, &mount).await?
    {
        return Ok(created(app, request, name, &blob));
    }
    let digest = query.get("digest").map(|digest| digest.parse::<Digest>()).transpose();
    let digest = digest.map_err(|error| ApiError::bad_request(ErrorCode::DigestInvalid, error.to_string()))?;
    let algorithm = query
        .get("digest-algorithm")
        .map(|algorithm| algorithm.parse::<Algorithm>())
        .transpose()?;
    let algorithm = digest
        .map(|digest| digest.algorithm())
        .or(algorithm)
        .unwrap_or(Algorithm::Sha256);
    let status = app
        .with_repository(name, move |registry, name| registry.create_upload(name, algorithm))
        .await?;
    match digest {
        // Clients that expect the older way send the digest ahead, and the bytes later.
        Some(digest) if !request.is_body_finished() || digest == Digest::of(algorithm, b"") => {
            let received = receive_at_once(app, request, name, &status.id, digest).await;
            if received.is_err() {
                discard(app, name, &status.id).await;
            }
            Ok(created(app, request, name, &received?))
        }
        _ => Ok(progress(app, request, name, &status, StatusCode::ACCEPTED)),
    }
}

/// Takes a blob whole, in the request that began its upload.
async fn receive_at_once(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    id: &UploadId,
    digest: Digest,
) -> Result<Blob, ApiError> {
    let writer = open(app, name, id).await?;
    let (writer, end) = pump(request, writer).await?;
    end?;
    blocking(move || writer.commit(digest)).await
}

/// Throws an upload away that nobody but its own request knows of.
async fn discard(app: &App, name: &RepositoryName, id: &UploadId) {
    let guard = app.registry.lock_upload(name, id).await;
    let cancelled = app.with_registry(move |registry| registry.cancel_upload(&guard)).await;
    if let Err(error) = cancelled
        && error.status.is_server_error()
    {
        tracing::warn!(upload_id = %id, cause = error.cause.as_deref(), "could not throw away an upload that failed");
    }
}

/// Mounts a blob if it can be: where the blob or its source is not there, an upload is begun instead.
async fn mount_blob(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    mount: &str,
) -> Result<Option<Blob>, ApiError> {
    let from = request.query().get("from");
    let from = from.map(|from| from.parse::<RepositoryName>()).transpose()?;
    let Ok(digest) = mount.parse::<Digest>() else {
        return Ok(None);
    };
    app.with_repository(name, move |registry, name| {
        registry.mount_blob(name, digest, from.as_ref())
    })
    .await
}

/// PATCH.
pub(crate) async fn patch(
    app: &Arc<App>,
    request: &Request,
    name: &RepositoryName,
    id: &UploadId,
) -> Result<Response<Body>, ApiError> {
    let offset = verify_token(app, request, name, id)?;
    let writer = open(app, name, id).await?;
    let writer = at_its_place(app, request, name, writer, offset)?;
    let (writer, end) = pump(request, writer).await?;
    let writer = of_its_length(app, request, name, writer, end.is_ok()).await?;
    // What arrived is kept, even if the client is gone: it can go on from there.
    let status = blocking(move || writer.suspend()).await?;
    end?;
    Ok(progress(app, request, name, &status, StatusCode::ACCEPTED))
}

/// PUT.
pub(crate) async fn finish(
    app: &Arc<App>,
    request: &Request,
    name: &RepositoryName,
    id: &UploadId,
) -> Result<Response<Body>, ApiError> {
    let invalid = |detail| ApiError::bad_request(ErrorCode::DigestInvalid, detail);
    let offset = verify_token(app, request, name, id)?;
    let digest = request
        .query()
        .get("digest")
        .filter(|digest| !digest.is_empty())
        .ok_or_else(|| invalid("digest missing"))?;
    let digest: Digest = digest.parse().map_err(|_| invalid("digest parsing failed"))?;
    let writer = match open(app, name, id).await {
        Err(error) if error.status == StatusCode::NOT_FOUND => {
            // The answer to an earlier PUT may have been lost; then the blob is there.
            let found = app
                .with_repository(name, move |registry, name| registry.find_blob(name, digest))
                .await?;
            return found.map(|blob| created(app, request, name, &blob)).ok_or(error);
        }
        opened => opened?,
    };
    let writer = at_its_place(app, request, name, writer, offset)?;
    let blob = receive_rest(app, request, name, writer, digest).await?;
    Ok(created(app, request, name, &blob))
}

/// GET and HEAD. The state in the URL may be old: who asks this has lost count.
pub(crate) async fn status(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    id: &UploadId,
) -> Result<Response<Body>, ApiError> {
    if request.query().get("_state").is_some() {
        verify_token(app, request, name, id)?;
    }
    // A request that still writes is waited for, so that the answer holds.
    let guard = lock(app, name, id).await?;
    let id = id.clone();
    let status = app.with_repository(name, move |registry, name| match guard {
        Some(guard) => registry.locked_upload_status(&guard),
        None => registry.upload_status(name, &id),
    });
    Ok(progress(app, request, name, &status.await?, StatusCode::NO_CONTENT))
}

/// DELETE.
pub(crate) async fn cancel(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    id: &UploadId,
) -> Result<Response<Body>, ApiError> {
    verify_token(app, request, name, id)?;
    app.registry.interrupt_upload(id);
    let guard = lock(app, name, id).await?.ok_or_else(busy)?;
    app.with_registry(move |registry| registry.cancel_upload(&guard))
        .await?;
    Ok(with(empty(StatusCode::NO_CONTENT), UPLOAD_ID, value(id)))
}

/// Checks the state in the upload URL, and returns the offset it was made at.
fn verify_token(app: &App, request: &Request, name: &RepositoryName, id: &UploadId) -> Result<u64, ApiError> {
    let token = request.query().get("_state").unwrap_or_default();
    app.registry
        .token()
        .verify(&token, name, id)
        .map_err(|error: TokenError| {
            ApiError::new(StatusCode::NOT_FOUND, ErrorCode::BlobUploadInvalid).detail(error.to_string())
        })
}

/// The lock of an upload that exists; `None` when another request keeps it.
async fn lock(app: &App, name: &RepositoryName, id: &UploadId) -> Result<Option<UploadGuard>, ApiError> {
    let owned_id = id.clone();
    app.with_repository(name, move |registry, name| registry.upload_status(name, &owned_id))
        .await?;
    Ok(timeout(LOCK_WAIT_MAX, app.registry.lock_upload(name, id)).await.ok())
}

fn busy() -> ApiError {
    ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid)
        .detail("another request is writing to this upload")
}

/// Opens an upload for writing.
async fn open(app: &App, name: &RepositoryName, id: &UploadId) -> Result<UploadWriter, ApiError> {
    let guard = lock(app, name, id).await?.ok_or_else(busy)?;
    app.with_registry::<_, UploadError>(move |registry| registry.open_upload(guard))
        .await
}

/// Refuses bytes that do not belong at the upload's end. `Content-Range` counts where there is one, else the state in the URL.
fn at_its_place(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    writer: UploadWriter,
    token_offset: u64,
) -> Result<UploadWriter, ApiError> {
    let fits = match request.header(CONTENT_RANGE) {
        None => token_offset == writer.size_bytes(),
        Some(text) => text.parse::<ContentRange>().is_ok_and(|range| {
            let length_fits = request
                .content_length()
                .is_none_or(|length| length == range.size_bytes());
            range.first() == writer.size_bytes() && length_fits
        }),
    };
    if fits {
        return Ok(writer);
    }
    Err(misplaced(app, request, name, &writer.status()))
}

/// Takes back a body that has not the length its `Content-Range` says, which only shows at its end when it is sent in chunks.
async fn of_its_length(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    writer: UploadWriter,
    is_whole: bool,
) -> Result<UploadWriter, ApiError> {
    let announced = request
        .header(CONTENT_RANGE)
        .and_then(|text| text.parse::<ContentRange>().ok());
    let fits = announced.is_none_or(|range| {
        let (written, announced) = (writer.written_bytes(), range.size_bytes());
        if is_whole {
            written == announced
        } else {
            written <= announced
        }
    });
    if fits {
        return Ok(writer);
    }
    let status = blocking(move || writer.roll_back()).await?;
    Err(misplaced(app, request, name, &status))
}

/// The answer to bytes that do not belong where they were sent: where the upload goes on.
fn misplaced(app: &App, request: &Request, name: &RepositoryName, status: &UploadStatus) -> ApiError {
    ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid)
        .detail(format!("the upload goes on at byte {}", status.size_bytes))
        .header(LOCATION, upload_url(app, request, name, status))
        .header(RANGE, received(status))
        .header(UPLOAD_ID, value(&status.id))
}

/// Why a body was not taken.
impl From<PumpError> for ApiError {
    fn from(error: PumpError) -> Self {
        match error {
            PumpError::Failure(failure) => failure.into(),
            PumpError::Panicked => Self::internal(error.to_string()),
        }
    }
}

/// Writes the body of the request to the upload, and tells how it ended.
async fn pump(request: &Request, writer: UploadWriter) -> Result<(UploadWriter, Result<(), ApiError>), ApiError> {
    let body = request
        .body()
        .ok_or_else(|| ApiError::internal("the body was taken before"))?;
    let (writer, end) = body.pump(writer).await?;
    Ok((writer, end.map_err(|error| ApiError::body(&error))))
}

/// Takes the rest of a blob and makes it one.
async fn receive_rest(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    writer: UploadWriter,
    digest: Digest,
) -> Result<Blob, ApiError> {
    let (writer, end) = pump(request, writer).await?;
    let writer = of_its_length(app, request, name, writer, end.is_ok()).await?;
    if let Err(error) = end {
        blocking(move || writer.suspend()).await?;
        return Err(error);
    }
    blocking(move || writer.commit(digest)).await
}

fn created(app: &App, request: &Request, name: &RepositoryName, blob: &Blob) -> Response<Body> {
    let url = app.url(request, &Endpoint::Blob(name.clone(), blob.digest));
    let response = with(empty(StatusCode::CREATED), LOCATION, url);
    with(response, CONTENT_DIGEST, value(blob.digest))
}

fn progress(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    upload: &UploadStatus,
    status: StatusCode,
) -> Response<Body> {
    let response = with(empty(status), LOCATION, upload_url(app, request, name, upload));
    let response = with(response, UPLOAD_ID, value(&upload.id));
    with(response, RANGE, received(upload))
}

/// First and last byte received. An empty upload has the same as one of a single byte; that is registry:2's, and clients know it.
fn received(upload: &UploadStatus) -> HeaderValue {
    value(format!("0-{}", upload.size_bytes.saturating_sub(1)))
}

fn upload_url(app: &App, request: &Request, name: &RepositoryName, upload: &UploadStatus) -> HeaderValue {
    let base = app.locations.base(&request.headers, &request.uri);
    let endpoint = Endpoint::Upload(name.clone(), upload.id.clone());
    let token = app
        .registry
        .token()
        .sign(name, &upload.id, upload.size_bytes, &upload.started_at);
    header_value(&format!("{base}{endpoint}?_state={}", token.replace('=', "%3D")))
}
