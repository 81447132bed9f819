//! Load of pulls: `wrk` for GET, a loop of our own for HEAD, whose answers `wrk` would take to have a body, and one for
//! lists, of which `wrk` would count none where a registry needs seconds.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::client::{Connection, end_of_head};
use super::figures::float;
use super::tree::MANIFEST;
use crate::root;

/// What `wrk` is told to do; it writes the line that [`counted`] reads.
const SCRIPT: &str = include_str!("wrk.lua");

/// What was answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) requests: f64,
    pub(crate) bytes: u64,
    /// Seconds from the first request to the end.
    pub(crate) wall: f64,
}

/// Sends GET over some connections, for whole seconds.
pub(crate) fn get(
    addr: SocketAddr,
    target: &str,
    connections: usize,
    duration: Duration,
    script: &Path,
) -> anyhow::Result<Answered> {
    std::fs::write(script, SCRIPT).with_context(|| format!("cannot write `{}`", script.display()))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // A thread of wrk for two cores leaves the server the other half.
    let threads = (cores / 2).clamp(1, connections);
    let mut command = root::command("/usr/bin/wrk");
    command
        .args(["--threads", &threads.to_string()])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", duration.as_secs().max(1))])
        .args(["--timeout", "60s", "--header", &format!("Accept: {MANIFEST}")])
        .arg("--script")
        .arg(script)
        .arg(format!("http://{addr}{target}"));
    counted(&root::output(&mut command)?)
}

/// Sends GET for the targets in turn, each after the answer before, until the time is over, once at least.
pub(crate) fn one_by_one(addr: SocketAddr, targets: &[String], duration: Duration) -> anyhow::Result<Answered> {
    let mut connection = Connection::open(addr)?;
    let (mut requests, mut bytes) = (0.0, 0);
    let start = Instant::now();
    for target in targets.iter().cycle() {
        let (_, body) = connection.ask("GET", target, "")?;
        requests += 1.0;
        bytes += body.len() as u64;
        if start.elapsed() >= duration {
            break;
        }
    }
    Ok(Answered {
        requests,
        bytes,
        wall: start.elapsed().as_secs_f64(),
    })
}

fn counted(output: &str) -> anyhow::Result<Answered> {
    let line = output.lines().find_map(|line| line.strip_prefix("counted: "));
    let numbers = line.and_then(|line| {
        let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>();
        <[u64; 4]>::try_from(numbers.ok()?).ok()
    });
    let [requests, bytes, microseconds, failed] = numbers.with_context(|| format!("wrk counted nothing:\n{output}"))?;
    if failed > 0 || bytes == 0 {
        bail!("{failed} requests failed, {requests} were answered:\n{output}");
    }
    Ok(Answered {
        requests: float(requests),
        bytes,
        wall: float(microseconds) / 1e6,
    })
}

/// Sends HEAD over some connections from one thread.
pub(crate) fn head(addr: SocketAddr, target: &str, connections: usize, duration: Duration) -> anyhow::Result<Answered> {
    let request = Connection::open(addr)?.request("HEAD", target, "");
    let mut streams = Vec::new();
    let start = Instant::now();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes())?;
        streams.push(stream);
    }
    let (mut requests, mut bytes) = (0.0, 0);
    let mut buffers = vec![Vec::new(); connections];
    let mut piece = [0; 4096];
    while start.elapsed() < duration {
        for index in readable(&streams)? {
            let (stream, buffer) = (&mut streams[index], &mut buffers[index]);
            match stream.read(&mut piece)? {
                0 => bail!("the server closed a connection"),
                count => buffer.extend_from_slice(&piece[..count]),
            }
            let Some(end) = end_of_head(buffer) else { continue };
            if !buffer.starts_with(b"HTTP/1.1 200") || end != buffer.len() {
                bail!("HEAD is answered with {}", String::from_utf8_lossy(buffer));
            }
            requests += 1.0;
            bytes += end as u64;
            buffer.clear();
            stream.write_all(request.as_bytes())?;
        }
    }
    Ok(Answered {
        requests,
        bytes,
        wall: start.elapsed().as_secs_f64(),
    })
}

/// Waits until there is something to read, for a tenth of a second at most, and tells from which streams.
fn readable(streams: &[TcpStream]) -> anyhow::Result<Vec<usize>> {
    let mut polled: Vec<_> = streams
        .iter()
        .map(|stream| PollFd::new(stream, PollFlags::IN))
        .collect();
    let wait = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    poll(&mut polled, Some(&wait))?;
    let ready = polled
        .iter()
        .enumerate()
        .filter(|(_, polled)| !polled.revents().is_empty());
    Ok(ready.map(|(index, _)| index).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_counted_is_read() {
        let output = "Running 1s test @ http://h\nRequests/sec: 5.0\ncounted: 1200 34000 1500000 0\n";
        assert_eq!(
            counted(output).unwrap(),
            Answered {
                requests: 1200.0,
                bytes: 34_000,
                wall: 1.5
            }
        );
        assert!(counted("counted: 1200 34000 1500000 3\n").is_err());
        assert!(counted("counted: 0 0 1500000 0\n").is_err());
        assert!(counted("Running\n").is_err());
    }
}
