//! HTTP/2 by the frame, for what no decent client sends.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The longest wait for a byte of the server.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Types of frames (RFC 9113, section 6).
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The code of a stream that nobody wants any more.
pub(crate) const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// A frame as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// One connection.
pub(crate) struct Frames {
    stream: BufReader<TcpStream>,
}

impl Frames {
    /// Connects, and sends the preface and empty settings.
    pub(crate) fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(READ_TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut frames = Self {
            stream: BufReader::new(stream),
        };
        frames.write(PREFACE).unwrap();
        frames.send(SETTINGS, 0, 0, &[]).unwrap();
        frames
    }

    /// The same connection for another thread, which only reads.
    pub(crate) fn reader(&self) -> Self {
        Self {
            stream: BufReader::new(self.stream.get_ref().try_clone().unwrap()),
        }
    }

    /// Ends the sending direction.
    pub(crate) fn finish(&self) {
        // The server may have ended both already.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Lets writes fail that wait for longer than this.
    pub(crate) fn give_up_writing_after(&self, limit: Duration) {
        self.stream.get_ref().set_write_timeout(Some(limit)).unwrap();
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends one frame.
    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        self.write(&frame(kind, flags, stream, payload))
    }

    /// Reads one frame.
    pub(crate) fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.stream.read_exact(&mut payload)?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & (u32::MAX >> 1);
        Ok(Frame {
            kind: head[3],
            stream,
            payload,
        })
    }

    /// Reads to the end of the connection: the code of the GOAWAY, if there was one, or `None` if it was just closed. Fails when
    /// the server leaves it open and silent.
    pub(crate) fn read_to_end(&mut self) -> io::Result<Option<u32>> {
        let mut code = None;
        loop {
            match self.read() {
                Ok(frame) if frame.kind == GOAWAY => {
                    let bytes = frame.payload.get(4..8).and_then(|bytes| bytes.try_into().ok());
                    code = bytes.map(u32::from_be_bytes);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => return Ok(code),
            }
        }
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The header block of a request, none of it indexed (RFC 7541, section 6.2.2).
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", path),
    ];
    let mut block = Vec::new();
    for (name, value) in pseudo.iter().chain(headers) {
        block.push(0);
        literal(&mut block, name.as_bytes());
        literal(&mut block, value.as_bytes());
    }
    block
}

/// A length with a prefix of seven bits, then the bytes.
fn literal(block: &mut Vec<u8>, text: &[u8]) {
    let mut length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push(u8::try_from(length % 128 + 128).unwrap());
            length /= 128;
        }
        block.push(u8::try_from(length).unwrap());
    }
    block.extend(text);
}
