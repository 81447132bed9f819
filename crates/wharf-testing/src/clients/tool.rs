//! A program that runs in a home directory of its own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::packages;

/// No program finds another one that Debian did not install.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A run that takes longer, in seconds, hangs.
const PATIENCE: &str = "900";

/// Mounts the first two arguments over the machine's directories and becomes the rest.
const HIDE: &str =
    r#"mount --bind "$1" /var/lib; mount --bind "$2" /run; mount -t tmpfs tmpfs /dev/shm; shift 2; exec "$@""#;

/// The words that go before a program so that it sees `lib` as `/var/lib`, `run` as `/run` and empty shared memory.
/// Nobody else sees these mounts, nor what the program mounts itself, and they end with it.
pub(crate) fn hiding(lib: &Path, run: &Path) -> Vec<OsString> {
    let words = ["unshare", "--mount", "sh", "-e", "-c", HIDE, "sh"].map(OsString::from);
    words.into_iter().chain([lib.into(), run.into()]).collect()
}

/// A program, its home directory, and what every run of it gets.
#[derive(Debug)]
pub(crate) struct Tool {
    program: PathBuf,
    home: TempDir,
    private: bool,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Tool {
    /// A program that finds its configuration and keeps its state in a new temporary directory.
    pub(crate) fn new(program: PathBuf) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        let mut tool = Self {
            program,
            home,
            private: false,
            args: Vec::new(),
            env: Vec::new(),
        };
        tool.env("HOME", "");
        for (name, dir) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "runtime"),
            ("TMPDIR", "temporary"),
        ] {
            fs::create_dir(tool.path(dir)).expect("a directory can be made in the home directory");
            tool.env(name, dir);
        }
        tool
    }

    /// Runs the program with [`hiding`]. podman, buildah and skopeo remember blobs in a place that no setting changes
    /// when they run as root; with one memory for all, a test would depend on the tests before it.
    pub(crate) fn hide_state(&mut self) {
        self.private = true;
    }

    /// A path in the home directory.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.home.path().join(relative)
    }

    /// The same as text.
    pub(crate) fn path_text(&self, relative: &str) -> String {
        self.path(relative).display().to_string()
    }

    /// Writes a file into the home directory.
    pub(crate) fn write(&self, relative: &str, content: &str) {
        fs::write(self.path(relative), content).expect("a file can be written in the home directory");
    }

    /// Sets an environment variable to a path in the home directory.
    pub(crate) fn env(&mut self, name: &str, relative: &str) {
        let value = self.path_text(relative);
        self.set(name, value);
    }

    /// Sets an environment variable.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }

    /// Puts arguments before those of every run.
    pub(crate) fn args<A: Into<String>>(&mut self, args: impl IntoIterator<Item = A>) {
        self.args.extend(args.into_iter().map(Into::into));
    }

    /// The command of a run, without the common arguments.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(packages::debian("timeout"));
        command.args(["--foreground", "--kill-after=10", PATIENCE]);
        if self.private {
            command.args(hiding(&self.path("data"), &self.path("runtime")));
        }
        command.arg(program);
        command.env_clear().env("PATH", PATH).envs(self.env.iter().cloned());
        command.current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program and returns what it wrote to standard output; panics with everything when it fails.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        self.output(args).0
    }

    /// As [`Self::run`], with standard error as the second text.
    #[track_caller]
    pub(crate) fn output<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> (String, String) {
        let mut command = self.command(&self.program);
        finish(command.args(&self.args).args(args))
    }
}

/// Runs a command and returns what it wrote; panics with everything when it fails.
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> (String, String) {
    let Output { status, stdout, stderr } = command
        .output()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert!(
        status.success(),
        "{command:?} failed ({status})\nstdout:\n{stdout}\nstderr:\n{stderr}"
    );
    (stdout, stderr)
}
