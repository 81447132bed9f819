//! A child process whose output is collected while it runs.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to say where it listens, or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which of the two streams a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<(Stream, String)>,
    closed: usize,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    lines: Arc<(Mutex<Lines>, Condvar)>,
}

impl Process {
    /// Starts the program with its output collected line by line; no `REGISTRY_*` variable of the
    /// caller reaches it.
    pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Self> {
        let inherited = std::env::vars_os().map(|(name, _)| name);
        let set: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        for name in inherited.filter(|name| name.to_string_lossy().starts_with("REGISTRY_")) {
            if !set.contains(&name) {
                command.env_remove(name);
            }
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = Arc::new((Mutex::new(Lines::default()), Condvar::new()));
        collect(
            Stream::Out,
            child.stdout.take().expect("stdout is piped"),
            Arc::clone(&lines),
        );
        collect(
            Stream::Err,
            child.stderr.take().expect("stderr is piped"),
            Arc::clone(&lines),
        );
        Ok(Self { child, lines })
    }

    /// Waits for a line of which `find` makes something; `None` when the process closed its output
    /// or took too long.
    pub(crate) fn wait_for<T>(&self, find: impl Fn(Stream, &str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let (mutex, changed) = &*self.lines;
        let mut lines = mutex.lock().expect("no reader panics");
        let mut seen = 0;
        loop {
            for (stream, line) in &lines.lines[seen..] {
                if let Some(found) = find(*stream, line) {
                    return Some(found);
                }
            }
            seen = lines.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.closed == 2 || left.is_zero() {
                return None;
            }
            lines = changed.wait_timeout(lines, left).expect("no reader panics").0;
        }
    }

    /// The lines of one stream, or of both.
    pub(crate) fn output(&self, wanted: Option<Stream>) -> String {
        let lines = self.lines.0.lock().expect("no reader panics");
        let wanted = lines
            .lines
            .iter()
            .filter(|(stream, _)| wanted.is_none_or(|w| w == *stream));
        wanted.fold(String::new(), |text, (_, line)| text + line + "\n")
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal; a process that has ended already is no error.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Waits until the process has ended and its output is complete.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("the child is ours to wait for") {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    panic!("the server did not end within {PATIENCE:?}:\n{}", self.output(None))
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let (mutex, changed) = &*self.lines;
        let lines = mutex.lock().expect("no reader panics");
        drop(changed.wait_timeout_while(lines, PATIENCE, |lines| lines.closed < 2));
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: Stream, source: impl Read + Send + 'static, lines: Arc<(Mutex<Lines>, Condvar)>) {
    std::thread::spawn(move || {
        let (mutex, changed) = &*lines;
        for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            mutex.lock().expect("no reader panics").lines.push((stream, line));
            changed.notify_all();
        }
        mutex.lock().expect("no reader panics").closed += 1;
        changed.notify_all();
    });
}
