//! Closing connections on which nothing happens.
//!
//! hyper limits the time for a header once its first byte is there. Before that, while it finds out which HTTP is spoken, and on an idle
//! HTTP/2 connection nothing limits it; a few hundred silent sockets would take every descriptor.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A connection that fails when it was silent for too long: nothing came and nothing went.
#[derive(Debug)]
pub(crate) struct SilenceLimit<S> {
    stream: S,
    /// The longest silence.
    silence_max: Duration,
    /// The longest time in which a client takes nothing of what is sent.
    stall_max: Duration,
    silence: Pin<Box<Sleep>>,
    /// Runs while a write waits.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> SilenceLimit<S> {
    pub(crate) fn new(stream: S, silence_max: Duration, stall_max: Duration) -> Self {
        Self {
            stream,
            silence_max,
            stall_max,
            silence: Box::pin(sleep(silence_max)),
            stall: None,
        }
    }

    fn progressed(&mut self) {
        let deadline = Instant::now() + self.silence_max;
        self.silence.as_mut().reset(deadline);
        self.stall = None;
    }

    /// What becomes of a read or write that came to `outcome`.
    fn weigh<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
        writes: bool,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.progressed();
            return outcome;
        }
        let silent = self.silence.as_mut().poll(context).is_ready();
        let stalled = writes && {
            let stall_max = self.stall_max;
            self.stall
                .get_or_insert_with(|| Box::pin(sleep(stall_max)))
                .as_mut()
                .poll(context)
                .is_ready()
        };
        if silent || stalled {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            Poll::Pending
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SilenceLimit<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.weigh(context, outcome, false)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SilenceLimit<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.weigh(context, outcome, true)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.weigh(context, outcome, true)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
