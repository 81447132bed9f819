//! Metrics under registry:2's names, so that dashboards and alerts made for it go on working, and a few of our own.
//!
//! Every label has a fixed set of values: nothing that a client sends becomes a label. What registry:2 does not have
//! is called `wharf_…`.

mod classic;
mod families;
mod process;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use families::{
    ActionLabels, CacheLabels, DurationLabels, HandlerLabels, HistogramFamily, Number, RequestLabels, TaskLabels,
    counters, histograms, in_flight, number, register_build, sizes, task_success,
};

/// Buckets of `registry_http_request_duration_seconds`.
const REQUEST_SECONDS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0,
];
/// Buckets of `registry_storage_action_seconds`.
const ACTION_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What answers a request, as the label `handler` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Handler {
    /// `/v2/`.
    Base,
    /// A blob.
    Blob,
    /// Where upload sessions begin.
    BlobUpload,
    /// An upload session.
    BlobUploadChunk,
    /// The list of repositories.
    Catalog,
    /// A manifest.
    Manifest,
    /// The tags of a repository.
    Tags,
    /// The referrers of a manifest. registry:2 has no such endpoint.
    Referrers,
}

impl Handler {
    /// All handlers, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Base,
        Self::Blob,
        Self::BlobUpload,
        Self::BlobUploadChunk,
        Self::Catalog,
        Self::Manifest,
        Self::Tags,
        Self::Referrers,
    ];

    /// The value of the label `handler`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Blob => "blob",
            Self::BlobUpload => "blob_upload",
            Self::BlobUploadChunk => "blob_upload_chunk",
            Self::Catalog => "catalog",
            Self::Manifest => "manifest",
            Self::Tags => "tags",
            Self::Referrers => "referrers",
        }
    }
}

/// Which program this is: labels of `wharf_build_info` and part of `/debug/vars`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version of wharf.
    pub version: &'static str,
    /// The commit it was built from; empty if not known.
    pub revision: &'static str,
}

/// How much the registry holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Repositories with at least one manifest.
    pub repositories: u64,
    /// Manifests, each counted once per repository.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
    /// Blobs.
    pub blobs: u64,
    /// Repositories compared with their tree since the start.
    pub confirmed_repositories: u64,
}

/// The text form of an answer to a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// The text format 0.0.4, the only one that registry:2 has.
    Classic,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// The form to answer a request with that has this `Accept` header (empty if it has none).
    pub fn negotiate(accept: &str) -> Self {
        let wanted = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next() == Some("application/openmetrics-text");
            named && !parts.any(|part| part == "q=0" || part.starts_with("version=0"))
        };
        if accept.split(',').any(wanted) {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// The `Content-Type` that goes with it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics of one server. Clones count into the same numbers.
#[derive(Debug, Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    in_flight: [Gauge; Handler::ALL.len()],
    requests: Family<RequestLabels, Counter>,
    duration: HistogramFamily<DurationLabels>,
    request_size: HistogramFamily<HandlerLabels>,
    response_size: HistogramFamily<HandlerLabels>,
    storage_action: HistogramFamily<ActionLabels>,
    cache: Family<CacheLabels, Counter>,
    task_success: Family<TaskLabels, Number>,
    uploads_open: Number,
    repositories: Number,
    manifests: Number,
    tags: Number,
    blobs: Number,
    confirmed_repositories: Number,
}

impl Metrics {
    /// Makes all metrics, with nothing counted.
    pub fn new(build: BuildInfo) -> Self {
        let mut registry = Registry::default();
        let in_flight = in_flight(&mut registry);
        register_build(&mut registry, build);
        registry.register_collector(Box::new(process::Process));
        let inner = Inner {
            in_flight,
            requests: counters(
                &mut registry,
                "registry_http_requests",
                "Total number of HTTP requests made",
            ),
            duration: histograms(
                &mut registry,
                "registry_http_request_duration_seconds",
                "The HTTP request latencies in seconds",
                || Histogram::new(REQUEST_SECONDS),
            ),
            request_size: histograms(
                &mut registry,
                "registry_http_request_size_bytes",
                "The HTTP request sizes in bytes",
                sizes,
            ),
            response_size: histograms(
                &mut registry,
                "registry_http_response_size_bytes",
                "The HTTP response sizes in bytes",
                sizes,
            ),
            storage_action: histograms(
                &mut registry,
                "registry_storage_action_seconds",
                "The number of seconds that the storage action takes",
                || Histogram::new(ACTION_SECONDS),
            ),
            cache: counters(
                &mut registry,
                "registry_storage_cache",
                "The number of cache requests received",
            ),
            task_success: task_success(&mut registry),
            uploads_open: number(
                &mut registry,
                "wharf_uploads_open",
                "Upload sessions that have not ended",
            ),
            confirmed_repositories: number(
                &mut registry,
                "wharf_repositories_confirmed",
                "Repositories compared with their tree since the start",
            ),
            repositories: number(
                &mut registry,
                "wharf_repositories",
                "Repositories with at least one manifest",
            ),
            manifests: number(
                &mut registry,
                "wharf_manifests",
                "Manifests, counted once per repository",
            ),
            tags: number(&mut registry, "wharf_tags", "Tags"),
            blobs: number(&mut registry, "wharf_blobs", "Blobs"),
            registry,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Counts a request as being answered until the returned value is finished or dropped.
    pub fn begin(&self, handler: Handler) -> InFlight {
        self.inner.in_flight[handler as usize].inc();
        InFlight {
            metrics: self.clone(),
            handler,
            start: Instant::now(),
        }
    }

    /// Records a call to the storage driver. Both names are registry:2's: see `wharf_storage::Instrumented`.
    pub fn storage_action(&self, driver: &'static str, action: &'static str, duration: Duration) {
        let labels = ActionLabels { action, driver };
        self.inner
            .storage_action
            .get_or_create(&labels)
            .observe(duration.as_secs_f64());
    }

    /// Records that something was looked up in a cache, and whether it was there.
    pub fn cache_lookup(&self, hit: bool) {
        for r#type in ["Request", if hit { "Hit" } else { "Miss" }] {
            self.inner.cache.get_or_create(&CacheLabels { r#type }).inc();
        }
    }

    /// Records that a background task came to its end without an error, at a time in seconds since 1970.
    pub fn task_succeeded(&self, task: &'static str, unix_seconds: u64) {
        self.inner
            .task_success
            .get_or_create(&TaskLabels { task })
            .set(unix_seconds);
    }

    /// Says how many upload sessions are open.
    pub fn set_uploads_open(&self, sessions: u64) {
        self.inner.uploads_open.set(sessions);
    }

    /// Says how much the registry holds.
    pub fn set_totals(&self, totals: Totals) {
        self.inner.repositories.set(totals.repositories);
        self.inner.manifests.set(totals.manifests);
        self.inner.tags.set(totals.tags);
        self.inner.blobs.set(totals.blobs);
        self.inner.confirmed_repositories.set(totals.confirmed_repositories);
    }

    /// All metrics as text.
    pub fn render(&self, exposition: Exposition) -> String {
        let mut text = String::new();
        // Writing to a String can't fail, and neither does any collector.
        let _ = encode_registry(&mut text, &self.inner.registry);
        match exposition {
            Exposition::Classic => classic::from_open_metrics(&text),
            Exposition::OpenMetrics => {
                let _ = encode_eof(&mut text);
                text
            }
        }
    }
}

/// A request that is being answered. Dropping it unfinished (the connection broke, the handler failed) only takes it
/// off the number of requests in flight.
#[derive(Debug)]
#[must_use = "a request that is not finished is not counted"]
pub struct InFlight {
    metrics: Metrics,
    handler: Handler,
    start: Instant,
}

impl InFlight {
    /// Counts the request as answered. Sizes are those of the bodies, in bytes.
    pub fn finish(self, method: &Method, status: StatusCode, request_bytes: u64, response_bytes: u64) {
        let (inner, handler) = (&self.metrics.inner, self.handler.as_str());
        let method = method_label(method);
        let code = status.as_u16();
        inner
            .requests
            .get_or_create(&RequestLabels { code, handler, method })
            .inc();
        let seconds = self.start.elapsed().as_secs_f64();
        inner
            .duration
            .get_or_create(&DurationLabels { handler, method })
            .observe(seconds);
        inner
            .request_size
            .get_or_create(&HandlerLabels { handler })
            .observe(float(request_bytes));
        inner
            .response_size
            .get_or_create(&HandlerLabels { handler })
            .observe(float(response_bytes));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.metrics.inner.in_flight[self.handler as usize].dec();
    }
}

/// The method in lower case, or `unknown` for what HTTP does not define.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        Method::CONNECT => "connect",
        Method::TRACE => "trace",
        _ => "unknown",
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a histogram's sum is a float; sizes are exact to 8 PiB"
)]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests;
