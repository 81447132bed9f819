//! The metadata database: repositories, tags, manifests, blobs and what refers to what.
//!
//! An embedded SQLite in WAL mode with `synchronous=FULL`: a write that returned is on stable storage. It is derived data: the
//! tree on disk says the same, and the index can be made anew from it. Only this crate knows SQL.
//!
//! Calls block; an asynchronous caller runs them on a pool of its own.

mod reader;
mod readers;
mod row;
mod schema;
mod snapshot;
mod writer;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use reader::{BlobRow, Counts, ManifestRow};
pub use row::NewManifest;
pub use snapshot::{Differences, Record, Snapshot};

use readers::Readers;
use writer::Writer;

/// What went wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// SQLite refused or failed.
    #[error("index database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The database, or the library, is not as durability needs it.
    #[error("index database `{path}`: {problem}")]
    Unfit {
        /// The database's file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The database is no longer what was written.
    #[error("index database: {0}")]
    Damaged(String),
    /// A value in a row that no wharf wrote.
    #[error("index database: bad value `{value}` in `{column}`")]
    BadRow {
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A change panicked, and was undone.
    #[error("index database: a change panicked")]
    Panicked,
    /// The thread that writes has ended, because the process is ending.
    #[error("index database: the writer has ended")]
    WriterEnded,
}

impl IndexError {
    /// Whether the database is no longer what was written, so that it has to be made anew.
    pub fn is_damaged(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                matches!(error.code, DatabaseCorrupt | NotADatabase)
            }
            Self::Damaged(_) | Self::BadRow { .. } => true,
            _ => false,
        }
    }

    /// Whether the disk is full or can't be written, so that trying again later may help.
    pub fn is_temporary(&self) -> bool {
        use rusqlite::ErrorCode::{DiskFull, ReadOnly, SystemIoFailure};
        let Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) = self else {
            return false;
        };
        matches!(error.code, DiskFull | ReadOnly | SystemIoFailure)
    }
}

/// The index of one root.
#[derive(Debug)]
pub struct Index {
    writer: Writer,
    readers: Readers,
}

impl Index {
    /// Opens the database at `path`, and makes it when it is not there. Its directory must exist.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let connection = schema::open_writer(path)?;
        Ok(Self {
            writer: Writer::start(connection)?,
            readers: Readers::new(path.to_owned()),
        })
    }

    /// Reads the whole database and fails if it is not in order.
    pub fn check(&self) -> Result<(), IndexError> {
        self.read(|connection| {
            match connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))? {
                problem if problem != "ok" => Err(IndexError::Damaged(problem)),
                _ => Ok(()),
            }
        })
    }

    /// Runs `query` on a read connection, which sees everything committed before.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, IndexError>) -> Result<T, IndexError> {
        self.readers.read(query)
    }
}

#[cfg(test)]
mod tests;
