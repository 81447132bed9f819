//! One process per root.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Longest content of a lock file that is looked at; a process id has ten digits at most.
const MAX_PID_BYTES: u64 = 32;

/// The right to be the one process that uses a root. It ends when the value is dropped or the
/// process ends, however that comes about; the lock file stays.
#[must_use = "the lock ends when the value is dropped"]
#[derive(Debug)]
pub struct RootLock {
    file: File,
}

impl Drop for RootLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is being started may have it still, for a moment.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Why a root was not locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process, or another place in this one, holds the lock.
    #[error("`{}` is locked by {}", .path.display(), holder(*.pid))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The holder's process id, where the lock file tells it.
        pid: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock `{}`", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl RootLock {
    /// Locks the file `path`, which is made with its parents where it is missing, and writes this
    /// process' id into it, for whoever is refused. Does not wait.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(LockError::Held {
                    path: path.to_owned(),
                    pid: read_pid(&file),
                });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        // The id is for people. A full disk must not keep a server from starting.
        let _ = write_pid(&mut file);
        Ok(Self { file })
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(MAX_PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process `{pid}`"))
}
