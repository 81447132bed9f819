//! What every handler needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::EXPECT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use hyper::body::Incoming;
use parking_lot::Mutex;
use wharf_registry::Registry;
use wharf_spec::schema1::SigningKey;
use wharf_spec::{Endpoint, RepositoryName};

use crate::config::Limits;
use crate::location::Locations;
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::query::Query;
use crate::request_body::RequestBody;

/// The longest body that is read only to keep its connection, and for how long.
const DRAIN_BYTES_MAX: usize = 64 * 1024;
const DRAIN_MAX: Duration = Duration::from_millis(100);

/// The server's state.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) registry: Arc<Registry>,
    pub(crate) policy: Policy,
    pub(crate) locations: Locations,
    pub(crate) limits: Limits,
    pub(crate) catalog_max: usize,
    pub(crate) tags_max: Option<usize>,
    /// `http.headers` of the configuration.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) signing_key: SigningKey,
    pub(crate) metrics: Metrics,
}

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// Taken by the one who reads it.
    body: Mutex<Option<RequestBody>>,
    is_body_finished: Arc<AtomicBool>,
}

impl Request {
    pub(crate) fn new(request: http::Request<Incoming>, body_timeout: Duration) -> Self {
        let (parts, incoming) = request.into_parts();
        let body = RequestBody::new(incoming, body_timeout, parts.headers.contains_key(EXPECT));
        Self {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            is_body_finished: body.is_finished(),
            body: Mutex::new(Some(body)),
        }
    }

    /// Reads a body that nobody wanted, if it is short, so that the connection can go on.
    pub(crate) async fn drain_body(&self) {
        if !self.is_body_finished()
            && self
                .content_length()
                .is_some_and(|length| length <= DRAIN_BYTES_MAX as u64)
            && !self.headers.contains_key(EXPECT)
            && let Some(body) = self.body()
        {
            // Whatever comes of it, the connection is closed if the end was not reached.
            let _ = tokio::time::timeout(DRAIN_MAX, body.collect(DRAIN_BYTES_MAX)).await;
        }
    }

    /// Whether the body was read to its end.
    pub(crate) fn is_body_finished(&self) -> bool {
        self.is_body_finished.load(Ordering::Relaxed)
    }

    pub(crate) fn query(&self) -> Query<'_> {
        Query(self.uri.query().unwrap_or_default())
    }

    /// The value of a header that is text.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, for the first who asks.
    pub(crate) fn body(&self) -> Option<RequestBody> {
        self.body.lock().take()
    }

    /// The announced length of the body.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header(http::header::CONTENT_LENGTH)?.parse().ok()
    }
}

impl App {
    /// The absolute URL of an endpoint, as far as the request tells where this server is.
    pub(crate) fn url(&self, request: &Request, endpoint: &Endpoint) -> HeaderValue {
        let base = self.locations.base(&request.headers, &request.uri);
        crate::location::header_value(&format!("{base}{endpoint}"))
    }

    /// The path of an endpoint as clients see it, for links.
    pub(crate) fn path(&self, endpoint: &Endpoint) -> String {
        format!("{}{endpoint}", self.locations.prefix.as_str().trim_end_matches('/'))
    }

    /// Runs work on the registry off the reactor.
    pub(crate) async fn with_registry<T, E>(
        &self,
        work: impl FnOnce(&Arc<Registry>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, crate::error::ApiError>
    where
        T: Send + 'static,
        E: Into<crate::error::ApiError> + Send + 'static,
    {
        let registry = Arc::clone(&self.registry);
        crate::blocking::blocking(move || work(&registry)).await
    }

    /// Runs work on one repository off the reactor.
    pub(crate) async fn with_repository<T, E>(
        &self,
        name: &RepositoryName,
        work: impl FnOnce(&Arc<Registry>, &RepositoryName) -> Result<T, E> + Send + 'static,
    ) -> Result<T, crate::error::ApiError>
    where
        T: Send + 'static,
        E: Into<crate::error::ApiError> + Send + 'static,
    {
        let name = name.clone();
        self.with_registry(move |registry| work(registry, &name)).await
    }
}
