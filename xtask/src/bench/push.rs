//! Load of pushes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};

use super::cases::Push;
use super::client::{Connection, path_of};
use super::content::Content;
use super::figures::float;
use super::pull::Answered;

/// Bodies up to this many bytes are sent together with the head of their request.
const TOGETHER: u64 = 64 << 10;

/// Lets each client push blobs to a repository of its own until the time is over, one at least; `lot` tells the blobs of one
/// call from those of another.
pub(crate) fn push(
    addr: SocketAddr,
    case: &Push,
    content: &Content,
    lot: u16,
    duration: Duration,
) -> anyhow::Result<Answered> {
    let pushed = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let client = |index: usize| {
            let pushed = &pushed;
            move || -> anyhow::Result<()> {
                let mut connection = Connection::open(addr)?;
                let repository = format!("bench/push-{index}");
                let first = u64::from(lot) << 48 | (index as u64) << 32;
                for number in first.. {
                    blob(&mut connection, &repository, content, number, case.chunk)?;
                    pushed.fetch_add(1, Ordering::Relaxed);
                    if start.elapsed() >= duration {
                        break;
                    }
                }
                Ok(())
            }
        };
        let clients: Vec<_> = (0..case.clients).map(|index| scope.spawn(client(index))).collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
    })?;
    let blobs = pushed.into_inner();
    Ok(Answered {
        requests: float(blobs),
        bytes: blobs * content.size(),
        wall: start.elapsed().as_secs_f64(),
    })
}

/// Pushes one blob: POST, a PATCH for each chunk, PUT.
pub(crate) fn blob(
    connection: &mut Connection,
    repository: &str,
    content: &Content,
    number: u64,
    chunk: Option<u64>,
) -> anyhow::Result<()> {
    let target = format!("/v2/{repository}/blobs/uploads/");
    let post = connection.request("POST", &target, "Content-Length: 0\r\n");
    connection.send(post.as_bytes())?;
    let mut location = location(connection, 202).context("POST of an upload")?;
    let mut put_from = 0;
    if let Some(chunk) = chunk {
        while put_from < content.size() {
            let range = format!("Content-Range: {put_from}-{}\r\n", put_from + chunk - 1);
            send(
                connection,
                "PATCH",
                &location,
                &range,
                (content, number, put_from, put_from + chunk),
            )?;
            location = self::location(connection, 202).context("PATCH of an upload")?;
            put_from += chunk;
        }
    }
    let joint = if location.contains('?') { '&' } else { '?' };
    let target = format!("{location}{joint}digest={}", content.digest(number));
    send(
        connection,
        "PUT",
        &target,
        "",
        (content, number, put_from, content.size()),
    )?;
    self::location(connection, 201).context("PUT of an upload")?;
    Ok(())
}

/// Sends a request with a part of a blob.
fn send(
    connection: &mut Connection,
    method: &str,
    target: &str,
    headers: &str,
    (content, number, from, to): (&Content, u64, u64, u64),
) -> anyhow::Result<()> {
    let length = to - from;
    let headers = format!("Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n{headers}");
    let mut bytes = connection.request(method, target, &headers).into_bytes();
    let together = length <= TOGETHER;
    if together {
        content.write(number, from, to, &mut bytes)?;
    }
    connection.send(&bytes)?;
    if !together {
        let sent = content.write(number, from, to, connection.stream());
        sent.with_context(|| format!("{method}: the server takes no more of the body"))?;
    }
    Ok(())
}

/// Reads an answer that has to have this status, and tells the path to go on with.
fn location(connection: &mut Connection, status: u16) -> anyhow::Result<String> {
    let (head, _) = connection.answer(false)?;
    if head.status != status {
        bail!("the answer is {} and not {status}", head.status);
    }
    let location = head.location.context("the answer has no `Location`")?;
    Ok(path_of(&location).to_owned())
}
