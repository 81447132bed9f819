//! Registry 3.1.1 as a child process.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wharf_testing::Config;
use wharf_testing::http::Client;

/// How long it may take to say where it listens.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running registry 3.1.1; dropping it kills it and removes its root.
pub(crate) struct Registry31 {
    child: Child,
    addr: SocketAddr,
    _scratch: TempDir,
}

impl Registry31 {
    /// Starts it on a temporary root and waits until it listens.
    pub(crate) fn start(program: &Path, config: &Config) -> Self {
        let scratch = tempfile::tempdir().expect("a temporary directory can be made");
        let (file, log) = (scratch.path().join("config.yml"), scratch.path().join("log"));
        fs::write(&file, config.yaml(&scratch.path().join("root"))).expect("the configuration can be written");
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("REGISTRY_")) {
            command.env_remove(name);
        }
        // It would send traces to a collector otherwise.
        command.env("OTEL_TRACES_EXPORTER", "none").arg("serve").arg(file);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command
            .stderr(File::create(&log).expect("the log can be made"))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `{}`: {error}", program.display()));
        let addr = listening(&mut child, &log);
        Self {
            child,
            addr,
            _scratch: scratch,
        }
    }

    /// A new client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr)
    }
}

impl Drop for Registry31 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in its log, once it is there.
fn listening(child: &mut Child, log: &Path) -> SocketAddr {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        let found = text
            .split_once("listening on ")
            .and_then(|(_, rest)| rest.split_once(['"', ',', ' ', '\n']))
            .and_then(|(addr, _)| addr.parse().ok());
        if let Some(addr) = found {
            return addr;
        }
        let ended = child.try_wait().expect("the child is ours to wait for").is_some();
        if ended || Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("registry 3.1.1 does not listen:\n{text}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
