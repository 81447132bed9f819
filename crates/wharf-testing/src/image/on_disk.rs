//! Images on disk, for clients to load: OCI layouts and docker-archives.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::layer::header;
use super::random::RandomBlocks;
use super::{Content, Image, Index, config_json};
use crate::encoding::{encoded, hex};

impl Image {
    /// Writes an OCI layout with this image under one tag.
    pub fn write_layout(&self, dir: &Path, tag: &str) -> io::Result<()> {
        write_layout(dir, tag, &self.manifest, self.blobs())
    }

    /// Writes a docker-archive for `docker load`, which will know the image as `name`.
    pub fn write_docker_archive(&self, file: &Path, name: &str) -> io::Result<()> {
        let mut archive = tar::Builder::new(BufWriter::new(File::create(file)?));
        let mut paths = Vec::new();
        for layer in &self.layers {
            let path = format!("{}.tar", encoded(&layer.diff_id));
            archive.append_data(
                &mut header(EntryType::Regular, layer.tar.len() as u64),
                &path,
                layer.tar.as_slice(),
            )?;
            paths.push(path);
        }
        finish_docker_archive(archive, name, &self.config, &paths)
    }
}

impl Index {
    /// Writes an OCI layout with this index and its images under one tag.
    pub fn write_layout(&self, dir: &Path, tag: &str) -> io::Result<()> {
        let manifests = self.images.iter().map(|image| &image.manifest);
        let blobs = self.images.iter().flat_map(Image::blobs);
        write_layout(dir, tag, &self.manifest, manifests.chain(blobs))
    }
}

fn write_layout<'a>(
    dir: &Path,
    tag: &str,
    tagged: &'a Content,
    others: impl Iterator<Item = &'a Content>,
) -> io::Result<()> {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    for content in others.chain([tagged]) {
        fs::write(blobs.join(encoded(&content.digest)), &content.bytes)?;
    }
    let mut descriptor = tagged.descriptor();
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    let index = json!({"schemaVersion": 2, "manifests": [descriptor]});
    fs::write(dir.join("index.json"), index.to_string())?;
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
}

/// Adds config and `manifest.json`, and ends the tar.
fn finish_docker_archive<W: Write>(
    mut archive: tar::Builder<W>,
    name: &str,
    config: &Content,
    layers: &[String],
) -> io::Result<()> {
    let config_path = format!("{}.json", encoded(&config.digest));
    let manifest = json!([{"Config": config_path, "RepoTags": [name], "Layers": layers}]).to_string();
    let mut append = |path: &str, bytes: &[u8]| {
        archive.append_data(&mut header(EntryType::Regular, bytes.len() as u64), path, bytes)
    };
    append(&config_path, &config.bytes)?;
    append("manifest.json", manifest.as_bytes())?;
    archive.into_inner()?.flush()
}

/// What is known of an image that is too large for memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeImage {
    /// The image ID.
    pub id: String,
    /// The digest of its only layer's tar.
    pub diff_id: String,
    /// The length of that tar in bytes.
    pub tar_bytes: u64,
}

/// Writes a docker-archive, streaming, whose only layer holds one file of `content_bytes` bytes that gzip can't make
/// smaller. `docker load` will know the image as `name`.
pub fn write_large_docker_archive(file: &Path, name: &str, seed: u64, content_bytes: u64) -> io::Result<LargeImage> {
    let tar_bytes = 512 + content_bytes.next_multiple_of(512) + 1024;
    let mut archive = tar::Builder::new(BufWriter::with_capacity(1 << 20, File::create(file)?));
    let mut layer = Hashing {
        inner: large_layer(seed, content_bytes)?,
        hasher: Sha256::new(),
    };
    // The layer's place in the archive carries no digest, because that is known only when the layer has been written.
    let path = "layer.tar".to_owned();
    archive.append_data(&mut header(EntryType::Regular, tar_bytes), &path, &mut layer)?;
    let diff_id = format!("sha256:{}", hex(&layer.hasher.finalize()));
    let config = config_json(seed, "linux/amd64", std::slice::from_ref(&diff_id));
    let config = Content::new("", config.to_string());
    finish_docker_archive(archive, name, &config, &[path])?;
    Ok(LargeImage {
        id: config.digest,
        diff_id,
        tar_bytes,
    })
}

/// The tar of a layer with one large file.
fn large_layer(seed: u64, content_bytes: u64) -> io::Result<impl Read> {
    let mut head: Header = header(EntryType::Regular, content_bytes);
    head.set_path("large")?;
    head.set_cksum();
    let padding = content_bytes.next_multiple_of(512) - content_bytes + 1024;
    let head = io::Cursor::new(head.as_bytes().to_vec());
    Ok(head
        .chain(RandomBlocks::new(seed).take(content_bytes))
        .chain(io::repeat(0).take(padding)))
}

/// A reader that hashes what passes.
struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::sha256;
    use crate::image::ImageBuilder;

    /// The entries of a docker-archive by name.
    fn entries(file: &Path) -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(File::open(file).unwrap());
        let read = |entry: io::Result<tar::Entry<'_, File>>| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn a_layout_holds_every_blob_under_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let index = ImageBuilder::new(21).build_index(&["linux/amd64", "linux/arm64"]);
        index.write_layout(dir.path(), "both").unwrap();
        let mut count = 0;
        for file in fs::read_dir(dir.path().join("blobs/sha256")).unwrap() {
            let file = file.unwrap();
            let digest = sha256(fs::read(file.path()).unwrap());
            assert_eq!(encoded(&digest), file.file_name().to_str().unwrap());
            count += 1;
        }
        assert_eq!(count, 2 * (3 + 1 + 1) + 1);
        let listed: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.path().join("index.json")).unwrap()).unwrap();
        assert_eq!(listed["manifests"][0]["digest"], index.manifest.digest);
    }

    #[test]
    fn a_docker_archive_names_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("image.tar");
        let image = ImageBuilder::new(22).build();
        image.write_docker_archive(&file, "example.org/a:1").unwrap();
        let entries = entries(&file);
        let manifest: serde_json::Value = serde_json::from_slice(&entries[4].1).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], "example.org/a:1");
        assert_eq!(manifest[0]["Config"], entries[3].0);
        assert_eq!(sha256(&entries[3].1), image.id());
        assert_eq!(manifest[0]["Layers"][2], entries[2].0);
    }

    #[test]
    fn a_large_image_tells_the_truth_about_its_layer() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("image.tar");
        let image = write_large_docker_archive(&file, "example.org/large:1", 23, (3 << 20) + 5).unwrap();
        let entries = entries(&file);
        assert_eq!(entries[0].1.len() as u64, image.tar_bytes);
        assert_eq!(sha256(&entries[0].1), image.diff_id);
        assert_eq!(sha256(&entries[1].1), image.id);
        let mut layer = tar::Archive::new(entries[0].1.as_slice());
        let entry = layer.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(
            (entry.path().unwrap().to_str(), entry.size()),
            (Some("large"), (3 << 20) + 5)
        );
    }
}
