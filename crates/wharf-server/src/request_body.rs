//! Bodies of requests: collected up to a limit, or pumped to the disk.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::task::{JoinHandle, spawn_blocking};
use wharf_registry::{Failure, UploadWriter};

/// How much is collected before it is written, to an offset that is a multiple of it, so that the page cache can take it in large pieces.
/// Twice that is in memory at most: one batch is written while the next arrives.
const BATCH_BYTES: usize = 512 * 1024;
/// The most pieces of a batch, of which each has its price.
const BATCH_PIECES_MAX: usize = 128;

/// Why a body did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// Nothing came for too long.
    #[error("nothing came for too long")]
    Silent,
    /// The client cancelled the upload that the body belongs to.
    #[error("the upload was cancelled")]
    Cancelled,
    /// The connection broke, or the body was malformed.
    #[error("connection broke: {0}")]
    Broken(#[from] hyper::Error),
}

/// How long, and how much of, a body that nobody wants is read after the answer. A connection that is closed while bytes are unread is
/// reset, and the reset may overtake the answer (RFC 9112, section 9.6).
const LINGER_MAX: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 8 << 20;

/// A body with the longest silence that is borne inside it. Dropped before its end, it is read on for a moment.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Option<Incoming>,
    silence_max: Duration,
    /// Shared with whoever wants to know whether the body was read to its end.
    is_finished: Arc<AtomicBool>,
    /// Not for a client that waits to be told to send its body.
    lingers: bool,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, silence_max: Duration, awaits_continue: bool) -> Self {
        let is_finished = Arc::new(AtomicBool::new(incoming.is_end_stream()));
        Self {
            incoming: Some(incoming),
            silence_max,
            is_finished,
            lingers: !awaits_continue,
        }
    }

    /// Becomes true when the body was read to its end.
    pub(crate) fn is_finished(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_finished)
    }

    /// The next bytes, `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        while let Some(incoming) = &mut self.incoming {
            let frame = tokio::time::timeout(self.silence_max, incoming.frame());
            match frame.await.map_err(|_| BodyError::Silent)? {
                None => {
                    self.is_finished.store(true, Ordering::Relaxed);
                    self.incoming = None;
                }
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The whole body, or `None` if it is longer than `max_bytes`.
    pub(crate) async fn collect(mut self, max_bytes: usize) -> Result<Option<Bytes>, BodyError> {
        let mut collected = BytesMut::new();
        while let Some(data) = self.next().await? {
            if collected.len() + data.len() > max_bytes {
                return Ok(None);
            }
            collected.extend_from_slice(&data);
        }
        Ok(Some(collected.freeze()))
    }

    /// Writes the body to an upload. Gives the writer back with everything that arrived written, and why the body ended early if it
    /// did; or the failure that ended the writing.
    pub(crate) async fn pump(
        mut self,
        writer: UploadWriter,
    ) -> Result<(UploadWriter, Result<(), BodyError>), PumpError> {
        let mut cancelled = writer.cancelled();
        let writer_offset = writer.size_bytes();
        let mut pump = Pump {
            idle: Some(writer),
            busy: None,
        };
        let mut batch = Batch::at(writer_offset);
        let end = loop {
            let next = tokio::select! {
                next = self.next() => next,
                Ok(_) = cancelled.wait_for(|cancelled| *cancelled) => Err(BodyError::Cancelled),
            };
            match next {
                Ok(Some(mut data)) => {
                    while batch.add(&mut data) {
                        pump.write(batch.take()).await?;
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        pump.write(batch.take()).await?;
        Ok((pump.writer().await?, end))
    }
}

impl BodyError {
    /// Whether the client is there and sent nonsense, rather than gone.
    pub(crate) fn is_malformed(&self) -> bool {
        let Self::Broken(error) = self else { return false };
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
            }
            cause = error.source();
        }
        false
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take()
            && self.lingers
            && !self.is_finished.load(Ordering::Relaxed)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(LINGER_MAX, discard(incoming)));
        }
    }
}

async fn discard(mut incoming: Incoming) {
    let mut read_bytes = 0;
    while read_bytes < LINGER_BYTES_MAX
        && let Some(Ok(frame)) = incoming.frame().await
    {
        read_bytes += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// Why writing ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PumpError {
    /// The registry failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The writing task panicked.
    #[error("writing an upload panicked")]
    Panicked,
}

/// Pieces of a body as they came, to be written together.
struct Batch {
    pieces: Vec<Bytes>,
    /// Bytes that it has room for.
    room: usize,
}

impl Batch {
    /// An empty batch for bytes that belong at `offset`.
    fn at(offset: u64) -> Self {
        let past = usize::try_from(offset % BATCH_BYTES as u64).unwrap_or_default();
        Self {
            pieces: Vec::new(),
            room: BATCH_BYTES - past,
        }
    }

    /// Takes as much of `data` as there is room for. Whether the batch is full, and to be taken before more is added.
    fn add(&mut self, data: &mut Bytes) -> bool {
        let piece = data.split_to(data.len().min(self.room));
        self.room -= piece.len();
        if !piece.is_empty() {
            self.pieces.push(piece);
        }
        self.room == 0 || self.pieces.len() == BATCH_PIECES_MAX
    }

    /// Its pieces, which leaves it empty.
    fn take(&mut self) -> Vec<Bytes> {
        if self.room == 0 {
            self.room = BATCH_BYTES;
        }
        std::mem::take(&mut self.pieces)
    }
}

/// A writer that is idle here, or busy on the blocking pool.
struct Pump {
    idle: Option<UploadWriter>,
    busy: Option<JoinHandle<Result<UploadWriter, Failure>>>,
}

impl Pump {
    /// The writer, when it is done with what it was given.
    async fn writer(&mut self) -> Result<UploadWriter, PumpError> {
        match (self.idle.take(), self.busy.take()) {
            (Some(writer), _) => Ok(writer),
            (None, Some(busy)) => Ok(busy.await.map_err(|_| PumpError::Panicked)??),
            (None, None) => Err(PumpError::Panicked),
        }
    }

    /// Waits for the batch before, and begins to write this one.
    async fn write(&mut self, batch: Vec<Bytes>) -> Result<(), PumpError> {
        let mut writer = self.writer().await?;
        self.busy = Some(spawn_blocking(move || writer.write(&batch).map(|()| writer)));
        Ok(())
    }
}
