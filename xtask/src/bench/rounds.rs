//! The load on the servers, in turn, round after round.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::cases::{self, Case, MEMORY, Pull, Push, Target, Work};
use super::client::Connection;
use super::content::Content;
use super::figures::{Figure, Measure, Run, float, number};
use super::memory;
use super::pull::{self, Answered};
use super::push;
use super::report::{MemoryRow, Row};
use super::servers::{Programs, Running, Server};
use super::tree::{Image, MANIFEST, PAGE, TAG_COUNT, fresh};

/// From this size on, blobs count by the bytes that came: too few whole ones come in a run.
const LARGE: u64 = 1 << 20;
/// Time for a server to get used to a case of pulls.
const WARM_UP: Duration = Duration::from_secs(1);
/// The same for pushes, and the largest blob pushed meanwhile.
const PUSH_WARM_UP: (Duration, u64) = (Duration::from_millis(200), 1 << 20);

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Extent {
    /// Runs of each case against each server.
    pub(crate) rounds: usize,
    /// Length of a run of pulls, in whole seconds.
    pub(crate) pull_time: Duration,
    /// Time after which no further push begins.
    pub(crate) push_time: Duration,
}

/// One run of the command.
#[derive(Debug)]
pub(crate) struct Rounds {
    pub(crate) extent: Extent,
    pub(crate) programs: Programs,
    pub(crate) image: Image,
    /// For everything that is written and goes away.
    pub(crate) dir: PathBuf,
    /// Where the root is kept that is pulled from.
    pub(crate) root: PathBuf,
}

impl Rounds {
    /// The servers of a case that can be started, in the order of a round.
    fn order(&self, servers: &[Server], round: usize) -> Vec<Server> {
        let startable: Vec<_> = servers
            .iter()
            .copied()
            .filter(|server| self.programs.have(*server))
            .collect();
        order(startable, round)
    }

    /// All servers on one root, side by side, asked in turn.
    pub(crate) fn pulls(&self, cases: Vec<Case>) -> anyhow::Result<Vec<Row>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let start = Instant::now();
        let (root, files) = (self.image.keep(&self.root)?, self.dir.join("files"));
        self.image.lay_out(&root, &files)?;
        let written = start.elapsed();
        let mut running = Vec::new();
        for server in self.order(&Server::ALL, 0) {
            let root = if server == Server::Nginx { &files } else { &root };
            let started = Running::start(server, &self.programs, root, &self.dir)?;
            if server == Server::Wharf {
                // The catalog waits until all of the root is adopted.
                Connection::open(started.addr)?.ask("GET", "/v2/_catalog?n=1", "")?;
            }
            running.push((server, started));
        }
        let (written, adopted) = (written.as_secs(), start.elapsed().as_secs());
        println!("the root is there after {written} s, adopted by wharf after {adopted} s");
        let mut rows = Vec::new();
        for case in cases {
            if let Work::Pull(pull) = case.work.clone() {
                let row = self.pull(case, &pull, &running)?;
                tell(&row);
                rows.push(row);
            }
        }
        Ok(rows)
    }

    fn pull(&self, case: Case, work: &Pull, running: &[(Server, Running)]) -> anyhow::Result<Row> {
        let targets = self.image.targets(work.target);
        let named = |server: Server| format!("{}: {}", case.name, server.name());
        let asked: Vec<_> = running
            .iter()
            .filter(|(server, _)| case.servers().contains(server))
            .collect();
        for (server, running) in &asked {
            check(running, work.target, &targets).with_context(|| named(*server))?;
            self.pull_once(running, work, &targets, WARM_UP)
                .with_context(|| named(*server))?;
        }
        let mut runs = Vec::new();
        for round in 0..self.extent.rounds {
            for (server, running) in order(asked.clone(), round) {
                let run = counted(running, || {
                    self.pull_once(running, work, &targets, self.extent.pull_time)
                });
                runs.push((*server, run.with_context(|| named(*server))?));
            }
        }
        Ok(Row::new(case, runs))
    }

    fn pull_once(
        &self,
        running: &Running,
        work: &Pull,
        targets: &[String],
        time: Duration,
    ) -> anyhow::Result<Answered> {
        let (addr, first) = (running.addr, &targets[0]);
        match work.target {
            Target::BlobHead => pull::head(addr, first, work.connections, time),
            Target::Tags | Target::Catalog => pull::one_by_one(addr, targets, time),
            target => {
                let mut answered = pull::get(addr, first, work.connections, time, &self.dir.join("wrk.lua"))?;
                if let Target::Blob(size @ LARGE..) = target {
                    answered.requests = float(answered.bytes) / float(size);
                }
                Ok(answered)
            }
        }
    }

    /// Each run on a new server with an empty root.
    pub(crate) fn pushes(&self, cases: Vec<Case>) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for case in cases {
            let Work::Push(work) = case.work.clone() else { continue };
            let content = Content::new(work.size);
            let mut runs = Vec::new();
            for round in 0..self.extent.rounds {
                for server in self.order(case.servers(), round) {
                    let run = self.push(server, &work, &content);
                    runs.push((
                        server,
                        run.with_context(|| format!("{}: {}", case.name, server.name()))?,
                    ));
                }
            }
            let row = Row::new(case, runs);
            tell(&row);
            rows.push(row);
        }
        Ok(rows)
    }

    fn push(&self, server: Server, work: &Push, content: &Content) -> anyhow::Result<Run> {
        let root = fresh(&self.dir.join("pushed"))?;
        settle();
        let running = Running::start(server, &self.programs, &root, &self.dir)?;
        let (time, largest) = PUSH_WARM_UP;
        let size = work.size.min(largest);
        let smaller = Push {
            size,
            chunk: work.chunk.map(|chunk| chunk.min(size)),
            clients: work.clients,
        };
        push::push(running.addr, &smaller, &Content::new(size), 1, time)?;
        let run = counted(&running, || {
            push::push(running.addr, work, content, 2, self.extent.push_time)
        })?;
        drop(running);
        fs::remove_dir_all(&root).context("cannot remove what was pushed")?;
        Ok(run)
    }

    /// Memory under the load of many clients, some of which push a blob of this many bytes.
    pub(crate) fn memory(&self, pushed_bytes: u64) -> anyhow::Result<Vec<MemoryRow>> {
        let content = Content::new(pushed_bytes);
        let mut rows = Vec::new();
        for server in self.order(cases::REGISTRIES, 0) {
            let root = fresh(&self.dir.join("pushed"))?;
            self.image.write(&root)?;
            settle();
            let running = Running::start(server, &self.programs, &root, &self.dir)?;
            let outcome = memory::measure(running.addr, &running.processes, &self.image, &content)
                .with_context(|| format!("{MEMORY}: {}", server.name()))?;
            let highest = number(float(outcome.highest_kib) / 1024.0);
            println!("{MEMORY}\n    {:12}  {highest} MiB", server.name());
            drop(running);
            fs::remove_dir_all(&root).context("cannot remove what was pushed")?;
            rows.push((server, outcome));
        }
        Ok(rows)
    }
}

/// The order of a round: none is always the first, and none always behind the same.
fn order<T>(mut all: Vec<T>, round: usize) -> Vec<T> {
    let count = all.len().max(1);
    all.rotate_left(round % count);
    if round % 2 == 1 {
        all.reverse();
    }
    all
}

/// Lets the disk finish what earlier runs wrote.
fn settle() {
    rustix::fs::sync();
}

/// Runs something and counts what it cost the server.
fn counted(running: &Running, run: impl FnOnce() -> anyhow::Result<Answered>) -> anyhow::Result<Run> {
    let sampler = running.processes.sample();
    let cpu = running.processes.cpu()?;
    let answered = run();
    let cpu = running.processes.cpu()? - cpu;
    let anonymous_kib = sampler.highest_kib();
    let answered = answered?;
    Ok(Run {
        requests: answered.requests,
        bytes: answered.bytes,
        wall: answered.wall,
        cpu,
        anonymous_kib,
    })
}

/// Whether a server answers what it is to be measured with: a fast wrong answer is no answer.
fn check(running: &Running, target: Target, targets: &[String]) -> anyhow::Result<()> {
    let mut connection = Connection::open(running.addr)?;
    let accept = format!("Accept: {MANIFEST}\r\n");
    for path in targets {
        let method = if target == Target::BlobHead { "HEAD" } else { "GET" };
        let (head, body) = connection.ask(method, path, &accept)?;
        let entries = |name: &str| -> anyhow::Result<usize> {
            let json: serde_json::Value = serde_json::from_slice(&body)?;
            Ok(json[name].as_array().map_or(0, Vec::len))
        };
        let right = match target {
            Target::Blob(size) => body.len() as u64 == size,
            Target::BlobHead => head.length == Some(cases::PULLED[0].1),
            Target::Tags => entries("tags")? == TAG_COUNT,
            Target::Catalog => entries("repositories")? == PAGE,
            Target::ManifestByTag | Target::ManifestByDigest => entries("layers")? == cases::PULLED.len() - 1,
            Target::Base => true,
        };
        if !right {
            bail!(
                "{path} is answered with {} bytes that are not what was asked for",
                body.len()
            );
        }
    }
    Ok(())
}

/// What a case gave, while others still run.
fn tell(row: &Row) {
    println!("{}", row.case.name);
    for (server, runs) in row.runs() {
        let show =
            |measure: Measure| Figure::of(&measure.all(runs)).map_or_else(String::new, |figure| figure.show(number));
        println!(
            "    {:12}  {} per second, {} per CPU second",
            server.name(),
            show(Measure::Requests),
            show(Measure::RequestsPerCpu)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_changes_with_the_round() {
        let orders: Vec<_> = (0..5).map(|round| order(vec!['a', 'b', 'c'], round)).collect();
        let expected = ["abc", "acb", "cab", "cba", "bca"];
        assert_eq!(orders, expected.map(|order| order.chars().collect::<Vec<_>>()));
        assert!(order(Vec::<u8>::new(), 3).is_empty());
    }
}
