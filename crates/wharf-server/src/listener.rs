//! Accepting connections and speaking HTTP on them, until told to stop.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Version;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, UnixListener};

use crate::config::{Http, Limits, Listen, TcpAddress};
use crate::sendfile::{FileStream, Outlet, Socket};
use crate::service::Service;
use crate::silence::SilenceLimit;

/// The pause after a connection could not be accepted: there are no descriptors left, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Silence in a header or body has its own limit, with an answer that says so; the connection's comes later.
const SILENCE_MARGIN: Duration = Duration::from_secs(5);

/// A socket that takes connections.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub(crate) async fn bind(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => Ok(Self::Tcp(bind_tcp(address).await?)),
            Listen::Unix(path) => {
                remove_stale_socket(path)?;
                Ok(Self::Unix(UnixListener::bind(path)?))
            }
        }
    }

    /// The TCP address that was bound, with the port that the system chose.
    pub(crate) fn tcp_address(&self) -> Option<std::net::SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

/// Removes a socket that an earlier process left, which would refuse the address; and nothing else.
fn remove_stale_socket(path: &Path) -> io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is no socket is in the way",
        ));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    std::fs::remove_file(path)
}

/// Binds a TCP address; without a host all interfaces, IPv6 too where there is one.
pub(crate) async fn bind_tcp(address: &TcpAddress) -> io::Result<TcpListener> {
    match address.host() {
        Some(host) => TcpListener::bind((host, address.port())).await,
        None => match TcpListener::bind(("::", address.port())).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(("0.0.0.0", address.port())).await,
        },
    }
}

/// Serves connections until `stop` is done; then open requests have `drain` to end. Says whether all of them did.
pub(crate) async fn serve(
    listener: Listener,
    service: Arc<Service>,
    http: &Http,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) -> bool {
    let builder = builder(http, limits);
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((Stream::Tcp(stream), peer)) => {
                spawn(&builder, &connections, stream, peer, &service, limits);
            }
            Ok((Stream::Unix(stream), peer)) => {
                spawn(&builder, &connections, stream, peer, &service, limits);
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tokio::time::timeout(http.drain_timeout, connections.shutdown())
        .await
        .is_ok()
}

enum Stream {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn accept(listener: &Listener) -> io::Result<(Stream, IpAddr)> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, peer) = listener.accept().await?;
            // Answers are written whole; waiting to fill a packet only delays them.
            stream.set_nodelay(true)?;
            Ok((Stream::Tcp(stream), peer.ip().to_canonical()))
        }
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            Ok((Stream::Unix(stream), Ipv4Addr::LOCALHOST.into()))
        }
    }
}

fn builder(http: &Http, limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        // Docker's own clients and old proxies show header names as they come; Go writes them so.
        .title_case_headers(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_max_bytes).unwrap_or(u32::MAX));
    if http.http2 { builder } else { builder.http1_only() }
}

fn spawn(
    builder: &auto::Builder<TokioExecutor>,
    connections: &GracefulShutdown,
    socket: impl Socket,
    peer: IpAddr,
    service: &Arc<Service>,
    limits: &Limits,
) {
    let outlet = Outlet::default();
    let stream = SilenceLimit::new(
        FileStream::new(socket, outlet.clone()),
        limits.header_timeout.max(limits.body_timeout) + SILENCE_MARGIN,
        limits.write_timeout,
    );
    let service = Arc::clone(service);
    let answer = service_fn(move |request: http::Request<Incoming>| {
        let (service, outlet) = (Arc::clone(&service), outlet.clone());
        async move {
            let takes_files = request.version() <= Version::HTTP_11;
            let mut response = service.answer(peer, request).await;
            if takes_files {
                response.body_mut().set_outlet(outlet);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), answer).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // A connection that breaks is the client's business; its request has been logged.
        if let Err(error) = connection.await {
            tracing::debug!(%peer, error = %error, "connection ended");
        }
    });
}
