//! The thread that writes. Jobs that wait at the same time share one transaction, and so one sync of the disk (group commit).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};

use crate::IndexError;

/// Jobs of one transaction at most, so that the first of them does not wait long.
const BATCH_MAX: usize = 256;

/// Runs inside the transaction (or is told why there is none), and leaves a closure that tells its caller once the transaction is
/// committed, or why not.
type Job = Box<dyn FnOnce(Result<&Connection, IndexError>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<(), IndexError>) + Send>;

/// Hands jobs to the writing thread. Dropped, it waits until the thread has closed the database.
pub(crate) struct Writer {
    /// `None` only while it is dropped.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It ends when the queue does; if it panicked, its jobs have failed already.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Result<Self, IndexError> {
        let (jobs, queue) = channel();
        let thread = thread::Builder::new()
            .name("index-writer".to_owned())
            .spawn(move || run(connection, &queue))
            .map_err(|_| IndexError::WriterEnded)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Runs `work` in a transaction and returns when it is committed and synced. An error of `work`, or a panic in it, undoes what it
    /// did, and nothing of the other jobs in the same transaction.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let (sender, receiver) = sync_channel(1);
        let job = move |connection: Result<&Connection, IndexError>| -> Reply {
            let result = connection.and_then(|connection| in_savepoint(connection, work));
            Box::new(move |commit: Result<(), IndexError>| {
                // A caller that has gone needs no answer.
                let _ = sender.send(commit.and(result));
            })
        };
        let jobs = self.jobs.as_ref().ok_or(IndexError::WriterEnded)?;
        jobs.send(Box::new(job)).map_err(|_| IndexError::WriterEnded)?;
        receiver.recv().map_err(|_| IndexError::WriterEnded)?
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, IndexError>,
) -> Result<T, IndexError> {
    connection.execute_batch("SAVEPOINT job")?;
    // A thread that ended here would end all writing until the next start. What the work has left half done is rolled back.
    let result = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or(Err(IndexError::Panicked));
    if result.is_err() {
        connection.execute_batch("ROLLBACK TO job")?;
    }
    connection.execute_batch("RELEASE job")?;
    result
}

fn run(mut connection: Connection, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut replies = Vec::new();
        let committed = commit_batch(&mut connection, first, queue, &mut replies);
        for reply in replies {
            reply(committed.as_ref().copied().map_err(copy_of));
        }
    }
}

fn commit_batch(
    connection: &mut Connection,
    first: Job,
    queue: &Receiver<Job>,
    replies: &mut Vec<Reply>,
) -> Result<(), IndexError> {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            replies.push(first(Err(error.into())));
            return Ok(());
        }
    };
    replies.push(first(Ok(&transaction)));
    while replies.len() < BATCH_MAX
        && let Ok(job) = queue.try_recv()
    {
        replies.push(job(Ok(&transaction)));
    }
    transaction.commit()?;
    Ok(())
}

/// The same error once more, for every job of a transaction that could not be committed.
fn copy_of(error: &IndexError) -> IndexError {
    match error {
        IndexError::Sqlite(rusqlite::Error::SqliteFailure(code, message)) => {
            IndexError::Sqlite(rusqlite::Error::SqliteFailure(*code, message.clone()))
        }
        _ => IndexError::WriterEnded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    /// A panic ended the writing thread, and with it every later write.
    #[test]
    fn a_panic_fails_its_own_job_only() {
        let directory = tempfile::tempdir().unwrap();
        let writer = Writer::start(schema::open_writer(&directory.path().join("index.sqlite")).unwrap()).unwrap();
        let make = |connection: &Connection| Ok(connection.execute_batch("CREATE TABLE made (x)")?);
        let panicked = writer.write(move |connection| {
            make(connection)?;
            panic!("injected")
        });
        assert!(matches!(panicked, Err::<(), _>(IndexError::Panicked)), "{panicked:?}");
        // It can be made, so the first one was rolled back.
        writer.write(make).unwrap();
    }
}
