//! Taking in what the tree on disk says of a repository.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use wharf_spec::{Digest, RepositoryName};

use crate::reader::digest;
use crate::row::{
    NewManifest, ensure_repository, insert_blob, insert_link, insert_manifest, repository_id, upsert_tag,
};
use crate::{BlobRow, Index, IndexError};

/// One repository as its tree says. Manifests that the index knows already are named by their digest only.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Linked blobs, and where their content lies.
    pub blobs: BTreeMap<Digest, BlobRow>,
    /// Manifests that the index knows.
    pub known_manifests: Vec<Digest>,
    /// Manifests that it does not know yet.
    pub new_manifests: Vec<NewManifest>,
    /// Tags whose manifest is among the above.
    pub tags: BTreeMap<String, Digest>,
}

/// How many rows differed from the tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotChange {
    /// Rows that the index lacked or had differently.
    pub added: usize,
    /// Rows of things that are not in the tree.
    pub removed: usize,
}

impl Index {
    /// The digests of a repository's manifests.
    pub fn manifest_digests(&self, repository: &RepositoryName) -> Result<Vec<Digest>, IndexError> {
        self.read(|connection| match repository_id(connection, repository)? {
            Some(id) => column_of_digests(connection, "SELECT digest FROM manifests WHERE repository_id = ?1", id),
            None => Ok(Vec::new()),
        })
    }

    /// Makes the index say of a repository what its tree says, in one transaction.
    pub fn apply_snapshot(
        &self,
        repository: &RepositoryName,
        snapshot: Snapshot,
    ) -> Result<SnapshotChange, IndexError> {
        let repository = repository.clone();
        self.writer.write(move |connection| {
            let id = ensure_repository(connection, &repository)?;
            let mut change = SnapshotChange::default();
            apply_blobs(connection, id, &snapshot, &mut change)?;
            apply_manifests(connection, id, &snapshot, &mut change)?;
            apply_tags(connection, id, &snapshot, &mut change)?;
            Ok(change)
        })
    }
}

fn column_of_digests(connection: &Connection, sql: &str, id: i64) -> Result<Vec<Digest>, IndexError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let mut digests = Vec::new();
    while let Some(row) = rows.next()? {
        digests.push(digest(row, 0, "digest")?);
    }
    Ok(digests)
}

fn apply_blobs(
    connection: &Connection,
    id: i64,
    snapshot: &Snapshot,
    change: &mut SnapshotChange,
) -> Result<(), IndexError> {
    let mut known = BTreeMap::new();
    let mut statement = connection.prepare_cached(
        "SELECT repository_blobs.digest, content, size_bytes FROM repository_blobs JOIN blobs ON blobs.digest = content \
         WHERE repository_id = ?1",
    )?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let size_bytes = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        known.insert(
            digest(row, 0, "digest")?,
            BlobRow {
                content: digest(row, 1, "content")?,
                size_bytes,
            },
        );
    }
    for (linked, blob) in &snapshot.blobs {
        if known.remove(linked).as_ref() != Some(blob) {
            insert_blob(connection, blob.content, blob.size_bytes)?;
            insert_link(connection, id, *linked, blob.content)?;
            change.added += 1;
        }
    }
    for gone in known.keys() {
        let mut statement =
            connection.prepare_cached("DELETE FROM repository_blobs WHERE repository_id = ?1 AND digest = ?2")?;
        change.removed += statement.execute(params![id, gone.to_string()])?;
    }
    Ok(())
}

fn apply_manifests(
    connection: &Connection,
    id: i64,
    snapshot: &Snapshot,
    change: &mut SnapshotChange,
) -> Result<(), IndexError> {
    for manifest in &snapshot.new_manifests {
        insert_manifest(connection, id, manifest)?;
        change.added += 1;
    }
    let known = column_of_digests(connection, "SELECT digest FROM manifests WHERE repository_id = ?1", id)?;
    for digest in known {
        let in_tree = snapshot.known_manifests.contains(&digest)
            || snapshot.new_manifests.iter().any(|manifest| manifest.digest == digest);
        if !in_tree {
            let mut statement =
                connection.prepare_cached("DELETE FROM manifests WHERE repository_id = ?1 AND digest = ?2")?;
            change.removed += statement.execute(params![id, digest.to_string()])?;
        }
    }
    Ok(())
}

fn apply_tags(
    connection: &Connection,
    id: i64,
    snapshot: &Snapshot,
    change: &mut SnapshotChange,
) -> Result<(), IndexError> {
    let mut statement = connection.prepare_cached("SELECT name, digest FROM tags WHERE repository_id = ?1")?;
    let mut rows = statement.query([id])?;
    let mut known: BTreeMap<String, Digest> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        known.insert(row.get(0)?, digest(row, 1, "digest")?);
    }
    for (tag, digest) in &snapshot.tags {
        if known.remove(tag) != Some(*digest) {
            upsert_tag(connection, id, tag, *digest)?;
            change.added += 1;
        }
    }
    for gone in known.keys() {
        let mut statement = connection.prepare_cached("DELETE FROM tags WHERE repository_id = ?1 AND name = ?2")?;
        change.removed += statement.execute(params![id, gone])?;
    }
    Ok(())
}
