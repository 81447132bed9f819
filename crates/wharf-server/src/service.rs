//! Around every request: the health gate, the metrics, the access log, and the end of a panic.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::header::{REFERER, USER_AGENT};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;
use wharf_spec::ErrorCode;

use crate::access_log::{Access, AccessLog};
use crate::app::App;
use crate::body::Body;
use crate::error::ApiError;
use crate::health::Health;
use crate::router::route;

/// Answers requests.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    pub(crate) health: Health,
    pub(crate) access_log: Option<AccessLog>,
}

impl Service {
    pub(crate) async fn answer(&self, peer: IpAddr, request: http::Request<Incoming>) -> Response<Body> {
        let Some(access_log) = &self.access_log else {
            return self.guarded(request).await;
        };
        let time = Timestamp::now();
        let (method, uri, version) = (request.method().clone(), request.uri().clone(), request.version());
        let (referer, user_agent) = (
            bytes_of(request.headers(), REFERER),
            bytes_of(request.headers(), USER_AGENT),
        );
        let response = self.guarded(request).await;
        access_log.record(&Access {
            peer,
            user: None,
            time,
            method: &method,
            target: uri.path_and_query().map_or("", |target| target.as_str()),
            version,
            status: response.status(),
            body_bytes: response.body().size_bytes(),
            referer: &referer,
            user_agent: &user_agent,
        });
        response
    }

    async fn guarded(&self, request: http::Request<Incoming>) -> Response<Body> {
        if self.health.is_failing() {
            return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable)
                .detail("health check failed: please see /debug/health")
                .into_response();
        }
        if header_bytes(request.headers()) > self.app.limits.header_max_bytes {
            return ApiError::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, ErrorCode::Unsupported)
                .detail("request header is too large")
                .into_response();
        }
        let route = AssertUnwindSafe(route(Arc::clone(&self.app), request)).catch_unwind();
        route
            .await
            .unwrap_or_else(|_| ApiError::internal("a request panicked").into_response())
    }
}

fn bytes_of(headers: &HeaderMap, name: http::HeaderName) -> Vec<u8> {
    headers
        .get(name)
        .map(|value| value.as_bytes().to_vec())
        .unwrap_or_default()
}

/// The size of a header block, with the separators of HTTP/1.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
