//! Debian's docker engine, started for the tests and stopped with the last of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::clients::tool::{PATH, hiding};
use crate::packages;
use crate::process::Process;

/// A running `dockerd` with a store of its own, without network for containers. It needs root.
#[derive(Debug)]
pub struct Engine {
    dir: TempDir,
    process: Process,
}

/// The engine that running tests share.
static SHARED: Mutex<Weak<Engine>> = Mutex::new(Weak::new());

impl Engine {
    /// The engine that is running, or a new one. It stops when the last holder lets go of it: a value in a `static`
    /// would never be dropped, and would leave `dockerd` behind.
    pub fn shared() -> Arc<Self> {
        // A holder that panicked while it started an engine left nothing behind that a new start could not replace.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let engine = Arc::new(Self::start());
            *shared = Arc::downgrade(&engine);
            engine
        })
    }

    /// Starts an engine and waits until it answers.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let path = |name| dir.path().join(name);
        let config = json!({
            "data-root": path("data"),
            "exec-root": path("exec"),
            "pidfile": path("pid"),
            "hosts": [format!("unix://{}", path("socket").display())],
            "bridge": "none",
            "iptables": false,
            "ip6tables": false,
            "ip-forward": false,
            "ip-masq": false,
        });
        fs::write(path("daemon.json"), config.to_string()).expect("a file can be written in a temporary directory");
        for name in ["lib", "run"] {
            fs::create_dir(path(name)).expect("a directory can be made in a temporary directory");
        }
        let words = hiding(&path("lib"), &path("run"));
        let mut command = Command::new(packages::debian("unshare"));
        command
            .args(&words[1..])
            .arg(packages::debian("dockerd"))
            .arg("--config-file")
            .arg(path("daemon.json"));
        command
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", dir.path())
            .env("TMPDIR", dir.path());
        let process = Process::spawn(&mut command).unwrap_or_else(|error| panic!("cannot start `dockerd`: {error}"));
        let ready = process.wait_for(|_, line| line.contains("API listen on").then_some(()));
        let engine = Self { dir, process };
        assert!(
            ready.is_some(),
            "`dockerd` does not listen; it needs root\n{}",
            engine.process.output(None)
        );
        engine
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Asked to end, it also ends its containerd, which is a child of it and none of ours.
        self.process.signal(Signal::TERM);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.process.wait()));
        if ended.is_err() {
            end_containerd(&self.dir.path().join("exec/containerd/containerd.pid"));
        }
    }
}

/// Ends the containerd of an engine that did not end by itself.
fn end_containerd(pid_file: &Path) {
    let pid = fs::read_to_string(pid_file)
        .ok()
        .and_then(|pid| pid.trim().parse().ok());
    if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
        // One that has ended already needs no signal.
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shared_while_it_is_held_and_gone_afterwards() {
        let engine = Engine::shared();
        let (socket, again) = (engine.socket(), Engine::shared());
        assert!(Arc::ptr_eq(&engine, &again));
        assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok());
        let dir = engine.dir.path().to_owned();
        drop(engine);
        drop(again);
        assert!(!dir.exists(), "`{}` is left behind", dir.display());
        assert!(
            !fs::read_to_string("/proc/self/mounts")
                .unwrap()
                .contains(dir.to_str().unwrap())
        );
    }
}
