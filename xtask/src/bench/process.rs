//! What the kernel tells of a server: processor time and memory.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use rustix::param::clock_ticks_per_second;

use super::figures::float;

/// How often memory is looked at.
const SAMPLING: Duration = Duration::from_millis(10);

/// The processes of one server, the first of which started the others.
#[derive(Debug, Clone)]
pub(crate) struct Processes {
    ids: Vec<u32>,
}

impl Processes {
    /// A process and its children of now.
    pub(crate) fn of(id: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{id}/task/{id}/children");
        let children = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
        let ids = std::iter::once(id)
            .chain(children.split_whitespace().filter_map(|id| id.parse().ok()))
            .collect();
        Ok(Self { ids })
    }

    /// The processor time of all of them since they started, in seconds, threads that have ended included.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        let mut ticks = 0;
        for id in &self.ids {
            let path = format!("/proc/{id}/stat");
            let stat = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`: the server ended"))?;
            ticks += ticks_of(&stat).with_context(|| format!("`{path}` has no times"))?;
        }
        Ok(float(ticks) / float(clock_ticks_per_second()))
    }

    /// The anonymous resident memory of all of them, in KiB.
    pub(crate) fn anonymous_kib(&self) -> u64 {
        let status = |id: &u32| fs::read_to_string(format!("/proc/{id}/status")).ok();
        self.ids
            .iter()
            .filter_map(status)
            .filter_map(|text| anonymous_of(&text))
            .sum()
    }

    /// Looks at the memory again and again until [`Sampler::highest_kib`] is called.
    pub(crate) fn sample(&self) -> Sampler {
        let (over, highest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = {
            let (processes, over, highest) = (self.clone(), Arc::clone(&over), Arc::clone(&highest));
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    highest.fetch_max(processes.anonymous_kib(), Ordering::Relaxed);
                    std::thread::sleep(SAMPLING);
                }
            })
        };
        Sampler { over, highest, thread }
    }
}

/// A thread that watches memory.
#[derive(Debug)]
pub(crate) struct Sampler {
    over: Arc<AtomicBool>,
    highest: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Sampler {
    /// Ends it and tells the highest it saw, in KiB.
    pub(crate) fn highest_kib(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        // It panics nowhere; were it so, what it saw before still counts.
        let _ = self.thread.join();
        self.highest.load(Ordering::Relaxed)
    }
}

/// User and system time in ticks, from the text of `/proc/PID/stat`.
fn ticks_of(stat: &str) -> Option<u64> {
    // The second field is the program's name, in which anything may stand, even a bracket.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Anonymous resident memory in KiB, from the text of `/proc/PID/status`.
fn anonymous_of(status: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "4242 (a) b (c)) S 1 4242 4242 0 -1 4194560 100 200 3 4 517 83 7 9 20 0 8 0 99 1 2";
        assert_eq!(ticks_of(stat), Some(600));
        assert_eq!(ticks_of("4242 (a) S 1"), None);
    }

    #[test]
    fn anonymous_memory_is_found() {
        let status = "Name:\twharf\nVmRSS:\t    9000 kB\nRssAnon:\t    4321 kB\nRssFile:\t  1 kB\n";
        assert_eq!(anonymous_of(status), Some(4321));
        assert_eq!(anonymous_of("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn our_own_process_has_both() {
        let processes = Processes::of(std::process::id()).unwrap();
        let sampler = processes.sample();
        while processes.cpu().unwrap() < 0.02 {
            std::hint::spin_loop();
        }
        assert!(sampler.highest_kib() > 100);
    }
}
