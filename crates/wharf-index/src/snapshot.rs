//! Comparing a repository's rows with its tree on disk, and taking in what the tree says.

use std::collections::{BTreeMap, BTreeSet};

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
    pub known_manifests: BTreeSet<Digest>,
    /// Manifests that it does not know yet.
    pub new_manifests: Vec<NewManifest>,
    /// Tags whose manifest is among the above.
    pub tags: BTreeMap<String, Digest>,
}

/// Something that has a row in the index and a file in the tree, or should have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record {
    /// A blob that a repository links.
    Blob(Digest),
    /// A manifest of a repository.
    Manifest(Digest),
    /// A tag.
    Tag(String),
}

/// Where index and tree differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// In the tree, and not or differently in the index.
    pub missing: Vec<Record>,
    /// In the index, and not in the tree.
    pub surplus: Vec<Record>,
}

impl Differences {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty()
    }
}

impl Index {
    /// The digests of a repository's manifests.
    pub fn manifest_digests(&self, repository: &RepositoryName) -> Result<BTreeSet<Digest>, IndexError> {
        self.read(|connection| match repository_id(connection, repository)? {
            Some(id) => manifests_of(connection, id),
            None => Ok(BTreeSet::new()),
        })
    }

    /// The blobs that a repository links.
    pub fn blobs(&self, repository: &RepositoryName) -> Result<BTreeMap<Digest, BlobRow>, IndexError> {
        self.read(|connection| match repository_id(connection, repository)? {
            Some(id) => blobs_of(connection, id),
            None => Ok(BTreeMap::new()),
        })
    }

    /// Forgets the sizes of content that no repository refers to, of which the tree says nothing either.
    pub fn forget_unreferenced(&self) -> Result<(), IndexError> {
        self.writer.write(|connection| {
            connection.execute(
                "DELETE FROM blobs WHERE NOT EXISTS (SELECT 1 FROM repository_blobs WHERE content = blobs.digest) \
                 AND NOT EXISTS (SELECT 1 FROM manifests WHERE manifests.digest = blobs.digest)",
                [],
            )?;
            Ok(())
        })
    }

    /// Records the size of content whose size was recorded wrongly.
    pub fn record_content(&self, content: Digest, size_bytes: u64) -> Result<(), IndexError> {
        self.writer
            .write(move |connection| insert_blob(connection, content, size_bytes))
    }

    /// Where the index differs from what the tree of a repository says.
    pub fn compare_snapshot(
        &self,
        repository: &RepositoryName,
        snapshot: &Snapshot,
    ) -> Result<Differences, IndexError> {
        self.read(|connection| differences(connection, repository_id(connection, repository)?, snapshot))
    }

    /// Makes the index say of a repository what its tree says, in one transaction. Returns where it differed.
    pub fn apply_snapshot(&self, repository: &RepositoryName, snapshot: Snapshot) -> Result<Differences, IndexError> {
        let repository = repository.clone();
        self.writer.write(move |connection| {
            let id = ensure_repository(connection, &repository)?;
            let differences = differences(connection, Some(id), &snapshot)?;
            for record in &differences.surplus {
                remove(connection, id, record)?;
            }
            for manifest in &snapshot.new_manifests {
                insert_manifest(connection, id, manifest)?;
            }
            for record in &differences.missing {
                match record {
                    Record::Blob(digest) => {
                        let blob = snapshot.blobs[digest];
                        insert_blob(connection, blob.content, blob.size_bytes)?;
                        insert_link(connection, id, *digest, blob.content)?;
                    }
                    Record::Manifest(_) => {}
                    Record::Tag(name) => upsert_tag(connection, id, name, snapshot.tags[name])?,
                }
            }
            Ok(differences)
        })
    }
}

fn differences(connection: &Connection, id: Option<i64>, snapshot: &Snapshot) -> Result<Differences, IndexError> {
    let (mut blobs, mut manifests, mut tags) = match id {
        Some(id) => (
            blobs_of(connection, id)?,
            manifests_of(connection, id)?,
            tags_of(connection, id)?,
        ),
        None => Default::default(),
    };
    let mut differences = Differences::default();
    for (digest, blob) in &snapshot.blobs {
        if blobs.remove(digest).as_ref() != Some(blob) {
            differences.missing.push(Record::Blob(*digest));
        }
    }
    for manifest in &snapshot.new_manifests {
        manifests.remove(&manifest.digest);
        differences.missing.push(Record::Manifest(manifest.digest));
    }
    for digest in &snapshot.known_manifests {
        manifests.remove(digest);
    }
    for (name, digest) in &snapshot.tags {
        if tags.remove(name) != Some(*digest) {
            differences.missing.push(Record::Tag(name.clone()));
        }
    }
    differences.surplus.extend(blobs.into_keys().map(Record::Blob));
    differences.surplus.extend(tags.into_keys().map(Record::Tag));
    differences.surplus.extend(manifests.into_iter().map(Record::Manifest));
    Ok(differences)
}

fn remove(connection: &Connection, id: i64, record: &Record) -> Result<(), IndexError> {
    let (sql, key) = match record {
        Record::Blob(digest) => (
            "DELETE FROM repository_blobs WHERE repository_id = ?1 AND digest = ?2",
            digest.to_string(),
        ),
        Record::Manifest(digest) => (
            "DELETE FROM manifests WHERE repository_id = ?1 AND digest = ?2",
            digest.to_string(),
        ),
        Record::Tag(name) => ("DELETE FROM tags WHERE repository_id = ?1 AND name = ?2", name.clone()),
    };
    connection.prepare_cached(sql)?.execute(params![id, key])?;
    Ok(())
}

fn blobs_of(connection: &Connection, id: i64) -> Result<BTreeMap<Digest, BlobRow>, IndexError> {
    let mut statement = connection.prepare_cached(
        "SELECT repository_blobs.digest, content, size_bytes FROM repository_blobs JOIN blobs ON blobs.digest = content \
         WHERE repository_id = ?1",
    )?;
    let mut rows = statement.query([id])?;
    let mut blobs = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let size_bytes = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        let content = digest(row, 1, "content")?;
        blobs.insert(digest(row, 0, "digest")?, BlobRow { content, size_bytes });
    }
    Ok(blobs)
}

fn manifests_of(connection: &Connection, id: i64) -> Result<BTreeSet<Digest>, IndexError> {
    let mut statement = connection.prepare_cached("SELECT digest FROM manifests WHERE repository_id = ?1")?;
    let mut rows = statement.query([id])?;
    let mut digests = BTreeSet::new();
    while let Some(row) = rows.next()? {
        digests.insert(digest(row, 0, "digest")?);
    }
    Ok(digests)
}

fn tags_of(connection: &Connection, id: i64) -> Result<BTreeMap<String, Digest>, IndexError> {
    let mut statement = connection.prepare_cached("SELECT name, digest FROM tags WHERE repository_id = ?1")?;
    let mut rows = statement.query([id])?;
    let mut tags = BTreeMap::new();
    while let Some(row) = rows.next()? {
        tags.insert(row.get(0)?, digest(row, 1, "digest")?);
    }
    Ok(tags)
}
