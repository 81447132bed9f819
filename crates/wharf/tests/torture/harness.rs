//! A real `wharf serve` under torture, and what must hold after every case.
//!
//! | | invariant | where |
//! | --- | --- | --- |
//! | INV-01 | no 5xx for bad input | [`Torture::send`] |
//! | INV-02 | errors are JSON `errors[]` with codes of the OCI list | [`Torture::send`] |
//! | INV-03 | the canary `keep/alive:1` still pulls and has its digests | [`Torture::finish`] |
//! | INV-04 | `wharf fsck --read-data` finds nothing | [`Torture::finish`] |
//! | INV-05 | anonymous memory, descriptors and temporary files are back where they were | [`Torture::finish`] |
//! | INV-06 | no log line has the secret that every request carries | [`Torture::finish`] |

mod answer;
mod canary;
mod files;
mod push;
mod resources;
mod tests;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use wharf_testing::http::{Client, Request, Response};
use wharf_testing::{Config, Registry as _, WharfServer};

pub(crate) use answer::{check, expect_error};
use canary::Canary;
pub(crate) use files::FileTrace;
pub(crate) use push::{OCI_IMAGE, OCI_INDEX, descriptor, index};
pub(crate) use resources::Peak;
use resources::Resources;

pub(crate) const WHARF: &str = env!("CARGO_BIN_EXE_wharf");

/// What every request carries as a credential, and no log may ever show.
pub(crate) const SECRET: &str = "c4n4ry-s3cr3t-9f1b7d2e";

/// How long something may take that takes no time.
const DEADLINE: Duration = Duration::from_secs(30);

/// Whether the long forms of cases run: those that take minutes or gigabytes.
pub(crate) fn is_long() -> bool {
    std::env::var("WHARF_TORTURE").is_ok_and(|form| form == "long")
}

/// How long the comparison of index and tree after a start may take. A million tags are compared in minutes.
const SWEEP_DEADLINE: Duration = Duration::from_mins(20);

/// Asks until the answer is yes.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl FnMut() -> bool) {
    within(DEADLINE, what, condition);
}

#[track_caller]
fn within(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
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

    /// A server that logs whatever there is to log.
    pub(crate) fn start_verbose() -> Self {
        Self::of(WharfServer::builder(WHARF).env("REGISTRY_LOG_LEVEL", "debug"))
    }

    /// A server with a configuration file on a fresh root.
    pub(crate) fn start_with(config: &Config) -> Self {
        // The builder's `--root` and `--addr` count; the file's root is only there because registry:2 wants one.
        let yaml = config.yaml("/var/lib/registry".as_ref());
        Self::of(WharfServer::builder(WHARF).config(yaml))
    }

    /// A server of which a test has said more, with [`WHARF`] or what starts it as its program.
    pub(crate) fn of(builder: wharf_testing::server::Builder) -> Self {
        let server = builder.start();
        let (canary, baseline) = settle(&server);
        Self {
            client: server.client(),
            canary,
            baseline,
            server,
            is_finished: false,
        }
    }

    /// Stops the server, lets something happen to its root, starts it again there, and measures anew where it stands.
    pub(crate) fn restart_after(&mut self, change: impl FnOnce(&Path)) {
        let status = self.server.stop();
        assert!(status.success(), "the server ends well: {status}");
        change(self.server.root());
        self.server.start_again();
        self.client = self.server.client();
        (self.canary, self.baseline) = settle(&self.server);
    }

    /// Ends the server at once, as a kill or a power cut does, and starts it again on what it left.
    pub(crate) fn kill_and_start_again(&mut self) {
        self.server.kill();
        self.server.start_again();
        self.client = self.server.client();
        (self.canary, self.baseline) = settle(&self.server);
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

    /// `<root>/docker/registry/v2/<relative>`.
    pub(crate) fn tree(&self, relative: &str) -> PathBuf {
        self.server.tree(relative)
    }

    /// Checks everything that must hold after every case, and ends the server.
    #[track_caller]
    pub(crate) fn finish(self) {
        self.finish_and_read_logs(|_| ());
    }

    /// As [`Torture::finish`], with a look at everything the server has logged.
    #[track_caller]
    pub(crate) fn finish_and_read_logs(mut self, read: impl FnOnce(&str)) {
        self.is_finished = true;
        canary::leave_secrets(&self.server);
        self.canary.expect_whole(&self.server.client());
        self.client = self.server.client();
        resources::expect_back(&self.server, &self.baseline);
        let status = self.server.stop();
        let logs = self.server.logs();
        assert!(status.success(), "the server ends well: {status}\n{logs}");
        if let Some(line) = logs.lines().find(|line| line.contains(SECRET)) {
            panic!("INV-06: a secret in a log line: {line}");
        }
        read(&logs);
        expect_clean(self.server.root());
    }
}

/// Pushes the canary, warms the server up and measures where it stands then.
fn settle(server: &WharfServer) -> (Canary, Resources) {
    within(SWEEP_DEADLINE, "the sweep after the start has ended", || {
        server.stderr().contains("compared the index with the tree")
    });
    let sockets = Resources::of(server).sockets();
    let canary = Canary::push(&server.client());
    canary.warm_up(server);
    eventually("the connections of the warm-up are closed", || {
        Resources::of(server).sockets() == sockets
    });
    (canary, Resources::of(server))
}

impl Drop for Torture {
    fn drop(&mut self) {
        assert!(
            self.is_finished || std::thread::panicking(),
            "a case ends with `Torture::finish`"
        );
    }
}

/// Runs `wharf fsck` on a root that no server has.
pub(crate) fn fsck(root: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(WHARF);
    command.arg("fsck").args(args).arg(root).output().expect("wharf runs")
}

/// INV-04.
#[track_caller]
fn expect_clean(root: &Path) {
    let output = fsck(root, &["--read-data"]);
    assert!(
        output.status.success(),
        "INV-04: `fsck` is not content ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
