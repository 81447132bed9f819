//! Checks that fail and recover, and the thresholds between.

use std::time::Instant;

use tokio::net::TcpListener;
use wharf_storage::Memory;

use super::*;

const SOON: Duration = Duration::from_millis(2);
const LIMIT: Duration = Duration::from_secs(20);

const OFTEN: CheckTimes = CheckTimes {
    interval: SOON,
    threshold: 1,
};

/// Waits until the state is as expected, and fails if it does not get so in time.
async fn until(health: &Health, failing: bool) {
    let deadline = Instant::now() + LIMIT;
    while health.is_failing() != failing {
        assert!(
            Instant::now() < deadline,
            "still failing = {}: {}",
            !failing,
            health.body()
        );
        tokio::time::sleep(SOON).await;
    }
}

fn failing_with(errors: &[&str], threshold: u32) -> Vec<bool> {
    let state = State::default();
    let record = |error: &&str| {
        state.record(
            "disk",
            threshold,
            if error.is_empty() {
                Ok(())
            } else {
                Err((*error).to_owned())
            },
        );
        state.failing.load(Ordering::Relaxed)
    };
    errors.iter().map(record).collect()
}

#[test]
fn a_check_fails_after_as_many_failures_in_a_row_as_its_threshold() {
    assert_eq!(failing_with(&["", "x", "", "x"], 1), [false, true, false, true]);
    assert_eq!(
        failing_with(&["x", "x", "", "x", "x", "x", "x", ""], 3)
            .iter()
            .filter(|failing| **failing)
            .count(),
        2
    );
    assert_eq!(failing_with(&["x", "x", "x"], 3), [false, false, true]);
}

#[test]
fn one_failing_check_is_enough_and_all_must_pass_again() {
    let state = State::default();
    for (name, result, failing) in [
        ("a", Ok(()), false),
        ("b", Err("broken".to_owned()), true),
        ("a", Ok(()), true),
        ("a", Err("also".to_owned()), true),
        ("b", Ok(()), true),
        ("a", Ok(()), false),
    ] {
        state.record(name, 1, result);
        assert_eq!(state.failing.load(Ordering::Relaxed), failing, "{name}");
    }
}

#[tokio::test]
async fn without_checks_all_is_well() {
    let health = Health::start(Vec::new());
    assert!(!health.is_failing());
    assert_eq!(health.body(), "{}");
}

#[tokio::test]
async fn a_file_takes_the_server_out_of_service_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("do\"wn");
    let health = Health::start(vec![Check::file_absent(path.clone(), OFTEN)]);
    std::fs::write(&path, "").unwrap();
    until(&health, true).await;
    let name = path.display().to_string().replace('"', "\\\"");
    assert_eq!(health.body(), format!("{{\"{name}\":\"file exists\"}}"));
    std::fs::remove_file(&path).unwrap();
    until(&health, false).await;
    assert_eq!(health.body(), "{}");
}

#[tokio::test]
async fn a_tcp_address_must_take_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let times = CheckTimes {
        interval: SOON,
        threshold: 2,
    };
    let check = Check::tcp(address.to_string(), Duration::from_secs(5), times);
    let health = Health::start(vec![check]);
    for _ in 0..2 {
        tokio::time::timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
    }
    assert!(!health.is_failing());
    drop(listener);
    until(&health, true).await;
    assert_eq!(
        health.body(),
        format!("{{\"{address}\":\"connection to {address} failed\"}}")
    );
    let _again = TcpListener::bind(address).await.unwrap();
    until(&health, false).await;
}

#[tokio::test]
async fn storage_that_answers_not_found_is_healthy() {
    let driver: Arc<dyn Driver> = Arc::new(Memory::new());
    let check = Check::storage(driver, "docker".parse().unwrap(), OFTEN);
    assert_eq!(check.name, "storagedriver_memory");
    let mut results = Vec::new();
    let recorded = Mutex::new(&mut results);
    check.probe.run(SOON, |result| recorded.lock().push(result)).await;
    assert_eq!(results, [Ok(())]);
}

#[tokio::test]
async fn storage_that_fails_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let driver: Arc<dyn Driver> = Arc::new(wharf_storage::Filesystem::open(&root).unwrap());
    // A name that leads to itself is something that can't be looked at.
    std::os::unix::fs::symlink("docker", root.join("docker")).unwrap();
    let health = Health::start(vec![Check::storage(driver, "docker".parse().unwrap(), OFTEN)]);
    until(&health, true).await;
    let body: serde_json::Value = serde_json::from_str(&health.body()).unwrap();
    let error = body["storagedriver_filesystem"].as_str().unwrap();
    assert!(error.contains("`docker` is not a file"), "{error}");
}

#[tokio::test]
async fn dropping_the_last_clone_ends_the_checks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let health = Health::start(vec![Check::tcp(address, LIMIT, OFTEN)]);
    let state = Arc::downgrade(&health.state);
    drop(health.clone());
    tokio::time::timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
    drop(health);
    let deadline = Instant::now() + LIMIT;
    while state.upgrade().is_some() {
        assert!(Instant::now() < deadline, "the task still runs");
        tokio::time::sleep(SOON).await;
    }
}

#[test]
fn checks_are_those_of_the_configuration() {
    let file = "version: 0.1\nstorage: {filesystem: {rootdirectory: /srv}}\nhealth:\n  \
                storagedriver: {enabled: true, interval: 5s, threshold: 3}\n  \
                file: [{file: /run/down, interval: 2s}]\n  \
                tcp: [{addr: \"db:5432\", timeout: 1s, threshold: 2}]\n";
    let loaded = config::load(&config::Source {
        file: Some(("config.yml", file)),
        ..config::Source::default()
    });
    let driver: Arc<dyn Driver> = Arc::new(Memory::new());
    let checks = Check::configured(&loaded.unwrap().config.health, &driver, &"docker".parse().unwrap());
    let shown: Vec<_> = checks
        .iter()
        .map(|check| {
            (
                check.name.as_str(),
                check.times.interval.as_secs(),
                check.times.threshold,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [("storagedriver_memory", 5, 3), ("/run/down", 2, 1), ("db:5432", 10, 2)]
    );
    assert!(matches!(&checks[2].probe, Probe::Tcp { timeout, .. } if timeout.as_secs() == 1));
}
