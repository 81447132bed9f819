//! What servers hold: content, and a root in the tree that registry:2 keeps, written without a registry.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::cases::{PULLED, Target};

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
/// Repositories in one answer: the most that both registries give by default.
pub(crate) const PAGE: usize = 1000;
/// Most bytes written at once.
const PIECE: u64 = 1 << 20;

/// Content of some size: a piece repeated, and a number in its last bytes that makes each blob another.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    size: u64,
    piece: Vec<u8>,
    /// The state of hashing before the last bytes.
    hashed: Sha256,
}

/// Bytes at the end of a blob that tell it from others.
const TAIL: usize = 8;

impl Content {
    /// Content of this many bytes: a power of two below a mebibyte, or mebibytes.
    pub(crate) fn new(size: u64) -> Self {
        let mut piece = Vec::new();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        while (piece.len() as u64) < size.min(PIECE) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            piece.extend_from_slice(&state.to_le_bytes());
        }
        let mut hashed = Sha256::new();
        for _ in 1..size / piece.len() as u64 {
            hashed.update(&piece);
        }
        hashed.update(&piece[..piece.len() - TAIL]);
        Self { size, piece, hashed }
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The digest of the blob with this number.
    pub(crate) fn digest(&self, number: u64) -> String {
        let hash = self.hashed.clone().chain_update(number.to_le_bytes()).finalize();
        digest(&hash)
    }

    /// Writes the part of the blob with this number from one offset to another.
    pub(crate) fn write(&self, number: u64, from: u64, to: u64, sink: &mut impl std::io::Write) -> std::io::Result<()> {
        let mut offset = from;
        while offset < to {
            let start = usize::try_from(offset % self.piece.len() as u64).unwrap_or_default();
            let rest = &self.piece[start..];
            let part = &rest[..usize::try_from(to - offset).map_or(rest.len(), |left| left.min(rest.len()))];
            offset += part.len() as u64;
            if offset == self.size {
                sink.write_all(&part[..part.len() - TAIL])?;
                sink.write_all(&number.to_le_bytes())?;
            } else {
                sink.write_all(part)?;
            }
        }
        Ok(())
    }
}

fn digest(hash: &[u8]) -> String {
    hash.iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

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
        let digest = digest(&Sha256::digest(&manifest));
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

    /// Writes the repositories of which lists are made. Those of the catalog have a manifest and one blob but no
    /// tag, which makes them quick to write here, and quick to find for registries that search the tree.
    pub(crate) fn write_lists(&self, root: &Path) -> anyhow::Result<()> {
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

/// Makes a file and the directories above it.
fn create(path: &Path) -> std::io::Result<fs::File> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_what_is_written() {
        for (size, chunk) in [(4096, 4096), (3 << 20, 1 << 20), (1 << 20, 1 << 18)] {
            let content = Content::new(size);
            let mut bytes = Vec::new();
            for offset in (0..size).step_by(usize::try_from(chunk).unwrap()) {
                content.write(7, offset, offset + chunk, &mut bytes).unwrap();
            }
            assert_eq!(bytes.len() as u64, size);
            assert_eq!(digest(&Sha256::digest(&bytes)), content.digest(7));
            assert_ne!(content.digest(7), content.digest(8));
        }
    }

    #[test]
    fn pages_begin_where_the_one_before_ended() {
        let pages = pages();
        assert_eq!(pages.len(), 10);
        assert_eq!(pages[0], "/v2/_catalog?n=1000");
        assert_eq!(pages[1], "/v2/_catalog?n=1000&last=catalog/r00999");
    }
}
