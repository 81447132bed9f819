//! `wharf serve` as a child process.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, Stream};
use crate::{Kind, Registry};

/// How to start `wharf serve`.
#[derive(Debug, Clone)]
pub struct Builder {
    program: PathBuf,
    config: Option<String>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    root: Option<PathBuf>,
    addr: String,
}

impl Builder {
    /// Writes this YAML to a file and gives the file to `wharf serve`. The root and the address
    /// stay the builder's.
    #[must_use]
    pub fn config(mut self, yaml: impl Into<String>) -> Self {
        self.config = Some(yaml.into());
        self
    }

    /// Adds a command-line argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Stores under this directory instead of a temporary one.
    #[must_use]
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// Listens at `HOST:PORT` instead of a free port of 127.0.0.1.
    #[must_use]
    pub fn addr(mut self, addr: impl Into<String>) -> Self {
        self.addr = addr.into();
        self
    }

    /// Starts the server and waits until it says where it listens; panics with its output when it
    /// does not.
    pub fn start(self) -> WharfServer {
        self.try_start().unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`Builder::start`], with the failure as a value for tests of refusals.
    pub fn try_start(self) -> Result<WharfServer, StartFailure> {
        let scratch = tempfile::tempdir().expect("a temporary directory can be made");
        let root = self.root.clone().unwrap_or_else(|| scratch.path().join("root"));
        let (process, addr) = self.spawn(scratch.path(), &root)?;
        Ok(WharfServer {
            builder: self,
            scratch,
            root,
            process,
            addr,
        })
    }

    fn spawn(&self, scratch: &Path, root: &Path) -> Result<(Process, SocketAddr), StartFailure> {
        let mut command = Command::new(&self.program);
        command.arg("serve");
        if let Some(config) = &self.config {
            let file = scratch.join("config.yml");
            std::fs::write(&file, config).expect("the configuration can be written");
            command.arg(file);
        }
        command
            .arg("--root")
            .arg(root)
            .args(["--addr", &self.addr])
            .args(&self.args);
        command.envs(self.env.iter().cloned()).current_dir(scratch);
        let mut process = Process::spawn(&mut command)
            .unwrap_or_else(|error| panic!("cannot start `{}`: {error}", self.program.display()));
        let found = process.wait_for(|stream, line| match stream {
            Stream::Out => address(line),
            Stream::Err => None,
        });
        if let Some(addr) = found {
            return Ok((process, addr));
        }
        process.signal(Signal::KILL);
        let status = process.wait();
        Err(StartFailure {
            status,
            stdout: process.output(Some(Stream::Out)),
            stderr: process.output(Some(Stream::Err)),
        })
    }
}

/// The address of the first `http://HOST:PORT` in the line.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let authority = rest.split(|c: char| c.is_whitespace() || c == '/').next()?;
    authority.trim_end_matches([',', ';', ')', '.', '"', '`']).parse().ok()
}

/// A server that ended, or said no address, instead of listening.
#[derive(Debug)]
pub struct StartFailure {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl std::fmt::Display for StartFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, stdout, stderr } = self;
        write!(
            f,
            "`wharf serve` does not listen ({status})\nstdout:\n{stdout}\nstderr:\n{stderr}"
        )
    }
}

/// A running `wharf serve`; dropping it kills it and removes a temporary root.
#[derive(Debug)]
pub struct WharfServer {
    builder: Builder,
    scratch: TempDir,
    root: PathBuf,
    process: Process,
    addr: SocketAddr,
}

impl WharfServer {
    /// Starts with this program: `env!("CARGO_BIN_EXE_wharf")` in tests of the `wharf` crate.
    pub fn builder(program: impl Into<PathBuf>) -> Builder {
        Builder {
            program: program.into(),
            config: None,
            args: Vec::new(),
            env: Vec::new(),
            root: None,
            addr: "127.0.0.1:0".to_owned(),
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        self.process.output(Some(Stream::Out))
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.process.output(Some(Stream::Err))
    }

    /// Asks it to end (SIGTERM) without waiting.
    pub fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }

    /// Asks it to end (SIGTERM) and waits.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Ends it at once (SIGKILL) and waits.
    pub fn kill(&mut self) -> ExitStatus {
        self.process.signal(Signal::KILL);
        self.wait()
    }

    /// Starts again on the same root with the same settings; the address is a new one. Call after
    /// [`Self::stop`] or [`Self::kill`].
    pub fn start_again(&mut self) {
        let (process, addr) = self
            .builder
            .spawn(self.scratch.path(), &self.root)
            .unwrap_or_else(|failure| panic!("{failure}"));
        self.process = process;
        self.addr = addr;
    }

    /// [`Self::stop`] and [`Self::start_again`].
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }
}

impl Registry for WharfServer {
    fn kind(&self) -> Kind {
        Kind::Wharf
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
    use super::address;

    #[test]
    fn the_address_is_the_first_url_of_the_line() {
        let line = "wharf 0.1.0 on http://127.0.0.1:4711, root `data`; try http://127.0.0.1:1/x";
        assert_eq!(address(line).map(|addr| addr.port()), Some(4711));
        assert_eq!(address("http://[::1]:80/v2/").map(|addr| addr.port()), Some(80));
        assert_eq!(address("nothing here"), None);
    }
}
