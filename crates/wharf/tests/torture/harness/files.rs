//! Which files a server touches, as the kernel sees it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use wharf_testing::{Registry as _, WharfServer};

/// A running `strace` of every system call of a server that takes a file name.
pub(crate) struct FileTrace {
    strace: Child,
    log: tempfile::NamedTempFile,
    root: PathBuf,
}

impl FileTrace {
    /// Begins to watch a server with all its threads.
    pub(crate) fn begin(server: &WharfServer) -> Self {
        let log = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let mut strace = Command::new("strace")
            .args([
                "-f",
                "-e",
                "trace=%file",
                "-s",
                "4096",
                "-p",
                &server.pid().to_string(),
                "-o",
            ])
            .arg(log.path())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace starts");
        let messages = BufReader::new(strace.stderr.take().expect("stderr is piped"));
        // It says so once it sees every thread.
        let attached = messages
            .lines()
            .map_while(Result::ok)
            .find(|line| line.contains("attached"));
        assert!(attached.is_some(), "strace watches the server");
        let root = server.root().to_owned();
        Self { strace, log, root }
    }

    /// Ends it. Fails if a name was used that does not lie below the storage root, or if none was used at all.
    #[track_caller]
    pub(crate) fn expect_only_the_root(mut self) {
        let interrupted = Command::new("kill")
            .args(["-INT", &self.strace.id().to_string()])
            .status();
        assert!(
            interrupted.is_ok_and(|status| status.success()),
            "strace is interrupted"
        );
        self.strace.wait().expect("strace ends");
        let log = fs::read(self.log.path()).expect("strace has written");
        let log = String::from_utf8_lossy(&log);
        let names: Vec<_> = log.lines().filter_map(name).collect();
        assert!(!names.is_empty(), "the trace has seen the server at work");
        let strangers: Vec<_> = names.iter().filter(|name| !self.is_below_root(name)).collect();
        assert!(strangers.is_empty(), "files outside the root: {strangers:?}");
    }

    /// Whether it is below the root, or relative to a directory that is.
    fn is_below_root(&self, name: &str) -> bool {
        let path = Path::new(name);
        let goes_up = path.components().any(|part| part == std::path::Component::ParentDir);
        !goes_up && (path.is_relative() || path.starts_with(&self.root))
    }
}

/// The first quoted argument of a system call.
fn name(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('"')?;
    rest.split('"').next()
}
