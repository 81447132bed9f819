//! What manifests name: whether it is there, and linked.

use std::collections::{BTreeMap, BTreeSet};

use wharf_index::{BlobRow, Snapshot};
use wharf_spec::{Digest, RepositoryName};

use super::links::write_link;
use super::{Finding, Run};
use crate::damage::{Damage, Remedy};
use crate::error::Failure;
use crate::paths;
use crate::stored::Named;
use crate::tree::Link;

/// Where each manifest of a repository is an entry.
type Parents = BTreeMap<Digest, Vec<Digest>>;

impl Run<'_> {
    /// Looks for everything that the manifests of a repository name. A link that is missing is written, and goes into the snapshot.
    pub(super) fn check_images(&mut self, name: &RepositoryName, snapshot: &mut Snapshot) -> Result<(), Failure> {
        let new = snapshot.new_manifests.iter().map(|manifest| manifest.digest);
        let manifests: BTreeSet<Digest> = snapshot.known_manifests.iter().copied().chain(new).collect();
        let mut parents = Parents::new();
        let mut incomplete = Vec::new();
        for digest in &manifests {
            let key = paths::revision_link(name, digest);
            let named = match self.registry.named(*digest) {
                Ok(Some(named)) => named,
                Ok(None) => {
                    self.tell_no_manifest(&key)?;
                    continue;
                }
                Err(failure) => {
                    self.pass_over(&key, failure)?;
                    continue;
                }
            };
            let (entries, blobs): (Vec<Named>, Vec<Named>) = named.into_iter().partition(|named| named.is_manifest);
            for entry in &entries {
                parents.entry(entry.digest).or_default().push(*digest);
            }
            let is_absent = |entry: &Named| !manifests.contains(&entry.digest);
            let lost: Vec<Digest> = entries
                .into_iter()
                .filter(is_absent)
                .map(|entry| entry.digest)
                .collect();
            if !lost.is_empty() {
                incomplete.push((Damage::IndexWithoutManifest, *digest, lost));
            }
            let mut lost = Vec::new();
            for blob in blobs {
                if !snapshot.blobs.contains_key(&blob.digest) && !self.link_missing(name, &blob, snapshot)? {
                    lost.push(blob.digest);
                }
            }
            if !lost.is_empty() {
                incomplete.push((Damage::ManifestWithoutBlob, *digest, lost));
            }
        }
        for (damage, digest, missing) in incomplete {
            let advice = "what is missing has to be pushed again";
            let mut finding = Finding::left(damage, paths::revision_link(name, &digest).as_str(), advice);
            finding.missing = missing;
            finding.push_again = references(name, digest, &parents, snapshot);
            self.tell(finding)?;
        }
        Ok(())
    }

    /// Writes the link of a blob that an image names, if its content is there. Says whether that is so.
    fn link_missing(&mut self, name: &RepositoryName, blob: &Named, snapshot: &mut Snapshot) -> Result<bool, Failure> {
        let link = paths::layer_link(name, &blob.digest);
        let stored = match self.registry.stored_bytes(blob.digest) {
            Ok(stored) => stored.filter(|stored| blob.size_bytes.is_none_or(|named| named == *stored)),
            Err(failure) => return self.pass_over(&link, failure).map(|()| false),
        };
        let Some(size_bytes) = stored else { return Ok(false) };
        match self.registry.read_link(&link) {
            Ok(Link::Absent) => {}
            // It was told what is wrong with the link.
            Ok(Link::Broken | Link::To(_)) => return Ok(false),
            Ok(Link::NoFile) => return self.not_a("file", &link).map(|_| false),
            Err(failure) => return self.pass_over(&link, failure).map(|()| false),
        }
        let finding = Finding::new(Damage::MissingLink, link.as_str(), Remedy::WriteLink(blob.digest));
        let is_linked = self.mend(finding, |registry| write_link(&*registry.driver, &link, blob.digest))?;
        if is_linked {
            let content = blob.digest;
            snapshot.blobs.insert(blob.digest, BlobRow { content, size_bytes });
        }
        Ok(is_linked)
    }
}

/// What to push to get a manifest: the tags on it or on what it is an entry of, else its digest.
fn references(name: &RepositoryName, digest: Digest, parents: &Parents, snapshot: &Snapshot) -> Vec<String> {
    let mut above = BTreeSet::from([digest]);
    let mut unseen = vec![digest];
    while let Some(next) = unseen.pop() {
        let parents = parents.get(&next).into_iter().flatten();
        unseen.extend(parents.filter(|parent| above.insert(**parent)));
    }
    let tags = snapshot.tags.iter().filter(|(_, target)| above.contains(target));
    let mut references: Vec<String> = tags.map(|(tag, _)| format!("{name}:{tag}")).collect();
    if references.is_empty() {
        references.push(format!("{name}@{digest}"));
    }
    references
}
