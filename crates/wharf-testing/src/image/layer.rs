//! Layers: a tar and its compressed form.

use std::io::Write as _;

use flate2::GzBuilder;
use tar::{EntryType, Header};

use super::{Content, Format, Random};
use crate::encoding::sha256;

const DOCKER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_TAR: &str = "application/vnd.docker.image.rootfs.diff.tar";
const OCI_TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// The time of every file in a layer: 2024-05-06T07:08:09Z.
pub(super) const MTIME: u64 = 1_714_979_289;

/// How a layer's blob is made of its tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// The tar itself.
    None,
    /// gzip.
    Gzip,
    /// A zstd frame of raw blocks: any zstd reader takes it, and it is made without an encoder.
    Zstd,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What the manifest names.
    pub blob: Content,
    /// The tar.
    pub tar: Vec<u8>,
    /// The digest of the tar.
    pub diff_id: String,
}

impl Layer {
    /// Compresses the tar. Docker has no media type for zstd, so there it panics.
    pub fn new(tar: Vec<u8>, compression: Compression, format: Format) -> Self {
        let media_type = match (format, compression) {
            (Format::Docker, Compression::Gzip) => DOCKER_GZIP.to_owned(),
            (Format::Docker, Compression::None) => DOCKER_TAR.to_owned(),
            (Format::Docker, Compression::Zstd) => panic!("docker's format has no media type for zstd"),
            (Format::Oci, Compression::None) => OCI_TAR.to_owned(),
            (Format::Oci, Compression::Gzip) => format!("{OCI_TAR}+gzip"),
            (Format::Oci, Compression::Zstd) => format!("{OCI_TAR}+zstd"),
        };
        let bytes = match compression {
            Compression::None => tar.clone(),
            Compression::Gzip => gzip(&tar),
            Compression::Zstd => zstd(&tar),
        };
        Self {
            blob: Content::new(media_type, bytes),
            diff_id: sha256(&tar),
            tar,
        }
    }

    /// A blob that is no tar, as artifacts have them.
    pub(super) fn plain(blob: Content) -> Self {
        Self {
            tar: blob.bytes.clone(),
            diff_id: blob.digest.clone(),
            blob,
        }
    }
}

/// A layer's tar: a directory of its own with a random file, a text, a symbolic link, a hard link and, above the base,
/// a whiteout of the text in the layer below.
pub(super) fn tar(number: usize, random_bytes: usize, random: &mut Random) -> Vec<u8> {
    let mut noise = vec![0; random_bytes];
    random.fill(&mut noise);
    let mut tar = tar::Builder::new(Vec::new());
    let mut append = |kind: EntryType, name: &str, link: &str, content: &[u8]| {
        let mut header = header(kind, content.len() as u64);
        if kind.is_symlink() || kind.is_hard_link() {
            tar.append_link(&mut header, name, link)
                .expect("a vector takes every link");
        } else {
            tar.append_data(&mut header, name, content)
                .expect("a vector takes every file");
        }
    };
    let dir = format!("layer-{number}");
    append(EntryType::Directory, &format!("{dir}/"), "", b"");
    append(EntryType::Regular, &format!("{dir}/noise"), "", &noise);
    append(
        EntryType::Regular,
        &format!("{dir}/text"),
        "",
        format!("layer {number}\n").repeat(100).as_bytes(),
    );
    append(EntryType::Symlink, &format!("{dir}/symlink"), "noise", b"");
    append(
        EntryType::Link,
        &format!("{dir}/hardlink"),
        &format!("{dir}/noise"),
        b"",
    );
    if let Some(below) = number.checked_sub(1) {
        append(EntryType::Regular, &format!("layer-{below}/.wh.text"), "", b"");
    }
    tar.into_inner().expect("a vector takes the end of a tar")
}

/// A tar header with fixed owner, mode and time; name and checksum are left to the caller.
pub(super) fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(MTIME);
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector takes every byte");
    encoder.finish().expect("a vector takes every byte")
}

/// RFC 8878: magic number, a frame header with an eight-byte content size and one segment, then raw blocks.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    const LONGEST_BLOCK: usize = 1 << 17;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1110_0000];
    frame.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    let mut blocks = bytes.chunks(LONGEST_BLOCK).peekable();
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let size = u32::try_from(block.len()).expect("a block is short");
        frame.extend_from_slice(&(size << 3 | last).to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_tar_holds_what_a_layer_can_hold() {
        let bytes = tar(1, 1000, &mut Random::new(1));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (
                    entry.path().unwrap().display().to_string(),
                    entry.header().entry_type(),
                    entry.size(),
                )
            })
            .collect();
        assert_eq!(entries.len(), 6);
        assert_eq!(entries[1], ("layer-1/noise".to_owned(), EntryType::Regular, 1000));
        assert_eq!(entries[5], ("layer-0/.wh.text".to_owned(), EntryType::Regular, 0));
    }

    #[test]
    fn gzip_gives_the_tar_back() {
        let layer = Layer::new(tar(0, 1000, &mut Random::new(1)), Compression::Gzip, Format::Docker);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(layer.blob.bytes.as_slice())
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, layer.tar);
    }
}
