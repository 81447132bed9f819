//! What a running server holds: memory, descriptors, temporary files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wharf_testing::{Registry as _, WharfServer};

/// How much more anonymous memory a server may hold after a case than before it: what its caches of manifests (8 MiB) and
/// small blobs (16 MiB) may hold, and 16 MiB for what the allocator keeps of what was freed, a little in each of its arenas,
/// and for the page caches of SQLite. A leak that matters, or a body that was kept, is more.
const MEMORY_ALLOWANCE_KIB: u64 = (8 + 16 + 16) << 10;

/// Files that a server may keep open between requests, by the end of their names, and how many: blobs, of which one that is deleted is
/// closed, and the connections to the index that read.
const KEPT_OPEN: [(&str, usize); 3] = [("/data", 64), ("/index.sqlite", 20), ("/index.sqlite-wal", 20)];

/// How long a server may take to let go of what a case made it hold. Threads of the blocking pool end after ten seconds.
const DEADLINE: Duration = Duration::from_secs(30);

/// A measurement.
#[derive(Debug)]
pub(super) struct Resources {
    /// Anonymous memory in KiB.
    anonymous_kib: u64,
    /// What each open descriptor is.
    descriptors: Vec<String>,
    /// Files that do not outlive what they were made for.
    temporary: BTreeSet<PathBuf>,
}

impl Resources {
    pub(super) fn of(server: &WharfServer) -> Self {
        let mut temporary = BTreeSet::new();
        collect_temporary(server.root(), false, &mut temporary);
        Self {
            anonymous_kib: anonymous_kib(server.pid()),
            descriptors: descriptors(server.pid()),
            temporary,
        }
    }

    /// How many descriptors are sockets.
    pub(super) fn sockets(&self) -> usize {
        self.descriptors
            .iter()
            .filter(|what| what.starts_with("socket:"))
            .count()
    }

    /// What is more than it was.
    pub(super) fn surplus(&self, baseline: &Self) -> Vec<String> {
        let mut surplus = Vec::new();
        if self.anonymous_kib > baseline.anonymous_kib + MEMORY_ALLOWANCE_KIB {
            let (now, before) = (self.anonymous_kib, baseline.anonymous_kib);
            surplus.push(format!("{now} KiB of anonymous memory, {before} before"));
        }
        let (now, before) = (self.descriptors.as_slice(), baseline.descriptors.as_slice());
        let is_too_much = KEPT_OPEN.iter().any(|(end, max)| count(now, end) > *max);
        if is_too_much || not_kept(now) > not_kept(before) {
            surplus.push(format!("descriptors {now:?}, before {before:?}"));
        }
        let left_over: Vec<_> = self.temporary.difference(&baseline.temporary).collect();
        if !left_over.is_empty() {
            surplus.push(format!("temporary files {left_over:?}"));
        }
        surplus
    }
}

/// Watches the anonymous memory of a server.
pub(crate) struct Peak {
    before_kib: u64,
    is_over: Arc<AtomicBool>,
    watcher: JoinHandle<u64>,
}

impl Peak {
    /// Begins to watch.
    pub(crate) fn begin(server: &WharfServer) -> Self {
        let (pid, is_over) = (server.pid(), Arc::new(AtomicBool::new(false)));
        let before_kib = anonymous_kib(pid);
        let end = Arc::clone(&is_over);
        let watcher = thread::spawn(move || {
            let mut highest = 0;
            while !end.load(Ordering::Relaxed) {
                highest = anonymous_kib(pid).max(highest);
                thread::sleep(Duration::from_millis(2));
            }
            highest
        });
        Self {
            before_kib,
            is_over,
            watcher,
        }
    }

    /// Ends it, and tells how much more there was at most than at the beginning.
    pub(crate) fn end_kib(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        let highest = self.watcher.join().expect("the server runs");
        highest.saturating_sub(self.before_kib)
    }
}

/// How many descriptors have a name with this end.
fn count(descriptors: &[String], end: &str) -> usize {
    descriptors.iter().filter(|what| what.ends_with(end)).count()
}

/// How many descriptors are none that may be kept.
fn not_kept(descriptors: &[String]) -> usize {
    let kept: usize = KEPT_OPEN.iter().map(|(end, _)| count(descriptors, end)).sum();
    descriptors.len() - kept
}

/// INV-05.
#[track_caller]
pub(super) fn expect_back(server: &WharfServer, baseline: &Resources) {
    let start = Instant::now();
    loop {
        let surplus = Resources::of(server).surplus(baseline);
        if surplus.is_empty() {
            return;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "INV-05: not back at the baseline within {DEADLINE:?}:\n{}",
            surplus.join("\n")
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Anonymous memory of a process in KiB.
fn anonymous_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.expect("the kernel tells `RssAnon`")
}

fn descriptors(pid: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("the server runs");
    // A descriptor may be closed between the listing and the look at it.
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.map(|target| target.to_string_lossy().into_owned()).collect()
}

/// Everything below `_uploads`, and files whose name ends in `.tmp`.
fn collect_temporary(directory: &Path, is_upload: bool, found: &mut BTreeSet<PathBuf>) {
    // A directory may be removed while it is looked at.
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if is_upload || path.extension().is_some_and(|extension| extension == "tmp") {
            found.insert(path.clone());
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect_temporary(&path, is_upload || entry.file_name() == "_uploads", found);
        }
    }
}
