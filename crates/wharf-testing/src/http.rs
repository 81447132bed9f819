//! A raw HTTP/1.1 client: it sends what the test wrote and shows what the server sent.
//!
//! Nothing is added to a request but `Host` and the body's framing, and both can be left out;
//! nothing of an answer is interpreted but its framing. A body shorter than announced is an answer
//! with [`Response::complete`] unset, not an error, because registry 2.8 sends such.

mod url;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

pub use url::{path_of, percent_decode, percent_encode, query_value, with_query};

/// The longest wait for a byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
enum Body {
    None,
    Bytes(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
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
        self.body = Body::Chunked(
            pieces
                .into_iter()
                .map(|piece| piece.as_ref().to_vec())
                .collect(),
        );
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

    fn head_bytes(&self, addr: SocketAddr) -> Vec<u8> {
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

    fn body_bytes(&self) -> Vec<u8> {
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

/// An answer as it came over the wire.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Every header line in order, names as received.
    pub headers: Vec<(String, String)>,
    /// The body, chunked coding removed.
    pub body: Vec<u8>,
    /// Whether the body was as long as announced.
    pub complete: bool,
}

impl Response {
    /// The value of the first header line of this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// The values of all header lines of this name, compared without case.
    pub fn headers_named(&self, name: &str) -> impl Iterator<Item = &str> {
        let wanted = name.to_owned();
        self.headers
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(&wanted))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a header that must be there.
    pub fn expect_header(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("no `{name}` in {self}"))
    }

    /// The path and query of `Location`, absolute or relative.
    pub fn location(&self) -> String {
        path_of(self.expect_header("Location")).to_owned()
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}) in {self}"))
    }

    /// The codes of the error body, in order; empty when the body is none.
    pub fn error_codes(&self) -> Vec<String> {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .filter_map(|error| Some(error["code"].as_str()?.to_owned()))
            .collect()
    }

    /// Panics with the whole answer when the status is another.
    #[track_caller]
    #[expect(
        clippy::return_self_not_must_use,
        reason = "the check alone is often all a test wants"
    )]
    pub fn expect_status(self, status: u16) -> Self {
        assert!(
            self.status == status,
            "expected status {status}, got {self}"
        );
        self
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        let text = self.text();
        let shown: String = text.chars().take(4000).collect();
        write!(
            f,
            "\n{shown}{}",
            if self.complete { "" } else { "\n[cut short]" }
        )
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    addr: SocketAddr,
    stream: BufReader<TcpStream>,
    reusable: bool,
}

impl Connection {
    /// Connects.
    pub fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_write_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            addr,
            stream: BufReader::new(stream),
            reusable: true,
        })
    }

    /// Sends a request and reads its answer. An answer that comes before the body was sent is read
    /// all the same.
    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        let mut bytes = request.head_bytes(self.addr);
        bytes.extend(request.body_bytes());
        let sent = self.write(&bytes);
        self.reusable &= sent.is_ok();
        match (self.read_response(&request.method), sent) {
            (Err(_), Err(error)) => Err(error),
            (answer, _) => answer,
        }
    }

    /// Sends the head of a request and the first `count` bytes of its body (chunked coding
    /// included).
    pub fn send_part(&mut self, request: &Request, count: usize) -> io::Result<()> {
        let mut bytes = request.head_bytes(self.addr);
        bytes.extend(request.body_bytes().into_iter().take(count));
        self.write(&bytes)
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Closes both directions.
    pub fn cut(self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
    }

    /// Whether the server closed the connection: waits for a byte that must not come.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.fill_buf(), Ok([]) | Err(_))
    }

    /// Whether the server has neither closed the connection nor sent anything unasked.
    fn is_quiet(&self) -> bool {
        let stream = self.stream.get_ref();
        let mut byte = [0];
        let quiet = stream.set_nonblocking(true).is_ok()
            && stream
                .peek(&mut byte)
                .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        quiet && stream.set_nonblocking(false).is_ok()
    }

    /// Reads the answer to a request of this method, interim answers (1xx) skipped.
    pub fn read_response(&mut self, method: &str) -> io::Result<Response> {
        loop {
            let response = self.read_one(method)?;
            if !(100..200).contains(&response.status) {
                return Ok(response);
            }
        }
    }

    fn read_one(&mut self, method: &str) -> io::Result<Response> {
        let status_line = self.line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| bad(&format!("`{status_line}` is no status line")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| bad("header line without colon"))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
            complete: true,
        };
        let bodyless = method == "HEAD" || status < 200 || status == 204 || status == 304;
        if !bodyless {
            self.read_body(&mut response)?;
        }
        let closes = response
            .header("Connection")
            .is_some_and(|v| v.eq_ignore_ascii_case("close"));
        self.reusable &= response.complete && !closes;
        Ok(response)
    }

    fn read_body(&mut self, response: &mut Response) -> io::Result<()> {
        let chunked = response
            .header("Transfer-Encoding")
            .is_some_and(|v| v == "chunked");
        let length = response.header("Content-Length").map(str::parse::<u64>);
        if chunked {
            response.complete = self.read_chunks(&mut response.body).is_ok();
        } else if let Some(length) = length {
            let length = length.map_err(|_| bad("Content-Length is no number"))?;
            let read = (&mut self.stream)
                .take(length)
                .read_to_end(&mut response.body);
            response.complete = read.is_ok() && response.body.len() as u64 == length;
        } else {
            self.reusable = false;
            self.stream.read_to_end(&mut response.body)?;
        }
        Ok(())
    }

    fn read_chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| bad("chunk size is no number"))?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(());
            }
            let before = body.len() as u64;
            (&mut self.stream).take(size).read_to_end(body)?;
            if body.len() as u64 != before + size || !self.line()?.is_empty() {
                return Err(bad("chunk cut short"));
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

fn bad(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// A client that keeps one connection open between requests.
#[derive(Debug)]
pub struct Client {
    addr: SocketAddr,
    idle: Mutex<Option<Connection>>,
}

impl Client {
    /// A client of the server at this address; it connects with the first request.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            idle: Mutex::new(None),
        }
    }

    /// The server's address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A new connection of its own.
    pub fn connect(&self) -> Connection {
        Connection::open(self.addr)
            .unwrap_or_else(|error| panic!("cannot connect to {}: {error}", self.addr))
    }

    /// Sends a request and reads its answer; panics when there is none.
    #[track_caller]
    pub fn send(&self, request: impl std::borrow::Borrow<Request>) -> Response {
        let request = request.borrow();
        self.try_send(request).unwrap_or_else(|error| {
            panic!(
                "no answer to {} {}: {error}",
                request.method, request.target
            )
        })
    }

    /// Sends a request and reads its answer, over the open connection if it still works, else over
    /// a new one.
    pub fn try_send(&self, request: &Request) -> io::Result<Response> {
        let idle = self.idle.lock().expect("no holder panics").take();
        let mut connection = match idle.filter(Connection::is_quiet) {
            Some(connection) => connection,
            None => Connection::open(self.addr)?,
        };
        let answer = connection.send(request)?;
        if connection.reusable {
            *self.idle.lock().expect("no holder panics") = Some(connection);
        }
        Ok(answer)
    }

    /// Sends the head of a request and the first `count` bytes of its body, then cuts the
    /// connection.
    pub fn send_and_cut(&self, request: &Request, count: usize) {
        let mut connection = self.connect();
        connection
            .send_part(request, count)
            .expect("the server takes the beginning of a request");
        connection.cut();
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes and returns what the client sent up to `expected`
    /// bytes.
    fn answer_once(answer: &'static str, expected: usize) -> (SocketAddr, impl FnOnce() -> String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut sent = vec![0; expected];
            stream.read_exact(&mut sent).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(sent).unwrap()
        });
        (addr, move || thread.join().unwrap())
    }

    #[test]
    fn a_request_goes_out_as_written_and_the_answer_comes_back_as_sent() {
        let request = Request::put("http://elsewhere/p?q=1")
            .header("accept", "a")
            .header("accept", "b");
        let request = request.chunked(["abc", "", "de"]).without_host();
        let wire = "PUT /p?q=1 HTTP/1.1\r\naccept: a\r\naccept: b\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-a: 1\r\nx-A: 2\r\n\
                      Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        let (addr, sent) = answer_once(answer, wire.len());
        let response = Client::new(addr).send(request);
        assert_eq!(sent(), wire);
        assert_eq!((response.status, response.text().as_str()), (201, "ok"));
        assert_eq!(
            response.headers_named("x-a").collect::<Vec<_>>(),
            ["1", "2"]
        );
        assert_eq!(response.headers[1].0, "x-A");
        assert!(response.complete);
    }

    #[test]
    fn a_body_shorter_than_announced_is_incomplete() {
        let head = "GET / HTTP/1.1\r\nHost: 127.0.0.1:";
        let (addr, sent) = answer_once(
            "HTTP/1.1 416 No\r\nContent-Length: 9\r\n\r\nshort",
            head.len(),
        );
        let response = Client::new(addr).send(Request::get("/"));
        sent();
        assert_eq!(
            (response.text().as_str(), response.complete),
            ("short", false)
        );
    }
}
