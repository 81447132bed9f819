//! A connection to a server that costs little: requests as text, answers of which only the head is looked at.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// How long a server may be silent. One that adopts a root lets the catalog wait.
const PATIENCE: Duration = Duration::from_mins(2);
/// The longest head of an answer.
const MOST_HEAD: usize = 64 << 10;

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Bytes of the body; `None` for a body in chunks.
    pub(crate) length: Option<u64>,
    pub(crate) location: Option<String>,
}

/// A connection that is kept open.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    addr: SocketAddr,
    /// What has come and was not yet looked at.
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens one.
    pub(crate) fn open(addr: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            addr,
            buffer: Vec::new(),
        })
    }

    /// The text of a request up to its empty line; `headers` end in line breaks.
    pub(crate) fn request(&self, method: &str, target: &str, headers: &str) -> String {
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.addr)
    }

    /// Sends bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(bytes).context("the server takes no more")
    }

    /// Where to write a body to.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends a request without a body and reads the whole answer; another status than 2xx is an error.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &str) -> anyhow::Result<(Head, Vec<u8>)> {
        let request = self.request(method, target, headers);
        self.send(request.as_bytes())?;
        self.answer(method == "HEAD")
            .with_context(|| format!("{method} {target}"))
    }

    /// Reads an answer; another status than 2xx is an error.
    pub(crate) fn answer(&mut self, to_head: bool) -> anyhow::Result<(Head, Vec<u8>)> {
        let head = self.head()?;
        let mut body = Vec::new();
        match head.length {
            _ if to_head || head.status == 204 => {}
            Some(length) => body = self.take(usize::try_from(length)?)?,
            None => loop {
                let size = self.line()?;
                let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)?;
                body.extend(self.take(size)?);
                self.line()?;
                if size == 0 {
                    break;
                }
            },
        }
        if !(200..300).contains(&head.status) {
            bail!("the answer is {}: {}", head.status, String::from_utf8_lossy(&body));
        }
        Ok((head, body))
    }

    /// Reads the head of an answer.
    pub(crate) fn head(&mut self) -> anyhow::Result<Head> {
        loop {
            if let Some(end) = end_of_head(&self.buffer) {
                let head = parse(&self.buffer[..end])?;
                self.buffer.drain(..end);
                return Ok(head);
            }
            if self.buffer.len() > MOST_HEAD {
                bail!("the head of the answer has no end");
            }
            self.receive()?;
        }
    }

    /// Reads at most this many bytes of a body and forgets them.
    pub(crate) fn skip(&mut self, most: usize, scratch: &mut [u8]) -> anyhow::Result<usize> {
        if !self.buffer.is_empty() {
            let count = most.min(self.buffer.len());
            self.buffer.drain(..count);
            return Ok(count);
        }
        let most = most.min(scratch.len());
        match self
            .stream
            .read(&mut scratch[..most])
            .context("no more of the answer")?
        {
            0 => bail!("the answer ends early"),
            count => Ok(count),
        }
    }

    fn take(&mut self, count: usize) -> anyhow::Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.receive()?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    fn line(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end + 2)?;
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.receive()?;
        }
    }

    fn receive(&mut self) -> anyhow::Result<()> {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece).context("no answer")? {
            0 => bail!("the server closed the connection"),
            count => self.buffer.extend_from_slice(&piece[..count]),
        }
        Ok(())
    }
}

/// The number of bytes up to the empty line behind a head, if it is there.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|start| start + 4)
}

fn parse(head: &[u8]) -> anyhow::Result<Head> {
    let head = std::str::from_utf8(head).context("the head of the answer is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let (mut length, mut location) = (None, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse().context("a length that is no number")?);
        } else if name.eq_ignore_ascii_case("location") {
            location = Some(value.trim().to_owned());
        }
    }
    Ok(Head {
        status: status.context("an answer without a status")?,
        length,
        location,
    })
}

/// The path and query of a URL, or of what is a path already.
pub(crate) fn path_of(location: &str) -> &str {
    let Some((_, rest)) = location.split_once("://") else {
        return location;
    };
    rest.find('/').map_or("/", |start| &rest[start..])
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answers_are_read_one_behind_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::open(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server
            .write_all(
                b"HTTP/1.1 202 Accepted\r\nlocation: http://h:1/v2/a?b=c\r\ncontent-length: 2\r\n\r\nok\
                  HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n\
                  HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\
                  HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone",
            )
            .unwrap();
        let (head, body) = connection.answer(false).unwrap();
        assert_eq!((head.status, body.as_slice()), (202, b"ok".as_slice()));
        assert_eq!(path_of(&head.location.unwrap()), "/v2/a?b=c");
        assert_eq!(connection.answer(false).unwrap().1, b"abcd");
        assert_eq!(connection.answer(true).unwrap().0.length, Some(9));
        assert!(connection.answer(false).unwrap_err().to_string().contains("404: none"));
    }

    #[test]
    fn a_path_is_its_own_path() {
        assert_eq!(path_of("/v2/a"), "/v2/a");
        assert_eq!(path_of("http://h"), "/");
    }
}
