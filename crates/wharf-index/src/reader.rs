//! Questions: each sees everything that was committed before it.

use rusqlite::{Row, params};
use serde_json::value::RawValue;
use wharf_spec::referrers::Referrer;
use wharf_spec::{Digest, Reference, RepositoryName, Tag};

use crate::row::repository_id;
use crate::{Index, IndexError};

/// Where a blob's bytes lie and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRow {
    /// The digest the content lies under.
    pub content: Digest,
    /// The number of bytes.
    pub size_bytes: u64,
}

/// A manifest's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    /// Its digest.
    pub digest: Digest,
    /// The type it was pushed as.
    pub media_type: String,
    /// The number of its bytes.
    pub size_bytes: u64,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Repositories that hold a manifest.
    pub repositories: u64,
    /// Manifests, each counted in every repository that has it.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
    /// Different blobs, manifests among them.
    pub blobs: u64,
    /// Bytes of those blobs.
    pub blob_bytes: u64,
}

impl Index {
    /// Finds a blob in a repository.
    pub fn find_blob(&self, repository: &RepositoryName, digest: Digest) -> Result<Option<BlobRow>, IndexError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT content, size_bytes FROM repository_blobs JOIN repositories ON id = repository_id \
                 JOIN blobs ON blobs.digest = content WHERE name = ?1 AND repository_blobs.digest = ?2",
            )?;
            let mut rows = statement.query(params![repository.as_str(), digest.to_string()])?;
            rows.next()?.map(blob_row).transpose()
        })
    }

    /// Finds a blob that any repository has under this digest.
    pub fn find_blob_anywhere(&self, digest: Digest) -> Result<Option<BlobRow>, IndexError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT content, size_bytes FROM repository_blobs JOIN blobs ON blobs.digest = content \
                 WHERE content = ?1 LIMIT 1",
            )?;
            let mut rows = statement.query([digest.to_string()])?;
            rows.next()?.map(blob_row).transpose()
        })
    }

    /// Finds a manifest in a repository.
    pub fn find_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ManifestRow>, IndexError> {
        self.read(|connection| {
            let condition = match reference {
                Reference::Tag(_) => {
                    "JOIN tags ON tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest \
                     WHERE repositories.name = ?1 AND tags.name = ?2"
                }
                Reference::Digest(_) => "WHERE repositories.name = ?1 AND manifests.digest = ?2",
            };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT manifests.digest, media_type, size_bytes FROM manifests \
                 JOIN repositories ON id = manifests.repository_id JOIN blobs ON blobs.digest = manifests.digest {condition}"
            ))?;
            let mut rows = statement.query(params![repository.as_str(), reference.to_string()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            Ok(Some(ManifestRow { digest: digest(row, 0, "digest")?, media_type: row.get(1)?, size_bytes: size(row, 2)? }))
        })
    }

    /// Whether there is, or was, anything of the repository.
    pub fn knows(&self, repository: &RepositoryName) -> Result<bool, IndexError> {
        self.read(|connection| Ok(repository_id(connection, repository)?.is_some()))
    }

    /// Whether the repository holds a manifest, which is what makes it exist for clients.
    pub fn has_manifests(&self, repository: &RepositoryName) -> Result<bool, IndexError> {
        self.read(|connection| {
            let Some(id) = repository_id(connection, repository)? else {
                return Ok(false);
            };
            let mut statement =
                connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM manifests WHERE repository_id = ?1)")?;
            Ok(statement.query_row([id], |row| row.get(0))?)
        })
    }

    /// Tags of a repository in bytewise order, behind `after`, `limit` at most.
    pub fn tags(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, IndexError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT tags.name FROM tags JOIN repositories ON id = repository_id \
                 WHERE repositories.name = ?1 AND tags.name > ?2 ORDER BY tags.name LIMIT ?3",
            )?;
            // Every tag is greater than the empty text.
            let parameters = params![repository.as_str(), after.unwrap_or_default(), limit_column(limit)];
            Ok(statement
                .query_map(parameters, |row| row.get(0))?
                .collect::<Result<_, _>>()?)
        })
    }

    /// Calls `visit` with every tag of a repository, in bytewise order.
    pub fn for_each_tag(&self, repository: &RepositoryName, mut visit: impl FnMut(&str)) -> Result<(), IndexError> {
        self.read(|connection| {
            let Some(id) = repository_id(connection, repository)? else {
                return Ok(());
            };
            let mut statement =
                connection.prepare_cached("SELECT name FROM tags WHERE repository_id = ?1 ORDER BY name")?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                visit(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
            }
            Ok(())
        })
    }

    /// Repositories that hold a manifest, by path component, behind the key `after`, `limit` at most.
    pub fn catalog(&self, after: &[u8], limit: usize) -> Result<Vec<String>, IndexError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name FROM repositories WHERE sort_key > ?1 \
                 AND EXISTS (SELECT 1 FROM manifests WHERE repository_id = id) ORDER BY sort_key LIMIT ?2",
            )?;
            let names = statement.query_map(params![after, limit_column(limit)], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }

    /// Manifests whose subject is `subject`, by digest, behind `after`, `limit` at most; only those of `artifact_type` if given. Once
    /// they have more than `bytes_max` bytes of text, no more are read, but two in any case.
    pub fn referrers(
        &self,
        repository: &RepositoryName,
        subject: Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Referrer>, IndexError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT manifests.digest, media_type, size_bytes, artifact_type, annotations FROM manifests \
                 JOIN repositories ON id = repository_id JOIN blobs ON blobs.digest = manifests.digest \
                 WHERE name = ?1 AND subject = ?2 AND manifests.digest > ?3 AND (?4 IS NULL OR artifact_type = ?4) \
                 ORDER BY manifests.digest LIMIT ?5",
            )?;
            let after = after.map(Digest::to_string).unwrap_or_default();
            let parameters = params![
                repository.as_str(),
                subject.to_string(),
                after,
                artifact_type,
                limit_column(limit)
            ];
            let mut rows = statement.query(parameters)?;
            let mut referrers = Vec::new();
            let mut text_bytes = 0;
            while let Some(row) = rows.next()?
                && (referrers.len() < 2 || text_bytes <= bytes_max)
            {
                let referrer = referrer(row)?;
                text_bytes += referrer.text_bytes();
                referrers.push(referrer);
            }
            Ok(referrers)
        })
    }

    /// Repositories that the index knows, whether they hold something or not, by path component, behind the key `after`, `limit` at
    /// most.
    pub fn repositories(&self, after: &[u8], limit: usize) -> Result<Vec<String>, IndexError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT name FROM repositories WHERE sort_key > ?1 ORDER BY sort_key LIMIT ?2")?;
            let names = statement.query_map(params![after, limit_column(limit)], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }

    /// The recorded size of content, whoever refers to it.
    pub fn content_size(&self, content: Digest) -> Result<Option<u64>, IndexError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT size_bytes FROM blobs WHERE digest = ?1")?;
            let mut rows = statement.query([content.to_string()])?;
            rows.next()?.map(|row| size(row, 0)).transpose()
        })
    }

    /// Whether a repository links content as a blob, has it as a manifest, or has a manifest that names it.
    pub fn is_referenced(&self, content: Digest) -> Result<bool, IndexError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM repository_blobs WHERE content = ?1) \
                 OR EXISTS (SELECT 1 FROM manifests WHERE digest = ?1) \
                 OR EXISTS (SELECT 1 FROM manifest_references WHERE target = ?1)",
            )?;
            Ok(statement.query_row([content.to_string()], |row| row.get(0))?)
        })
    }

    /// The tag's manifest.
    pub fn find_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<Option<Digest>, IndexError> {
        Ok(self
            .find_manifest(repository, &Reference::Tag(tag.clone()))?
            .map(|row| row.digest))
    }

    /// Counts everything. It reads whole indexes: for metrics now and then, not for requests.
    pub fn counts(&self) -> Result<Counts, IndexError> {
        self.read(|connection| {
            let count = |sql: &str| -> Result<u64, IndexError> {
                let count: i64 = connection.query_row(sql, [], |row| row.get(0))?;
                Ok(u64::try_from(count).unwrap_or_default())
            };
            Ok(Counts {
                repositories: count("SELECT count(DISTINCT repository_id) FROM manifests")?,
                manifests: count("SELECT count(*) FROM manifests")?,
                tags: count("SELECT count(*) FROM tags")?,
                blobs: count("SELECT count(*) FROM blobs")?,
                blob_bytes: count("SELECT coalesce(sum(size_bytes), 0) FROM blobs")?,
            })
        })
    }
}

fn blob_row(row: &Row<'_>) -> Result<BlobRow, IndexError> {
    Ok(BlobRow {
        content: digest(row, 0, "content")?,
        size_bytes: size(row, 1)?,
    })
}

fn referrer(row: &Row<'_>) -> Result<Referrer, IndexError> {
    let annotations: Option<String> = row.get(4)?;
    Ok(Referrer {
        media_type: row.get(1)?,
        digest: digest(row, 0, "digest")?,
        size: size(row, 2)?,
        artifact_type: row.get(3)?,
        annotations: annotations.and_then(|text| RawValue::from_string(text).ok()),
    })
}

pub(crate) fn digest(row: &Row<'_>, index: usize, column: &'static str) -> Result<Digest, IndexError> {
    let text: String = row.get(index)?;
    text.parse().map_err(|_| IndexError::BadRow { column, value: text })
}

fn size(row: &Row<'_>, index: usize) -> Result<u64, IndexError> {
    let size: i64 = row.get(index)?;
    u64::try_from(size).map_err(|_| IndexError::BadRow {
        column: "size_bytes",
        value: size.to_string(),
    })
}

fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
