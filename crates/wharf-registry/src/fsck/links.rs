//! Links and tags: what a broken one is mended to.

use wharf_spec::{Algorithm, Digest, RepositoryName, Tag};
use wharf_storage::{Driver, Durability, EntryKind, StorageKey};

use super::{Finding, Run};
use crate::blob::remove_tree;
use crate::damage::{Damage, Remedy};
use crate::error::Failure;
use crate::paths;
use crate::registry::Registry;
use crate::tree::{Link, Visitor, directories};

/// Mends the links and tags of a repository while they are read.
pub(super) struct Mending<'r, 'a> {
    pub(super) run: &'r mut Run<'a>,
    pub(super) name: &'r RepositoryName,
}

impl Visitor for Mending<'_, '_> {
    fn found(&mut self, damage: Damage, key: &StorageKey) -> Result<(), Failure> {
        let mended = match damage {
            Damage::BrokenLink => self.run.mend_link(self.name, key),
            Damage::LinkWithoutBlob | Damage::LinkWithoutManifest => self.remove_link(damage, key),
            Damage::BrokenTag => self.mend_tag(key),
            Damage::DanglingTag => self.remove_tag(damage, key),
            Damage::NotAManifest => self.run.tell_no_manifest(key),
            Damage::Unreadable => self.run.not_a("file", key).map(drop),
            // Content is looked at elsewhere.
            _ => Ok(()),
        };
        mended.or_else(|failure| self.run.pass_over(key, failure))
    }

    fn unreadable(&mut self, key: &StorageKey, failure: Failure) -> Result<(), Failure> {
        self.run.pass_over(key, failure)
    }
}

impl Run<'_> {
    /// Tells of content that is linked as a manifest.
    pub(super) fn tell_no_manifest(&mut self, link: &StorageKey) -> Result<(), Failure> {
        self.no_manifests.extend(named_by(link));
        let advice = "`--read-data` tells whether it is damaged";
        self.tell(Finding::left(Damage::NotAManifest, link.as_str(), advice))
    }

    /// Writes a broken link anew: `…/<algorithm>/<hex>/link`.
    pub(super) fn mend_link(&mut self, name: &RepositoryName, key: &StorageKey) -> Result<(), Failure> {
        let Some(digest) = named_by(key) else { return Ok(()) };
        let mut target = digest;
        if *key == paths::layer_link(name, &digest) && self.registry.stored_bytes(digest)?.is_none() {
            target = self.registry.find_rekeyed(name, digest)?.unwrap_or(digest);
        }
        let finding = Finding::new(Damage::BrokenLink, key.as_str(), Remedy::WriteLink(target));
        self.mend(finding, |registry| write_link(&*registry.driver, key, target))?;
        Ok(())
    }

    /// Writes the link of a manifest that a tag points to and whose content is there. Release 2.1.0 of registry:2 made no such links.
    pub(super) fn link_tagged(&mut self, name: &RepositoryName) -> Result<(), Failure> {
        let tags = directories(&*self.registry.driver, &paths::tags(name)).unwrap_or_default();
        for tag in tags.iter().filter_map(|tag| tag.parse::<Tag>().ok()) {
            // What can't be read is told when the tag is looked at.
            let Ok(Link::To(digest)) = self.registry.read_link(&paths::tag_current(name, &tag)) else {
                continue;
            };
            let link = paths::revision_link(name, &digest);
            let is_absent = matches!(self.registry.read_link(&link), Ok(Link::Absent));
            if is_absent && self.registry.is_sound_manifest(digest) {
                let finding = Finding::new(Damage::MissingLink, link.as_str(), Remedy::WriteLink(digest));
                self.mend(finding, |registry| write_link(&*registry.driver, &link, digest))?;
            }
        }
        Ok(())
    }
}

/// Directories between that of a tag and the links of its history.
const LEVELS_MAX: usize = 4;

/// Removes the links of a directory, and what is empty then. What else is there stays, and is told where the directory is looked at.
/// Says whether the directory is gone.
fn remove_links(driver: &dyn Driver, directory: &StorageKey, levels: usize) -> Result<bool, Failure> {
    let mut is_empty = true;
    for entry in crate::tree::entries(driver, directory)? {
        let Ok(key) = directory.join(&entry.name) else {
            is_empty = false;
            continue;
        };
        is_empty &= match entry.kind {
            EntryKind::Directory if levels > 0 => remove_links(driver, &key, levels - 1)?,
            EntryKind::File if entry.name == "link" => driver.remove(&key, Durability::Synced).map(|()| true)?,
            _ => false,
        };
    }
    if is_empty {
        remove_tree(driver, directory)?;
    }
    Ok(is_empty)
}

/// Whether a directory, or one in it, has a link, or else something other than links and directories.
fn holds(driver: &dyn Driver, directory: &StorageKey, levels: usize, links: bool) -> Result<bool, Failure> {
    for entry in crate::tree::entries(driver, directory)? {
        let is_held = match (directory.join(&entry.name), entry.kind) {
            (Ok(key), EntryKind::Directory) if levels > 0 => holds(driver, &key, levels - 1, links)?,
            (Ok(_), EntryKind::File) if entry.name == "link" => links,
            _ => !links,
        };
        if is_held {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Mending<'_, '_> {
    fn remove_link(&mut self, damage: Damage, key: &StorageKey) -> Result<(), Failure> {
        let mut finding = Finding::new(damage, key.as_str(), self.removal(Remedy::RemoveLink));
        if let Some(digest) = named_by(key) {
            finding.missing.push(digest);
            if damage == Damage::LinkWithoutManifest {
                finding.push_again.push(format!("{}@{digest}", self.name));
            }
        }
        let Some(directory) = key.parent() else { return Ok(()) };
        self.remove(finding, &directory)
    }

    fn remove(&mut self, finding: Finding, directory: &StorageKey) -> Result<(), Failure> {
        if finding.is_left() {
            return self.run.tell(finding);
        }
        self.run.mend(finding, |registry| {
            remove_links(&*registry.driver, directory, LEVELS_MAX).map(drop)
        })?;
        Ok(())
    }

    /// Nothing is removed for want of content where there is none at all.
    fn removal(&self, remedy: Remedy) -> Remedy {
        if self.run.summary.progress.blobs == 0 {
            Remedy::Leave("there is no content at all, as if a disk were missing".into())
        } else {
            remedy
        }
    }

    fn remove_tag(&mut self, damage: Damage, current: &StorageKey) -> Result<(), Failure> {
        let Some(tag) = tag_of(current) else { return Ok(()) };
        let mut finding = Finding::new(damage, current.as_str(), self.removal(Remedy::RemoveTag));
        finding.push_again.push(format!("{}:{tag}", self.name));
        if let Link::To(digest) = self.run.registry.read_link(current)? {
            finding.missing.push(digest);
        }
        let directory = paths::tag(self.name, &tag);
        if !holds(&*self.run.registry.driver, &directory, LEVELS_MAX, true)?
            && holds(&*self.run.registry.driver, &directory, LEVELS_MAX, false)?
        {
            // What is left of a tag that was removed: nothing that names an image.
            return Ok(());
        }
        self.remove(finding, &directory)
    }

    /// Points a tag to what its link plainly says, else to the only manifest it ever pointed to, else removes it. The index is not asked:
    /// registry:2 may have moved the tag since, and an old image served under it would be worse than none.
    fn mend_tag(&mut self, current: &StorageKey) -> Result<(), Failure> {
        let Some(tag) = tag_of(current) else { return Ok(()) };
        let registry = self.run.registry;
        let mut candidates: Vec<Digest> = registry.readable_link(current).into_iter().collect();
        if candidates.is_empty() {
            for algorithm in Algorithm::ALL {
                let names = directories(&*registry.driver, &paths::tag_history(self.name, &tag, algorithm))?;
                let digests = names.iter().map(|hex| format!("{algorithm}:{hex}").parse::<Digest>());
                candidates.extend(digests.filter_map(Result::ok));
            }
        }
        match candidates.as_slice() {
            &[digest]
                if !matches!(
                    registry.read_link(&paths::revision_link(self.name, &digest)),
                    Ok(Link::Absent)
                ) =>
            {
                let finding = Finding::new(Damage::BrokenTag, current.as_str(), Remedy::PointTag(digest));
                self.run
                    .mend(finding, |registry| write_link(&*registry.driver, current, digest))?;
                Ok(())
            }
            _ => self.remove_tag(Damage::BrokenTag, current),
        }
    }
}

impl Registry {
    /// The digest in a link that has white space around it.
    fn readable_link(&self, link: &StorageKey) -> Option<Digest> {
        let bytes = self.driver.read(link, 256).ok()?;
        std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
    }

    fn is_sound_manifest(&self, digest: Digest) -> bool {
        let is_manifest = matches!(self.named(digest), Ok(Some(_)));
        is_manifest && self.hashes_to(digest, &paths::blob_data(&digest)).unwrap_or(false)
    }

    /// Where a sha512 upload of registry:2 lies, if the index remembers and the bytes have that digest.
    fn find_rekeyed(&self, name: &RepositoryName, digest: Digest) -> Result<Option<Digest>, Failure> {
        let Some(row) = self.index.find_blob(name, digest)? else {
            return Ok(None);
        };
        let is_there = self.stored_bytes(row.content)?.is_some();
        let is_right = is_there && self.hashes_to(digest, &paths::blob_data(&row.content))?;
        Ok(is_right.then_some(row.content))
    }
}

/// Writes a link, durably.
pub(super) fn write_link(driver: &dyn Driver, key: &StorageKey, target: Digest) -> Result<(), Failure> {
    Ok(driver.write(key, target.to_string().as_bytes(), Durability::Synced)?)
}

/// The digest that a link's directory is named after.
fn named_by(link: &StorageKey) -> Option<Digest> {
    let mut segments = link.segments().rev().skip(1);
    let (hex, algorithm) = (segments.next()?, segments.next()?);
    format!("{algorithm}:{hex}").parse().ok()
}

/// The tag of `<tag>/current/link`.
fn tag_of(current: &StorageKey) -> Option<Tag> {
    current.segments().nth_back(2)?.parse().ok()
}
