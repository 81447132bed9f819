//! Files go from the page cache to a socket without passing through the process.
//!
//! hyper sends bytes and knows no files. So a body that has a file to send gives hyper a *placeholder* of the same length, a slice of one
//! static block of zeros, and leaves the file's range in the [`Outlet`] of its connection. hyper counts the placeholder, queues it, and
//! hands it uncopied to the connection below it, a [`FileStream`], which knows the block by its address and sends the file instead.
//! This holds for HTTP/1 over a socket that takes vectored writes; on HTTP/2 bytes are framed, so bodies read there.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use wharf_storage::Object;

/// The longest range that is sent for one placeholder.
pub(crate) const PIECE_BYTES_MAX: u64 = PLACEHOLDER.len() as u64;

/// What stands for bytes of a file. Nobody reads it, so that it takes no memory.
static PLACEHOLDER: [u8; 1 << 20] = [0; 1 << 20];

fn is_placeholder(slice: &[u8]) -> bool {
    !slice.is_empty() && PLACEHOLDER.as_ptr_range().contains(&slice.as_ptr())
}

/// Ranges of files that a connection will send, in the order of their placeholders.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlet(Arc<Mutex<VecDeque<Piece>>>);

#[derive(Debug)]
struct Piece {
    object: Arc<dyn Object>,
    offset: u64,
    remaining_bytes: usize,
}

impl Outlet {
    /// Queues a range of the object's file, [`PIECE_BYTES_MAX`] at most, and returns what stands for it. The object must have a file.
    pub(crate) fn push(&self, object: Arc<dyn Object>, range: &Range<u64>) -> Bytes {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        self.0.lock().push_back(Piece {
            object,
            offset: range.start,
            remaining_bytes: length,
        });
        Bytes::from_static(&PLACEHOLDER[..length])
    }

    /// Sends the beginning of the first range to `socket`, `length` bytes at most.
    fn send(&self, socket: impl AsFd, length: usize) -> io::Result<usize> {
        let mut pieces = self.0.lock();
        let missing = || io::Error::other("no file was queued for what shall be sent");
        let piece = pieces.front_mut().ok_or_else(missing)?;
        let file = piece.object.file().ok_or_else(missing)?;
        let length = length.min(piece.remaining_bytes);
        let sent = loop {
            let mut offset = piece.offset;
            match rustix::fs::sendfile(&socket, file, Some(&mut offset), length) {
                Err(Errno::INTR) => {}
                sent => break sent?,
            }
        };
        if sent == 0 {
            // The file was cut behind our back; the client must not take what it has for whole.
            tracing::error!(offset = piece.offset, "a blob ends early while it is sent");
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.offset += sent as u64;
        piece.remaining_bytes -= sent;
        if piece.remaining_bytes == 0 {
            pieces.pop_front();
        }
        Ok(sent)
    }
}

/// A socket that files can be sent to.
pub(crate) trait Socket: AsyncRead + AsyncWrite + AsFd + Unpin + Send + 'static {
    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn try_write_io(&self, write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize>;
}

impl Socket for TcpStream {
    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(context)
    }

    fn try_write_io(&self, write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, write)
    }
}

impl Socket for UnixStream {
    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(context)
    }

    fn try_write_io(&self, write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, write)
    }
}

/// A connection that sends files where it is given placeholders.
#[derive(Debug)]
pub(crate) struct FileStream<S> {
    socket: S,
    outlet: Outlet,
}

impl<S: Socket> FileStream<S> {
    pub(crate) fn new(socket: S, outlet: Outlet) -> Self {
        Self { socket, outlet }
    }

    fn poll_io(
        &self,
        context: &mut Context<'_>,
        mut write: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_write_ready(context))?;
            match self.socket.try_write_io(&mut write) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_send(&self, context: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        self.poll_io(context, || self.outlet.send(&self.socket, length))
    }

    /// Writes what comes before a file, so that it leaves together with the file's first bytes.
    fn poll_write_before_file(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        self.poll_io(context, || {
            let mut nothing = SendAncillaryBuffer::default();
            Ok(sendmsg(&self.socket, slices, &mut nothing, flags)?)
        })
    }
}

impl<S: Socket> AsyncRead for FileStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: Socket> AsyncWrite for FileStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if is_placeholder(bytes) {
            return self.poll_send(context, bytes.len());
        }
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices.iter().position(|slice| is_placeholder(slice)) {
            Some(0) => self.poll_send(context, slices[0].len()),
            Some(first) => self.poll_write_before_file(context, &slices[..first]),
            None => Pin::new(&mut self.socket).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
