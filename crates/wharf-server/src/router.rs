//! From a request to its handler: path, health, rights, method; and what every answer has in common.

use std::sync::Arc;
use std::time::Instant;

use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, HeaderName, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode, Version};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use tracing::Instrument;
use uuid::Uuid;
use wharf_spec::name::ReferenceError;
use wharf_spec::{Endpoint, EndpointError, ErrorCode};

use crate::app::{App, Request};
use crate::body::Body;
use crate::error::ApiError;
use crate::handlers::{blobs, empty, lists, manifests, referrers, uploads, value, with};
use crate::metrics::{Handler, InFlight};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Answers a request.
pub(crate) async fn route(app: Arc<App>, request: http::Request<Incoming>) -> Response<Body> {
    let is_http1 = request.version() <= Version::HTTP_11;
    let request = Arc::new(Request::new(request, app.limits.body_timeout));
    let mut response = match at_once(&app, &request) {
        Some(response) => response,
        // Boxed, because the future has room for the largest handler, and is moved around with every request otherwise.
        None => Box::pin(in_span(&app, &request)).await,
    };
    request.drain_body().await;
    // What is left of the body would be taken for the next request.
    if is_http1 && !request.is_body_finished() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The answer to what is asked most, where it needs no waiting, nor a span: its only line says what it belongs to.
fn at_once(app: &App, request: &Request) -> Option<Response<Body>> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return None;
    }
    let Ok(Parsed::Endpoint(endpoint)) = parse(app, request) else {
        return None;
    };
    app.policy.authorize(&endpoint, &request.method).ok()?;
    let in_flight = app.metrics.begin(handler_of(&endpoint));
    let response = match &endpoint {
        Endpoint::Base => lists::base(),
        Endpoint::Manifest(name, reference) => manifests::get_hot(app, request, name, reference)?,
        Endpoint::Blob(name, digest) => blobs::get_hot(app, request, name, *digest)?,
        Endpoint::Tags(name) => lists::hot_tags(app, request, name)?,
        _ => return None,
    };
    let response = marked(request, counted(app, request, in_flight, response));
    let status = response.status().as_u16();
    tracing::debug!(method = %request.method, uri = request.uri.path(), status, "answered");
    Some(response)
}

async fn in_span(app: &Arc<App>, request: &Arc<Request>) -> Response<Body> {
    let id = Uuid::new_v4();
    let span = tracing::info_span!("request", %id, method = %request.method, uri = request.uri.path());
    let started = Instant::now();
    let response = answer(app, request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::debug!(status, duration_ms, "answered"));
    response
}

async fn answer(app: &Arc<App>, request: &Arc<Request>) -> Response<Body> {
    if request.uri.path() == "/" && !is_never_served(&request.method) {
        return with(
            empty(StatusCode::OK),
            CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        );
    }
    let response = match parse(app, request) {
        Ok(Parsed::Endpoint(endpoint)) => measured(app, request, endpoint).await,
        _ if is_never_served(&request.method) => refuse(ApiError::method_not_allowed("GET, HEAD")),
        Ok(Parsed::Redirect(path)) => redirect(&path),
        Err(error) => refuse(error),
    };
    marked(request, response)
}

/// One echoes a request with its secrets, the other opens a tunnel.
fn is_never_served(method: &Method) -> bool {
    matches!(*method, Method::TRACE | Method::CONNECT)
}

/// What every answer of the API has in common.
fn marked(request: &Request, mut response: Response<Body>) -> Response<Body> {
    if request.method == Method::HEAD {
        hide_body(&mut response);
    }
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn measured(app: &Arc<App>, request: &Arc<Request>, endpoint: Endpoint) -> Response<Body> {
    let in_flight = app.metrics.begin(handler_of(&endpoint));
    let response = guarded(app, request, endpoint).await.unwrap_or_else(refuse);
    counted(app, request, in_flight, response)
}

/// Adds the configured headers and counts the request.
fn counted(app: &App, request: &Request, in_flight: InFlight, mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().extend(app.headers.iter().cloned());
    let received_bytes = request.content_length().unwrap_or_default();
    in_flight.finish(
        &request.method,
        response.status(),
        received_bytes,
        response.body().size_bytes(),
    );
    response
}

fn refuse(error: ApiError) -> Response<Body> {
    log(&error);
    error.into_response()
}

/// A HEAD tells the length of the body that a GET has.
fn hide_body(response: &mut Response<Body>) {
    let size_bytes = response.body().size_bytes();
    if size_bytes > 0 {
        response
            .headers_mut()
            .insert(http::header::CONTENT_LENGTH, value(size_bytes));
        *response.body_mut() = Body::default();
    }
}

fn log(error: &ApiError) {
    let codes = error.codes().map(ErrorCode::as_str).collect::<Vec<_>>().join(", ");
    let status = error.status.as_u16();
    let cause = error.cause.as_deref().unwrap_or_default();
    if error.status.is_server_error() {
        tracing::error!(status, codes, cause, "request failed");
    } else {
        tracing::debug!(status, codes, cause, "request refused");
    }
}

enum Parsed {
    Endpoint(Endpoint),
    /// To a path that was meant.
    Redirect(String),
}

fn parse(app: &App, request: &Request) -> Result<Parsed, ApiError> {
    let target_bytes = request.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target_bytes > app.limits.uri_max_bytes {
        return Err(
            ApiError::new(StatusCode::URI_TOO_LONG, ErrorCode::Unsupported).detail("request target is too long")
        );
    }
    let path = percent_decode_str(request.uri.path()).decode_utf8();
    let path = path.map_err(|_| ApiError::bad_request(ErrorCode::NameInvalid, "path is not UTF-8"))?;
    let prefix = app.locations.prefix.as_str().trim_end_matches('/');
    let path = path.strip_prefix(prefix).ok_or_else(ApiError::no_such_endpoint)?;
    if path == "/v2" {
        return Ok(Parsed::Redirect(format!("{prefix}/v2/")));
    }
    match Endpoint::parse(path) {
        Ok(endpoint) => Ok(Parsed::Endpoint(endpoint)),
        // A tag that can't be is not there; only who pushes it did something wrong.
        Err(EndpointError::Reference(ReferenceError::Tag(error))) if request.method != Method::PUT => {
            Err(ApiError::manifest_unknown().detail(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

fn redirect(path: &str) -> Response<Body> {
    with(empty(StatusCode::MOVED_PERMANENTLY), LOCATION, value(path))
}

fn handler_of(endpoint: &Endpoint) -> Handler {
    match endpoint {
        Endpoint::Base => Handler::Base,
        Endpoint::Catalog => Handler::Catalog,
        Endpoint::Tags(_) => Handler::Tags,
        Endpoint::Manifest(..) => Handler::Manifest,
        Endpoint::Blob(..) => Handler::Blob,
        Endpoint::Uploads(_) => Handler::BlobUpload,
        Endpoint::Upload(..) => Handler::BlobUploadChunk,
        Endpoint::Referrers(..) => Handler::Referrers,
    }
}

/// Method and rights, then the handler.
async fn guarded(app: &Arc<App>, request: &Arc<Request>, endpoint: Endpoint) -> Result<Response<Body>, ApiError> {
    let allowed = endpoint.methods();
    if request.method == Method::OPTIONS && endpoint != Endpoint::Base {
        return Ok(with(empty(StatusCode::OK), ALLOW, value(allowed.join(", "))));
    }
    // registry:2 answers its base with every method, and monitors rely on it; but on none of these.
    let takes_any = endpoint == Endpoint::Base && !is_never_served(&request.method);
    if !takes_any && !allowed.contains(&request.method.as_str()) {
        return Err(ApiError::method_not_allowed(&allowed.join(", ")));
    }
    app.policy.authorize(&endpoint, &request.method)?;
    let changes = !matches!(request.method, Method::GET | Method::HEAD);
    if !changes || endpoint == Endpoint::Base {
        return dispatch(app, request, &endpoint).await;
    }
    // A change is carried to its end even if the client leaves, so it must not end with the connection.
    let (app, request) = (Arc::clone(app), Arc::clone(request));
    let task = async move { dispatch(&app, &request, &endpoint).await };
    match tokio::spawn(task.in_current_span()).await {
        Ok(result) => result,
        Err(_) => Err(ApiError::internal("a request panicked")),
    }
}

async fn dispatch(app: &Arc<App>, request: &Request, endpoint: &Endpoint) -> Result<Response<Body>, ApiError> {
    match (endpoint, &request.method) {
        (Endpoint::Base, _) => Ok(lists::base()),
        (Endpoint::Catalog, _) => lists::catalog(app, request).await,
        (Endpoint::Tags(name), _) => lists::tags(app, request, name).await,
        (Endpoint::Referrers(name, digest), _) => referrers::list(app, request, name, *digest).await,
        (Endpoint::Manifest(name, reference), &Method::PUT) => manifests::put(app, request, name, reference).await,
        (Endpoint::Manifest(name, reference), &Method::DELETE) => manifests::delete(app, name, reference).await,
        (Endpoint::Manifest(name, reference), _) => manifests::get(app, request, name, reference).await,
        (Endpoint::Blob(name, digest), &Method::DELETE) => blobs::delete(app, name, *digest).await,
        (Endpoint::Blob(name, digest), _) => blobs::get(app, request, name, *digest).await,
        (Endpoint::Uploads(name), _) => uploads::start(app, request, name).await,
        (Endpoint::Upload(name, id), &Method::PATCH) => uploads::patch(app, request, name, id).await,
        (Endpoint::Upload(name, id), &Method::PUT) => uploads::finish(app, request, name, id).await,
        (Endpoint::Upload(name, id), &Method::DELETE) => uploads::cancel(app, request, name, id).await,
        (Endpoint::Upload(name, id), _) => uploads::status(app, request, name, id).await,
    }
}
