//! Each repository: its links and tags, its uploads, and its rows in the index.

use wharf_index::{Record, Snapshot};
use wharf_spec::{Algorithm, Digest, RepositoryName, Tag};
use wharf_storage::{EntryKind, StorageKey};

use super::links::Mending;
use super::{Fate, Finding, Run};
use crate::damage::{Damage, Remedy};
use crate::error::Failure;
use crate::paths;
use crate::tree::{Link, directories};

impl Run<'_> {
    /// Looks at every repository of the tree, then at those that only the index has.
    pub(super) fn check_repositories(&mut self) -> Result<(), Failure> {
        self.check_tree(&paths::repositories(), "")?;
        let registry = self.registry;
        registry.for_each_indexed(&mut |name| {
            let names = directories(&*registry.driver, &paths::repository(&name)).unwrap_or_default();
            if self.has_ended || names.iter().any(|name| is_reserved(name)) {
                return Ok(());
            }
            self.check_rows(&name, Snapshot::default())
        })
    }

    /// A directory that may be a repository, hold others, or both.
    fn check_tree(&mut self, directory: &StorageKey, name: &str) -> Result<Fate, Failure> {
        let mut is_repository = false;
        let contents = self.visit(directory, &mut |run, entry, key| match entry.kind {
            EntryKind::Directory if is_reserved(&entry.name) && !name.is_empty() => {
                is_repository = true;
                let is_known = ["_layers", "_manifests", "_uploads"].contains(&entry.name.as_str());
                Ok(if is_known { Fate::Stays } else { Fate::Unknown })
            }
            EntryKind::Directory if is_reserved(&entry.name) => Ok(Fate::Unknown),
            EntryKind::Directory if name.is_empty() => run.check_tree(key, &entry.name),
            EntryKind::Directory => run.check_tree(key, &format!("{name}/{}", entry.name)),
            _ => Ok(Fate::Unknown),
        })?;
        match name.parse() {
            Ok(name) if is_repository => self.check_repository(&name)?,
            Err(_) if is_repository => {
                let advice = "its name is none of a repository";
                self.tell(Finding::left(Damage::UnknownFile, directory.as_str(), advice))?;
            }
            _ if !name.is_empty() => return self.remove_empty(directory, contents),
            _ => {}
        }
        Ok(Fate::Stays)
    }

    fn check_repository(&mut self, name: &RepositoryName) -> Result<(), Failure> {
        self.summary.progress.repositories += 1;
        self.tell_progress();
        self.link_tagged(name)?;
        let mut snapshot = self.registry.snapshot(name, &mut Mending { run: self, name })?;
        self.check_images(name, &mut snapshot)?;
        if self.has_ended {
            return Ok(());
        }
        self.check_rows(name, snapshot)?;
        self.check_links(&paths::all_layers(name), None)?;
        self.visit(
            &paths::manifests(name),
            &mut |run, entry, key| match (entry.name.as_str(), entry.kind) {
                ("revisions", EntryKind::Directory) => run.check_links(key, None),
                ("tags", EntryKind::Directory) => run.check_tags(key, name),
                _ => Ok(Fate::Unknown),
            },
        )?;
        self.check_uploads(name)?;
        if let Some(dry_run) = &self.fsck.dry_run {
            dry_run.forget(&paths::repository(name));
        }
        Ok(())
    }

    fn check_rows(&mut self, name: &RepositoryName, snapshot: Snapshot) -> Result<(), Failure> {
        let index = &self.registry.index;
        let differences = index.compare_snapshot(name, &snapshot)?;
        if differences.is_empty() {
            return Ok(());
        }
        index.apply_snapshot(name, snapshot)?;
        if !self.fsck.has_index {
            return Ok(());
        }
        for record in &differences.missing {
            let finding = Finding::new(Damage::FileWithoutRow, described(name, record), Remedy::WriteRow);
            self.mend(finding, |_| Ok(()))?;
        }
        for record in &differences.surplus {
            let finding = Finding::new(Damage::RowWithoutFile, described(name, record), Remedy::RemoveRow);
            self.mend(finding, |_| Ok(()))?;
        }
        Ok(())
    }

    /// `<algorithm>/<hex>/link`. Links are looked at here only if they are of a tag's history.
    fn check_links(&mut self, directory: &StorageKey, history: Option<&RepositoryName>) -> Result<Fate, Failure> {
        self.visit(directory, &mut |run, entry, key| {
            let (Ok(algorithm), EntryKind::Directory) = (entry.name.parse::<Algorithm>(), entry.kind) else {
                return Ok(Fate::Unknown);
            };
            run.visit(
                key,
                &mut |run, entry, key| match format!("{algorithm}:{}", entry.name).parse::<Digest>() {
                    Ok(digest) if entry.kind == EntryKind::Directory => run.tidy(key, &mut |run, entry, key| {
                        if let (Some(name), "link", EntryKind::File) = (history, entry.name.as_str(), entry.kind)
                            && run.registry.read_link(key)? != Link::To(digest)
                        {
                            run.mend_link(name, key)?;
                        }
                        run.check_link(entry.name.as_str(), entry.kind, key)
                    }),
                    _ => Ok(Fate::Unknown),
                },
            )?;
            Ok(Fate::Stays)
        })?;
        Ok(Fate::Stays)
    }

    fn check_link(&mut self, name: &str, kind: EntryKind, key: &StorageKey) -> Result<Fate, Failure> {
        match (name, kind) {
            ("link", EntryKind::File) => Ok(Fate::Stays),
            ("link", _) => self.not_a("file", key),
            _ => Ok(Fate::Unknown),
        }
    }

    fn check_tags(&mut self, directory: &StorageKey, name: &RepositoryName) -> Result<Fate, Failure> {
        self.visit(directory, &mut |run, entry, key| {
            if entry.kind != EntryKind::Directory || entry.name.parse::<Tag>().is_err() {
                return Ok(Fate::Unknown);
            }
            run.visit(key, &mut |run, entry, key| match (entry.name.as_str(), entry.kind) {
                ("index", EntryKind::Directory) => run.check_links(key, Some(name)),
                ("current", EntryKind::Directory) => {
                    run.visit(key, &mut |run, entry, key| run.check_link(&entry.name, entry.kind, key))?;
                    Ok(Fate::Stays)
                }
                ("index" | "current", _) => run.not_a("directory", key),
                _ => Ok(Fate::Unknown),
            })?;
            Ok(Fate::Stays)
        })?;
        Ok(Fate::Stays)
    }
}

fn is_reserved(name: &str) -> bool {
    name.starts_with(paths::RESERVED_PREFIX)
}

/// A row, by what it says.
fn described(name: &RepositoryName, record: &Record) -> String {
    match record {
        Record::Blob(digest) => format!("{} (blob {digest})", paths::repository(name)),
        Record::Manifest(digest) => format!("{} (manifest {digest})", paths::repository(name)),
        Record::Tag(tag) => format!("{} (tag {tag})", paths::repository(name)),
    }
}
