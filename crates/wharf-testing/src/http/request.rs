//! Requests as they go over the wire.

use std::net::SocketAddr;

use super::path_of;

#[derive(Debug, Clone)]
enum Body {
    None,
    Bytes(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: String,
    pub(super) target: String,
    headers: Vec<(String, String)>,
    body: Body,
    host: bool,
    content_length: bool,
}

impl Request {
    /// A request without body. The target may be a path or an absolute URL, of which the path and
    /// query are used.
    pub fn new(method: impl Into<String>, target: impl AsRef<str>) -> Self {
        Self {
            method: method.into(),
            target: path_of(target.as_ref()).to_owned(),
            headers: Vec::new(),
            body: Body::None,
            host: true,
            content_length: true,
        }
    }

    /// `GET`.
    pub fn get(target: impl AsRef<str>) -> Self {
        Self::new("GET", target)
    }

    /// `HEAD`.
    pub fn head(target: impl AsRef<str>) -> Self {
        Self::new("HEAD", target)
    }

    /// `POST` with `Content-Length: 0`, or with the body given later.
    pub fn post(target: impl AsRef<str>) -> Self {
        Self::new("POST", target).body("")
    }

    /// `PATCH` with `Content-Length: 0`, or with the body given later.
    pub fn patch(target: impl AsRef<str>) -> Self {
        Self::new("PATCH", target).body("")
    }

    /// `PUT` with `Content-Length: 0`, or with the body given later.
    pub fn put(target: impl AsRef<str>) -> Self {
        Self::new("PUT", target).body("")
    }

    /// `DELETE`.
    pub fn delete(target: impl AsRef<str>) -> Self {
        Self::new("DELETE", target)
    }

    /// Adds a header line; several of one name stay several lines.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body, announced by `Content-Length`.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Body::Bytes(body.as_ref().to_vec());
        self
    }

    /// Sets the body, sent with `Transfer-Encoding: chunked` in these pieces.
    #[must_use]
    pub fn chunked<P: AsRef<[u8]>>(mut self, pieces: impl IntoIterator<Item = P>) -> Self {
        self.body = Body::Chunked(pieces.into_iter().map(|piece| piece.as_ref().to_vec()).collect());
        self
    }

    /// Leaves out `Host`.
    #[must_use]
    pub fn without_host(mut self) -> Self {
        self.host = false;
        self
    }

    /// Leaves out `Content-Length`; a header of that name may be given by hand.
    #[must_use]
    pub fn without_content_length(mut self) -> Self {
        self.content_length = false;
        self
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The header lines that were added.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The pieces of the body, without coding; none when there is no body.
    pub fn pieces(&self) -> &[Vec<u8>] {
        match &self.body {
            Body::None => &[],
            Body::Bytes(bytes) => std::slice::from_ref(bytes),
            Body::Chunked(pieces) => pieces,
        }
    }

    pub(super) fn head_bytes(&self, addr: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        if self.host {
            line("Host", &addr.to_string());
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        match &self.body {
            Body::Bytes(bytes) if self.content_length => {
                line("Content-Length", &bytes.len().to_string());
            }
            Body::Chunked(_) => line("Transfer-Encoding", "chunked"),
            Body::Bytes(_) | Body::None => {}
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    pub(super) fn body_bytes(&self) -> Vec<u8> {
        match &self.body {
            Body::None => Vec::new(),
            Body::Bytes(bytes) => bytes.clone(),
            Body::Chunked(pieces) => {
                let mut bytes = Vec::new();
                for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                    bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                    bytes.extend_from_slice(piece);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
                bytes
            }
        }
    }
}
