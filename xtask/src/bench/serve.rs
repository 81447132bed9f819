//! `cargo xtask bench serve`: starts the servers, puts the load on them in turn and writes the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;

use super::cases::{self, Case, MEMORY, Pull, Push, Target, Work};
use super::client::Connection;
use super::figures::{Figure, Measure, Run, float, number};
use super::machine::{Machine, Versions};
use super::memory;
use super::pull::{self, Answered};
use super::push;
use super::report::{MemoryRow, Page, Row};
use super::servers::{Programs, Running, Server};
use super::tree::{Content, Image, MANIFEST, PAGE, TAG_COUNT};
use crate::{debian, go, root};

/// Everything that a run writes, but for the page and the root.
const DIR: &str = "target/bench/run";
/// The root that is pulled from. It stays for the next run: to write and remove all its directories takes longer than
/// many a case.
const ROOT: &str = "target/bench/root";
/// To be raised when the content of the root changes.
const ROOT_VERSION: &str = "1";

/// From this size on, blobs count by the bytes that came: too few whole ones come in a run.
const LARGE: u64 = 1 << 20;

/// How it is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Short runs, the median of three and smaller blobs to push, for trials
    #[arg(long)]
    quick: bool,
    /// Only this case; may be given several times
    #[arg(long, value_name = "CASE", value_parser = names())]
    only: Vec<String>,
    /// A wharf that is built already [default: a release build of this tree]
    #[arg(long, value_name = "PATH")]
    wharf: Option<PathBuf>,
    /// Writes the page to this file as well
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// The names of cases.
fn names() -> Vec<&'static str> {
    cases::all(false).iter().map(|case| case.name).chain([MEMORY]).collect()
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    fn rounds(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    fn pull_time(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 2 })
    }

    fn push_time(&self) -> Duration {
        Duration::from_millis(if self.quick { 700 } else { 2500 })
    }
}

/// Measures what is wanted and prints the page.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    debian::install(debian::FOR_BENCH)?;
    let go = go::Programs::install()?;
    let programs = Programs {
        wharf: wharf(options)?,
        registry3: match &go {
            go::Programs::Built(dir) => Some(dir.join("registry")),
            go::Programs::NoGo => None,
        },
    };
    let bench = Bench {
        options,
        programs,
        image: Image::new(),
        dir: fresh(&root::path(DIR))?,
    };
    let wanted: Vec<_> = cases::all(options.quick)
        .into_iter()
        .filter(|case| options.wants(case.name))
        .collect();
    let (pulls, pushes): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|case| matches!(case.work, Work::Pull(_)));
    let mut rows = bench.pulls(pulls)?;
    rows.extend(bench.pushes(pushes)?);
    let memory = if options.wants(MEMORY) {
        bench.memory()?
    } else {
        Vec::new()
    };
    let page = Page {
        machine: Machine::this(&bench.dir)?,
        versions: Versions::of(&bench.programs, options.wharf.is_none())?,
        quick: options.quick,
        rounds: options.rounds(),
        rows,
        memory,
    };
    let text = page.markdown();
    if let Some(path) = &options.write {
        fs::write(path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    println!("\n{text}");
    fs::remove_dir_all(&bench.dir).context("cannot clean up")
}

/// The program to measure.
fn wharf(options: &Options) -> anyhow::Result<PathBuf> {
    if let Some(path) = &options.wharf {
        return path
            .canonicalize()
            .with_context(|| format!("there is no `{}`", path.display()));
    }
    root::run(root::cargo().args(["build", "--release", "--package", "wharf"]))?;
    Ok(root::path("target/release/wharf"))
}

/// An empty directory, by its full path.
fn fresh(dir: &Path) -> anyhow::Result<PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty `{}`", dir.display()))?;
    }
    fs::create_dir_all(dir)
        .and_then(|()| dir.canonicalize())
        .with_context(|| format!("cannot make `{}`", dir.display()))
}

/// One run of the command.
struct Bench<'a> {
    options: &'a Options,
    programs: Programs,
    image: Image,
    dir: PathBuf,
}

impl Bench<'_> {
    /// The servers of a case that can be started, in the order of a round: no one is always first or behind the same.
    fn order(&self, servers: &[Server], round: usize) -> Vec<Server> {
        let mut order: Vec<_> = servers
            .iter()
            .copied()
            .filter(|server| self.programs.have(*server))
            .collect();
        order.rotate_left(round % servers.len());
        if round % 2 == 1 {
            order.reverse();
        }
        order
    }

    /// All servers on one root, side by side, asked in turn.
    fn pulls(&self, cases: Vec<Case>) -> anyhow::Result<Vec<Row>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let start = Instant::now();
        let (root, files) = (self.root()?, self.dir.join("files"));
        self.image.lay_out(&root, &files)?;
        let written = start.elapsed();
        let mut running = Vec::new();
        for server in self.order(cases[0].servers(), 0) {
            let root = if server == Server::Nginx { &files } else { &root };
            running.push((server, Running::start(server, &self.programs, root, &self.dir)?));
        }
        // The catalog waits until all of the root is adopted.
        let wharf = &running[0].1;
        Connection::open(wharf.addr)?.ask("GET", "/v2/_catalog?n=1", "")?;
        println!(
            "written after {} s, adopted by wharf after {} s",
            written.as_secs(),
            start.elapsed().as_secs()
        );
        let mut rows = Vec::new();
        for case in cases {
            if let Work::Pull(pull) = case.work.clone() {
                rows.push(self.pull(case, &pull, &running)?);
            }
        }
        Ok(rows)
    }

    /// The root to pull from as registry:2 would have left it, without anything of wharf's.
    fn root(&self) -> anyhow::Result<PathBuf> {
        let (root, stamp) = (root::path(ROOT), root::path(ROOT).with_extension("version"));
        if fs::read_to_string(&stamp).is_ok_and(|version| version == ROOT_VERSION) {
            let ours = root.join("wharf");
            if ours.exists() {
                fs::remove_dir_all(&ours).with_context(|| format!("cannot remove `{}`", ours.display()))?;
            }
            return root.canonicalize().context("the root is gone, its stamp is not");
        }
        println!("writing a root with 10,000 tags and 10,000 repositories");
        let root = fresh(&root)?;
        self.image.write(&root)?;
        self.image.write_lists(&root)?;
        fs::write(&stamp, ROOT_VERSION).with_context(|| format!("cannot write `{}`", stamp.display()))?;
        Ok(root)
    }

    fn pull(&self, case: Case, work: &Pull, running: &[(Server, Running)]) -> anyhow::Result<Row> {
        let targets = self.image.targets(work.target);
        let asked = case.servers();
        let find = |server| {
            running
                .iter()
                .find(|(other, _)| *other == server)
                .map(|(_, running)| running)
        };
        for server in self.order(asked, 0) {
            let running = find(server).context("the server does not run")?;
            check(running, work.target, &targets).with_context(|| format!("{}: {}", case.name, server.name()))?;
            self.pull_once(running, work, &targets, Duration::from_secs(1))?;
        }
        let mut row = Row::new(case);
        for round in 0..self.options.rounds() {
            for server in self.order(row.case.servers(), round) {
                let running = find(server).context("the server does not run")?;
                let run = counted(running, || {
                    self.pull_once(running, work, &targets, self.options.pull_time())
                });
                row.add(
                    server,
                    run.with_context(|| format!("{}: {}", row.case.name, server.name()))?,
                );
            }
        }
        tell(&row);
        Ok(row)
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
    fn pushes(&self, cases: Vec<Case>) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for case in cases {
            let Work::Push(work) = case.work.clone() else { continue };
            let content = Content::new(work.size);
            let mut row = Row::new(case);
            for round in 0..self.options.rounds() {
                for server in self.order(row.case.servers(), round) {
                    let run = self.push(server, &work, &content);
                    row.add(
                        server,
                        run.with_context(|| format!("{}: {}", row.case.name, server.name()))?,
                    );
                }
            }
            tell(&row);
            rows.push(row);
        }
        Ok(rows)
    }

    fn push(&self, server: Server, work: &Push, content: &Content) -> anyhow::Result<Run> {
        let root = fresh(&self.dir.join("pushed"))?;
        settle();
        let running = Running::start(server, &self.programs, &root, &self.dir)?;
        let warm_up = Push {
            size: work.size.min(1 << 20),
            ..work.clone()
        };
        let small = Content::new(warm_up.size);
        let warm_up = Push {
            chunk: work.chunk.map(|chunk| chunk.min(warm_up.size)),
            ..warm_up
        };
        push::push(running.addr, &warm_up, &small, 1, Duration::from_millis(200))?;
        let run = counted(&running, || {
            push::push(running.addr, work, content, 2, self.options.push_time())
        })?;
        drop(running);
        fs::remove_dir_all(&root).context("cannot remove what was pushed")?;
        Ok(run)
    }

    fn memory(&self) -> anyhow::Result<Vec<MemoryRow>> {
        let content = Content::new(cases::large_blob(self.options.quick));
        let mut rows = Vec::new();
        for server in self.order(&[Server::Wharf, Server::Registry2, Server::Registry3], 0) {
            let root = fresh(&self.dir.join("pushed"))?;
            self.image.write(&root)?;
            settle();
            let running = Running::start(server, &self.programs, &root, &self.dir)?;
            let outcome = memory::measure(running.addr, &running.processes, &self.image, &content)
                .with_context(|| format!("{MEMORY}: {}", server.name()))?;
            println!(
                "{MEMORY}: {} {} MiB",
                server.name(),
                number(float(outcome.highest_kib) / 1024.0)
            );
            drop(running);
            fs::remove_dir_all(&root).context("cannot remove what was pushed")?;
            rows.push((server, outcome));
        }
        Ok(rows)
    }
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
