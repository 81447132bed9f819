//! The access log: one line per request in Apache's combined format, as registry:2 writes it.
//!
//! Lines are formatted where the request ends and written by a thread of their own, so that a reader who stops reading
//! (a paused terminal, a full pipe) never stops the server: once the queue is full, lines are dropped, counted, and the
//! number is logged when writing goes on.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use http::{Method, StatusCode, Version};
use jiff::Timestamp;

/// Query parameters whose values stand in the log: they tell what was asked for. The value of any other may be what lets
/// somebody in, as `access_token` and the `_state` of an upload do.
const SHOWN_PARAMETERS: [&[u8]; 9] = [
    b"artifactType",
    b"digest",
    b"digest-algorithm",
    b"from",
    b"last",
    b"mount",
    b"n",
    b"ns",
    b"tag",
];

/// What stands in place of a value that is not shown.
const REDACTED: &[u8] = b"<redacted>";

/// How many lines wait for the writing thread at most.
const QUEUE_LINES: usize = 4096;

/// One answered request. Everything but `peer`, `time` and the numbers comes from the client and is escaped.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Where the connection came from.
    pub peer: IpAddr,
    /// The user that was let in, if there are users.
    pub user: Option<&'a str>,
    /// When the request came in.
    pub time: Timestamp,
    /// The method of the request.
    pub method: &'a Method,
    /// Path and query as the client sent them.
    pub target: &'a str,
    /// The version of HTTP spoken.
    pub version: Version,
    /// The status of the answer.
    pub status: StatusCode,
    /// Bytes of the body sent.
    pub body_bytes: u64,
    /// The header `Referer`; empty without it.
    pub referer: &'a [u8],
    /// The header `User-Agent`; empty without it.
    pub user_agent: &'a [u8],
}

impl Access<'_> {
    /// The line, with its line feed. Whatever the client sent, it has no other control character in it, and no byte
    /// beyond ASCII.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(192);
        // Writing to a Vec can't fail.
        let _ = write!(line, "{} - ", self.peer);
        match self.user {
            Some(user) if !user.is_empty() => push_escaped(&mut line, user.as_bytes(), b" "),
            _ => line.push(b'-'),
        }
        let _ = write!(line, " [{}] \"", self.time.strftime("%d/%b/%Y:%H:%M:%S +0000"));
        push_escaped(&mut line, self.method.as_str().as_bytes(), b"");
        line.push(b' ');
        push_target(&mut line, self.target.as_bytes());
        let (status, bytes) = (self.status.as_u16(), self.body_bytes);
        let _ = write!(line, " {}\" {status} {bytes} \"", version_name(self.version));
        push_target(&mut line, self.referer);
        line.extend_from_slice(b"\" \"");
        push_escaped(&mut line, self.user_agent, b"");
        line.extend_from_slice(b"\"\n");
        line
    }
}

fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

/// Appends a request target or URL without the values of its query that are nobody's business.
fn push_target(line: &mut Vec<u8>, target: &[u8]) {
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    push_escaped(line, parts.next().unwrap_or_default(), b"");
    let Some(query) = parts.next() else { return };
    for (position, parameter) in query.split(|byte| *byte == b'&').enumerate() {
        line.push(if position == 0 { b'?' } else { b'&' });
        let equals = parameter.iter().position(|byte| *byte == b'=');
        let (name, value) = parameter.split_at(equals.map_or(0, |equals| equals + 1));
        if value.is_empty() || SHOWN_PARAMETERS.contains(&name.strip_suffix(b"=").unwrap_or_default()) {
            push_escaped(line, parameter, b"");
        } else {
            push_escaped(line, name, b"");
            line.extend_from_slice(REDACTED);
        }
    }
}

/// Appends `text` with a backslash before quotes and backslashes, and everything that is not printable ASCII, or is
/// one of `others`, as an escape.
fn push_escaped(line: &mut Vec<u8>, text: &[u8], others: &[u8]) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            b' '..=b'~' if !others.contains(&byte) => line.push(byte),
            _ => {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
}

/// Where access lines go. Clones write to the same place.
#[derive(Debug, Clone)]
pub struct AccessLog {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it was written.
    Flush(SyncSender<()>),
}

impl AccessLog {
    /// Starts the thread that writes to `output`. It ends with the last clone. Fails if no thread can be made.
    pub fn start(output: Box<dyn Write + Send>) -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let log = Self {
            queue,
            dropped: Arc::clone(&dropped),
        };
        let writer = Writer {
            output,
            lines,
            dropped,
            broken: false,
        };
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        thread.spawn(move || writer.run())?;
        Ok(log)
    }

    /// Hands a line to the writing thread, without waiting.
    pub fn record(&self, access: &Access<'_>) {
        if self.queue.try_send(Message::Line(access.to_line())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything recorded so far is written, `limit` at most, and says whether it was. Blocks.
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, answer) = sync_channel(1);
        // The queue may be full because nobody reads: then there is nothing to wait for.
        self.queue.try_send(Message::Flush(done)).is_ok() && answer.recv_timeout(limit).is_ok()
    }
}

struct Writer {
    output: Box<dyn Write + Send>,
    lines: Receiver<Message>,
    dropped: Arc<AtomicU64>,
    broken: bool,
}

impl Writer {
    /// Writes what comes, and flushes whenever nothing more is waiting.
    fn run(mut self) {
        while let Ok(message) = self.lines.recv() {
            let mut next = Some(message);
            while let Some(message) = next {
                self.take(message);
                next = self.lines.try_recv().ok();
            }
            self.flush();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(line) => {
                let written = if self.broken {
                    Ok(())
                } else {
                    self.output.write_all(&line)
                };
                self.note(written);
            }
            Message::Flush(done) => {
                self.flush();
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    fn flush(&mut self) {
        let flushed = if self.broken { Ok(()) } else { self.output.flush() };
        self.note(flushed);
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                lines = dropped,
                "access log lines dropped: they were not read fast enough"
            );
        }
    }

    /// After a failed write nothing more is written: the reader is gone, and requests must go on.
    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.broken = true;
            tracing::error!(%error, "access log can't be written any more");
        }
    }
}

#[cfg(test)]
mod tests;
