//! Bodies of requests: collected up to a limit, or pumped to the disk.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::task::{JoinHandle, spawn_blocking};
use wharf_registry::{Failure, UploadWriter};

/// How much is collected before it is written. Twice that is in memory at most: one part is written while the next arrives.
const BATCH_BYTES: usize = 256 * 1024;

/// Why a body did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// Nothing came for too long.
    #[error("nothing came for too long")]
    Silent,
    /// The connection broke, or the body was malformed.
    #[error("connection broke: {0}")]
    Broken(#[from] hyper::Error),
}

/// A body with the longest silence that is borne inside it.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Incoming,
    silence_max: Duration,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, silence_max: Duration) -> Self {
        Self { incoming, silence_max }
    }

    /// The next bytes, `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let frame = tokio::time::timeout(self.silence_max, self.incoming.frame());
            match frame.await.map_err(|_| BodyError::Silent)? {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
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
        let mut pump = Pump {
            idle: Some(writer),
            busy: None,
        };
        let mut batch = BytesMut::new();
        let end = loop {
            match self.next().await {
                Ok(Some(data)) => {
                    batch.extend_from_slice(&data);
                    if batch.len() >= BATCH_BYTES {
                        pump.write(batch.split().freeze()).await?;
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        pump.write(batch.freeze()).await?;
        Ok((pump.writer().await?, end))
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
    async fn write(&mut self, batch: Bytes) -> Result<(), PumpError> {
        let mut writer = self.writer().await?;
        self.busy = Some(spawn_blocking(move || writer.write(&batch).map(|()| writer)));
        Ok(())
    }
}
