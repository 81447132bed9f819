//! What a check does when it runs.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use wharf_storage::{Driver, StorageKey};

/// How long a look at storage may take at least before it counts as a failure: even a disk under load answers sooner.
const PATIENCE: Duration = Duration::from_secs(10);

/// The thing looked at.
#[derive(Debug)]
pub(super) enum Probe {
    Storage { driver: Arc<dyn Driver>, key: StorageKey },
    FileAbsent { path: PathBuf },
    Tcp { address: String, timeout: Duration },
}

impl Probe {
    /// Looks once and hands the result to `record`; twice, if storage does not answer at first but does later.
    pub(super) async fn run(&self, interval: Duration, record: impl Fn(Result<(), String>)) {
        match self {
            Self::Storage { driver, key } => {
                let (driver, key) = (Arc::clone(driver), key.clone());
                patiently(interval.max(PATIENCE), record, move || look_at_storage(&*driver, &key)).await;
            }
            Self::FileAbsent { path } => {
                let path = path.clone();
                patiently(interval.max(PATIENCE), record, move || look_for_file(&path)).await;
            }
            Self::Tcp { address, timeout } => record(connect(address, *timeout).await),
        }
    }
}

/// Makes a call that may hang, as one to a dead network file system does. It can't be ended, so no second one is
/// started: the failure is recorded after `patience`, and the end of the call awaited.
async fn patiently(
    patience: Duration,
    record: impl Fn(Result<(), String>),
    look: impl FnOnce() -> Result<(), String> + Send + 'static,
) {
    let mut call = tokio::task::spawn_blocking(look);
    let mut ended = tokio::time::timeout(patience, &mut call).await.ok();
    if ended.is_none() {
        record(Err(format!("no answer within {patience:?}")));
        ended = Some(call.await);
    }
    if let Some(ended) = ended {
        record(ended.unwrap_or_else(|error| Err(error.to_string())));
    }
}

fn look_at_storage(driver: &dyn Driver, key: &StorageKey) -> Result<(), String> {
    match driver.stat(key) {
        Err(error) if !error.is_not_found() => Err(with_sources(&error)),
        _ => Ok(()),
    }
}

fn look_for_file(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(_) => Err("file exists".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

async fn connect(address: &str, timeout: Duration) -> Result<(), String> {
    match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(format!("connection to {address} failed")),
    }
}

/// An error's message and those of its causes.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use parking_lot::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_call_that_hangs_is_a_failure_until_it_returns() {
        let (answer, call) = channel();
        let results = Mutex::new(Vec::new());
        let record = |result: Result<(), String>| {
            // The call returns only after its failure was recorded.
            let _ = answer.send(());
            results.lock().push(result);
        };
        let look = move || call.recv().map_err(|error| error.to_string());
        patiently(Duration::from_millis(1), record, look).await;
        assert_eq!(*results.lock(), [Err("no answer within 1ms".to_owned()), Ok(())]);
    }

    #[tokio::test]
    async fn a_call_that_panics_is_a_failure() {
        let results = Mutex::new(Vec::new());
        patiently(
            PATIENCE,
            |result| results.lock().push(result),
            || panic!("broken driver"),
        )
        .await;
        let results = results.into_inner();
        assert!(
            matches!(&results[..], [Err(error)] if error.contains("panicked")),
            "{results:?}"
        );
    }
}
