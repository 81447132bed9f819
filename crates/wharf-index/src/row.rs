//! Writes: each is one transaction, committed and synced when it returns.

use rusqlite::{Connection, OptionalExtension, params};
use wharf_spec::{Digest, RepositoryName, Tag};

use crate::{Index, IndexError};

/// A manifest to be made visible.
#[derive(Debug, Clone)]
pub struct NewManifest {
    /// Its digest.
    pub digest: Digest,
    /// The size of its bytes.
    pub size_bytes: u64,
    /// The type it was pushed as.
    pub media_type: String,
    /// Everything it is made of.
    pub references: Vec<Digest>,
    /// The manifest it refers to.
    pub subject: Option<Digest>,
    /// What it is listed as among the referrers of its subject.
    pub artifact_type: Option<String>,
    /// Its annotations, a JSON object.
    pub annotations: Option<String>,
}

impl Index {
    /// Makes a blob visible in a repository. `content` is the digest its bytes lie under, `size_bytes` their number.
    pub fn link_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        content: Digest,
        size_bytes: u64,
    ) -> Result<(), IndexError> {
        let repository = repository.clone();
        self.writer.write(move |connection| {
            let id = ensure_repository(connection, &repository)?;
            insert_blob(connection, content, size_bytes)?;
            insert_link(connection, id, digest, content)
        })
    }

    /// Takes a blob out of a repository. Says whether it was there.
    pub fn unlink_blob(&self, repository: &RepositoryName, digest: Digest) -> Result<bool, IndexError> {
        let repository = repository.clone();
        self.writer.write(move |connection| {
            let Some(id) = repository_id(connection, &repository)? else {
                return Ok(false);
            };
            let mut statement =
                connection.prepare_cached("DELETE FROM repository_blobs WHERE repository_id = ?1 AND digest = ?2")?;
            Ok(statement.execute(params![id, digest.to_string()])? > 0)
        })
    }

    /// Makes a manifest visible in a repository, and points `tags` to it: all of it or nothing.
    pub fn put_manifest(
        &self,
        repository: &RepositoryName,
        manifest: NewManifest,
        tags: Vec<Tag>,
    ) -> Result<(), IndexError> {
        let repository = repository.clone();
        self.writer.write(move |connection| {
            let id = ensure_repository(connection, &repository)?;
            insert_manifest(connection, id, &manifest)?;
            for tag in &tags {
                upsert_tag(connection, id, tag.as_str(), manifest.digest)?;
            }
            Ok(())
        })
    }

    /// Takes a manifest and every tag on it out of a repository. Returns those tags, or `None` when the manifest was not there.
    pub fn delete_manifest(
        &self,
        repository: &RepositoryName,
        digest: Digest,
    ) -> Result<Option<Vec<String>>, IndexError> {
        let repository = repository.clone();
        self.writer.write(move |connection| {
            let Some(id) = repository_id(connection, &repository)? else {
                return Ok(None);
            };
            let digest = digest.to_string();
            let mut statement =
                connection.prepare_cached("SELECT name FROM tags WHERE repository_id = ?1 AND digest = ?2")?;
            let tags = statement
                .query_map(params![id, digest], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let mut statement =
                connection.prepare_cached("DELETE FROM manifests WHERE repository_id = ?1 AND digest = ?2")?;
            Ok((statement.execute(params![id, digest])? > 0).then_some(tags))
        })
    }

    /// Takes a tag out of a repository, and nothing else. Says whether it was there.
    pub fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<bool, IndexError> {
        let (repository, tag) = (repository.clone(), tag.clone());
        self.writer.write(move |connection| {
            let Some(id) = repository_id(connection, &repository)? else {
                return Ok(false);
            };
            let mut statement = connection.prepare_cached("DELETE FROM tags WHERE repository_id = ?1 AND name = ?2")?;
            Ok(statement.execute(params![id, tag.as_str()])? > 0)
        })
    }
}

pub(crate) fn repository_id(connection: &Connection, repository: &RepositoryName) -> Result<Option<i64>, IndexError> {
    let mut statement = connection.prepare_cached("SELECT id FROM repositories WHERE name = ?1")?;
    Ok(statement
        .query_row([repository.as_str()], |row| row.get(0))
        .optional()?)
}

pub(crate) fn ensure_repository(connection: &Connection, repository: &RepositoryName) -> Result<i64, IndexError> {
    if let Some(id) = repository_id(connection, repository)? {
        return Ok(id);
    }
    let mut statement = connection.prepare_cached("INSERT INTO repositories (name, sort_key) VALUES (?1, ?2)")?;
    Ok(statement.insert(params![repository.as_str(), repository.sort_key()])?)
}

pub(crate) fn insert_blob(connection: &Connection, digest: Digest, size_bytes: u64) -> Result<(), IndexError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO blobs (digest, size_bytes) VALUES (?1, ?2) \
         ON CONFLICT (digest) DO UPDATE SET size_bytes = excluded.size_bytes WHERE size_bytes <> excluded.size_bytes",
    )?;
    statement.execute(params![digest.to_string(), column(size_bytes)])?;
    Ok(())
}

pub(crate) fn insert_link(
    connection: &Connection,
    repository: i64,
    digest: Digest,
    content: Digest,
) -> Result<(), IndexError> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO repository_blobs (repository_id, digest, content) VALUES (?1, ?2, ?3)",
    )?;
    statement.execute(params![repository, digest.to_string(), content.to_string()])?;
    Ok(())
}

pub(crate) fn insert_manifest(
    connection: &Connection,
    repository: i64,
    manifest: &NewManifest,
) -> Result<(), IndexError> {
    insert_blob(connection, manifest.digest, manifest.size_bytes)?;
    let digest = manifest.digest.to_string();
    let mut statement = connection.prepare_cached(
        "INSERT INTO manifests (repository_id, digest, media_type, subject, artifact_type, annotations) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (repository_id, digest) DO UPDATE SET \
         media_type = excluded.media_type, subject = excluded.subject, artifact_type = excluded.artifact_type, \
         annotations = excluded.annotations",
    )?;
    statement.execute(params![
        repository,
        digest,
        manifest.media_type,
        manifest.subject.map(|subject| subject.to_string()),
        manifest.artifact_type,
        manifest.annotations
    ])?;
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO manifest_references (repository_id, manifest, target) VALUES (?1, ?2, ?3)",
    )?;
    for target in &manifest.references {
        statement.execute(params![repository, digest, target.to_string()])?;
    }
    Ok(())
}

pub(crate) fn upsert_tag(
    connection: &Connection,
    repository: i64,
    tag: &str,
    digest: Digest,
) -> Result<(), IndexError> {
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO tags (repository_id, name, digest) VALUES (?1, ?2, ?3)")?;
    statement.execute(params![repository, tag, digest.to_string()])?;
    Ok(())
}

/// SQLite's integers are signed; no object has 2^63 bytes.
fn column(size_bytes: u64) -> i64 {
    i64::try_from(size_bytes).unwrap_or(i64::MAX)
}
