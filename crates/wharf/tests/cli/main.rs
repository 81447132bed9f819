//! The program as a user meets it: its commands, its messages, its end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attacks;
mod config;
mod fsck;
mod operations;
mod serve;

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use wharf_testing::WharfServer;
use wharf_testing::http::Client;
use wharf_testing::server::Builder;

const WHARF: &str = env!("CARGO_BIN_EXE_wharf");

/// How long something may take that takes no time.
const DEADLINE: Duration = Duration::from_secs(20);

fn server() -> Builder {
    WharfServer::builder(WHARF)
}

fn wharf(args: &[&str]) -> Output {
    Command::new(WHARF)
        .args(args)
        .env_remove("REGISTRY_CONFIGURATION_PATH")
        .output()
        .expect("wharf runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks until the answer is yes.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The client of the debug listener, which says its address on a line of its own.
fn debug_client(server: &WharfServer) -> Client {
    let mut found: Option<SocketAddr> = None;
    eventually("the debug listener's address", || {
        found = server
            .stdout()
            .lines()
            .find_map(|line| line.strip_prefix("debug listener on http://")?.parse().ok());
        found.is_some()
    });
    Client::new(found.unwrap())
}
