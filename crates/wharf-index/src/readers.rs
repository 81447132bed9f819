//! The connections that read: few, kept, and shared.

use std::path::PathBuf;

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use crate::{IndexError, schema};

/// Read connections that there are at most. Each holds a page cache of 2 MiB at most and two descriptors, and more of them
/// would only wait for the same processors.
const READERS_MAX: usize = 8;

/// Opens connections as they are needed, and lets who asks wait once there are enough.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    /// Idle ones and those in use.
    count: usize,
}

impl Readers {
    /// Connections to the database at `path`.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Runs `query` on a connection, which sees everything committed before. A query must not ask for another connection.
    pub(crate) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, IndexError>) -> Result<T, IndexError> {
        let mut place = self.place();
        let connection = match place.connection.take() {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        query(place.connection.insert(connection))
    }

    fn place(&self) -> Place<'_> {
        let mut state = self.state.lock();
        self.freed
            .wait_while(&mut state, |state| state.idle.is_empty() && state.count == READERS_MAX);
        let connection = state.idle.pop();
        state.count += usize::from(connection.is_none());
        Place {
            readers: self,
            connection,
        }
    }
}

/// The right to use a connection, which ends when this is dropped, also by a panic.
struct Place<'a> {
    readers: &'a Readers,
    /// `None` until it is opened.
    connection: Option<Connection>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock();
        match self.connection.take() {
            Some(connection) => state.idle.push(connection),
            None => state.count -= 1,
        }
        self.readers.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn many_askers_share_few_connections_and_all_are_answered() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.sqlite");
        drop(schema::open_writer(&path).unwrap());
        let readers = Readers::new(path);
        let (barrier, at_once, most) = (Barrier::new(40), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    barrier.wait();
                    let answer = readers.read(|connection| {
                        most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        let answer = connection.query_row("SELECT 7", [], |row| row.get::<_, i64>(0))?;
                        at_once.fetch_sub(1, Ordering::SeqCst);
                        Ok(answer)
                    });
                    assert_eq!(answer.unwrap(), 7);
                });
            }
        });
        assert!(most.into_inner() <= READERS_MAX);
        let state = readers.state.lock();
        assert_eq!(state.idle.len(), state.count);
    }

    #[test]
    fn a_place_comes_back_after_a_failure_and_a_panic() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.sqlite");
        let readers = Readers::new(path.clone());
        for _ in 0..=READERS_MAX {
            assert!(readers.read(|_| Ok(())).is_err(), "there is no database yet");
        }
        drop(schema::open_writer(&path).unwrap());
        for _ in 0..=READERS_MAX {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                readers.read::<()>(|_| panic!("a query"))
            }));
            assert!(panicked.is_err());
        }
        assert!(readers.read(|_| Ok(())).is_ok());
    }
}
