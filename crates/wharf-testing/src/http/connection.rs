//! One connection: sends, reads, cuts.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Request, Response};

/// The longest wait for a byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// One connection.
#[derive(Debug)]
pub struct Connection {
    addr: SocketAddr,
    stream: BufReader<TcpStream>,
    pub(super) reusable: bool,
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
    pub(super) fn is_quiet(&self) -> bool {
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
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| bad(&format!("`{status_line}` is no status line")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad("header line without colon"))?;
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
        let chunked = response.header("Transfer-Encoding").is_some_and(|v| v == "chunked");
        let length = response.header("Content-Length").map(str::parse::<u64>);
        if chunked {
            response.complete = self.read_chunks(&mut response.body).is_ok();
        } else if let Some(length) = length {
            let length = length.map_err(|_| bad("Content-Length is no number"))?;
            let read = (&mut self.stream).take(length).read_to_end(&mut response.body);
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
