//! Bodies of answers. What is in the page cache goes by `sendfile` where the connection can; else a blob is read piece by piece off the
//! reactor, one piece ahead of the client.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};
use wharf_storage::{Object, is_in_memory};

use crate::sendfile::{Outlet, PIECE_BYTES_MAX};

/// How much of a blob is read at a time. Two pieces are in memory at most.
const PIECE_BYTES: u64 = 256 * 1024;

/// The body of an answer.
#[derive(Debug, Default)]
pub(crate) struct Body {
    parts: VecDeque<Part>,
    /// The piece being read, ahead of its turn.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    remaining_bytes: u64,
    /// Where files can be sent whole.
    outlet: Option<Outlet>,
}

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Part {
    /// Bytes at hand.
    Bytes(Bytes),
    /// Bytes of an object.
    Object(Arc<dyn Object>, Range<u64>),
}

impl Part {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Object(_, range) => range.end - range.start,
        }
    }
}

impl Body {
    /// A body of several parts, one behind the other.
    pub(crate) fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let parts: VecDeque<_> = parts.into_iter().filter(|part| part.size_bytes() > 0).collect();
        let remaining_bytes = parts.iter().map(Part::size_bytes).sum();
        Self {
            parts,
            reading: None,
            remaining_bytes,
            outlet: None,
        }
    }

    /// Sends files through the outlet of the connection from now on, as far as they are in memory.
    pub(crate) fn set_outlet(&mut self, outlet: Outlet) {
        self.outlet = Some(outlet);
    }

    /// The number of bytes to come.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.remaining_bytes
    }

    /// The next piece that the connection can send by itself: of a file, and in memory, because waiting for a disk would hold up others.
    fn sendable(&self) -> Option<Range<u64>> {
        let (Some(_), Some(Part::Object(object, range))) = (&self.outlet, self.parts.front()) else {
            return None;
        };
        let piece = range.start..range.end.min(range.start + PIECE_BYTES_MAX);
        is_in_memory(object.file()?, piece.clone()).then_some(piece)
    }

    /// Has the connection send the next piece, if it can.
    fn send_file(&mut self) -> Option<Bytes> {
        let piece = self.sendable()?;
        let (Some(outlet), Some(Part::Object(object, range))) = (&self.outlet, self.parts.front_mut()) else {
            return None;
        };
        let placeholder = outlet.push(Arc::clone(object), &piece);
        range.start = piece.end;
        if range.is_empty() {
            self.parts.pop_front();
        }
        Some(placeholder)
    }

    /// Begins to read the next piece, if an object is next.
    fn read_ahead(&mut self) {
        let Some(Part::Object(object, range)) = self.parts.front_mut() else {
            return;
        };
        let object = Arc::clone(object);
        let piece = range.start..range.end.min(range.start + PIECE_BYTES);
        range.start = piece.end;
        if range.is_empty() {
            self.parts.pop_front();
        }
        self.reading = Some(spawn_blocking(move || read_piece(&*object, piece)));
    }
}

/// Reads exactly a range of an object. One that ends early was cut behind our back; the client must not take it for whole.
fn read_piece(object: &dyn Object, piece: Range<u64>) -> io::Result<Bytes> {
    let size = usize::try_from(piece.end - piece.start).map_err(io::Error::other)?;
    let mut buffer = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match object
            .read_at(piece.start + filled as u64, &mut buffer[filled..])
            .map_err(io::Error::other)?
        {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(buffer.into())
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::from_parts([Part::Bytes(bytes.into())])
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.reading.is_none() {
            if let Some(Part::Bytes(_)) = self.parts.front()
                && let Some(Part::Bytes(bytes)) = self.parts.pop_front()
            {
                self.remaining_bytes -= bytes.len() as u64;
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if let Some(placeholder) = self.send_file() {
                self.remaining_bytes -= placeholder.len() as u64;
                return Poll::Ready(Some(Ok(Frame::data(placeholder))));
            }
            self.read_ahead();
        }
        let Some(reading) = self.reading.as_mut() else {
            return Poll::Ready(None);
        };
        let piece = ready!(Pin::new(reading).poll(context))
            .map_err(io::Error::other)
            .and_then(|piece| piece);
        self.reading = None;
        match piece {
            Ok(bytes) => {
                self.remaining_bytes -= bytes.len() as u64;
                if self.sendable().is_none() {
                    self.read_ahead();
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => {
                tracing::error!(%error, "could not read a blob while sending it");
                self.parts.clear();
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty() && self.reading.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining_bytes)
    }
}
