//! Health: checks that run in the background, and what they found last.
//!
//! While any check fails, every request is answered 503 (as registry:2 does), so asking must cost nothing:
//! [`Health::is_failing`] reads one number. Names and error texts are registry:2's.

mod probe;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use wharf_storage::{Driver, StorageKey};

use crate::config::{self, CheckTimes};
use probe::Probe;

/// One check and when it runs.
#[derive(Debug)]
pub struct Check {
    name: String,
    probe: Probe,
    times: CheckTimes,
}

impl Check {
    /// The checks that a configuration asks for; `key` is for [`Check::storage`].
    pub fn configured(health: &config::Health, driver: &Arc<dyn Driver>, key: &StorageKey) -> Vec<Self> {
        let storage = health
            .storage
            .map(|times| Self::storage(Arc::clone(driver), key.clone(), times));
        let files = health
            .files
            .iter()
            .map(|file| Self::file_absent(file.path.clone(), file.times));
        let tcp = health
            .tcp
            .iter()
            .map(|tcp| Self::tcp(tcp.address.to_string(), tcp.timeout, tcp.times));
        storage.into_iter().chain(files).chain(tcp).collect()
    }

    /// Whether the storage driver answers: `key` is looked at, and that it is absent is an answer too. Named
    /// `storagedriver_` and the driver's name.
    pub fn storage(driver: Arc<dyn Driver>, key: StorageKey, times: CheckTimes) -> Self {
        let name = format!("storagedriver_{}", driver.name());
        Self {
            name,
            probe: Probe::Storage { driver, key },
            times,
        }
    }

    /// Fails while there is a file at `path`, which is how an operator takes a server out of service.
    pub fn file_absent(path: PathBuf, times: CheckTimes) -> Self {
        Self {
            name: path.display().to_string(),
            probe: Probe::FileAbsent { path },
            times,
        }
    }

    /// Whether `address` (`host:port`) takes TCP connections, for which it has `timeout`.
    pub fn tcp(address: String, timeout: Duration, times: CheckTimes) -> Self {
        Self {
            name: address.clone(),
            probe: Probe::Tcp { address, timeout },
            times,
        }
    }
}

/// What the checks of one server found. Clones share it; the checks stop when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Health {
    state: Arc<State>,
    /// The tasks that run the checks. Dropping the set ends them.
    _tasks: Arc<JoinSet<()>>,
}

#[derive(Debug, Default)]
struct State {
    failing: AtomicBool,
    checks: Mutex<BTreeMap<String, Outcome>>,
}

/// The last results of one check.
#[derive(Debug, Default)]
struct Outcome {
    failures_in_a_row: u32,
    error: Option<String>,
}

impl Health {
    /// Starts the checks. The first run of each is now. Call it inside a tokio runtime.
    pub fn start(checks: Vec<Check>) -> Self {
        let state = Arc::new(State::default());
        let mut tasks = JoinSet::new();
        for check in checks {
            tasks.spawn(run(check, Arc::clone(&state)));
        }
        Self {
            state,
            _tasks: Arc::new(tasks),
        }
    }

    /// Whether any check fails.
    pub fn is_failing(&self) -> bool {
        self.state.failing.load(Ordering::Relaxed)
    }

    /// The failing checks by name, with what is wrong, as the JSON that `/debug/health` answers: `{}` if all is well.
    pub fn body(&self) -> String {
        let checks = self.state.checks.lock();
        let failing = checks.iter().filter_map(|(name, outcome)| {
            let error = outcome.error.as_ref()?;
            Some((name.clone(), serde_json::Value::from(error.as_str())))
        });
        serde_json::Value::Object(failing.collect()).to_string()
    }
}

impl State {
    /// Takes in the result of one run.
    fn record(&self, name: &str, threshold: u32, result: Result<(), String>) {
        let mut checks = self.checks.lock();
        let outcome = checks.entry(name.to_owned()).or_default();
        match result {
            Ok(()) => {
                if outcome.error.is_some() {
                    tracing::info!(check = name, "health check passes again");
                }
                *outcome = Outcome::default();
            }
            Err(error) => {
                outcome.failures_in_a_row = outcome.failures_in_a_row.saturating_add(1);
                if outcome.failures_in_a_row >= threshold {
                    if outcome.error.is_none() {
                        tracing::error!(check = name, %error, "health check fails");
                    }
                    outcome.error = Some(error);
                }
            }
        }
        let failing = checks.values().any(|outcome| outcome.error.is_some());
        self.failing.store(failing, Ordering::Relaxed);
    }
}

/// Runs one check for ever.
async fn run(check: Check, state: Arc<State>) {
    let Check { name, probe, times } = check;
    let mut ticks = tokio::time::interval(times.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        probe
            .run(times.interval, |result| state.record(&name, times.threshold, result))
            .await;
    }
}

#[cfg(test)]
mod tests;
