//! Debian's `docker-registry` 2.8 as a child process, and a configuration that both registries
//! read.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, Stream};
use crate::{Kind, Registry};

/// Where Debian's package puts the program.
const PROGRAM: &str = "/usr/bin/docker-registry";

/// A configuration file of registry:2. The pieces are YAML lines without their common indentation.
#[derive(Debug, Clone, Default)]
pub struct Config {
    delete: bool,
    storage: String,
    http: String,
    top: String,
}

impl Config {
    /// Filesystem storage and nothing else: no deletes, no cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `storage.delete.enabled: true`.
    #[must_use]
    pub fn delete(mut self) -> Self {
        self.delete = true;
        self
    }

    /// Adds lines under `storage:`.
    #[must_use]
    pub fn storage(mut self, yaml: &str) -> Self {
        self.storage.push_str(&indent(yaml));
        self
    }

    /// Adds lines under `http:`.
    #[must_use]
    pub fn http(mut self, yaml: &str) -> Self {
        self.http.push_str(&indent(yaml));
        self
    }

    /// Adds lines at the top level.
    #[must_use]
    pub fn top(mut self, yaml: &str) -> Self {
        self.top.push_str(yaml);
        self.top.push('\n');
        self
    }

    /// The file's text, with this storage root and a free port of 127.0.0.1.
    pub fn yaml(&self, root: &Path) -> String {
        let mut text = String::from("version: 0.1\nstorage:\n");
        let _ = writeln!(text, "  filesystem:\n    rootdirectory: {}", root.display());
        if self.delete {
            text.push_str("  delete:\n    enabled: true\n");
        }
        let _ = write!(
            text,
            "{}http:\n  addr: 127.0.0.1:0\n{}{}",
            self.storage, self.http, self.top
        );
        text
    }
}

fn indent(yaml: &str) -> String {
    yaml.lines().fold(String::new(), |text, line| text + "  " + line + "\n")
}

/// A running `docker-registry serve`; dropping it kills it and removes a temporary root.
#[derive(Debug)]
pub struct DockerRegistry {
    _scratch: TempDir,
    root: PathBuf,
    process: Process,
    addr: SocketAddr,
}

impl DockerRegistry {
    /// Starts it on a temporary root.
    pub fn start(config: &Config) -> Self {
        let scratch = tempfile::tempdir().expect("a temporary directory can be made");
        let root = scratch.path().join("root");
        Self::launch(config, scratch, root)
    }

    /// Starts it on this root.
    pub fn start_at(config: &Config, root: impl Into<PathBuf>) -> Self {
        let scratch = tempfile::tempdir().expect("a temporary directory can be made");
        Self::launch(config, scratch, root.into())
    }

    fn launch(config: &Config, scratch: TempDir, root: PathBuf) -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "`{PROGRAM}` is missing: `cargo xtask test` installs Debian's package `docker-registry`"
        );
        std::fs::create_dir_all(&root).expect("the root can be made");
        let file = scratch.path().join("config.yml");
        std::fs::write(&file, config.yaml(&root)).expect("the configuration can be written");
        let process = Process::spawn(Command::new(PROGRAM).arg("serve").arg(&file))
            .unwrap_or_else(|error| panic!("cannot start `{PROGRAM}`: {error}"));
        let addr = process.wait_for(|_, line| {
            let (_, rest) = line.split_once("listening on ")?;
            rest.split(['"', ',', ' ']).next()?.parse().ok()
        });
        let addr = addr.unwrap_or_else(|| {
            panic!(
                "`{PROGRAM}` does not listen with\n{}\n{}",
                config.yaml(&root),
                process.output(None)
            )
        });
        Self {
            _scratch: scratch,
            root,
            process,
            addr,
        }
    }

    /// What it wrote to standard error so far: its log.
    pub fn stderr(&self) -> String {
        self.process.output(Some(Stream::Err))
    }

    /// Ends it and waits.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.wait()
    }
}

impl Registry for DockerRegistry {
    fn kind(&self) -> Kind {
        Kind::Registry28
    }

    fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn logs(&self) -> String {
        self.process.output(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Connection, Request};

    #[test]
    fn it_starts_answers_and_stops() {
        let mut registry = DockerRegistry::start(&Config::new().delete().http("relativeurls: true"));
        let client = registry.client();
        client.send(Request::get("/v2/")).expect_status(200);
        let upload = client.send(Request::post("/v2/a/b/blobs/uploads/")).expect_status(202);
        assert!(upload.expect_header("Location").starts_with("/v2/a/b/blobs/uploads/"));
        assert!(registry.tree("repositories/a/b/_uploads").is_dir());
        registry.stop();
        assert!(Connection::open(registry.addr()).is_err());
    }
}
