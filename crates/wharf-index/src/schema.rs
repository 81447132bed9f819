//! The tables, and connections to them.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::IndexError;

/// Versions below have a bug that corrupts a WAL database when it is reset (SQLite 3.7.0 to 3.51.2).
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// The layout below. A database with a higher number was written by a newer wharf and is not touched.
const SCHEMA_VERSION: i64 = 1;

/// Digests are kept as text, `sha256:…`, so that the database can be read by eye.
///
/// `sort_key` is the name with `/` as a zero byte, registry:2's order of the catalog. `repository_blobs.content` is the digest
/// that the content lies under: another one than `digest` only where registry:2 stored a sha512 upload under its sha256.
const SCHEMA: &str = "
CREATE TABLE repositories (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    sort_key BLOB NOT NULL UNIQUE
);
CREATE TABLE blobs (
    digest     TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE repository_blobs (
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    digest        TEXT NOT NULL,
    content       TEXT NOT NULL REFERENCES blobs (digest),
    PRIMARY KEY (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX repository_blobs_by_content ON repository_blobs (content);
CREATE TABLE manifests (
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    digest        TEXT NOT NULL REFERENCES blobs (digest),
    media_type    TEXT NOT NULL,
    subject       TEXT,
    artifact_type TEXT,
    annotations   TEXT,
    PRIMARY KEY (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;
CREATE INDEX manifests_by_digest ON manifests (digest);
CREATE TABLE manifest_references (
    repository_id INTEGER NOT NULL,
    manifest      TEXT NOT NULL,
    target        TEXT NOT NULL,
    PRIMARY KEY (repository_id, manifest, target),
    FOREIGN KEY (repository_id, manifest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX manifest_references_by_target ON manifest_references (target, repository_id);
CREATE TABLE tags (
    repository_id INTEGER NOT NULL,
    name          TEXT NOT NULL,
    digest        TEXT NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX tags_by_digest ON tags (repository_id, digest);
";

/// Opens the one connection that writes, and makes the tables when there are none.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, IndexError> {
    let unfit = |problem: String| IndexError::Unfit {
        path: path.to_owned(),
        problem,
    };
    let version = rusqlite::version_number();
    if version < SQLITE_VERSION_MIN {
        return Err(unfit(format!(
            "SQLite {} has a bug that corrupts databases",
            rusqlite::version()
        )));
    }
    let mut connection = Connection::open(path)?;
    set_up(&connection)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(unfit(format!("its file system does not allow WAL mode, only `{mode}`")));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if synchronous != 2 {
        return Err(unfit("`synchronous` can't be set to FULL".to_owned()));
    }
    match connection.query_row("PRAGMA user_version", [], |row| row.get(0))? {
        SCHEMA_VERSION => {}
        0 => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()?;
        }
        newer => {
            return Err(unfit(format!(
                "it was written by a newer wharf (layout {newer}, known is {SCHEMA_VERSION})"
            )));
        }
    }
    Ok(connection)
}

/// Opens a connection for reading.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, IndexError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_up(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<(), IndexError> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}
