//! `cargo xtask bench serve`: what it installs, what it is told and what it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::cases::{self, MEMORY, Work};
use super::machine::{Machine, Versions};
use super::memory::PUSHING_CLIENTS;
use super::report::Page;
use super::rounds::{Extent, Rounds};
use super::servers::Programs;
use super::tree::{Image, fresh};
use crate::{debian, go, root};

/// Everything of the benchmark, but for the page.
const HOME: &str = "target/bench";
/// What a run writes and removes.
const DIR: &str = "target/bench/run";
/// The root that is pulled from.
const ROOT: &str = "target/bench/root";

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

    fn extent(&self) -> Extent {
        if self.quick {
            Extent {
                rounds: 3,
                pull_time: Duration::from_secs(1),
                push_time: Duration::from_millis(700),
            }
        } else {
            Extent {
                rounds: 5,
                pull_time: Duration::from_secs(2),
                push_time: Duration::from_millis(2500),
            }
        }
    }
}

/// Measures what is wanted and prints the page.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    debian::install(debian::FOR_BENCH)?;
    let go = go::Programs::install()?;
    let programs = Programs {
        wharf: wharf(options.wharf.as_deref())?,
        registry3: match &go {
            go::Programs::Built(dir) => Some(dir.join("registry")),
            go::Programs::NoGo => None,
        },
    };
    let _lock = alone(&root::path(HOME))?;
    let machine = Machine::this(&root::path(HOME))?;
    let versions = Versions::of(&programs, options.wharf.is_none())?;
    let bench = Rounds {
        extent: options.extent(),
        programs,
        image: Image::new(),
        dir: room(&fresh(&root::path(DIR))?, options)?,
        root: root::path(ROOT),
    };
    let wanted = cases::all(options.quick)
        .into_iter()
        .filter(|case| options.wants(case.name));
    let (pulls, pushes): (Vec<_>, Vec<_>) = wanted.partition(|case| matches!(case.work, Work::Pull(_)));
    let mut rows = bench.pulls(pulls)?;
    rows.extend(bench.pushes(pushes)?);
    let memory = if options.wants(MEMORY) {
        bench.memory(cases::large_blob(options.quick))?
    } else {
        Vec::new()
    };
    let page = Page {
        machine,
        versions,
        quick: options.quick,
        rounds: bench.extent.rounds,
        rows,
        memory,
    };
    let text = page.markdown();
    println!("\n{text}");
    if let Some(path) = &options.write {
        fs::create_dir_all(path.parent().unwrap_or(path))
            .and_then(|()| fs::write(path, &text))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    fs::remove_dir_all(&bench.dir).context("cannot clean up")
}

/// Holds off another run: two would remove each other's files, and their figures would say nothing.
fn alone(home: &Path) -> anyhow::Result<fs::File> {
    let path = home.join("lock");
    let lock = fs::create_dir_all(home).and_then(|()| fs::File::create(&path));
    let lock = lock.with_context(|| format!("cannot write `{}`", path.display()))?;
    lock.try_lock().context("another benchmark runs")?;
    Ok(lock)
}

/// The directory itself, if what is pushed at the same time fits on its disk.
fn room(dir: &Path, options: &Options) -> anyhow::Result<PathBuf> {
    let blobs = if options.wants(MEMORY) { PUSHING_CLIENTS } else { 1 };
    // And some for the root, the indexes and what the disk has not yet given back.
    let needed = cases::large_blob(options.quick) * blobs as u64 + (4 << 30);
    let disk = rustix::fs::statvfs(dir).with_context(|| format!("cannot ask for the disk of `{}`", dir.display()))?;
    let free = disk.f_bavail * disk.f_frsize;
    anyhow::ensure!(
        free >= needed,
        "{} are free where {} are needed",
        cases::show_size(free),
        cases::show_size(needed)
    );
    Ok(dir.to_owned())
}

/// The program to measure.
fn wharf(built: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = built {
        return path
            .canonicalize()
            .with_context(|| format!("there is no `{}`", path.display()));
    }
    root::run(root::cargo().args(["build", "--release", "--package", "wharf"]))?;
    Ok(root::path("target/release/wharf"))
}
