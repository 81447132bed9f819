//! The listener over real sockets.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;
use crate::config::CheckTimes;
use crate::health::Check;
use crate::metrics::Handler;

const BUILD: BuildInfo = BuildInfo {
    version: "1.2.3",
    revision: "abc",
};
const LIMIT: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

async fn start(listener: DebugListener) -> Running {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    Running {
        address,
        stop,
        task: tokio::spawn(listener.serve(socket, stopped)),
    }
}

impl Running {
    /// Sends a request and returns the whole answer, head and body.
    async fn ask(&self, method: &str, path: &str, header: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        answer
    }
}

fn parts(answer: &str) -> (&str, &str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    (status, headers, body)
}

fn healthy() -> DebugListener {
    DebugListener::new(BUILD, Health::start(Vec::new()))
}

#[tokio::test]
async fn health_is_shown_as_registry_2_shows_it() {
    let server = start(healthy()).await;
    let answer = server.ask("GET", "/debug/health", "").await;
    let (status, headers, body) = parts(&answer);
    assert_eq!((status, body), ("HTTP/1.1 200 OK", "{}"));
    assert!(
        headers.contains("content-type: application/json; charset=utf-8"),
        "{headers}"
    );
    assert!(!headers.contains("docker-distribution-api-version"));
    for method in ["POST", "HEAD", "PUT"] {
        assert!(
            server
                .ask(method, "/debug/health", "")
                .await
                .starts_with("HTTP/1.1 404 "),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_failing_check_is_503_with_its_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("down");
    std::fs::write(&path, "").unwrap();
    let times = CheckTimes {
        interval: Duration::from_secs(10),
        threshold: 1,
    };
    let health = Health::start(vec![Check::file_absent(path.clone(), times)]);
    let deadline = std::time::Instant::now() + LIMIT;
    while !health.is_failing() {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let server = start(DebugListener::new(BUILD, health)).await;
    let answer = server.ask("GET", "/debug/health", "").await;
    let (status, _, body) = parts(&answer);
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body[path.to_str().unwrap()], "file exists");
}

#[tokio::test]
async fn metrics_are_there_only_when_asked_for_and_where() {
    let without = start(healthy()).await;
    assert!(without.ask("GET", "/metrics", "").await.starts_with("HTTP/1.1 404 "));

    let metrics = Metrics::new(BUILD);
    let server = start(healthy().with_metrics("/prom".to_owned(), metrics.clone())).await;
    assert!(server.ask("GET", "/metrics", "").await.starts_with("HTTP/1.1 404 "));
    metrics.begin(Handler::Tags).finish(&Method::GET, StatusCode::OK, 0, 9);
    let answer = server.ask("GET", "/prom", "").await;
    let (status, headers, body) = parts(&answer);
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        headers.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{headers}"
    );
    assert!(body.contains("registry_http_requests_total{code=\"200\",handler=\"tags\",method=\"get\"} 1\n"));
    let answer = server
        .ask("GET", "/prom", "Accept: application/openmetrics-text;version=1.0.0\r\n")
        .await;
    let (_, headers, body) = parts(&answer);
    assert!(headers.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(body.ends_with("# EOF\n"));
    let answer = server.ask("HEAD", "/prom", "").await;
    assert_eq!((parts(&answer).0, parts(&answer).2), ("HTTP/1.1 200 OK", ""));
}

#[tokio::test]
async fn vars_name_the_build_and_nothing_of_the_command_line() {
    let server = start(healthy()).await;
    let answer = server.ask("GET", "/debug/vars", "").await;
    let vars: Value = serde_json::from_str(parts(&answer).2).unwrap();
    assert_eq!(
        vars["build"],
        serde_json::json!({"version": "1.2.3", "revision": "abc"})
    );
    assert_eq!(
        vars["registry"]["cache"]["storage"]["blobdescriptor"],
        serde_json::json!({})
    );
    assert_eq!(vars["registry"]["proxy"]["blobs"]["Hits"], 0);
    assert!(vars["registry"]["notifications"]["endpoints"].is_null());
    assert!(vars.get("cmdline").is_none());
}

#[tokio::test]
async fn everything_else_is_not_found() {
    let server = start(healthy()).await;
    for path in [
        "/",
        "/v2/",
        "/debug",
        "/debug/health/",
        "/debug/health/down",
        "/debug/pprof/",
    ] {
        let answer = server.ask("GET", path, "").await;
        let (status, headers, body) = parts(&answer);
        assert_eq!(
            (status, body),
            ("HTTP/1.1 404 Not Found", "404 page not found\n"),
            "{path}"
        );
        assert!(headers.contains("x-content-type-options: nosniff"), "{headers}");
    }
}

#[tokio::test]
async fn it_stops_when_told_and_when_nobody_can_tell_it_any_more() {
    let server = start(healthy()).await;
    // An idle connection must not hold it up.
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 1];
    tokio::time::timeout(LIMIT, idle.read_exact(&mut first))
        .await
        .unwrap()
        .unwrap();
    server.stop.send(true).unwrap();
    tokio::time::timeout(DRAIN_LIMIT / 2, server.task)
        .await
        .expect("idle connections are closed at once")
        .unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());

    let server = start(healthy()).await;
    drop(server.stop);
    tokio::time::timeout(LIMIT, server.task).await.unwrap().unwrap();
}
