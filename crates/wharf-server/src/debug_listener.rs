//! The debug listener (`http.debug.addr`): health, metrics and what this program is, apart from the registry's address.
//!
//! | path | answer |
//! | --- | --- |
//! | `/debug/health` | 200 `{}`, or 503 with the failing checks |
//! | `/debug/vars` | build information, and `registry` with the keys registry:2 has there |
//! | `/metrics` | metrics, if there is an endpoint for them; its path is configurable |
//!
//! Everything else is 404. There is no authentication, as there is none in registry:2: bind it to an address that only
//! operators reach.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::health::Health;
use crate::metrics::{BuildInfo, Exposition, Metrics};

/// How long a client may take to send its request's head.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// How long answers that have begun may take after the order to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// The pause after a connection could not be accepted: there are no descriptors left, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What the debug listener shows.
#[derive(Debug, Clone)]
pub struct DebugListener {
    build: BuildInfo,
    health: Health,
    metrics: Option<(String, Metrics)>,
}

impl DebugListener {
    /// Shows health and build information.
    pub fn new(build: BuildInfo, health: Health) -> Self {
        Self {
            build,
            health,
            metrics: None,
        }
    }

    /// Shows metrics too, at `path` (`/metrics` in registry:2's default).
    #[must_use]
    pub fn with_metrics(mut self, path: String, metrics: Metrics) -> Self {
        self.metrics = Some((path, metrics));
        self
    }

    /// Serves until `stop` becomes true or its sender is gone; then open answers get a few seconds to end.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let shown = Arc::new(self);
        let connections = GracefulShutdown::new();
        let stopped = async move {
            // An error means that the sender is gone.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                () = &mut stopped => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => serve_connection(&shown, &connections, stream),
                    Err(error) => {
                        tracing::warn!(%error, "debug listener can't accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        if tokio::time::timeout(DRAIN_LIMIT, connections.shutdown()).await.is_err() {
            tracing::warn!("debug listener stopped with answers still open");
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let (method, path) = (request.method(), request.uri().path());
        if method == Method::GET && path == "/debug/health" {
            let failing = self.health.is_failing();
            let status = if failing {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::OK
            };
            return response(status, JSON, if failing { self.health.body() } else { "{}".to_owned() });
        }
        if method != Method::GET && method != Method::HEAD {
            return not_found();
        }
        match &self.metrics {
            _ if path == "/debug/vars" => response(StatusCode::OK, JSON, self.vars()),
            Some((metrics_path, metrics)) if path == metrics_path => {
                let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
                let exposition = Exposition::negotiate(accept.unwrap_or_default());
                let kind = HeaderValue::from_static(exposition.content_type());
                response(StatusCode::OK, kind, metrics.render(exposition))
            }
            _ => not_found(),
        }
    }

    /// What registry:2 publishes under `registry`, and the build in place of the command line and memory statistics.
    fn vars(&self) -> String {
        let BuildInfo { version, revision } = self.build;
        let proxied = serde_json::json!({
            "Requests": 0, "Hits": 0, "Misses": 0, "BytesPulled": 0, "BytesPushed": 0,
        });
        let vars = serde_json::json!({
            "build": { "version": version, "revision": revision },
            "registry": {
                "cache": { "storage": { "blobdescriptor": {} } },
                "notifications": { "endpoints": null },
                "proxy": { "blobs": proxied, "manifests": proxied },
            },
        });
        format!("{vars}\n")
    }
}

/// Serves one connection in a task of its own.
fn serve_connection(shown: &Arc<DebugListener>, connections: &GracefulShutdown, stream: TcpStream) {
    let shown = Arc::clone(shown);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = shown.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "debug connection broke");
        }
    });
}

fn response(status: StatusCode, kind: HeaderValue, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn not_found() -> Response<Full<Bytes>> {
    let mut response = response(StatusCode::NOT_FOUND, TEXT, "404 page not found\n".to_owned());
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests;
