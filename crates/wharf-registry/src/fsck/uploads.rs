//! Uploads: those of which only a part is left.

use jiff::Timestamp;
use wharf_spec::{Algorithm, RepositoryName, UploadId};
use wharf_storage::{Durability, EntryKind, StorageKey};

use super::{Contents, Fate, Finding, Run};
use crate::damage::{Damage, Remedy};
use crate::error::Failure;
use crate::paths;
use crate::registry::Registry;
use crate::upload::{SMALL_BYTES_MAX, whole_seconds};

impl Run<'_> {
    /// `_uploads`.
    pub(super) fn check_uploads(&mut self, name: &RepositoryName) -> Result<(), Failure> {
        self.visit(
            &paths::uploads(name),
            &mut |run, entry, key| match (entry.name.parse::<UploadId>(), entry.kind) {
                (Ok(id), EntryKind::Directory) => run.check_upload(name, &id, key),
                _ => Ok(Fate::Unknown),
            },
        )?;
        Ok(())
    }

    fn check_upload(&mut self, name: &RepositoryName, id: &UploadId, directory: &StorageKey) -> Result<Fate, Failure> {
        let mut is_ours = true;
        let contents = self.visit(
            directory,
            &mut |run, entry, key| match (entry.name.as_str(), entry.kind) {
                ("startedat" | "data", EntryKind::File) => Ok(Fate::Stays),
                ("hashstates", EntryKind::Directory) => {
                    is_ours &= run.check_hash_states(key)?;
                    Ok(Fate::Stays)
                }
                ("startedat" | "data", _) => {
                    is_ours = false;
                    run.not_a("file", key)
                }
                _ => Ok(Fate::Unknown),
            },
        )?;
        is_ours &= contents != Contents::Unknown;
        if !is_ours || self.registry.has_start(name, id)? {
            return Ok(Fate::Stays);
        }
        let has_bytes = match self.registry.driver.stat(&paths::upload_data(name, id)) {
            Ok(stat) => stat.size_bytes > 0,
            Err(error) if error.is_not_found() => false,
            Err(error) => return Err(error.into()),
        };
        if !has_bytes {
            return self.remove(Damage::LeftoverUpload, directory);
        }
        let started_at = paths::upload_started_at(name, id);
        let finding = Finding::new(Damage::BrokenUpload, directory.as_str(), Remedy::WriteTime);
        self.mend(finding, |registry| {
            let now = whole_seconds(Timestamp::now());
            Ok(registry.driver.write(&started_at, now.as_bytes(), Durability::Synced)?)
        })?;
        Ok(Fate::Stays)
    }

    /// `hashstates/<algorithm>/<offset>`. Says whether nothing else is there.
    fn check_hash_states(&mut self, directory: &StorageKey) -> Result<bool, Failure> {
        let mut is_known = true;
        let contents = self.visit(directory, &mut |run, entry, key| {
            if entry.name.parse::<Algorithm>().is_err() || entry.kind != EntryKind::Directory {
                return Ok(Fate::Unknown);
            }
            let states = run.visit(key, &mut |_, entry, _| {
                let is_state = entry.name.parse::<u64>().is_ok() && entry.kind == EntryKind::File;
                Ok(if is_state { Fate::Stays } else { Fate::Unknown })
            })?;
            is_known &= states != Contents::Unknown;
            Ok(Fate::Stays)
        })?;
        Ok(is_known && contents != Contents::Unknown)
    }
}

impl Registry {
    /// Whether an upload tells when it was started.
    fn has_start(&self, name: &RepositoryName, id: &UploadId) -> Result<bool, Failure> {
        match self.driver.read(&paths::upload_started_at(name, id), SMALL_BYTES_MAX) {
            Ok(bytes) => Ok(std::str::from_utf8(&bytes).is_ok_and(|text| text.parse::<Timestamp>().is_ok())),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
