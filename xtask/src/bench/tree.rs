//! What servers hold: a root in the tree that registry:2 keeps, written without a registry.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::cases::{PULLED, Target};
use super::content::{Content, digest};

/// The media type of the manifest, which clients ask for.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The repository of the image that is pulled.
const IMAGE: &str = "bench/image";
/// The repository with many tags.
const TAGS: &str = "bench/tags";
/// Tags of that repository.
pub(crate) const TAG_COUNT: usize = 10_000;
/// Repositories in all.
pub(crate) const REPOSITORY_COUNT: usize = 10_000;
/// To be raised when the content of a root changes.
const VERSION: &str = "1";
/// Repositories in one answer: the most that both registries give by default.
pub(crate) const PAGE: usize = 1000;
/// The image: one blob of each size that is pulled, the smallest as its configuration.
#[derive(Debug)]
pub(crate) struct Image {
    blobs: Vec<(Content, String)>,
    manifest: String,
    digest: String,
}

impl Image {
    pub(crate) fn new() -> Self {
        let blobs: Vec<_> = PULLED
            .iter()
            .map(|(_, size)| {
                let content = Content::new(*size);
                let digest = content.digest(0);
                (content, digest)
            })
            .collect();
        let describe = |(content, digest): &(Content, String), kind: &str| {
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":{}}}"#,
                content.size()
            )
        };
        let layers: Vec<_> = blobs[1..]
            .iter()
            .map(|blob| describe(blob, "layer.v1.tar+gzip"))
            .collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
            describe(&blobs[0], "config.v1+json"),
            layers.join(",")
        );
        let digest = digest(manifest.as_bytes());
        Self {
            blobs,
            manifest,
            digest,
        }
    }

    /// The targets of requests, one after the other, which begin with `/v2/`.
    pub(crate) fn targets(&self, target: Target) -> Vec<String> {
        match target {
            Target::Base => vec!["/v2/".to_owned()],
            Target::ManifestByTag => vec![format!("/v2/{IMAGE}/manifests/latest")],
            Target::ManifestByDigest => vec![format!("/v2/{IMAGE}/manifests/{}", self.digest)],
            Target::BlobHead => self.targets(Target::Blob(PULLED[0].1)),
            Target::Blob(size) => {
                let blobs = self.blobs.iter().filter(|(content, _)| content.size() == size);
                blobs.map(|(_, digest)| format!("/v2/{IMAGE}/blobs/{digest}")).collect()
            }
            Target::Tags => vec![format!("/v2/{TAGS}/tags/list")],
            Target::Catalog => pages(),
        }
    }

    /// Writes the image into the root of a registry.
    pub(crate) fn write(&self, root: &Path) -> anyhow::Result<()> {
        let tree = Tree::of(root);
        for (content, digest) in &self.blobs {
            let path = tree.data(digest);
            create(&path)
                .and_then(|mut file| content.write(0, 0, content.size(), &mut file))
                .with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        write(&tree.data(&self.digest), self.manifest.as_bytes())?;
        self.write_repository(&tree, IMAGE)
    }

    /// The root to pull from, as registry:2 would have left it and without anything of wharf's. What an earlier run wrote
    /// is taken: to write and remove all its directories takes longer than many a case.
    pub(crate) fn keep(&self, root: &Path) -> anyhow::Result<PathBuf> {
        let stamp = root.with_extension("version");
        if fs::read_to_string(&stamp).is_ok_and(|version| version == VERSION) {
            let ours = root.join("wharf");
            if ours.exists() {
                fs::remove_dir_all(&ours).with_context(|| format!("cannot remove `{}`", ours.display()))?;
            }
            return root.canonicalize().context("the root is gone, its stamp is not");
        }
        println!("writing a root with 10,000 tags and 10,000 repositories");
        let root = fresh(root)?;
        self.write(&root)?;
        self.write_lists(&root)?;
        fs::write(&stamp, VERSION).with_context(|| format!("cannot write `{}`", stamp.display()))?;
        Ok(root)
    }

    /// Writes the repositories of which lists are made. Those of the catalog have a manifest and one blob but no
    /// tag, which makes them quick to write here, and quick to find for registries that search the tree.
    fn write_lists(&self, root: &Path) -> anyhow::Result<()> {
        let tree = Tree::of(root);
        self.write_repository(&tree, TAGS)?;
        for number in 1..TAG_COUNT {
            tree.tag(TAGS, &format!("v{number:05}"), &self.digest)?;
        }
        for number in 2..REPOSITORY_COUNT {
            let repository = numbered(number);
            tree.link(&format!("{repository}/_layers"), &self.blobs[0].1)?;
            tree.link(&format!("{repository}/_manifests/revisions"), &self.digest)?;
        }
        Ok(())
    }

    fn write_repository(&self, tree: &Tree, repository: &str) -> anyhow::Result<()> {
        for (_, digest) in &self.blobs {
            tree.link(&format!("{repository}/_layers"), digest)?;
        }
        tree.link(&format!("{repository}/_manifests/revisions"), &self.digest)?;
        tree.tag(repository, "latest", &self.digest)
    }

    /// Lays what a registry answers out as files for a static server, with hard links to the root's content.
    pub(crate) fn lay_out(&self, root: &Path, dir: &Path) -> anyhow::Result<()> {
        let tree = Tree::of(root);
        write(&dir.join("base"), b"{}")?;
        let blobs = self
            .blobs
            .iter()
            .map(|(content, digest)| (Target::Blob(content.size()), digest));
        let manifests = [Target::ManifestByTag, Target::ManifestByDigest].map(|target| (target, &self.digest));
        for (target, digest) in blobs.chain(manifests) {
            for path in self.targets(target) {
                let link = dir.join(path.trim_start_matches('/'));
                fs::create_dir_all(link.parent().unwrap_or(dir))
                    .and_then(|()| fs::hard_link(tree.data(digest), &link))
                    .with_context(|| format!("cannot link `{}`", link.display()))?;
            }
        }
        Ok(())
    }
}

/// A repository of the catalog, behind the two others in the order of names.
fn numbered(number: usize) -> String {
    format!("catalog/r{number:05}")
}

/// The pages of the catalog.
fn pages() -> Vec<String> {
    let last = |page| match page {
        0 => String::new(),
        page => format!("&last={}", numbered(page * PAGE - 1)),
    };
    (0..REPOSITORY_COUNT / PAGE)
        .map(|page| format!("/v2/_catalog?n={PAGE}{}", last(page)))
        .collect()
}

/// `docker/registry/v2` under a root.
struct Tree(PathBuf);

impl Tree {
    fn of(root: &Path) -> Self {
        Self(root.join("docker/registry/v2"))
    }

    fn data(&self, digest: &str) -> PathBuf {
        let hex = hex(digest);
        self.0.join(format!("blobs/sha256/{}/{hex}/data", &hex[..2]))
    }

    fn link(&self, below: &str, digest: &str) -> anyhow::Result<()> {
        let path = format!("repositories/{below}/sha256/{}/link", hex(digest));
        write(&self.0.join(path), digest.as_bytes())
    }

    fn tag(&self, repository: &str, tag: &str, digest: &str) -> anyhow::Result<()> {
        let below = format!("{repository}/_manifests/tags/{tag}");
        self.link(&format!("{below}/index"), digest)?;
        write(
            &self.0.join(format!("repositories/{below}/current/link")),
            digest.as_bytes(),
        )
    }
}

fn hex(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    create(path)
        .and_then(|mut file| file.write_all(content))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

/// An empty directory, by its full path.
pub(crate) fn fresh(dir: &Path) -> anyhow::Result<PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty `{}`", dir.display()))?;
    }
    fs::create_dir_all(dir)
        .and_then(|()| dir.canonicalize())
        .with_context(|| format!("cannot make `{}`", dir.display()))
}

/// Makes a file and the directories above it.
fn create(path: &Path) -> std::io::Result<fs::File> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_begin_where_the_one_before_ended() {
        let pages = pages();
        assert_eq!(pages.len(), 10);
        assert_eq!(pages[0], "/v2/_catalog?n=1000");
        assert_eq!(pages[1], "/v2/_catalog?n=1000&last=catalog/r00999");
    }
}
