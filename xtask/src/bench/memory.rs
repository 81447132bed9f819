//! Memory and the time of a small pull while many clients keep a registry busy.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::cases::Target;
use super::client::Connection;
use super::content::Content;
use super::figures::Figure;
use super::process::Processes;
use super::push;
use super::tree::{Image, MANIFEST};

/// Clients that take [`SLOW_PIECE`] bytes each [`SLOW_PAUSE`] of a large blob, over and over.
pub(crate) const SLOW_CLIENTS: usize = 64;
const SLOW_PIECE: usize = 64 << 10;
const SLOW_PAUSE: Duration = Duration::from_millis(50);
/// The blob that they pull, in bytes.
pub(crate) const SLOW_BLOB: u64 = 100 << 20;
/// Clients that push one blob each.
pub(crate) const PUSHING_CLIENTS: usize = 16;
/// Connections on which next to nothing happens: a request now and then keeps the server from closing them.
pub(crate) const IDLE_CONNECTIONS: usize = 500;
const IDLE_FOR: Duration = Duration::from_secs(20);
/// Time from one small pull to the next.
const PULL_EACH: Duration = Duration::from_millis(50);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Anonymous memory before the load, in KiB.
    pub(crate) idle_kib: u64,
    /// The highest anonymous memory, in KiB.
    pub(crate) highest_kib: u64,
    /// Times of small pulls in milliseconds: a manifest by tag and a blob of 1 KiB.
    pub(crate) pulls_ms: Vec<f64>,
    /// Bytes that the slow clients took.
    pub(crate) pulled_bytes: u64,
    /// Seconds that the pushes took.
    pub(crate) wall: f64,
    /// Processor time of the server meanwhile, in seconds.
    pub(crate) cpu: f64,
}

impl Outcome {
    /// The median time of a small pull in milliseconds.
    pub(crate) fn pull_ms(&self) -> Option<Figure> {
        Figure::of(&self.pulls_ms)
    }
}

/// Puts the load on a registry that holds the image; each pushing client pushes this content.
pub(crate) fn measure(
    addr: SocketAddr,
    processes: &Processes,
    image: &Image,
    content: &Content,
) -> anyhow::Result<Outcome> {
    let idle_kib = processes.anonymous_kib();
    let over = AtomicBool::new(false);
    let large = image.targets(Target::Blob(SLOW_BLOB)).concat();
    let small = [Target::ManifestByTag, Target::Blob(1 << 10)].map(|target| image.targets(target).concat());
    let sampler = processes.sample();
    let (cpu, start) = (processes.cpu()?, Instant::now());
    let load = std::thread::scope(|scope| {
        let until_over = &over;
        let idle = scope.spawn(|| idle(addr, until_over));
        let slow: Vec<_> = (0..SLOW_CLIENTS)
            .map(|_| scope.spawn(|| pull_slowly(addr, &large, until_over)))
            .collect();
        let pulls = scope.spawn(|| pull_again_and_again(addr, &small, until_over));
        let pushers: Vec<_> = (0..PUSHING_CLIENTS)
            .map(|index| {
                scope.spawn(move || {
                    let repository = format!("bench/push-{index}");
                    push::blob(&mut Connection::open(addr)?, &repository, content, index as u64, None)
                })
            })
            .collect();
        let pushed = pushers
            .into_iter()
            .try_for_each(|pusher| pusher.join().map_err(panicked)?);
        let wall = start.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        let idle = idle.join().map_err(panicked)?;
        let pulls_ms = pulls.join().map_err(panicked)?;
        let pulled: anyhow::Result<Vec<u64>> = slow.into_iter().map(|slow| slow.join().map_err(panicked)?).collect();
        pushed.and(idle)?;
        anyhow::Ok((wall, pulls_ms?, pulled?))
    });
    let highest_kib = sampler.highest_kib();
    let (wall, pulls_ms, pulled) = load?;
    Ok(Outcome {
        idle_kib,
        highest_kib,
        pulls_ms,
        pulled_bytes: pulled.iter().sum(),
        wall,
        cpu: processes.cpu()? - cpu,
    })
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> anyhow::Error {
    anyhow!("a client panicked")
}

/// Pulls a blob slowly, again and again, and tells how many bytes came.
fn pull_slowly(addr: SocketAddr, target: &str, over: &AtomicBool) -> anyhow::Result<u64> {
    let (mut total, mut scratch) = (0, vec![0; SLOW_PIECE]);
    let mut connection = Connection::open(addr)?;
    while !over.load(Ordering::Relaxed) {
        let request = connection.request("GET", target, "");
        connection.send(request.as_bytes())?;
        let mut left = connection.head()?.length.unwrap_or_default();
        while left > 0 && !over.load(Ordering::Relaxed) {
            let count = connection.skip(usize::try_from(left)?, &mut scratch)? as u64;
            left -= count;
            total += count;
            std::thread::sleep(SLOW_PAUSE);
        }
    }
    Ok(total)
}

/// Opens connections and says something on each now and then.
fn idle(addr: SocketAddr, over: &AtomicBool) -> anyhow::Result<()> {
    let open = |_| anyhow::Ok(Connection::open(addr)?);
    let mut connections = (0..IDLE_CONNECTIONS).map(open).collect::<anyhow::Result<Vec<_>>>()?;
    while !over.load(Ordering::Relaxed) {
        for connection in &mut connections {
            connection.ask("GET", "/v2/", "")?;
        }
        let spoken = Instant::now();
        while spoken.elapsed() < IDLE_FOR && !over.load(Ordering::Relaxed) {
            std::thread::sleep(PULL_EACH);
        }
    }
    Ok(())
}

/// Pulls a manifest and its configuration from time to time, and tells how long each pull took, in milliseconds.
fn pull_again_and_again(addr: SocketAddr, targets: &[String], over: &AtomicBool) -> anyhow::Result<Vec<f64>> {
    let accept = format!("Accept: {MANIFEST}\r\n");
    let mut connection = Connection::open(addr)?;
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        for target in targets {
            connection.ask("GET", target, &accept)?;
        }
        let took = start.elapsed();
        times.push(took.as_secs_f64() * 1000.0);
        std::thread::sleep(PULL_EACH.saturating_sub(took));
    }
    Ok(times)
}
