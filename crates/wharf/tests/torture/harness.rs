//! A real `wharf serve` under torture, and what must hold after every case.
//!
//! | | invariant | where |
//! | --- | --- | --- |
//! | INV-1 | no 5xx for bad input | [`Torture::send`] |
//! | INV-2 | errors are JSON `errors[]` with codes of the OCI list | [`Torture::send`] |
//! | INV-3 | the canary `keep/alive:1` still pulls and has its digests | [`Torture::finish`] |
//! | INV-4 | `wharf fsck --read-data` finds nothing | [`Torture::finish`] |
//! | INV-5 | anonymous memory, descriptors and temporary files are back where they were | [`Torture::finish`] |
//! | INV-6 | no log line has the secret that every request carries | [`Torture::finish`] |

mod answer;
mod canary;
mod resources;

use std::process::Command;
use std::time::{Duration, Instant};

use wharf_testing::http::{Client, Request, Response};
use wharf_testing::{Config, Registry as _, WharfServer};

pub(crate) use answer::{check, expect_error};
use canary::Canary;
use resources::Resources;

const WHARF: &str = env!("CARGO_BIN_EXE_wharf");

/// What every request carries as a credential, and no log may ever show.
pub(crate) const SECRET: &str = "c4n4ry-s3cr3t-9f1b7d2e";

/// How long something may take that takes no time.
const DEADLINE: Duration = Duration::from_secs(30);

/// Whether the long forms of cases run: those that take minutes or gigabytes.
pub(crate) fn is_long() -> bool {
    std::env::var("WHARF_TORTURE").is_ok_and(|form| form == "long")
}

/// Asks until the answer is yes.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A server with its canary. Ends with [`Torture::finish`]; a test that forgets it fails.
pub(crate) struct Torture {
    server: WharfServer,
    client: Client,
    canary: Canary,
    baseline: Resources,
    is_finished: bool,
}

impl Torture {
    /// A server without a configuration file on a fresh root, which means that deletes are on.
    pub(crate) fn start() -> Self {
        Self::of(WharfServer::builder(WHARF))
    }

    /// A server with a configuration file on a fresh root.
    pub(crate) fn start_with(config: &Config) -> Self {
        // The builder's `--root` and `--addr` count; the file's root is only there because registry:2 wants one.
        let yaml = config.yaml("/var/lib/registry".as_ref());
        Self::of(WharfServer::builder(WHARF).config(yaml))
    }

    fn of(builder: wharf_testing::server::Builder) -> Self {
        let server = builder.env("REGISTRY_LOG_LEVEL", "debug").start();
        let sockets = Resources::of(&server).sockets();
        let canary = Canary::push(&server.client());
        canary.warm_up(&server);
        eventually("the connections of the warm-up are closed", || {
            Resources::of(&server).sockets() == sockets
        });
        Self {
            client: server.client(),
            canary,
            baseline: Resources::of(&server),
            server,
            is_finished: false,
        }
    }

    /// The server itself, for its process, its tree and its logs.
    pub(crate) fn server(&self) -> &WharfServer {
        &self.server
    }

    /// A client of its own, whose answers are not checked and whose requests carry no secret.
    pub(crate) fn client(&self) -> Client {
        self.server.client()
    }

    /// Sends a request, with the secret as its credential, and checks of the answer what must hold for every answer.
    #[track_caller]
    pub(crate) fn send(&self, request: Request) -> Response {
        let answer = self
            .client
            .send(request.header("Authorization", format!("Bearer {SECRET}")));
        check(&answer);
        answer
    }

    /// Checks everything that must hold after every case, and ends the server.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.is_finished = true;
        self.canary.leave_secrets(&self.server);
        self.canary.expect_whole(&self.server.client());
        self.client = self.server.client();
        resources::expect_back(&self.server, &self.baseline);
        let status = self.server.stop();
        assert!(
            status.success(),
            "the server ends well: {status}\n{}",
            self.server.stderr()
        );
        let logs = self.server.logs();
        if let Some(line) = logs.lines().find(|line| line.contains(SECRET)) {
            panic!("INV-6: a secret in a log line: {line}");
        }
        expect_clean(self.server.root());
    }
}

impl Drop for Torture {
    fn drop(&mut self) {
        assert!(
            self.is_finished || std::thread::panicking(),
            "a case ends with `Torture::finish`"
        );
    }
}

/// INV-4.
#[track_caller]
fn expect_clean(root: &std::path::Path) {
    let output = Command::new(WHARF)
        .args(["fsck", "--read-data"])
        .arg(root)
        .output()
        .expect("wharf runs");
    assert!(
        output.status.success(),
        "INV-4: `fsck` is not content ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
