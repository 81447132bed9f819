//! A client that speaks HTTP/2 in clear text from the first byte, and shows answers as the client of HTTP/1.1 does.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::vec::IntoIter;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Runtime;
use wharf_testing::http::{Request, Response};

use crate::harness::{SECRET, Torture, check};

/// The pieces of a body, each of which becomes frames of its own.
type Pieces = StreamBody<stream::Iter<IntoIter<Result<Frame<Bytes>, Infallible>>>>;

/// One connection.
pub(crate) struct Http2 {
    runtime: Runtime,
    sender: SendRequest<Pieces>,
    addr: SocketAddr,
}

impl Http2 {
    /// Connects.
    pub(crate) fn open(addr: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
            let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Self { runtime, sender, addr }
    }

    /// Sends a request and reads its answer, which may be anything; `None` if the server ended the stream or the connection instead,
    /// or if there can be no such request: `Host` is part of its URL.
    pub(crate) fn try_send(&self, request: &Request) -> Option<Response> {
        let authority = request.headers().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let authority = authority.map_or_else(|| self.addr.to_string(), |(_, host)| host.to_owned());
        let uri = format!("http://{authority}{}", request.target());
        let mut built = hyper::Request::builder().method(request.method()).uri(uri);
        for (name, value) in request.headers() {
            if !name.eq_ignore_ascii_case("host") {
                built = built.header(name, value);
            }
        }
        if let [whole] = request.pieces() {
            built = built.header("content-length", whole.len());
        }
        let pieces = request.pieces().iter().cloned();
        let pieces: Vec<_> = pieces.map(|piece| Ok(Frame::data(piece.into()))).collect();
        let request = built.body(StreamBody::new(stream::iter(pieces))).ok()?;
        let mut sender = self.sender.clone();
        self.runtime.block_on(async {
            sender.ready().await.ok()?;
            let answer = sender.send_request(request).await.ok()?;
            let (head, body) = answer.into_parts();
            let headers = head.headers.iter().map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            });
            let collected = body.collect().await;
            Some(Response {
                status: head.status.as_u16(),
                headers: headers.collect(),
                complete: collected.is_ok(),
                body: collected.map(|body| body.to_bytes().to_vec()).unwrap_or_default(),
            })
        })
    }

    /// Sends a request, and checks of the answer what must hold for every answer.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Response {
        let answer = self.try_send(request);
        let answer =
            answer.unwrap_or_else(|| panic!("no answer over HTTP/2 to {} {}", request.method(), request.target()));
        check(&answer);
        answer
    }
}

/// Runs a case over HTTP/1.1 and over HTTP/2. The name of the protocol is fit for a repository's name.
pub(crate) fn over_both(torture: &Torture, case: impl Fn(&str, &dyn Fn(Request) -> Response)) {
    case("http1", &|request| torture.send(request));
    let http2 = Http2::open(torture.client().addr());
    let credential = format!("Bearer {SECRET}");
    case("http2", &|request| {
        http2.send(&request.header("Authorization", &credential))
    });
}
