//! What a client sees of an error: the only place where failures become status, code and text.
//!
//! Bodies have the form of the distribution specification, `{"errors":[{"code","message","detail"}]}`; `detail` is registry 3's
//! text where it has one. Text for clients and text for the log are different things: of a failure of the registry itself a client
//! learns nothing but that there was one.

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};
use wharf_registry::{Failure, PutManifestError, UploadError};
use wharf_spec::name::ReferenceError;
use wharf_spec::{Digest, DigestError, EndpointError, ErrorCode, NameError, Reference, RepositoryName};

use crate::body::Body;

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    errors: Vec<(ErrorCode, Option<Value>)>,
    /// What went wrong, for the log; where the client's text does not say it all.
    pub(crate) cause: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: ErrorCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            errors: vec![(code, None)],
            cause: None,
        }
    }

    /// With a detail, text or JSON.
    pub(crate) fn detail(mut self, detail: impl Into<Value>) -> Self {
        if let Some((_, slot)) = self.errors.last_mut() {
            *slot = Some(detail.into());
        }
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The codes, for the log.
    pub(crate) fn codes(&self) -> impl Iterator<Item = ErrorCode> {
        self.errors.iter().map(|(code, _)| *code)
    }

    pub(crate) fn bad_request(code: ErrorCode, detail: impl Into<Value>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code).detail(detail)
    }

    pub(crate) fn no_such_endpoint() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::Unsupported).detail("no such endpoint")
    }

    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let allow = HeaderValue::from_str(allowed).unwrap_or(HeaderValue::from_static("GET"));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported).header(ALLOW, allow)
    }

    pub(crate) fn unsupported(detail: &str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported).detail(detail)
    }

    pub(crate) fn blob_unknown(digest: Digest) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::BlobUnknown).detail(digest.to_string())
    }

    pub(crate) fn manifest_unknown() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::ManifestUnknown)
    }

    /// A tag or digest that the repository does not have.
    pub(crate) fn no_such_manifest(name: &RepositoryName, reference: &Reference) -> Self {
        Self::manifest_unknown().detail(match reference {
            Reference::Tag(tag) => format!("unknown tag={tag}"),
            Reference::Digest(digest) => format!("unknown manifest name={name} revision={digest}"),
        })
    }

    pub(crate) fn name_unknown(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NameUnknown).detail(json!({ "name": name }))
    }

    pub(crate) fn upload_unknown() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown).detail("blob upload unknown")
    }

    pub(crate) fn manifest_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::ManifestInvalid).detail("http: request body too large")
    }

    /// The body of a request did not arrive.
    pub(crate) fn body(error: &crate::request_body::BodyError) -> Self {
        use crate::request_body::BodyError;
        match error {
            BodyError::Silent => Self::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::SizeInvalid)
                .detail("the body stopped arriving; the upload can be resumed"),
            BodyError::Cancelled => Self::upload_unknown(),
            error if error.is_malformed() => Self::bad_request(ErrorCode::SizeInvalid, "the body is malformed"),
            // Nobody reads this answer; the status is registry:2's, for the access log.
            BodyError::Broken(_) => Self::new(
                StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
                ErrorCode::SizeInvalid,
            )
            .detail("the body ended before its announced end"),
        }
    }

    /// A failure of the server, whose cause stays in the log.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Unknown);
        error.cause = Some(cause.into());
        error
    }

    fn temporary(cause: String, detail: &str) -> Self {
        let retry = HeaderValue::from_static("30");
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable)
            .detail(detail)
            .header(RETRY_AFTER, retry);
        error.cause = Some(cause);
        error
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let errors: Vec<Value> = self
            .errors
            .into_iter()
            .map(|(code, detail)| {
                let mut error = json!({ "code": code.as_str(), "message": code.message() });
                if let Some(detail) = detail {
                    error["detail"] = detail;
                }
                error
            })
            .collect();
        let mut body = json!({ "errors": errors }).to_string();
        body.push('\n');
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ReadOnly => Self::unsupported("the registry is read-only"),
            failure if failure.is_temporary() => {
                Self::temporary(failure.with_causes(), "the registry can't write now; try again later")
            }
            failure => Self::internal(failure.with_causes()),
        }
    }
}

impl From<DigestError> for ApiError {
    fn from(error: DigestError) -> Self {
        Self::bad_request(ErrorCode::DigestInvalid, error.to_string())
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::bad_request(ErrorCode::NameInvalid, error.to_string())
    }
}

impl From<EndpointError> for ApiError {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::Unknown => Self::no_such_endpoint(),
            EndpointError::Name(error) => error.into(),
            EndpointError::Digest(error) | EndpointError::Reference(ReferenceError::Digest(error)) => error.into(),
            EndpointError::Reference(ReferenceError::Tag(error)) => {
                Self::bad_request(ErrorCode::ManifestInvalid, error.to_string())
            }
            EndpointError::UploadId => Self::upload_unknown(),
        }
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Unknown => Self::upload_unknown(),
            UploadError::TooMany { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests)
                .detail(error.to_string())
                .header(RETRY_AFTER, HeaderValue::from_static("60")),
            UploadError::Digest { .. } => Self::bad_request(ErrorCode::DigestInvalid, error.to_string()),
            UploadError::Failure(failure) => failure.into(),
        }
    }
}

impl From<PutManifestError> for ApiError {
    fn from(error: PutManifestError) -> Self {
        let text = error.to_string();
        match error {
            PutManifestError::Manifest(_) | PutManifestError::Url(_) => {
                Self::bad_request(ErrorCode::ManifestInvalid, text)
            }
            PutManifestError::Digest { .. } => Self::bad_request(ErrorCode::DigestInvalid, text),
            PutManifestError::Size { .. } => Self::bad_request(ErrorCode::SizeInvalid, text),
            PutManifestError::Class(_) => Self::new(StatusCode::FORBIDDEN, ErrorCode::Denied).detail(text),
            PutManifestError::Missing(digests) => {
                let mut error = Self::new(StatusCode::BAD_REQUEST, ErrorCode::ManifestBlobUnknown);
                error.errors = digests
                    .into_iter()
                    .map(|digest| (ErrorCode::ManifestBlobUnknown, Some(digest.to_string().into())))
                    .collect();
                error
            }
            PutManifestError::Failure(failure) => failure.into(),
        }
    }
}
