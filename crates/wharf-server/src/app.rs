//! What every handler needs.

use std::sync::Arc;
use std::time::Duration;

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
    body: Mutex<Option<Incoming>>,
    body_timeout: Duration,
}

impl Request {
    pub(crate) fn new(request: http::Request<Incoming>, body_timeout: Duration) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: Mutex::new(Some(body)),
            body_timeout,
        }
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
        self.body
            .lock()
            .take()
            .map(|incoming| RequestBody::new(incoming, self.body_timeout))
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
